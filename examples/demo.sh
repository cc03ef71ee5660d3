#!/bin/sh
# The main job: from a folder of photos to its duplicates.  sh examples/demo.sh [FOLDER]
set -eu
folder=${1:-}
case $folder in
  "~") folder=$HOME ;;
  "~/"*) folder=$HOME/${folder#"~/"} ;;
esac
if [ -z "$folder" ]; then
  folder=demo-photos
  rm -rf "$folder"
  python "$(dirname "$0")/make_photos.py" "$folder"
  query=$folder/from-a-friend/china-crop.jpg
fi

printf '$ augnet dedupe %s\n' "$folder"
augnet dedupe "$folder"
if [ -n "${query:-}" ]; then
  echo
  echo "\$ augnet query $query --k 3"
  augnet query "$query" --k 3
fi
