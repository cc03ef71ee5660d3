#!/bin/sh
# How much room the redundant images of a folder take.  sh examples/list-duplicates.sh FOLDER
set -eu
folder=${1:?usage: list-duplicates.sh FOLDER}
# Into a file, not a pipe: a pipe would hide that augnet failed.
list=$(mktemp)
trap 'rm -f "$list"' EXIT
augnet dedupe "$folder" --quiet --format paths -0 >"$list"
xargs -0 -r du -ch -- <"$list" | tail -n 1
