-- `body` is the core type of that name as JSON; the other columns repeat what rows are looked up by.
-- References are checked when a transaction ends, so the order of writes inside it does not matter.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE builds (
    id   TEXT PRIMARY KEY,
    app  TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE revisions (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    number      INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    build       TEXT NOT NULL REFERENCES builds (id) DEFERRABLE INITIALLY DEFERRED,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, number),
    UNIQUE (app, environment, digest)
) STRICT;
CREATE INDEX revisions_by_build ON revisions (build);

CREATE TABLE services (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, service)
) STRICT;

CREATE TABLE rollouts (
    id          INTEGER PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    active      INTEGER NOT NULL,
    body        TEXT NOT NULL,
    FOREIGN KEY (app, environment, service) REFERENCES services DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX rollouts_by_service ON rollouts (app, environment, service, id);
CREATE INDEX rollouts_active ON rollouts (id) WHERE active = 1;

CREATE TABLE instances (
    at          INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    body        TEXT NOT NULL,
    FOREIGN KEY (app, environment, service) REFERENCES services DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX instances_by_service ON instances (app, environment, service, at);

CREATE TABLE deploys (
    id          INTEGER PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    build       TEXT NOT NULL REFERENCES builds (id) DEFERRABLE INITIALLY DEFERRED,
    open        INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX deploys_by_environment ON deploys (app, environment, id);
CREATE INDEX deploys_by_build ON deploys (build);
CREATE INDEX deploys_open ON deploys (id) WHERE open = 1;

CREATE TABLE jobs (
    at    INTEGER PRIMARY KEY,
    id    TEXT NOT NULL UNIQUE,
    build TEXT NOT NULL REFERENCES builds (id) DEFERRABLE INITIALLY DEFERRED,
    body  TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_build ON jobs (build);

-- AUTOINCREMENT: a number is never given twice, not even after its row is gone.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    unix_ms     INTEGER NOT NULL,
    app         TEXT,
    environment TEXT,
    service     TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_service ON events (app, environment, service, seq);

CREATE TABLE outbox (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE routing (
    only  INTEGER PRIMARY KEY CHECK (only = 0),
    epoch INTEGER NOT NULL,
    body  TEXT NOT NULL
) STRICT;
