#!/bin/sh
# Link the images most like one image into a folder.  sh examples/look-alikes.sh IMAGE FOLDER TARGET
set -eu
mkdir -p "$3"
augnet query "$1" --in "$2" --k 5 --quiet --format paths -0 | xargs -0 -r realpath -z -- | xargs -0 -r ln -sf -t "$3" --
