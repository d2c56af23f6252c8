#!/bin/bash
# What must hold under a real systemd; run beside it by Tests/systemd.sh.
set -euo pipefail

# shellcheck source=Tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

# Whether a datagram from the client comes back from the address that it was sent to, within some seconds.
answers() { [ "$(echo hello | ip netns exec client nc -u -w "${3:-1}" "$1" "$2" 2>/dev/null)" = hello ]; }
answers_at_last() { eventually "an answer from $1:$2" answers "$@"; }

# No pipes into grep --quiet, which ends before all is written.
contains() { grep --quiet --fixed-strings -- "$2" <<<"$1"; }
journal() { journalctl --sync && journalctl --no-pager --output cat --unit "$@"; }
# Whether its status begins so.
says() { [[ "$(property $unit StatusText)" == "$1"* ]]; }
has_logged() { contains "$(journal "$1")" "$2"; }

# Gives a unit a drop-in of its own; nothing takes it away again.
drop_in() {
  mkdir -p "/run/systemd/system/$1.d"
  printf '%s\n' "[Service]" "${@:2}" >"/run/systemd/system/$1.d/test.conf"
  systemctl daemon-reload
}

contains_holder() { contains "$(ss --udp --listening --numeric --no-header)" 10.1.0.1:5678; }
is_tried_again() { [ "$(property $unit NRestarts)" -ge 2 ]; }


unit=multihomed.service
file=/etc/multihomed/multihomed.toml

# ---- Root's folder -------------------------------------------------------------------------------------------------

# A record of root's, in a folder that is made by a process that lets nobody else into its files.
program=/run/multihomed-bin/multihomed
if command -v nft >/dev/null; then
  (umask 077 && $program kernel apply 7777) || fail "no rule can be applied"
else
  mkdir /run/multihomed && echo "of root's" >/run/multihomed/record
fi
roots=$(ls -A /run/multihomed)
[ -n "$roots" ] || fail "root has nothing in /run/multihomed"

# ---- The start -----------------------------------------------------------------------------------------------------

echo 'listen = [5678]' >$file
began=$SECONDS
! systemctl start $unit 2>/dev/null || fail "it starts with a file that is wrong"
has_logged $unit "$file:1:1: " || fail "what is wrong with the file is not in the journal"
end=$((began + 90))
until is $unit ActiveState failed; do
  [ "$SECONDS" -lt "$end" ] || fail "with a file that is wrong it is $(property $unit ActiveState) after $((SECONDS - began)) s"
  sleep 0.2
done
[ "$(property $unit NRestarts)" -ge 10 ] || fail "it was tried $(property $unit NRestarts) times only"
contains "$(systemctl list-units --failed --plain --no-legend)" $unit || fail "that it has failed is not to be seen"
say "a file that is wrong is told in the journal, and after $((SECONDS - began)) s and $(property $unit NRestarts) tries the unit has failed"

systemctl reset-failed $unit
drop_in $unit "ExecStart=" "ExecStart=$program relay --no-such-option"
! systemctl start $unit 2>/dev/null || fail "it starts with a command line that is wrong"
eventually "its failure" is $unit ActiveState failed
is $unit NRestarts 0 || fail "a command line that is wrong is tried again"
rm "/run/systemd/system/$unit.d/test.conf"
systemctl daemon-reload
systemctl reset-failed $unit
say "a command line that is wrong is tried once"

relay game 10.1.0.1:5678 >$file
systemd-run --quiet --unit holder nc -lu 10.1.0.1 5678
eventually "who holds the port" contains_holder
! systemctl start $unit 2>/dev/null || fail "it starts although its port is held"
has_logged $unit "10.1.0.1:5678" || fail "which port is held is not in the journal"
eventually "another try" is_tried_again
systemctl stop holder
eventually "a start once the port is free" is $unit ActiveState active
answers_at_last 10.1.0.1 5678
say "a port that is held at first is served when it is free"

