#!/bin/sh
# Puts the table of real services, the doctor's verdict beside what a client sees, between the markers .\" truth and
# .\" /truth of the manual page, as measured now by DoctorTruthTests.
#
# usage: Tests/update-truth-table.sh BINARY [PAGE]      (after `swift build --build-tests` as in the Makefile)
#
# The Markdown table is left in .build-test/truth-table.md.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
binary=$(realpath "${1:?usage: $0 BINARY [PAGE]}")
page=${2:-$here/deploy/man/multihomed-doctor.8}

for marker in '.\" truth' '.\" /truth'; do
  [ "$(grep -cxF -e "$marker" "$page")" = 1 ] || {
    echo "$0: $page needs exactly one line that is $marker" >&2
    exit 1
  }
done

# A comparison that fails ends the script here and leaves the page as it is.
table=$here/.build-test/truth-table.md
rm -f "$table"
cd "$here"
MULTIHOMED_TRUTH_TABLE=$table MULTIHOMED_BINARY=$binary Tests/sandbox.sh \
  "${SWIFT:-swift}" test -c release --scratch-path .build-test --skip-build --filter DoctorTruthTests >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# tbl(1): a text block for each column that may be too wide.
{
  printf '.TS\nlw(18n) lw(11n) lw(20n) l l.\nSERVICE\tBOUND TO\tDOCTOR\tIPv4\tIPv6\n'
  awk -F ' *[|] *' '
    NR > 2 {
      gsub(/\\/, "\\e")
      gsub(/-/, "\\-")
      sub(/ address$/, "", $6)
      sub(/ address$/, "", $7)
      sub(/^not .*/, "none", $6)
      sub(/^not .*/, "none", $7)
      if ($4 == "") $4 = "nothing"
      else if ($4 !~ /::|^0\.0\.0\.0|^each/) $4 = "one address"
      printf "T{\n%s\nT}\tT{\n%s\nT}\tT{\n%s\nT}\t%s\t%s\n", $2, $4, $5, $6, $7
    }
  ' "$table"
  printf '.TE\n'
} >"$work/block"

awk -v block="$work/block" '
  $0 == ".\\\" /truth" { inside = 0 }
  !inside { print }
  $0 == ".\\\" truth" { inside = 1; while ((getline line < block) > 0) print line }
' "$page" >"$work/page"
cat "$work/page" >"$page"
