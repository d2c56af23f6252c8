#!/bin/sh
# Gets what the tests of deploy/ check with and what nobody wants installed: promtool and keepalived of Debian, unpacked,
# and Python packages.
#
# usage: deploy/tests/fetch-programs.sh FOLDER
set -eu

folder=$1
here=$(dirname "$0")
"$here/../../Tests/fetch-services.sh" "$folder" prometheus keepalived

# A folder of another list, or of another Python, is of no use.
wanted=$(python3 --version && cat "$here/requirements.txt")
if [ "$(cat "$folder/python/complete" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -rf "$folder/python"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder/python" \
  --requirement "$here/requirements.txt"
echo "$wanted" >"$folder/python/complete"
