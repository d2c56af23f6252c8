#!/bin/sh
# Verifies the units without running them: verify.sh FOLDER BINARY
#
# Fails when systemd finds anything wrong with them, or more exposure than is allowed.
set -eu
folder=$1 binary=$2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

for unit in "$folder"/*.service "$folder"/*.socket; do
  # A template is verified as one of its instances.
  name=$(basename "$unit" | sed 's/@\./@5353./')
  sed "s|/usr/bin/multihomed|$binary|" "$unit" >"$copy/$name"
done
for unit in "$copy"/*; do
  found=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "$(basename "$unit")" || true)
  [ -z "$found" ] || { echo "$found" && exit 1; }
done

# Most exposure that a unit may have.
limit() { case $1 in multihomed-adopt*) echo 3.4 ;; *) echo 2.0 ;; esac; }

for unit in "$folder"/*.service; do
  name=$(basename "$unit")
  score=$(systemd-analyze security --offline=true "$unit" 2>/dev/null | sed -n 's/^.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
  [ -n "$score" ] || { echo "$name: systemd-analyze tells no exposure" && exit 1; }
  echo "$name: exposure $score, at most $(limit "$name")"
  [ "$(echo "$score $(limit "$name")" | awk '{ print ($1 <= $2) }')" = 1 ] || exit 1
done
