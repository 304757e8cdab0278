-- What is judged of a rollout: the state of its judgement, and the counts it was made of, window by window.

CREATE TABLE judgements (
    rollout INTEGER PRIMARY KEY REFERENCES rollouts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    body    TEXT NOT NULL
) STRICT;

CREATE TABLE windows (
    rollout INTEGER NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    place   INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (rollout, place)
) STRICT, WITHOUT ROWID;

-- What a service's stable revision answered, by the minute: for judging a policy by the past.
CREATE TABLE traffic (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    service     TEXT NOT NULL,
    minute      INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, service, minute),
    FOREIGN KEY (app, environment, service) REFERENCES services ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
