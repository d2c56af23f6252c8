"""How many instructions a datagram costs in user space, by direction: our relay beside the floor, under callgrind.

Everything that runs below the callback of a readable socket belongs to that socket's direction; requests that were gathered
are sent later, which belongs to theirs. The event loop around it is shared equally between both. The kernel's own
instructions are not in it.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import callgrind
from harness.contenders import Contender, Tuning
from harness.measure import load, standing
from harness.processes import Trouble, wait_until
from harness.turns import Say
from harness.work import ROWS, Work

WORKS = ["clients-64", "clients-1000", "one-client"]
ROUND_TRIPS = 50_000
# At most so many times the floor's.
GOAL = 1.2
LATE = 30.0
# A call chain is cut after so many callers; from the deepest function of the data plane to the event loop it is 14.
CALLERS = 16
DIRECTIONS = {"to_backend": "to backend", "to_client": "to client"}


@dataclass(frozen=True)
class Roots:
    """Parts of the names of the functions below which everything belongs to a direction, and the event loop's name."""

    # Before `to_client`: the arrival of replies sends what was gathered for the backend.
    to_backend: tuple[str, ...]
    to_client: tuple[str, ...]
    loop: str

    def place(self, chain: callgrind.Chain) -> tuple[str | None, str | None]:
        """Where a function with these callers belongs, and the root that says so."""
        for place in DIRECTIONS:
            for root in getattr(self, place):
                if any(root in function for function in chain):
                    return place, root
        return ("loop", self.loop) if self.loop in chain else (None, None)


ROOTS = {
    "multihomed": Roots(
        ("12sendGathered2to", "9GatheringC9turnEnded", "8ListenerC14becameReadable"),
        ("19MultiplexedUpstreamC14becameReadable",), "uv_run"),
    "floor": Roots(("forward_requests",), ("forward_replies",), "main"),
}


class Counted(Contender):
    """Another contender under callgrind."""

    def __init__(self, other: Contender) -> None:
        super().__init__(other.shop)
        self.name, self.other, self.dumps = other.name, other, other.shop.file("callgrind")

    def missing(self) -> str | None:
        return self.other.missing()

    def command(self, tuning: Tuning) -> list[str | Path]:
        binary, *arguments = self.other.command(tuning)
        self.dumps.mkdir()
        return [
            "valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", f"--separate-callers={CALLERS}",
            f"--toggle-collect={ROOTS[self.name].loop}",
            f"--callgrind-out-file={self.dumps / 'dump'}", callgrind.countable(Path(binary), self.dumps), *arguments]

    def costs(self) -> dict[str, Counter[str]]:
        """By place, by function, once it has ended."""
        roots, seen = ROOTS[self.name], set()
        found: dict[str, Counter[str]] = {place: Counter() for place in (*DIRECTIONS, "loop")}
        for dump in self.dumps.glob("dump-*"):
            costs = [(*roots.place(chain), chain[0], cost) for chain, cost in callgrind.own_costs(dump)]
            # The other threads' loops relay nothing.
            if any(place in DIRECTIONS for place, _, _, _ in costs):
                seen |= {root for _, root, _, _ in costs}
                for place, _, function, cost in costs:
                    if place:
                        found[place][function] += cost
        unseen = {*roots.to_backend, *roots.to_client} - seen
        if unseen:
            raise Trouble(f"{self.name} called no function named like {', '.join(unseen)}: renamed or inlined? Mend ROOTS "
                          f"in {Path(__file__).name}")
        return found


def instructions(contenders: Iterable[Contender], say: Say) -> dict[str, Any]:
    """By the work's key, by the contender's name: instructions a datagram by direction, and where they go."""
    counted = [each for each in contenders if each.name in ROOTS]
    reason = callgrind.missing()
    if reason:
        return {"trouble": reason}
    works: dict[str, Any] = {}
    try:
        for work in ROWS:
            if work.key in WORKS:
                works[work.key] = {"title": work.title}
                for contender in counted:
                    say(f"instructions: {work.title}, {contender.name}")
                    works[work.key][contender.name] = _count(Counted(contender), work)
    except Trouble as trouble:
        return {"trouble": str(trouble)}
    return {"round_trips": ROUND_TRIPS, "works": works}


