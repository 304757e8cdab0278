#!/bin/sh
# The migration of the example: does nothing, or fails half-way where BEHAVIOUR says so.
set -eu
echo "migrate: step 1 of 2: add column orders.total"
if [ "${BEHAVIOUR:-good}" = fails-migration ]; then
    echo "migrate: error: step 2 of 2: column \"total\" of relation \"orders\" already exists" >&2
    exit 4
fi
echo "migrate: step 2 of 2: fill column orders.total"
