-- What is made of a guarded release so far: goes on where it was after a restart.

CREATE TABLE flag_guards (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    flag        TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, flag)
) STRICT;
