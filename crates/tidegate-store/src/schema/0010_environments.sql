-- What is kept of environments besides what runs in them: the rules in force, the branch one was made for, that one goes.

CREATE TABLE environments (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    preview     INTEGER NOT NULL,
    leaving     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment)
) STRICT;
CREATE INDEX environments_preview ON environments (app, environment) WHERE preview = 1;
CREATE INDEX environments_leaving ON environments (app, environment) WHERE leaving = 1;
