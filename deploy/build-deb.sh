#!/bin/sh
# Makes the Debian package of a program that is built: lays its files beside deploy/debian and has debhelper pack them.
#
# usage: deploy/build-deb.sh BINARY FOLDER     the package is then FOLDER/multihomed_VERSION_ARCHITECTURE.deb
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 BINARY FOLDER" >&2
  exit 64
fi
deploy=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
folder=$2

# Only this package's: the folder is whoever calls' choice.
rm -rf "$folder/source"
mkdir -p "$folder/source/units" "$folder/source/man" "$folder/source/completions" "$folder/source/examples"
rm -f "$folder"/multihomed_*
cd "$folder/source"

cp -R "$deploy/debian" debian
cp "$deploy/logrotate/multihomed" debian/multihomed.logrotate
cp "$binary" multihomed
cp "$deploy"/man/*.[1-9] man
cp "$deploy/debian/multihomed.toml" "$deploy/sysctl/10-multihomed.conf" "$deploy/OPERATIONS.md" .
cp "$deploy/multihomed.toml" examples
cp "$deploy/prometheus/alerts.yaml" "$deploy/grafana/multihomed.json" "$deploy/keepalived/keepalived.conf" examples
for unit in "$deploy"/systemd/*.*; do
  case $unit in
  # To be filled in by whoever wants it.
  *.socket) cp "$unit" examples ;;
  *.service | *.target | *.timer) cp "$unit" units ;;
  esac
done
rmdir units 2>/dev/null && sed -i '/^units/d' debian/multihomed.install

"$binary" --generate-completion-script bash | sed "1{/^#!/d}" >completions/multihomed
"$binary" --generate-completion-script zsh >completions/_multihomed
"$binary" --generate-completion-script fish >completions/multihomed.fish

# Signing is for whoever publishes it.
dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps >../log 2>&1 || {
  cat ../log >&2
  exit 1
}
ls -1 "$(cd .. && pwd)"/multihomed_*.deb
