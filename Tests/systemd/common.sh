# What the checks under a real systemd have in common; read by them.
# shellcheck shell=bash

say() { echo "systemd.sh: $*"; }
fail() {
  say "FAILED: $*"
  systemctl status --no-pager --full "multihomed*" || true
  exit 1
}

# Waits until a command succeeds, 20 seconds at most.
eventually() {
  local what=$1 end=$((SECONDS + 20))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "$what: not within 20 s"
    sleep 0.1
  done
}

property() { systemctl show --value --property "$2" "$1"; }
is() { [ "$(property "$1" "$2")" = "$3" ]; }
is_another_process() { [ "$(property "$1" MainPID)" != "$2" ] && is "$1" ActiveState active; }

# Relays with the built-in echo behind them: a name and a port, and again.
relay() { printf '[[relay]]\nname = "%s"\nlisten = ["%s"]\nbackend = "echo"\n' "$@"; }
