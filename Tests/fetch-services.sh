#!/bin/sh
# Gets real UDP services of Debian, and the libraries that they need beside the system's, without installing anything: an
# installed service would be started, another one replaced, files of /etc written. They are unpacked below a folder and
# run from there (see Tests/Support/Services).
#
# usage: Tests/fetch-services.sh [FOLDER [PACKAGE...]]     (.build-services beside the sources, and the services below)
#
# Needs no root. Changes nothing outside of the folder, and does nothing when everything is there. A Debian that cannot
# get them all is an error; elsewhere the tests of what is missing say so.
set -eu

folder=${1:-$(dirname "$0")/../.build-services}
[ $# -eq 0 ] || shift

# The services, and programs that ask them; and who reads our metrics.
packages="netcat-openbsd socat xinetd
  dnsmasq-base unbound bind9 bind9-dnsutils nsd knot pdns-server pdns-backend-bind
  snmpd snmp freeradius freeradius-utils chrony tftpd-hpa tftp-hpa iperf3
  openvpn openssl coturn kamailio libcoap3-bin memcached xl2tpd
  teeworlds-server
  prometheus"
# Not to be installed beside one of those, as far as apt is concerned.
rivals="ntpsec atftpd"
if [ $# -gt 0 ]; then
  packages=$*
  rivals=
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "fetch-services.sh: not a Debian system: the tests of real services will be skipped." >&2
  exit 0
fi

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
exec 9>"$folder/lock"
if command -v flock >/dev/null; then flock 9; fi

# What was fetched for another release or list is of no use.
system=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-}")
wanted=$(echo "$system" "$(dpkg --print-architecture)" $packages $rivals)
if [ "$(cat "$folder/complete" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

# apt with state and cache of its own. The hooks that the system hangs on apt would touch the system's.
state=$folder/apt
mkdir -p "$state/lists/partial" "$state/archives/partial"
cat >"$state/apt.conf" <<END
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$state";
Dir::Cache::archives "$state/archives";
Dir::Log "$state";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Retries "3";
Debug::NoLocking "true";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
END

quietly() {
  "$@" >"$state/log" 2>&1 </dev/null || {
    cat "$state/update" "$state/log" >&2
    echo "fetch-services.sh: $1 failed; $folder/apt can be removed to begin anew." >&2
    exit 1
  }
}

# The named packages anew although they may be installed, and what of their dependencies is not.
download() {
  quietly apt-get -c "$state/apt.conf" -y --download-only --reinstall install "$@"
}

echo "Fetching programs to test with, into $folder" >&2
# A source that cannot be reached matters only when something is missing afterwards.
apt-get -c "$state/apt.conf" -qq update >"$state/update" 2>&1 </dev/null || true

known=
for package in $packages $rivals; do
  case $system in
  "debian "*) ;;
  *) apt-cache -c "$state/apt.conf" show "$package" >/dev/null 2>&1 || {
    echo "fetch-services.sh: no package $package here: its tests will be skipped." >&2
    continue
  } ;;
  esac
  known="$known $package"
done
together=
for package in $known; do
  case " $rivals " in
  *" $package "*) download "$package" ;;
  *) together="$together $package" ;;
  esac
done
# shellcheck disable=SC2086 # one word a package
download $together

rm -rf "$folder/root.new" "$folder/root"
mkdir "$folder/root.new"
for archive in "$state"/archives/*.deb; do quietly dpkg-deb -x "$archive" "$folder/root.new"; done
mv "$folder/root.new" "$folder/root"
rm -rf "$state"
echo "$wanted" >"$folder/complete"
