"""Many sessions at once: what do they take, and is each answered?"""

from collections.abc import Sequence
from typing import Any

from harness.contenders import Contender, Tuning
from harness.measure import answered, load, standing
from harness.network import CLIENT_BLOCK
from harness.processes import Trouble
from harness.turns import Say

# Long enough that no session ends while we count.
IDLE_SECONDS = 600
SOURCE_PORT = 40000
# Those who need a socket for each session end at the ports of one source address.
MOST_SESSIONS = {"nginx": 100_000, "envoy": 100_000, "socat": 0}
# How long each asking may take; those who cannot answer all would let every second request wait for its timeout.
LIMIT_SECONDS = 60.0
LIMIT_WITH_SOCKETS = 15.0


def many_sessions(contenders: Sequence[Contender], counts: Sequence[int], say: Say) -> dict[str, Any]:
    """Memory and descriptors against sessions; every client asks twice."""
    results: dict[str, Any] = {}
    for contender in contenders:
        if not contender.is_relay or contender.name == "multihomed, busy":
            continue
        for count in counts:
            if count <= MOST_SESSIONS.get(contender.name, count):
                say(f"sessions: {contender.name}, {count:,}")
                results.setdefault(contender.name, []).append(_hold(contender, count))
    return results


def _hold(contender: Contender, count: int) -> dict[str, Any]:
    limit = LIMIT_WITH_SOCKETS if contender.name in MOST_SESSIONS else LIMIT_SECONDS
    try:
        with standing(contender, Tuning(sessions=count + 1, idle_seconds=IDLE_SECONDS)) as (relay, service):
            assert relay
            empty, slab = relay.resident_bytes(), _slab_bytes()
            first = load(contender.shop, _ask(count, limit, timeout="250ms"), relay, service)
            second = load(contender.shop, _ask(count, limit, timeout="250ms"), relay, service)
            return {
                "sessions": count,
                "answered": min(each["requests"]["answered_clients"] for each in (first, second)),
                "resident_mb": relay.resident_bytes() / 1e6,
                "resident_mb_empty": empty / 1e6,
                "kernel_mb": (_slab_bytes() - slab) / 1e6,
                "descriptors": relay.descriptors(),
                "cpu_first": _cpu(first),
                "cpu_second": _cpu(second),
                "alive": relay.is_alive,
            }
    except Trouble as trouble:
        return {"sessions": count, "trouble": str(trouble)}


def idle_sessions(contender: Contender, counts: Sequence[int], work: list[str], repeats: int, say: Say) -> dict[str, Any]:
    """Processor time a round trip beside so many sessions that do nothing; turns are taken between the counts."""
    costs: dict[str, list[float]] = {str(count): [] for count in counts}
    for repeat in range(repeats):
        for count in counts:
            say(f"idle sessions: {count:,}, {repeat + 1} of {repeats}")
            with standing(contender, Tuning(idle_seconds=IDLE_SECONDS)) as (relay, service):
                load(contender.shop, _ask(count, 30, timeout="1s"), relay, service)
                report = load(contender.shop, work, relay, service)
                cost = _cpu(answered(report, contender.name, f"beside {count:,} idle sessions"))
                if cost is not None:
                    costs[str(count)].append(cost)
    return costs


def _ask(count: int, limit: float, timeout: str) -> list[str]:
    return [
        "--sources", CLIENT_BLOCK, "--source-port", str(SOURCE_PORT), "--clients", str(count), "--window", "64",
        "--requests", str(count), "--warmup", "0ms", "--duration", f"{round(limit * 1000)}ms", "--timeout", timeout]


def fill(contender: Contender, count: int, limit: float = LIMIT_SECONDS) -> int:
    """Lets so many clients ask once each; returns how many were answered."""
    return load(contender.shop, _ask(count, limit, timeout="250ms"))["requests"]["answered_clients"]


def _cpu(report: dict[str, Any]) -> float | None:
    """None where nobody was answered, or the relay has ended."""
    relays = (each for each in report["processes"] if each["name"] == "relay")
    return next((each.get("cpu_microseconds_per_round_trip") for each in relays), None)


def _slab_bytes() -> int:
    with open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Slab:"):
                return int(line.split()[1]) * 1024
    return 0
