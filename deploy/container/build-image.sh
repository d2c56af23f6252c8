#!/bin/sh
# Makes a container image of a program that is built, without an engine.
#
# usage: deploy/container/build-image.sh BINARY FOLDER     the image is then FOLDER/multihomed.tar, its files FOLDER/rootfs
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 BINARY FOLDER" >&2
  exit 64
fi
here=$(dirname "$0")
folder=$2
mkdir -p "$folder"
rm -rf "$folder/rootfs" "$folder/multihomed.tar"
"$here/rootfs.sh" "$1" "$folder/rootfs"
"$here/pack-image.py" "$here/Containerfile" "$folder/rootfs" "$folder/multihomed.tar" "multihomed:$("$1" --version)"
ls -l "$folder/multihomed.tar"
