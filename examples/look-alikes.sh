#!/bin/sh
# Link the images most like one image into a folder (GNU tools).  sh examples/look-alikes.sh IMAGE FOLDER TARGET
set -eu
usage='usage: look-alikes.sh IMAGE FOLDER TARGET'
image=${1:?$usage} folder=${2:?$usage} target=${3:?$usage}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
augnet query "$image" --in "$folder" --k 5 --quiet --format paths -0 >"$list"
mkdir -p "$target"
# Hits of one name from different folders get numbers.
xargs -0 -r realpath -z -- <"$list" | xargs -0 -r ln -s --backup=numbered -t "$target" --
