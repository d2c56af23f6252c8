#!/bin/sh
# Lays a root file system that holds one program and the libraries that it is linked with: no shell, no certificates, no
# package manager.
#
# usage: deploy/container/rootfs.sh BINARY FOLDER
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 BINARY FOLDER" >&2
  exit 64
fi
binary=$1
root=$2
user=65532

if [ -e "$root" ]; then
  echo "rootfs.sh: $root is there already; name a folder that is to be made." >&2
  exit 1
fi
mkdir -p "$root/usr/bin" "$root/etc/multihomed" "$root/run/multihomed"

strip -o "$root/usr/bin/multihomed" "$binary"

# The loader looks where its own cache or its default folders say, and finds each library where it lies here.
ldd "$binary" | awk '$2 == "=>" { print $3 } $1 ~ "^/" { print $1 }' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
if ldd "$binary" | grep -q 'not found'; then
  echo "rootfs.sh: a library of $binary is missing here:" >&2
  ldd "$binary" | grep 'not found' >&2
  exit 1
fi

echo "multihomed:x:$user:$user:multihomed:/:/usr/bin/multihomed" >"$root/etc/passwd"
echo "multihomed:x:$user:" >"$root/etc/group"
# An image gives every file to root but this folder, whoever has built it.
if [ "$(id -u)" -eq 0 ]; then chown "$user:$user" "$root/run/multihomed"; fi
chmod 0755 "$root" "$root/run/multihomed"
