#!/bin/sh
# Puts what `multihomed demo` prints between the markers <!-- demo --> and <!-- /demo --> of the README.
#
# usage: Tests/update-transcript.sh BINARY [README]
set -eu

binary=${1:?usage: $0 BINARY [README]}
readme=${2:-$(dirname "$0")/../README.md}

for marker in '<!-- demo -->' '<!-- /demo -->'; do
  [ "$(grep -cxF -e "$marker" "$readme")" = 1 ] || {
    echo "$0: $readme needs exactly one line that is $marker" >&2
    exit 1
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A demo that does not go as told ends the script here and leaves the README as it is.
"$binary" demo >"$work/output"
{
  echo '```console'
  echo '$ multihomed demo'
  cat "$work/output"
  echo '```'
} >"$work/block"

awk -v block="$work/block" '
  $0 == "<!-- /demo -->" { inside = 0 }
  !inside { print }
  $0 == "<!-- demo -->" { inside = 1; while ((getline line < block) > 0) print line }
' "$readme" >"$work/readme"
cat "$work/readme" >"$readme"
