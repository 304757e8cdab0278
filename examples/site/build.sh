#!/bin/sh
# Puts the pages together: what a site generator would do.
set -eu
mkdir -p dist
for page in pages/*.html; do
    cat layout/head.html "$page" layout/foot.html > "dist/$(basename "$page")"
done
cp VERSION dist/version.txt
