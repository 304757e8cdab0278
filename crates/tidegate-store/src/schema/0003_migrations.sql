-- Where an environment stands with its migrations: what was expanded, what waits to be contracted, what is one-way.

CREATE TABLE migration_states (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment)
) STRICT;
