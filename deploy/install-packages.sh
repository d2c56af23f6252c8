#!/bin/sh
# Installs those of the named Debian packages that are missing; asks for rights (sudo) only when there is something to do.
set -eu

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "Not a Debian system: make sure that you have what these packages hold: $*" >&2
  exit 0
fi

missing=
for package in "$@"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "Missing packages, and no sudo here. As root: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "Installing$missing" >&2
$as_root apt-get -qq update
# shellcheck disable=SC2086 # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