def _count(contender: Counted, work: Work) -> dict[str, Any]:
    shop = contender.shop
    with standing(contender, work.tuning, probed=False) as (relay, _):
        assert relay
        if not wait_until(lambda: "ready" in relay.log.read_text(errors="replace"), LATE):
            raise Trouble(f"{contender.name} was not ready under callgrind within {LATE:g} s: {relay.last_words()}")
        limits = ["--requests", str(ROUND_TRIPS), "--duration", "60s", "--warmup", "0ms", "--timeout", "5s"]
        requests = load(shop, [*work.generator, *limits])["requests"]
        if requests["answered"] != ROUND_TRIPS:
            raise Trouble(f"{contender.name} answered {requests['answered']} of {ROUND_TRIPS} requests under callgrind")
        if not relay.end(LATE):
            raise Trouble(f"{contender.name} did not end within {LATE:g} s under callgrind")
    costs = contender.costs()
    shutil.rmtree(contender.dumps)
    share = sum(costs["loop"].values()) / 2
    return {
        place: {
            "instructions": (sum(costs[place].values()) + share) / ROUND_TRIPS,
            "loop": share / ROUND_TRIPS,
            "functions": _most(costs[place])}
        for place in DIRECTIONS}


def _most(costs: Counter[str]) -> list[tuple[str, float]]:
    # Overloads and specialisations share a readable name.
    functions = costs.most_common(50)
    readable: Counter[str] = Counter()
    for name, (_, cost) in zip(_readable([name for name, _ in functions]), functions):
        readable[name] += cost
    return [(name, cost / ROUND_TRIPS) for name, cost in readable.most_common(15)]


def _readable(names: Sequence[str]) -> list[str]:
    """Swift's names as people write them, where the compiler is at hand."""
    if not shutil.which("swift"):
        return list(names)
    command = ["swift", "demangle", "--compact", "--simplified", *names]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return lines if len(lines) == len(names) else list(names)


# MARK: Report


@dataclass(frozen=True)
class Comparison:
    """Instructions a datagram, ours and the floor's."""

    work: str
    direction: str
    ours: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.ours / self.floor


def comparisons(results: dict[str, Any]) -> list[Comparison]:
    """Every work and direction that both were counted in."""
    return [
        Comparison(work["title"], direction, *[work[name][place]["instructions"] for name in ("multihomed", "floor")])
        for work in results.get("works", {}).values() if all(name in work for name in ("multihomed", "floor"))
        for place, direction in DIRECTIONS.items()]


def sections(results: dict[str, Any]) -> list[str]:
    """The part of the report."""
    if not results:
        return []
    lines = ["## Instructions in user space for each datagram", ""]
    if "trouble" in results:
        return [*lines, f"Not counted: {results['trouble']}.", ""]
    lines += [
        f"Counted by valgrind's callgrind over {results['round_trips']:,} round trips of each work, sessions that begin "
        "included; the kernel's own are not in it. All that runs below the callback of a readable listener, and the sending "
        "of what it gathered, is *to backend*; what runs below that of the upstream, *to client*; the event loop is shared "
        "equally between both. Under callgrind "
        "the relay is the slowest by far, so its batches are full: that is so for either.", "",
        "| work | direction | multihomed | floor | ratio | goal | met |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {each.work} | {each.direction} | {each.ours:.1f} | {each.floor:.1f} | {each.ratio:.2f} | "
              f"≤ {GOAL:g} × floor | {'yes' if each.ratio <= GOAL else '**no**'} |" for each in comparisons(results)]
    return [*lines, "", *_profiles(results)]


def _profiles(results: dict[str, Any]) -> list[str]:
    """Where ours go, in the first work."""
    work = next(iter(results["works"].values()))
    lines = []
    for place, direction in DIRECTIONS.items():
        if "multihomed" in work:
            rows = [f"| `{name}` | {cost:.1f} |" for name, cost in work["multihomed"][place]["functions"]]
            lines += [f"Where they go, {direction}, {work['title']}:", "", "| function itself | instructions |", "|---|---|"]
            lines += [*rows, ""]
    return lines
