"""The goals of design.md, section 8, each with the figure beside it."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.expiry import longest
from harness.instructions import GOAL, comparisons
from harness.measure import summary
from harness.turns import ratio
from harness.work import ROWS

Results = dict[str, Any]
OURS = "multihomed"
# The session of the client that is asked for its waits.
PROBES_OWN = 1


TITLES = {row.key: row.title for row in ROWS}


class Verdict(enum.Enum):
    MET = "met"
    MISSED = "missed"
    # Some turns met it and others did not.
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"

    def text(self) -> str:
        return f"**{self.value}**" if self is Verdict.MISSED else self.value


@dataclass(frozen=True)
class Goal:
    """What is wanted, and what was found."""

    work: str
    goal: str
    figure: str
    verdict: Verdict


# work's key, figure, its name, compared with, at most (or, when negative, at least) so many times.
RATIOS: list[tuple[str, str, str, str, float]] = [
    *[
        (work, "cpu", "CPU", *limit)
        for work in ("clients-64", "clients-1000")
        for limit in (("nginx", 0.6), ("envoy", 0.45), ("floor", 1.05))
    ],
    *[("one-client", "cpu", "CPU", *limit) for limit in (("nginx", 0.45), ("envoy", 0.35), ("floor", 1.05))],
    ("bulk", "rate", "throughput", "nginx", -8),
    ("bulk", "cpu", "CPU", "nginx", 0.12),
    ("new-clients", "cpu", "CPU", "nginx", 0.4),
    ("latency", "p50", "p50", "nginx", 0.8),
    ("latency", "p99", "p99", "nginx", 0.8),
]


def all_goals(results: Results) -> list[Goal]:
    """Every goal, measured or not."""
    return [goal for goals in _by_part(results).values() for goal in goals]


def goals_of_the_run(results: Results) -> list[Goal]:
    """Those of the parts, and of the rows, that were run."""
    parts = {part: goals for part, goals in _by_part(results).items() if part in results["took"]}
    rows = {TITLES[key] for key in results["rows"]}
    return [goal for part, goals in parts.items() for goal in goals if part != "rows" or goal.work in rows]


def of(verdict: Verdict, goals: Sequence[Goal]) -> list[Goal]:
    return [goal for goal in goals if goal.verdict is verdict]


def _by_part(results: Results) -> dict[str, list[Goal]]:
    return {
        "rows": _row_goals(results), "sessions": _session_goals(results), "expiry": _expiry_goals(results),
        "endurance": _endurance_goals(results), "rest": _rest_goals(results), "addresses": _address_goals(results),
        "idle": [_idle_goal(results)], "instructions": _instruction_goals(results)}


def _row_goals(results: Results) -> list[Goal]:
    return [
        *[_ratio_goal(results, OURS, *each) for each in RATIOS],
        *[_ratio_goal(results, "multihomed, busy", "latency", p, p, "nginx", 0.6) for p in ("p50", "p99")],
        *[
            _ratio_goal(results, "kernel rule", work, "rate", "throughput", "direct", -0.9)
            for work in ("clients-64", "remote")]]


def _of_turns(found: dict[str, float], limit: float) -> Verdict:
    """Met by all turns, missed by all, or undecided; a negative limit is the least that is wanted."""
    least, most = (-found["max"], -found["min"]) if limit < 0 else (found["min"], found["max"])
    return Verdict.MET if most <= limit else Verdict.MISSED if least > limit else Verdict.UNDECIDED


def _spread(found: dict[str, float]) -> str:
    return f"{found['median']:.2f} × ({found['min']:.2f} to {found['max']:.2f})"


def _ratio_goal(
    results: Results, ours: str, work: str, figure: str, name: str, theirs: str, limit: float
) -> Goal:
    row = results["rows"].get(work)
    who = "" if ours == OURS else f"{ours}: "
    goal = f"{who}{name} {'≥' if limit < 0 else '≤'} {abs(limit):g} × {theirs}"
    found = ratio(row, figure, ours, theirs) if row else None
    if not found:
        return _unmeasured(TITLES[work], goal)
    return Goal(TITLES[work], goal, _spread(found), _of_turns(found, limit))


def _beside(work: str, what: str, pairs: Sequence[tuple[float, float]], limit: float, other: str) -> Goal:
    """Turn by turn, one figure to another of our own."""
    goal = f"{what} ≤ {limit:g} × {other}"
    found = summary([a / b for a, b in pairs if b])
    return Goal(work, goal, _spread(found), _of_turns(found, limit)) if found else _unmeasured(work, goal)


def _unmeasured(work: str, goal: str) -> Goal:
    return Goal(work, goal, "", Verdict.NOT_MEASURED)


def _plain(work: str, goal: str, figure: str, met: bool) -> Goal:
    return Goal(work, goal, figure, Verdict.MET if met else Verdict.MISSED)


def _at_most(work: str, what: str, value: float | None, limit: float, unit: str) -> Goal:
    goal = f"{what} ≤ {limit:g}{unit}"
    return _unmeasured(work, goal) if value is None else _plain(work, goal, f"{value:.4g}{unit}", value <= limit)


def _session_goals(results: Results) -> list[Goal]:
    work = "1,000,000 sessions at once"
    points = results["sessions"].get(OURS, [])
    million = next((each for each in points if each["sessions"] == 1_000_000 and "trouble" not in each), None)
    if not million:
        return [_unmeasured(work, "every one answered, ≤ 200 MB resident, ≤ 64 descriptors")]
    answered = million["answered"]
    return [
        _plain(work, "every one answered", f"{answered:,}", answered == 1_000_000),
        _at_most(work, "resident memory", million["resident_mb"], 200, " MB"),
        _at_most(work, "descriptors", million["descriptors"], 64, ""),
    ]


def _expiry_goals(results: Results) -> list[Goal]:
    turns = results["expiry"].get("turns", {}).get(OURS, [])
    found = longest(turns, "meanwhile") if turns else None
    work = "1,000,000 sessions end at once"
    left = [each["left"] for each in turns if "trouble" not in each]
    return [
        _at_most(work, "left 1.5 s later", max(left, default=None), PROBES_OWN, ""),
        _at_most(work, "a client's longest wait, least of the turns", found and found["min"], 5, " ms"),
    ]


def _endurance_goals(results: Results) -> list[Goal]:
    run = results["endurance"].get("runs", {}).get("endurance")
    work = f"10,000 new sessions a second for {run['seconds'] if run else 300:g} s"
    if not run:
        return [_unmeasured(work, "every one answered, ≤ 200 MB resident, ≤ 64 descriptors")]
    requests = run["requests"]
    figure = f"{requests['answered']:,} of {requests['sent']:,}"
    return [
        _plain(work, "every one answered", figure, requests["answered"] == requests["sent"]),
        _at_most(work, "resident memory", run["resident_mb"]["most"], 200, " MB"),
        _at_most(work, "descriptors", run["descriptors"], 64, ""),
        _at_most(work, "what expiry adds to an established client's wait (longest of each 5 s, median)",
                 _added(results["endurance"]["runs"]), 5, " ms"),
    ]


def _added(runs: dict[str, Any]) -> float | None:
    with_expiry, without = (runs[key]["probes"]["longest_of_each"] for key in ("endurance", "none_ends"))
    return None if with_expiry is None or without is None else with_expiry - without


def _rest_goals(results: Results) -> list[Goal]:
    rest = results["rest"].get(OURS, {})
    return [
        _at_most("at rest", "resident memory", rest.get("resident_mb"), 16, " MB"),
        _at_most("at rest", "wake-ups", rest.get("wake_ups_per_second"), 0, " /s"),
    ]


def _address_goals(results: Results) -> list[Goal]:
    work, found = "1,001 addresses", results["addresses"]
    many, one = found.get("1001", {}), found.get("1", {})

    def median(figures: dict[str, Any], key: str) -> float | None:
        return figures[key]["median"] if figures.get(key) else None

    def turns(figures: dict[str, Any], key: str) -> list[float]:
        found = figures.get(key)
        return found.get("turns", [found["median"]]) if found else []

    def compared(what: str, key: str) -> Goal:
        return _beside(work, what, list(zip(turns(many, key), turns(one, key))), 1.05, "that with one address")

    return [
        _at_most(work, "listening after", median(many, "start_seconds"), 1, " s"),
        _at_most(work, "a new address answers after (slowest of ten)", median(many, "new_address_ms"), 100, " ms"),
        compared("CPU, traffic to one of them", "cpu_one"),
        compared("CPU, traffic to all of them", "cpu_spread"),
    ]


def _instruction_goals(results: Results) -> list[Goal]:
    goal = f"instructions in user space ≤ {GOAL:g} × floor"
    return [
        _plain(f"{each.work}, {each.direction}", goal, f"{each.ratio:.2f} ×", each.ratio <= GOAL)
        for each in comparisons(results["instructions"])
    ] or [_unmeasured("each datagram, both directions", goal)]


def _idle_goal(results: Results) -> Goal:
    costs = results["idle_sessions"]
    pairs = list(zip(costs.get("100000", []), costs.get("10", [])))
    return _beside("100,000 idle sessions", "CPU", pairs, 1.05, "that with 10")
