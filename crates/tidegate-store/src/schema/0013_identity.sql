-- Who is known, and digests of what lets them in: never the texts themselves.

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE access_tokens (
    id     TEXT NOT NULL PRIMARY KEY,
    owner  TEXT,
    digest TEXT NOT NULL UNIQUE,
    body   TEXT NOT NULL
) STRICT;
CREATE INDEX access_tokens_by_owner ON access_tokens (owner);

CREATE TABLE access_sessions (
    id     TEXT NOT NULL PRIMARY KEY,
    owner  TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    body   TEXT NOT NULL
) STRICT;
CREATE INDEX access_sessions_by_owner ON access_sessions (owner);

-- Codes that are good once. No owner: the first administrator's.
CREATE TABLE access_codes (
    digest TEXT NOT NULL PRIMARY KEY,
    owner  TEXT,
    body   TEXT NOT NULL
) STRICT;
