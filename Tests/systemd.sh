#!/bin/bash
# Boots a systemd of its own as process 1 of namespaces of its own, with our units and our binary, and has it do what systemd
# does: start, reload, restart, watch, stop. Nothing outside of the namespaces is touched, and nothing is left, even after
# kill -9: whatever runs is in a control group of its own, which a guard kills and removes when this script is gone.
#
# usage: Tests/systemd.sh BINARY [PACKAGE]
#
# With a Debian package, that is installed there, upgraded and removed, and nothing else is tried.
#
# Where it cannot be done (no root, no namespaces, no systemd 252), it says so, and verifies the units without.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
units=$here/../deploy/systemd
binary=$(realpath "${1:?usage: $0 BINARY [PACKAGE]}")
package=${2:+$(realpath "$2")}

# Verifies the units as far as systemd can without running.
offline() {
  echo "systemd.sh: cannot boot a systemd here: $1; the units are verified without"
  command -v systemd-analyze >/dev/null || { echo "systemd.sh: no systemd-analyze either: install systemd"; exit 69; }
  "$here/systemd/verify.sh" "$units" "$binary"
  exit 0
}

if [ "$(id -u)" -ne 0 ]; then offline "not root"; fi
[ -x /lib/systemd/systemd ] || offline "no /lib/systemd/systemd"
[ "${MULTIHOMED_STAGE:-outside}" = inside ] || "$here/systemd/verify.sh" "$units" "$binary"
case ${MULTIHOMED_STAGE:=outside} in
outside)
  # A mount namespace first, so that not even our view of the control groups is seen elsewhere.
  unshare --mount true 2>/dev/null || offline "no mount namespaces"
  MULTIHOMED_STAGE=inside exec unshare --mount --propagation private "$BASH" "$here/systemd.sh" "$binary" ${package:+"$package"}
  ;;
esac

enclose="unshare --pid --net --ipc --uts --cgroup --mount --propagation private --fork --kill-child --mount-proc"
# Tried first, so that a refusal here is not taken for a fault of what follows.
reason=$($enclose sh -c 'mount -t tmpfs tmpfs /run && mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>&1) ||
  offline "no namespaces or control groups ($reason)"

work=$(mktemp -d)
group=multihomed-test-$$
mkdir "$work/groups"
mount -t cgroup2 cgroup2 "$work/groups"
mkdir "$work/groups/$group"

# Removes everything; run by a process that outlives this one, whatever ends it.
clean() {
  local end=$((SECONDS + 20))
  echo 1 >"$work/groups/$group/cgroup.kill" 2>/dev/null ||
    find "$work/groups/$group" -name cgroup.procs -exec sh -c 'cat "$@" | xargs -r kill -KILL' kill {} +
  while grep -q "populated 1" "$work/groups/$group/cgroup.events" && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
  find "$work/groups/$group" -depth -type d -exec rmdir {} + || true
  umount "$work/groups" && rm -rf --one-file-system "$work"
}
exec {alive}> >(
  trap '' INT TERM HUP
  # Ends when the last writer does: this script.
  cat >/dev/null
  clean
)
guard=$!

finish() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    echo "systemd.sh: failed; the end of the journal:"
    inside journalctl --no-pager -n 60 || true
  fi
  exec {alive}>&-
  wait "$guard" || true
  if [ -e "$work" ]; then
    echo "systemd.sh: left behind: $work"
    status=1
  fi
  exit "$status"
}
trap finish EXIT

# ---- The boot ------------------------------------------------------------------------------------------------------

mkdir "$work/stage" "$work/layer"
cp "$binary" "$work/stage/multihomed"
cp -r "$units" "$work/stage/units"
cp "$here/systemd/common.sh" "$here/systemd/checks.sh" "$here/systemd/package.sh" "$here/systemd/steady.py" "$work/stage"
checks=checks.sh
if [ -n "$package" ]; then
  cp "$package" "$work/stage/package.deb"
  checks=package.sh
fi
(
  exec {alive}>&-
  echo "$BASHPID" >"$work/groups/$group/cgroup.procs"
  # shellcheck disable=SC2086 # several words
  exec $enclose sh "$here/systemd/boot.sh" "$work/stage" >"$work/boot.log" 2>&1 </dev/null
) &
unshare=$!

# Runs something beside that systemd.
inside() {
  local process
  process=$(cut -d" " -f1 "/proc/$unshare/task/$unshare/children")
  nsenter --target "$process" --mount --net --ipc --uts --pid --cgroup -- \
    env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" {alive}>&-
}

for _ in $(seq 300); do
  kill -0 "$unshare" 2>/dev/null || break
  if inside systemctl is-active --quiet multihomed-test.target 2>/dev/null; then break; fi
  sleep 0.1
done
if ! inside systemctl is-active --quiet multihomed-test.target; then
  echo "systemd.sh: it does not come up:"
  cat "$work/boot.log"
  exit 1
fi
echo "systemd.sh: $(inside systemctl --version | sed -n 1p) is process 1"
inside bash "/mnt/stage/$checks"
echo "systemd.sh: all is well"
