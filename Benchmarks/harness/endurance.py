"""New sessions at a fixed rate for minutes, while as many end: is everyone answered, and does anybody wait for it?

An established client asks 200 times a second all the while. Its waits are set beside those of the same client in front
of the same relay when nothing else goes on, beside the same load while no session ends, and in front of the floor, which
ends none.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness import words
from harness.contenders import Contender, Tuning
from harness.counters import counters
from harness.measure import load, standing
from harness.network import CLIENT_BLOCK
from harness.pauses import Prober, Sample, longest_of_each, waits
from harness.processes import Program
from harness.turns import Say

Results = dict[str, Any]

RATE = 10_000
PROBES = 200
# A session ends so soon after its one request: at any time there are some 50,000.
IDLE_SECONDS = 5
# So late that none ends while we look.
NEVER = 3600
STRETCH = 5.0
# What it is set beside is measured for this share of the time, and at least so long.
CONTROL_SHARE, CONTROL_LEAST = 1 / 15, 10.0


def endurance(ours: Contender, floor: Contender | None, seconds: float, say: Say) -> Results:
    control = max(CONTROL_LEAST, seconds * CONTROL_SHARE)

    def asked(what: str, who: Contender, idle: int, length: float, rate: int) -> Results:
        say(f"endurance: {what}, {length:g} s")
        with standing(who, Tuning(sessions=65536, idle_seconds=idle)) as (relay, _):
            assert relay
            return _beside(who, relay, rate, length)

    found = {
        "alone": asked("nothing else", ours, IDLE_SECONDS, control, 0),
        "none_ends": asked("new sessions, none ends", ours, NEVER, control, RATE),
    }
    if floor:
        found["floor"] = asked("new sessions, floor", floor, NEVER, control, RATE)
    found["endurance"] = asked("new sessions, and as many end", ours, IDLE_SECONDS, seconds, RATE)
    return {"rate": RATE, "idle_seconds": IDLE_SECONDS, "stretch_seconds": STRETCH, "runs": found}


def _beside(who: Contender, relay: Program, rate: int, seconds: float) -> Results:
    with ThreadPoolExecutor(1) as pool, Prober(who.shop, PROBES, seconds) as prober:
        asking = pool.submit(_ask, who, rate, seconds) if rate else None
        looks = _look_until(relay, time.monotonic() + seconds)
        samples = prober.samples()
        report = asking.result() if asking else None
    found = {"seconds": seconds, **_memory(looks), **_probed(samples), "alive": relay.is_alive}
    if report:
        found["requests"] = report["requests"]
        found["sent_too_late_ms"] = report["send_lateness"]["max_microseconds"] / 1000
    if who.name == "multihomed":
        count = counters(relay)
        found["counted"] = {
            "created": count["sessions_created"], "ended": count["sessions_ended"], "dropped": count["dropped"]}
    return found


def _ask(who: Contender, rate: int, seconds: float) -> Results:
    # Twice the time at most, in case that the machine does not let it keep the pace: then all are sent nevertheless.
    return load(who.shop, [
        "--sources", CLIENT_BLOCK, "--fresh", "--rate", str(rate), "--size", "64", "--requests", str(round(rate * seconds)),
        "--warmup", "0ms", "--duration", f"{round(seconds * 2)}s", "--timeout", "1s"])


Look = tuple[float, int]


def _look_until(relay: Program, end: float) -> list[Look]:
    """Resident memory (MB) and descriptors, each second."""
    looks = []
    while True:
        looks.append((relay.resident_bytes() / 1e6, relay.descriptors()))
        if time.monotonic() + 1 > end:
            return looks
        time.sleep(1)


def _memory(looks: Sequence[Look]) -> Results:
    places = {"start": looks[0], "middle": looks[len(looks) // 2], "end": looks[-1]}
    return {
        "resident_mb": {place: look[0] for place, look in places.items()} | {"most": max(look[0] for look in looks)},
        "descriptors": max(look[1] for look in looks)}


def _probed(samples: Sequence[Sample]) -> Results:
    return {"probes": {**waits(samples), "longest_of_each": longest_of_each(samples, STRETCH)}}


# MARK: Report

TITLES = {
    "alone": "multihomed, nothing else goes on",
    "none_ends": "multihomed, beside new sessions of which none ends",
    "floor": "floor, beside the same (it ends none)",
    "endurance": "**multihomed, beside new sessions while as many end**",
}


def section(results: Results) -> list[str]:
    if not results:
        return []
    runs = results["runs"]
    title = f"## {results['rate']:,} new sessions a second for {_time(runs['endurance']['seconds'])}"
    return [
        title, "",
        f"Every request comes from a new client, whether or not those before were answered (open loop); a session ends "
        f"{results['idle_seconds']} s later.", "", *_account(runs), *_prober(results, runs)]


def _account(runs: Results) -> list[str]:
    head = ["", "asked", "answered", "lost", "sessions made", "ended meanwhile", "resident MB: start", "middle", "end",
            "most", "descriptors"]
    rows = []
    for key, run in runs.items():
        if "requests" not in run:
            continue
        counted = run.get("counted", {})
        memory = [words.number(run["resident_mb"][place], 1) for place in ("start", "middle", "end", "most")]
        made = words.number(counted.get("created"))
        ended = words.number(sum(counted["ended"].values())) if counted else ""
        asked, answered, lost = (f"{run['requests'][each]:,}" for each in ("sent", "answered", "lost"))
        rows.append([TITLES[key], asked, answered, lost, made, ended, *memory, str(run["descriptors"])])
    return [*words.table(head, rows), ""]


def _prober(results: Results, runs: Results) -> list[str]:
    head = ["an established client's wait, ms", "asked", "answered", "p50", "p99", "p99.9", "longest",
            f"longest of each {results['stretch_seconds']:g} s, median", "over"]
    rows = []
    for key, run in runs.items():
        each = run["probes"]
        figures = [words.number(each[name], 2) for name in ("p50", "p99", "p999", "max", "longest_of_each")]
        rows.append([TITLES[key], f"{each['asked']:,}", f"{each['answered']:,}", *figures, _time(run["seconds"])])
    note = (
        f"It asks {PROBES} times a second whether or not it was answered. The longest wait of all grows with the time that "
        f"one looks; the longest of each {results['stretch_seconds']:g} s can be compared.")
    return [*words.table(head, rows), "", note, ""]


def _time(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} s"
