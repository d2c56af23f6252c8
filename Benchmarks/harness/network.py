"""The network that everything is measured in: one namespace, all traffic over lo, as between processes of one host."""

import socket
import time

from harness.processes import Trouble, run

LISTEN_ADDRESS = "10.9.0.1"
LISTEN_PORT = 5678
TARGET = f"{LISTEN_ADDRESS}:{LISTEN_PORT}"
BACKEND_PORT = 15678
BACKEND = f"127.0.0.1:{BACKEND_PORT}"
CLIENT_BLOCK = "10.128.0.0/9"
INTERFACE = "bench0"

# More than one address each: what the row with a thousand of them adds, and those that appear while it runs.
MANY_ADDRESSES = [f"10.9.{1 + n // 250}.{1 + n % 250}" for n in range(1000)]

# A client on another host: behind a veth, and with a route to the address that it asks. A service on the wildcard address
# would answer it from HOST_TOWARDS_REMOTE.
REMOTE = "remote"
REMOTE_ADDRESS = "10.10.0.2"
HOST_TOWARDS_REMOTE = "10.10.0.1"


def lay() -> None:
    """Lays the network; the namespace is ours, and vanishes with us."""
    run(["ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", "bench1"])
    for interface in (INTERFACE, "bench1"):
        run(["ip", "link", "set", interface, "up"])
    run(["ip", "address", "add", f"{LISTEN_ADDRESS}/16", "dev", INTERFACE])
    run(["ip", "route", "add", "local", CLIENT_BLOCK, "dev", "lo"])
    _lay_remote()
    # As many sockets towards the service as ports allow, for relays that need one a client.
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write("16000 65535")


def add_addresses(addresses: list[str]) -> None:
    run(["ip", "-batch", "-"], "".join(f"address add {each}/16 dev {INTERFACE}\n" for each in addresses))


def remove_addresses(addresses: list[str]) -> None:
    run(["ip", "-batch", "-"], "".join(f"address del {each}/16 dev {INTERFACE}\n" for each in addresses))


def inside_remote() -> list[str]:
    """Before a command that is to run on the other host."""
    return ["nsenter", f"--net=/run/netns/{REMOTE}"]


def _lay_remote() -> None:
    run(["ip", "netns", "add", REMOTE])
    run(["ip", "link", "add", "remote0", "type", "veth", "peer", "name", "remote1", "netns", REMOTE])
    run(["ip", "address", "add", f"{HOST_TOWARDS_REMOTE}/24", "dev", "remote0"])
    run(["ip", "link", "set", "remote0", "up"])
    run(["ip", "-netns", REMOTE, "-batch", "-"], "".join(f"{each}\n" for each in (
        "link set lo up", f"address add {REMOTE_ADDRESS}/24 dev remote1", "link set remote1 up",
        f"route add {LISTEN_ADDRESS} via {HOST_TOWARDS_REMOTE}")))


def await_reply(address: str, limit: float, pause: float = 0.01) -> float:
    """Asks again and again until somebody answers; returns the seconds that it took."""
    start = time.monotonic()
    while time.monotonic() < start + limit:
        # A socket each time: one that was refused once may stay so for a relay that was not ready then.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(pause)
            try:
                client.connect((address, LISTEN_PORT))
                client.send(b"are you there?")
                client.recv(64)
                return time.monotonic() - start
            except ConnectionRefusedError:
                time.sleep(min(pause, 0.001))
            except TimeoutError:
                pass
    raise Trouble(f"nobody answered at {address}:{LISTEN_PORT} within {limit:g} s")
