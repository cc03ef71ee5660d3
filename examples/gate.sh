#!/bin/sh
# A gate for CI: fails if a folder holds duplicates.  sh examples/gate.sh FOLDER
set -eu
status=0
augnet dedupe "${1:?usage: gate.sh FOLDER}" --quiet --fail-on-found --format csv || status=$?
if [ "$status" -eq 11 ]; then
  echo "duplicates found in $1" >&2
fi
exit "$status"