systemctl stop $unit
systemctl reset-failed $unit 2>/dev/null || true
relay game 5678 >$file
drop_in $unit UnsetEnvironment=NOTIFY_SOCKET TimeoutStartSec=3 Restart=no
! systemctl start $unit 2>/dev/null || fail "it is active without having said that it is ready"
is $unit Result timeout || fail "it has ended for another reason: $(property $unit Result)"
rm "/run/systemd/system/$unit.d/test.conf"
systemctl daemon-reload
systemctl reset-failed $unit
say "it is not active before it has said that it is ready"

systemctl start $unit
is $unit ActiveState active || fail "it is not active"
has_logged $unit "ready: " || fail "it is active before it serves"
answers_at_last 10.1.0.1 5678
user=$(ps -o uid= -p "$(property $unit MainPID)")
[ "$user" -ne 0 ] || fail "it runs as root"
eventually "its status" says "serving 2 addresses, "
[ -S /run/multihomed/multihomed/admin.sock ] || fail "it has no admin socket in its own folder"
eventually "an answer to status" "$program" status >/dev/null
say "it is active, relays a datagram, and says: $(property $unit StatusText)"

relay low 53 >/etc/multihomed/low.toml
systemctl start multihomed@low
answers_at_last 10.1.0.1 53
systemctl kill --kill-whom=main --signal=USR2 multihomed@low
eventually "the process that takes over" has_logged multihomed@low "took over from another process"
ip address add 10.1.0.7/16 dev eth0
eventually "the new address's answer on a port below 1024" answers 10.1.0.7 53
ip address delete 10.1.0.7/16 dev eth0
systemctl stop multihomed@low
say "a port below 1024 is served as user $user"

warnings=$(journal $unit --priority warning)
contains "$warnings" "echo backend is for trying only" || fail "a warning is not a warning in the journal"
! contains "$warnings" listening || fail "everything is a warning in the journal"
! contains "$(journal $unit)" "<4>" || fail "a priority stands in the journal's text"
contains "$(journal $unit --priority err)" "$file:1:1: " || fail "an error before the start is none in the journal"
say "the journal knows the priorities"

# ---- Reload --------------------------------------------------------------------------------------------------------

process=$(property $unit MainPID)
{ relay game 5678 && relay voice 5679; } >$file
systemctl reload $unit
answers_at_last 10.1.0.1 5679
answers_at_last 10.1.0.1 5678
echo nonsense >$file
systemctl reload $unit
eventually "the refusal" has_logged $unit "the configuration stays as it was"
answers_at_last 10.1.0.1 5679
eventually "active again" is $unit ActiveState active
is $unit MainPID "$process" || fail "it was restarted"
relay game 5678 >$file
systemctl reload $unit
say "reload changes the relays, and a file that is wrong changes nothing"

ip address add 10.1.0.9/16 dev eth0
answers_at_last 10.1.0.9 5678
eventually "its status" says "serving 3 addresses, "
ip address delete 10.1.0.9/16 dev eth0
say "an address that is added is served: netlink works under the hardening"

# ---- Restart -------------------------------------------------------------------------------------------------------

