-- Repositories at Git hosts that apps follow, and the webhooks that came of them.

CREATE TABLE git_sources (
    app  TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE git_deliveries (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL,
    id  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX git_deliveries_id ON git_deliveries (app, id);
