-- Runs of pipelines: commits on their way into environments.

CREATE TABLE pipeline_runs (
    number      INTEGER NOT NULL PRIMARY KEY,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    build       TEXT NOT NULL,
    open        INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX pipeline_runs_open ON pipeline_runs (number) WHERE open = 1;
CREATE INDEX pipeline_runs_place ON pipeline_runs (app, environment, number);
CREATE INDEX pipeline_runs_build ON pipeline_runs (build);
