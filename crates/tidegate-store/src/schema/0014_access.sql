-- Who has which role where, and what users wrote of policies: versions of the whole set.

CREATE TABLE role_bindings (
    holder TEXT NOT NULL,
    role   TEXT NOT NULL,
    place  TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (holder, role, place)
) STRICT;

CREATE TABLE policy_versions (
    version INTEGER PRIMARY KEY,
    body    TEXT NOT NULL
) STRICT;
