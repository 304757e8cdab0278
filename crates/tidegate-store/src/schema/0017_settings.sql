-- Configuration set at run time, secrets (encrypted) and parameters, each by its versions.

CREATE TABLE config_versions (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, version)
) STRICT;

-- An environment of '' stands for all of the app's that have none of their own.
CREATE TABLE secret_versions (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, name, version)
) STRICT;

CREATE TABLE parameter_versions (
    path    TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (path, version)
) STRICT;

CREATE TABLE parameter_labels (
    path  TEXT NOT NULL,
    label TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (path, label)
) STRICT;
