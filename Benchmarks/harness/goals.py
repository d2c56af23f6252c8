"""The goals of design.md, section 8, each with the figure beside it."""

from dataclasses import dataclass
from typing import Any

from harness.expiry import longest
from harness.instructions import GOAL, comparisons
from harness.turns import ratio

Results = dict[str, Any]
OURS = "multihomed"
# The session of the client that is asked for its waits.
PROBES_OWN = 1


@dataclass(frozen=True)
class Goal:
    """What is wanted, and what was found."""

    work: str
    goal: str
    figure: str
    # None: it could not be measured.
    met: bool | None

    def verdict(self) -> str:
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]


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
    goals = [_ratio_goal(results, OURS, *each) for each in RATIOS]
    goals += [_ratio_goal(results, "multihomed, busy", "latency", p, p, "nginx", 0.6) for p in ("p50", "p99")]
    goals.append(_ratio_goal(results, "kernel rule", "clients-64", "rate", "throughput", "direct", -0.9))
    goals += _session_goals(results) + _expiry_goals(results) + _endurance_goals(results)
    return goals + _rest_goals(results) + _address_goals(results) + _instruction_goals(results)


def _ratio_goal(
    results: Results, ours: str, work: str, figure: str, name: str, theirs: str, limit: float
) -> Goal:
    row = results["rows"].get(work)
    who = "" if ours == OURS else f"{ours}: "
    goal = f"{who}{name} {'≥' if limit < 0 else '≤'} {abs(limit):g} × {theirs}"
    title = row["title"] if row else work
    found = ratio(row, figure, ours, theirs) if row else None
    if not found:
        return Goal(title, goal, "", None)
    text = f"{found['median']:.2f} × ({found['min']:.2f} to {found['max']:.2f})"
    met = found["median"] >= -limit if limit < 0 else found["median"] <= limit
    return Goal(title, goal, text, met)


def _at_most(work: str, what: str, value: float | None, limit: float, unit: str) -> Goal:
    goal = f"{what} ≤ {limit:g}{unit}"
    return Goal(work, goal, "" if value is None else f"{value:.4g}{unit}", None if value is None else value <= limit)


def _session_goals(results: Results) -> list[Goal]:
    work = "1,000,000 sessions at once"
    points = results["sessions"].get(OURS, [])
    million = next((each for each in points if each["sessions"] == 1_000_000 and "trouble" not in each), None)
    if not million:
        return [Goal(work, "every one answered, ≤ 200 MB resident, ≤ 64 descriptors", "", None)]
    answered = million["answered"]
    return [
        Goal(work, "every one answered", f"{answered:,}", answered == 1_000_000),
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
        return [Goal(work, "every one answered, ≤ 200 MB resident, ≤ 64 descriptors", "", None)]
    requests = run["requests"]
    figure = f"{requests['answered']:,} of {requests['sent']:,}"
    return [
        Goal(work, "every one answered", figure, requests["answered"] == requests["sent"]),
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

    def compared(key: str) -> float | None:
        a, b = median(many, key), median(one, key)
        return a / b if a and b else None

    return [
        _at_most(work, "listening after", median(many, "start_seconds"), 1, " s"),
        _at_most(work, "a new address answers after (slowest of ten)", median(many, "new_address_ms"), 100, " ms"),
        _at_most(work, "CPU, traffic to one of them", compared("cpu_one"), 1.05, " × that with one address"),
        _at_most(work, "CPU, traffic to all of them", compared("cpu_spread"), 1.05, " × that with one address"),
        _idle_goal(results),
    ]


def _instruction_goals(results: Results) -> list[Goal]:
    goal = f"instructions in user space ≤ {GOAL:g} × floor"
    return [
        Goal(f"{each.work}, {each.direction}", goal, f"{each.ratio:.2f} ×", each.ratio <= GOAL)
        for each in comparisons(results["instructions"])
    ] or [Goal("each datagram, both directions", goal, "", None)]


def _idle_goal(results: Results) -> Goal:
    costs = results["idle_sessions"]
    few, many = costs.get("10"), costs.get("100000")
    pairs = sorted(a / b for a, b in zip(many or [], few or []))
    value = pairs[len(pairs) // 2] if pairs else None
    return _at_most("100,000 idle sessions", "CPU", value, 1.05, " × that with 10")
