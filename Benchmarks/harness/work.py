"""The rows of work that all relays are given alike; design.md, section 8."""

from dataclasses import dataclass

from harness import words
from harness.contenders import Tuning
from harness.network import CLIENT_BLOCK


@dataclass(frozen=True)
class Work:
    """One row: what the generator is told, and what a relay may know of it."""

    key: str
    title: str
    # For the plots.
    brief: str
    generator: list[str]
    tuning: Tuning = Tuning()
    # Whether the service takes and gives trains, too.
    service_takes_trains: bool = False
    # Whether the client is on another host, and not on this one beside the service.
    is_remote: bool = False
    # Who takes part; nobody named: all.
    only: tuple[str, ...] = ()
    # However long a turn is, it never sends more.
    requests: int = 1_000_000_000


ROWS = [
    Work(
        "clients-64", "64 clients × 4 outstanding × 64 B", "64 × 4 × 64 B",
        ["--clients", "64", "--outstanding", "4", "--size", "64"]),
    Work(
        # Over lo each datagram passes the hooks of the rule twice, on its way out and on its way in.
        "remote", "64 clients × 4 outstanding × 64 B, on another host", "64 × 4, remote",
        ["--clients", "64", "--outstanding", "4", "--size", "64"], is_remote=True, only=("direct", "kernel rule")),
    Work(
        "clients-1000", "1,000 clients × 1 outstanding × 64 B", "1,000 × 1 × 64 B",
        ["--clients", "1000", "--outstanding", "1", "--size", "64", "--sources", CLIENT_BLOCK],
        Tuning(sessions=2048)),
    Work(
        "one-client", "1 client × 64 outstanding × 1,200 B", "1 × 64 × 1,200 B",
        ["--clients", "1", "--outstanding", "64", "--size", "1200"]),
    Work(
        "bulk", "GSO/GRO-capable client and service, bulk, 1,200 B", "GSO bulk",
        ["--clients", "1", "--outstanding", "256", "--size", "1200", "--train", "32", "--offload"],
        Tuning(trains=True), service_takes_trains=True),
    Work(
        "new-clients", "every request from a new client, 64 B", "new clients",
        ["--sources", CLIENT_BLOCK, "--fresh", "--window", "64", "--size", "64"],
        # A relay keeps a freed source address back for two minutes; its pool holds four million.
        Tuning(sessions=65536, one_reply=True, idle_seconds=1), requests=2_000_000),
    Work(
        # Not held to one under way: where a round trip takes more than 100 us, the backlog would be all that is measured.
        # Spinning, so that the generator's own waking up, which is as long as a relay's, is not in the figure.
        "latency", "latency of one client at 10,000 requests/s, 64 B", "10,000/s",
        ["--rate", "10000", "--size", "64", "--spin"]),
]

# The busy variant is about latency only.
ONLY_LATENCY = "multihomed, busy"

# Throughput against clients, for the plot: one outstanding each.
SWEEP = [1, 8, 64, 1000]


def sweep_row(clients: int) -> Work:
    return Work(
        f"sweep-{clients}", f"{words.count(clients, 'client')} × 1 outstanding × 64 B", f"{clients} × 1",
        ["--clients", str(clients), "--outstanding", "1", "--size", "64", "--sources", CLIENT_BLOCK],
        Tuning(sessions=2048))
