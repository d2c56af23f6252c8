"""Everybody takes turns (A B C, A B C, ...), so that what the machine does meanwhile strikes all alike."""

from collections.abc import Callable, Sequence
from typing import Any

from harness.contenders import Contender
from harness.measure import Pace, summary, turn
from harness.processes import Trouble
from harness.work import ONLY_LATENCY, Work

Say = Callable[[str], None]

# Why somebody is left out of a row that is not about it: no failure.
ABOUT_OTHERS = "about others only"

FIGURES = ("rate", "bits", "cpu", "cpu_percent", "service_cpu", "loss", "reordered", "p50", "p90", "p99", "p999", "max")


def take_turns(rows: Sequence[Work], contenders: Sequence[Contender], pace: Pace, say: Say) -> dict[str, Any]:
    """All rows: by the work's key, by the contender's name, its figures or why there are none."""
    return {work.key: _row(work, contenders, pace, say) for work in rows}


def _row(work: Work, contenders: Sequence[Contender], pace: Pace, say: Say) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    left_out = {each.name: reason for each in contenders if (reason := unfit(each, work))}
    for repeat in range(pace.repeats):
        for contender in contenders:
            if contender.name in left_out:
                continue
            say(f"{work.title}: {contender.name}, {repeat + 1} of {pace.repeats}")
            try:
                found.setdefault(contender.name, []).append(turn(contender, work, pace))
            except Trouble as trouble:
                left_out[contender.name] = str(trouble)
    results: dict[str, Any] = {name: _figures(turns) for name, turns in found.items() if name not in left_out}
    return {"title": work.title, "brief": work.brief, "results": results, "left_out": left_out}


def unfit(contender: Contender, work: Work) -> str | None:
    if contender.name == ONLY_LATENCY and work.key != "latency":
        return ABOUT_OTHERS
    if work.only and contender.name not in work.only:
        return ABOUT_OTHERS
    return contender.unfit.get(work.key)


def _figures(turns: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {key: summary([each[key] for each in turns]) for key in FIGURES}
    figures["misdelivered"] = sum(each["misdelivered"] for each in turns)
    figures["turns"] = [{key: each[key] for key in FIGURES} for each in turns]
    # That of the turn whose p99 is the median one's.
    ordered = sorted((each for each in turns if each["p99"] is not None), key=lambda each: each["p99"])
    figures["distribution"] = ordered[len(ordered) // 2]["distribution"] if ordered else None
    return figures


def ratio(row: dict[str, Any], figure: str, ours: str, theirs: str) -> dict[str, float] | None:
    """Ours to theirs, turn by turn: the median of the ratios, and their spread."""
    results = row["results"]
    if ours not in results or theirs not in results:
        return None
    pairs = zip(results[ours]["turns"], results[theirs]["turns"])
    return summary([a[figure] / b[figure] for a, b in pairs if a[figure] is not None and b[figure]])
