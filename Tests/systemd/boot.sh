#!/bin/sh
# What process 1 does before it becomes systemd: everything that it will write to lies in memory, the rest can only be read.
#
# usage: boot.sh FOLDER-WITH-BINARY-AND-UNITS
set -eu
stage=$1

# A package is installed into a root of its own: a layer of memory over this one.
if [ -e "$stage/package.deb" ]; then
  mount -t tmpfs tmpfs "$stage"/../layer
  mkdir "$stage/../layer/upper" "$stage/../layer/work" "$stage/../layer/root"
  (cd "$stage/../layer" && mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root)
  cp -r "$stage" "$stage/../layer/root/stage"
  cd "$stage/../layer/root"
  mount --rbind /dev dev
  mount --rbind /proc proc
  mkdir former
  pivot_root . former
  umount --lazy /former
  rmdir /former
  stage=/stage
fi

mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/stage
cp -r "$stage/." /mnt/stage
cp -a /etc /mnt/etc
chmod 755 /mnt/stage /mnt/stage/multihomed
folders="/var/log /var/tmp /root /home"
[ -e "$stage/package.deb" ] || folders="$folders /var/lib"
for folder in $folders; do [ -d "$folder" ] && mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mkdir -p /var/lib/systemd
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /mnt/etc /etc
mkdir -p /run/netns /run/lock /run/multihomed-bin
cp /mnt/stage/multihomed /run/multihomed-bin
if [ -e "$stage/package.deb" ]; then
  # It would keep maintainers' scripts from starting anything, as in images of containers.
  rm -f /usr/sbin/policy-rc.d
else
  mount -o bind,remount,ro /
fi

# Of the host's own units nothing is started but the journal.
rm -rf /etc/systemd/system /etc/systemd/system.conf.d /etc/fstab
mkdir -p /etc/systemd/system
[ -e "$stage/package.deb" ] || mkdir -p /etc/multihomed
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
for unit in systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-sysusers systemd-udevd systemd-udev-trigger \
  systemd-update-utmp systemd-random-seed systemd-logind systemd-modules-load systemd-sysctl systemd-binfmt \
  systemd-firstboot systemd-machine-id-commit systemd-pstore systemd-hwdb-update systemd-journal-flush; do
  ln -s /dev/null "/etc/systemd/system/$unit.service"
done
for unit in dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
  sys-kernel-config.mount proc-sys-fs-binfmt_misc.automount tmp.mount; do
  ln -s /dev/null "/etc/systemd/system/$unit"
done
[ -e "$stage/package.deb" ] || for unit in /mnt/stage/units/*; do
  sed 's|/usr/bin/multihomed|/run/multihomed-bin/multihomed|' "$unit" >"/etc/systemd/system/$(basename "$unit")"
done
printf '%s\n' '[Unit]' 'Wants=systemd-journald.service' 'After=systemd-journald.service' \
  >/etc/systemd/system/multihomed-test.target
ln -s multihomed-test.target /etc/systemd/system/default.target

printf '%s\n' '[Journal]' ReadKMsg=no Audit=no Storage=volatile RateLimitBurst=0 >/etc/systemd/journald.conf

# A host and a client on one wire.
ip link set lo up
ip netns add client
ip link add eth0 type veth peer name eth0 netns client
ip address add 10.1.0.1/16 dev eth0
ip link set eth0 up
ip -n client address add 10.1.0.2/16 dev eth0
ip -n client link set eth0 up
ip -n client link set lo up

exec env -i container=multihomed-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=no --log-target=journal
