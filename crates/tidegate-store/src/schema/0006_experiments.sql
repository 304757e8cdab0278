-- Experiments on flags. Of their users a keyed digest is kept, and what they did until their time is over; all of that goes
-- when the experiment ends, and the sums in its body stay.

CREATE TABLE experiments (
    id          INTEGER PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    flag        TEXT NOT NULL,
    running     INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX experiments_by_flag ON experiments (app, environment, flag, id);
CREATE UNIQUE INDEX experiments_running ON experiments (app, environment, flag) WHERE running = 1;

-- `due`: the moment their time is over; NULL once they are counted or left out.
CREATE TABLE experiment_users (
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    user       BLOB NOT NULL,
    due        INTEGER,
    body       TEXT NOT NULL,
    PRIMARY KEY (experiment, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX experiment_users_due ON experiment_users (experiment, due) WHERE due IS NOT NULL;

-- `event` tells one event of a user from another, so that none counts twice.
CREATE TABLE experiment_measures (
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    user       BLOB NOT NULL,
    event      BLOB NOT NULL,
    metric     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    value      REAL NOT NULL,
    received   INTEGER NOT NULL,
    PRIMARY KEY (experiment, user, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX experiment_measures_received ON experiment_measures (experiment, received);
