"""Who takes part: how each is found, configured to its best for the work, and started."""

import json
import re
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from harness import network
from harness.machine import Cores
from harness.processes import Program, Trouble, run

BENCHMARKS = Path(__file__).resolve().parent.parent
QUEUE_BYTES = 4 << 20


@dataclass(frozen=True)
class Tuning:
    """What a relay may know of the work, so that it can be configured as its manual advises for it."""

    sessions: int = 1024
    idle_seconds: int = 60
    # The service answers each request once and the client does not come back.
    one_reply: bool = False
    # Client and service take trains of datagrams.
    trains: bool = False
    descriptors: int | None = None
    connected: bool = False


@dataclass
class Workshop:
    """Where things lie."""

    binary: Path
    tools: Path
    peers: Path
    folder: Path
    cores: Cores
    _count: int = field(default=0)

    def file(self, name: str) -> Path:
        """A file name that was not used before."""
        self._count += 1
        return self.folder / f"{self._count}-{name}"


class Contender(ABC):
    """A way for a datagram to reach the service and for its reply to come back."""

    name: str
    # Where the service listens.
    service_address = network.BACKEND
    # Why some work is not for it, by the work's key.
    unfit: dict[str, str] = {}
    is_relay = True

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop

    @abstractmethod
    def missing(self) -> str | None:
        """Why it cannot take part, or None."""

    def version(self) -> str:
        """Which one it is."""
        return ""

    def start(self, tuning: Tuning) -> Program | None:
        """Starts it on the relay's core; None when there is no program to start."""
        command = self.command(tuning)
        return Program(command, self.shop.cores.relay, self.shop.file(f"{self.name}.log"), tuning.descriptors)

    def command(self, tuning: Tuning) -> list[str | Path]:
        raise NotImplementedError

    def stopped(self) -> None:
        """Called after it was stopped."""


class Direct(Contender):
    name = "direct"
    service_address = network.TARGET
    is_relay = False

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return "no relay: the client asks the service itself"

    def start(self, tuning: Tuning) -> Program | None:
        return None


class KernelRule(Direct):
    name = "kernel rule"
    service_address = f"0.0.0.0:{network.LISTEN_PORT}"

    def missing(self) -> str | None:
        if not shutil.which("nft"):
            return "nft is not installed (make bench-peers)"
        try:
            network.set_kernel_rule()
        except Trouble as trouble:
            return f"nftables refuses the rule: {trouble}"
        network.remove_kernel_rule()
        return None

    def version(self) -> str:
        return "no relay: nftables mends the source address of the service's replies"

    def start(self, tuning: Tuning) -> Program | None:
        network.set_kernel_rule()
        return None

    def stopped(self) -> None:
        network.remove_kernel_rule()


class Floor(Contender):
    name = "floor"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return "a minimal C relay of the same design (Benchmarks/Sources/floor)"

    def command(self, tuning: Tuning) -> list[str | Path]:
        return [self.shop.tools / "floor", network.TARGET, network.BACKEND]


class Multihomed(Contender):
    name = "multihomed"
    extra: list[str] = []

    def missing(self) -> str | None:
        return None if self.shop.binary.exists() else f"{self.shop.binary} is not built (make build)"

    def version(self) -> str:
        return run([self.shop.binary, "--version"]).strip() + ", static release build"

    def command(self, tuning: Tuning) -> list[str | Path]:
        command: list[str | Path] = [
            self.shop.binary, "relay", "--listen", str(network.LISTEN_PORT), "--backend", network.BACKEND,
            "--idle-timeout", f"{tuning.idle_seconds}s", "--unreplied-timeout", f"{min(tuning.idle_seconds, 30)}s"]
        if tuning.one_reply:
            command += ["--responses", "1"]
        if tuning.connected:
            command += ["--upstream", "connected"]
        return command + self.extra


class MultihomedBusy(Multihomed):
    name = "multihomed, busy"
    extra = ["--busy-poll", "100us"]

    def missing(self) -> str | None:
        reason = super().missing()
        if reason or "--busy-poll" in run([self.shop.binary, "relay", "--help"]):
            return reason
        return "this build has no --busy-poll"

    def version(self) -> str:
        return "the same with " + " ".join(self.extra)


class Nginx(Contender):
    name = "nginx"
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

    def missing(self) -> str | None:
        if not shutil.which("nginx") or not self.module.exists():
            return "nginx with its stream module is not installed (make bench-peers)"
        return None

    def version(self) -> str:
        return run(["nginx", "-v"]).strip().removeprefix("nginx version: ") + ", stream, 1 worker"

    def command(self, tuning: Tuning) -> list[str | Path]:
        path = self.shop.file("nginx.conf")
        connections = 2 * tuning.sessions + 512
        limit = tuning.descriptors or connections + 512
        path.write_text(f"""
daemon off;
user root root;
worker_processes 1;
worker_rlimit_nofile {limit};
pid {path}.pid;
error_log stderr crit;
load_module {self.module};
events {{ worker_connections {connections}; }}
stream {{
  access_log off;
  server {{
    listen {network.TARGET} udp rcvbuf={QUEUE_BYTES} sndbuf={QUEUE_BYTES};
    proxy_pass {network.BACKEND};
    proxy_timeout {tuning.idle_seconds}s;
    {"proxy_responses 1;" if tuning.one_reply else ""}
  }}
}}
""")
        return ["nginx", "-c", path, "-e", f"{path}.err"]


class Envoy(Contender):
    name = "envoy"

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
        return f"envoy/{found.group(1) if found else '?'}, udp_proxy, concurrency 1"

    def command(self, tuning: Tuning) -> list[str | Path]:
        path = self.shop.file("envoy.json")
        path.write_text(json.dumps(_envoy_bootstrap(tuning)))
        return [self._binary() or "envoy", "-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]


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
    cluster = {
        "name": "service", "type": "STATIC", "circuit_breakers": {"thresholds": [{"max_connections": 1 << 22}]},
        "load_assignment": {"cluster_name": "service", "endpoints": [{"lb_endpoints": [endpoint]}]}}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


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


ALL: list[type[Contender]] = [
    Direct, KernelRule, Floor, Multihomed, MultihomedBusy, Nginx, Envoy, Socat, HAProxy]


def default_tools() -> Path:
    """Where `swift build -c release` leaves the tools."""
    return BENCHMARKS / ".build" / "release"