# Whether nothing is lost while something is done to the unit, and every session goes on.
loses_nothing() {
  local what=$1 log=/run/steady.log stop=/run/steady.stop clients
  shift
  rm -f $stop
  ip netns exec client python3 /mnt/stage/steady.py 10.1.0.1 5678 200 $stop >$log 2>&1 &
  clients=$!
  eventually "200 sessions" has_sessions
  for _ in 1 2 3; do
    process=$(property $unit MainPID)
    "$@" || fail "$what failed"
    eventually "a new process" is_another_process $unit "$process"
    eventually "200 sessions that go on" has_taken_over "$(property $unit MainPID)"
  done
  touch $stop
  wait $clients || fail "$what: $(cat $log)"
  say "$what, three times, with 200 sessions: $(cat $log)"
}
has_sessions() {
  systemctl kill --kill-whom=main --signal=USR1 $unit
  # A few are left from before.
  [[ "$(journal $unit --lines 2)" =~ \"sessions\":[2-9].., ]]
}
has_taken_over() { [[ "$(journal $unit)" =~ "took over from another process lost=0 pid=$1 sessions="[2-9].. ]]; }

relay game 5678 >$file
loses_nothing "systemctl restart" systemctl restart $unit
loses_nothing "SIGUSR2" systemctl kill --kill-whom=main --signal=USR2 $unit
[ "$(property $unit NFileDescriptorStore)" = 0 ] || fail "descriptors are left with systemd: $(property $unit NFileDescriptorStore)"
process=$(property $unit MainPID)

kill -KILL "$process"
eventually "a new process" is_another_process $unit "$process"
answers_at_last 10.1.0.1 5678
say "kill -9 is survived"

drop_in $unit WatchdogSec=4 TimeoutAbortSec=1
systemctl restart $unit
process=$(property $unit MainPID)
# It lives as long as it says so: longer than the watchdog waits.
sleep 9
is $unit MainPID "$process" || fail "the watchdog has ended a process that is well"
kill -STOP "$process"
eventually "a new process" is_another_process $unit "$process"
has_logged $unit "Watchdog timeout" || fail "it was not the watchdog"
answers_at_last 10.1.0.1 5678
say "a process that stands still is restarted by the watchdog"

# ---- Stop ----------------------------------------------------------------------------------------------------------

# Behind a service that never answers the client waits, and so does the end.
printf 'drain-limit = "4s"\n[[relay]]\nlisten = [5678]\nbackend = "127.0.0.1:9999"\n' >$file
systemd-run --quiet --unit silent nc -lu 127.0.0.1 9999
# Longer than systemd would wait by itself.
drop_in $unit TimeoutStopSec=1 Environment=MULTIHOMED_DESCRIPTOR_STORE=false
systemctl restart $unit
! answers 10.1.0.1 5678 || fail "the service that never answers has answered"
systemctl stop --no-block $unit
eventually "the drain" says "draining: 2 addresses, 1 session"
is $unit ActiveState deactivating || fail "it has ended before the drain: $(property $unit ActiveState)"
eventually "its end" is $unit ActiveState inactive
systemctl stop silent
is $unit Result success || fail "the stop is no success: $(property $unit Result)"
[ "$(ls -A /run/multihomed)" = "$roots" ] || fail "left in /run/multihomed: $(ls -A /run/multihomed)"
[ "$(stat --format "%U %a" /run/multihomed)" = "root 755" ] || fail "/run/multihomed has become $(stat --format "%U %a" /run/multihomed)"
say "what root has in /run/multihomed stays there, and stays root's"
say "stop drains where nothing is left with systemd, for longer than its own patience"

# ---- Socket activation ---------------------------------------------------------------------------------------------

relay game 5680 >/etc/multihomed/game.toml
sed -i -e 's/^ListenDatagram=192.0.2.1:5678/ListenDatagram=10.1.0.1:5680/' -e '/^ListenDatagram=.2001/d' \
  /etc/systemd/system/multihomed@.socket
systemctl daemon-reload
systemctl start multihomed@game.socket
is multihomed@game.service ActiveState inactive || fail "the service runs before it is asked"
answers 10.1.0.1 5680 5 || fail "the datagram that starts the service is not answered"
is multihomed@game.service ActiveState active || fail "the service does not run"
systemctl restart multihomed@game.service
answers_at_last 10.1.0.1 5680
systemctl stop multihomed@game.socket multihomed@game.service
say "a socket of systemd's is served, from the first datagram on"

# ---- Adoption ------------------------------------------------------------------------------------------------------

if command -v dnsmasq >/dev/null; then
  systemctl start --no-block multihomed-adopt@5353
  systemd-run --quiet --unit names dnsmasq --keep-in-foreground --conf-file=/dev/null --port=5353 --user=nobody \
    --address=/example.test/192.0.2.55
  eventually "the adoption" is multihomed-adopt@5353 ActiveState active
  [ "$(ip netns exec client dig +short +time=2 @10.1.0.1 -p 5353 example.test)" = 192.0.2.55 ] || fail "no answer of the adopted"
  contains "$(ss --udp --listening --numeric --no-header)" 10.1.0.1:5353 || fail "the adopted has no listener"
  systemctl stop multihomed-adopt@5353 names
  is multihomed-adopt@5353 Result success || fail "the end of the adoption is no success"
  say "another user's service is adopted, once it is there"
fi
