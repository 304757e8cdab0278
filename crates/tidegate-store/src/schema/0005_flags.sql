-- Feature flags: what Git says of them, what is served of them, every release there ever was, and who may ask for them.

CREATE TABLE flag_definitions (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment)
) STRICT;

CREATE TABLE flag_states (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    flag        TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, flag)
) STRICT;

-- Kept for ever: no statement of this program changes or removes a row.
CREATE TABLE releases (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    flag        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, flag, version)
) STRICT;

-- Digests of keys, never the keys themselves.
CREATE TABLE flag_keys (
    id          TEXT PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    digest      TEXT NOT NULL UNIQUE,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX flag_keys_by_environment ON flag_keys (app, environment);

-- The keys of the flags that a build's source mentions.
CREATE TABLE build_flags (
    build TEXT PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body  TEXT NOT NULL
) STRICT;
