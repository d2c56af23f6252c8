"""The relays of others: how each is found, and configured to its best for the work."""

import json
import re
import shutil
from pathlib import Path

from harness import network
from harness.contenders import Contender, Direct, Floor, KernelRule, Multihomed, MultihomedBusy, Tuning
from harness.processes import run

# As large as what multihomed asks for itself.
QUEUE_BYTES = 4 << 20
ENVOY_ADMIN_PORT = 15679


class Nginx(Contender):
    name = "nginx"
    has_workers = True
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

    def missing(self) -> str | None:
        if not shutil.which("nginx") or not self.module.exists():
            return "nginx with its stream module is not installed (make bench-peers)"
        return None

    def version(self) -> str:
        return run(["nginx", "-v"]).strip().removeprefix("nginx version: ") + ", stream"

    def command(self, tuning: Tuning) -> list[str | Path]:
        path = self.shop.file("nginx.conf")
        connections = 2 * tuning.sessions + 512
        limit = tuning.descriptors or connections + 512
        # Else a client's next datagram may reach another worker, which would make a session of its own.
        shared = "reuseport" if tuning.workers > 1 else ""
        path.write_text(f"""
daemon off;
user root root;
worker_processes {tuning.workers};
worker_rlimit_nofile {limit};
pid {path}.pid;
error_log stderr crit;
load_module {self.module};
events {{ worker_connections {connections}; }}
stream {{
  access_log off;
  server {{
    listen {network.TARGET} udp {shared} rcvbuf={QUEUE_BYTES} sndbuf={QUEUE_BYTES};
    proxy_pass {network.BACKEND};
    proxy_timeout {tuning.idle_seconds}s;
    {"proxy_responses 1;" if tuning.one_reply else ""}
  }}
}}
""")
        return ["nginx", "-c", path, "-e", f"{path}.err"]


class Envoy(Contender):
    name = "envoy"
    has_workers = True

    def _binary(self) -> Path | None:
        packed = self.shop.peers / "envoy" / "envoy" / "_bin" / "envoy"
        if packed.exists():
            return packed
        found = shutil.which("envoy")
        return Path(found) if found else None

    def missing(self) -> str | None:
        return None if self._binary() else "envoy is not installed (make bench-peers)"

    def version(self) -> str:
        found = re.search(r"/(\d+\.\d+\.\d+)/", run([str(self._binary()), "--version"]))
        return f"envoy/{found.group(1) if found else '?'}, udp_proxy"

    def command(self, tuning: Tuning) -> list[str | Path]:
        path = self.shop.file("envoy.json")
        path.write_text(json.dumps(_envoy_bootstrap(tuning)))
        return [
            self._binary() or "envoy", "-c", path, "--concurrency", str(tuning.workers), "--disable-hot-restart",
            "-l", "error"]


def _envoy_bootstrap(tuning: Tuning) -> dict[str, object]:
    def address(host: str, port: int) -> dict[str, object]:
        return {"socket_address": {"protocol": "UDP", "address": host, "port_value": port}}

    types = "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3."
    sockets = {"max_rx_datagram_size": 9000, "prefer_gro": tuning.trains}
    route = {"name": "route", "typed_config": {"@type": types + "Route", "cluster": "service"}}
    # A relay that cannot be told that one reply is all has to be told to forget quickly.
    idle = "0.25s" if tuning.one_reply else f"{tuning.idle_seconds}s"
    proxy = {
        "@type": types + "UdpProxyConfig", "stat_prefix": "bench", "idle_timeout": idle,
        "matcher": {"on_no_match": {"action": route}}, "upstream_socket_config": sockets}
    queues = [
        {"level": 1, "name": name, "int_value": QUEUE_BYTES, "state": "STATE_PREBIND"} for name in (7, 8)]
    listener = {
        "name": "bench", "address": address(network.LISTEN_ADDRESS, network.LISTEN_PORT), "socket_options": queues,
        "udp_listener_config": {"downstream_socket_config": sockets},
        "listener_filters": [{"name": "envoy.filters.udp_listener.udp_proxy", "typed_config": proxy}]}
    endpoint = {"endpoint": {"address": address("127.0.0.1", network.BACKEND_PORT)}}
    bound = {"max_connections": tuning.most_sessions or 1 << 22}
    cluster = {
        "name": "service", "type": "STATIC", "circuit_breakers": {"thresholds": [bound]},
        "load_assignment": {"cluster_name": "service", "endpoints": [{"lb_endpoints": [endpoint]}]}}
    bootstrap: dict[str, object] = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
    if tuning.descriptors:
        # Where it is asked afterwards what it counted.
        bootstrap["admin"] = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": ENVOY_ADMIN_PORT}}}
    return bootstrap


class Socat(Contender):
    name = "socat"
    unfit = {
        "clients-1000": "a process for each client",
        "new-clients": "a process for each client",
    }

    def missing(self) -> str | None:
        return None if shutil.which("socat") else "socat is not installed (make bench-peers)"

    def version(self) -> str:
        return " ".join(run(["socat", "-V"]).splitlines()[1].split()[:3]) + ", a process for each client"

    def command(self, tuning: Tuning) -> list[str | Path]:
        queues = f"rcvbuf={QUEUE_BYTES},sndbuf={QUEUE_BYTES}"
        return [
            "socat", "-T", str(tuning.idle_seconds),
            f"UDP4-LISTEN:{network.LISTEN_PORT},bind={network.LISTEN_ADDRESS},reuseaddr,fork,{queues}",
            f"UDP4:{network.BACKEND}"]


class HAProxy(Contender):
    name = "haproxy"

    def missing(self) -> str | None:
        return "cannot relay UDP: Debian's versions proxy TCP and QUIC (HTTP/3) only"


# In the order in which they take turns.
ALL: list[type[Contender]] = [
    Direct, KernelRule, Floor, Multihomed, MultihomedBusy, Nginx, Envoy, Socat, HAProxy]
