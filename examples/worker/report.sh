#!/bin/sh
# What the job of the manifest runs: a line about the queue, as if it were counted.
echo "report on the queue ${QUEUE:-none} by $TIDEGATE_INSTANCE"
