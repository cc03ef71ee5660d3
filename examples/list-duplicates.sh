#!/bin/sh
# How much room the redundant images of a folder take.  sh examples/list-duplicates.sh FOLDER [THRESHOLD]
set -eu
augnet dedupe "$1" --threshold "${2:-0.05}" --quiet --format paths -0 | xargs -0 -r du -ch -- | tail -n 1
