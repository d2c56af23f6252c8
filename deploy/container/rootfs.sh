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

# The licences: of the program with what it is linked with statically, and of each library that was copied.
documents=$root/usr/share/doc
mkdir -p "$documents/multihomed" "$root/usr/share/common-licenses"
cp "$(dirname "$0")/../debian/copyright" "$documents/multihomed/copyright"
find "$root" -name '*.so*' -type f | while read -r copied; do
  # dpkg knows a file by the path under which it was packed, with or without the /usr before /lib.
  path=${copied#"$root"}
  package=$(dpkg-query --search "$path" "/usr$path" "${path#/usr}" 2>/dev/null | sed -n '1s/[:,].*//p')
  if [ -z "$package" ] || [ ! -e "/usr/share/doc/$package/copyright" ]; then
    echo "rootfs.sh: no package with a licence is known for $path: install it as one of Debian's" >&2
    exit 1
  fi
  mkdir -p "$documents/$package"
  cp -L "/usr/share/doc/$package/copyright" "$documents/$package/copyright"
done
grep -rhoE '/usr/share/common-licenses/[A-Za-z]+(-[0-9.]*[0-9])?' "$documents" | sort -u | while read -r licence; do
  [ ! -e "$licence" ] || cp -L "$licence" "$root$licence"
done

echo "multihomed:x:$user:$user:multihomed:/:/usr/bin/multihomed" >"$root/etc/passwd"
echo "multihomed:x:$user:" >"$root/etc/group"
# An image gives every file to root but this folder, whoever has built it.
if [ "$(id -u)" -eq 0 ]; then chown "$user:$user" "$root/run/multihomed"; fi
chmod 0755 "$root" "$root/run/multihomed"
