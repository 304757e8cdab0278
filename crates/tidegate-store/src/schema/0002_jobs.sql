-- Jobs on a schedule, and their runs. The table `jobs` holds processes that run to completion, those of runs among them.

CREATE TABLE job_states (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    job         TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, job)
) STRICT;

CREATE TABLE job_runs (
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    job         TEXT NOT NULL,
    number      INTEGER NOT NULL,
    open        INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app, environment, job, number),
    FOREIGN KEY (app, environment, job) REFERENCES job_states ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX job_runs_open ON job_runs (app, environment, job) WHERE open = 1;
