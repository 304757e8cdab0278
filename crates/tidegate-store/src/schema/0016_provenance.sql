-- What was signed about builds, which of them are not any more what was signed, and which of these are let in all the same.

CREATE TABLE attestations (
    build TEXT NOT NULL PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body  TEXT NOT NULL
) STRICT;
CREATE TABLE altered_builds (
    build TEXT NOT NULL PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body  TEXT NOT NULL
) STRICT;
CREATE TABLE admitted_builds (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    build       TEXT NOT NULL REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, build)
) STRICT;
