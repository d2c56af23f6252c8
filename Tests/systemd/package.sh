#!/bin/bash
# What must hold for the Debian package under a real systemd; run beside it by Tests/systemd.sh.
set -euo pipefail

# shellcheck source=Tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

# Whether a datagram from the client comes back from the address that it was sent to.
answers() { [ "$(echo hello | ip netns exec client nc -u -w 1 10.1.0.1 "$1" 2>/dev/null)" = hello ]; }
install() { dpkg --force-confold --install "$1" >/run/dpkg.log 2>&1 || { cat /run/dpkg.log; fail "dpkg --install $1"; }; }

unit=multihomed.service
folder=/etc/multihomed

install /mnt/stage/package.deb
is $unit ActiveState inactive || fail "it was started before it was configured"
[ "$(systemctl is-enabled $unit)" = disabled ] || fail "it is enabled before it is configured"
! systemctl start $unit 2>/dev/null || fail "it starts although no relay is named"
grep --quiet "there is no relay" <<<"$(journalctl --sync; journalctl --no-pager --unit $unit)" || fail "why is not in the journal"
systemctl stop $unit
say "the package is installed; nothing starts before a relay is named, and the journal says why"

{ printf 'session-log = "/var/log/multihomed/sessions.log"\n' && relay game 5678; } >$folder/multihomed.toml
cp $folder/multihomed.toml /run/configured.toml
relay voice 5679 >$folder/voice.toml
systemctl enable --quiet --now $unit multihomed@voice
answers 5678 || fail "no answer of $unit"
answers 5679 || fail "no answer of an instance"
process=$(property $unit MainPID)
[ "$(realpath "/proc/$process/exe")" = /usr/bin/multihomed ] || fail "it is another program"
kill -KILL "$process"
eventually "a new process" is_another_process $unit "$process"
answers 5678 || fail "no answer after kill -9"
say "it serves from /usr/bin, and survives kill -9"

if command -v logrotate >/dev/null; then
  log=/var/log/multihomed/sessions.log
  [ -e $log ] || fail "there is no log of sessions"
  echo before >>$log
  process=$(property $unit MainPID)
  logrotate --force --state /run/logrotate.state /etc/logrotate.d/multihomed || fail "logrotate"
  eventually "a log of sessions that is new" test -e $log
  [ ! -s $log ] && [ "$(tail -n 1 $log.1)" = before ] || fail "the log was not moved away: $(ls -l /var/log/multihomed/)"
  [ "$(readlink "/proc/$process"/fd/* | grep --count --line-regexp "$(realpath $log)")" -ge 1 ] ||
    fail "the process does not write into the new log: $(ls -l "/proc/$process/fd")"
  is $unit MainPID "$process" || fail "it was restarted"
  answers 5678 || fail "no answer after the log was rotated"
  say "the log of sessions is rotated while it serves"
fi

dpkg-deb --raw-extract /mnt/stage/package.deb /run/next
sed -i 's/^Version: .*/&+next/' /run/next/DEBIAN/control
dpkg-deb --root-owner-group --build /run/next /run/next.deb >/dev/null
process=$(property $unit MainPID)
instance=$(property multihomed@voice MainPID)
install /run/next.deb
eventually "a new process" is_another_process $unit "$process"
eventually "a new process of the instance" is_another_process multihomed@voice "$instance"
answers 5678 || fail "no answer after the upgrade"
answers 5679 || fail "no answer of the instance after the upgrade"
[ "$(systemctl is-enabled $unit)" = enabled ] || fail "the upgrade has disabled it"
cmp --quiet $folder/multihomed.toml /run/configured.toml || fail "the upgrade has changed the configuration"
say "an upgrade restarts what runs, instances too, and keeps the configuration"

dpkg --remove multihomed >/dev/null
is $unit ActiveState inactive || fail "it runs after its removal"
is multihomed@voice ActiveState inactive || fail "an instance runs after the removal"
[ -z "$(pgrep -x multihomed)" ] || fail "a process is left: $(pgrep -a -x multihomed)"
[ -e $folder/multihomed.toml ] || fail "the removal has taken the configuration along"
rm $folder/voice.toml
systemctl disable --quiet multihomed@voice 2>/dev/null || rm -f /etc/systemd/system/multi-user.target.wants/multihomed@voice.service
dpkg --purge multihomed >/dev/null
[ ! -e $folder ] || fail "left behind: $(find $folder)"
left=$(find /etc/systemd /etc/logrotate.d /lib/systemd /usr/share /usr/bin /usr/lib/sysctl.d /var/lib/systemd /var/log -name '*multihomed*' \
  ! -path '*/man/*/cat*' ! -name 'multihomed-test.target')
[ -z "$left" ] || fail "left behind: $left"
[ ! -e /run/multihomed ] || fail "left behind: $(find /run/multihomed)"
say "removed, it runs no more; purged, nothing of it is left"
