#!/bin/sh
# Runs once for each rollout, before the candidate starts to work. Running it twice does no harm.
set -eu
echo "migrate: queue ${QUEUE:-dev} has its tables"
