#!/bin/sh
# Runs a command where it can lay networks, and where nothing that it leaves behind outlives it: in network, mount and
# process namespaces of its own, as root of a user namespace when it is not root already. Everything vanishes with the
# command, even after kill -9.
#
# usage: Tests/sandbox.sh COMMAND [ARGUMENT...]
#
# Exit status: the command's; 69 when this host allows no such namespaces.
set -eu

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 64
fi

unavailable() {
  echo "sandbox.sh: $1" >&2
  exit 69
}

command -v unshare >/dev/null || unavailable "unshare is missing: install util-linux."
command -v ip >/dev/null || PATH=$PATH:/usr/sbin:/sbin
command -v ip >/dev/null || unavailable "ip is missing: install iproute2."
export PATH

# /run becomes an empty tmpfs, so that `ip netns` has a /run/netns of our own. Nothing of ours may lie there.
case $(pwd -P)/ in
/run/*) unavailable "cannot work in $(pwd -P): /run is hidden inside the sandbox. Use another folder." ;;
esac

# Inside we are root, whose home is another; the caches of the build are in ours.
HOME=${HOME:-/nonexistent}
[ -w "$HOME" ] || HOME=${TMPDIR:-/tmp}
export HOME
unset XDG_RUNTIME_DIR

user=
[ "$(id -u)" -eq 0 ] || user="--user --map-root-user"
enclose="unshare $user --net --mount --pid --fork --kill-child --mount-proc --"

# Tried first, so that a refusal here is not taken for one of the command's.
reason=$($enclose mount -t tmpfs tmpfs /run 2>&1) || {
  [ -z "$user" ] || unavailable "no network namespaces here: neither root nor user namespaces ($reason).
Run as root, or allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1,
kernel.apparmor_restrict_unprivileged_userns=0."
  unavailable "no network namespaces here, although we are root ($reason).
In a container, it takes the capability SYS_ADMIN and a seccomp profile that allows unshare and mount. In a plain chroot,
whose / is no mount point, it cannot be done: use a container, or pivot_root."
}

# The inner shell is process 1 and stays, since programs do not expect to be process 1: the kernel would keep signals
# from them that they do not handle.
exec $enclose sh -euc '
  mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
  mkdir /run/netns /run/lock
  ip link set lo up
  status=0
  "$@" || status=$?
  exit "$status"' sandbox "$@"
