"""The performance section of the README: what the report found, and no word beyond it."""

from pathlib import Path
from typing import Any

from harness import words
from harness.goals import all_goals
from harness.processes import Trouble

Results = dict[str, Any]

BEGIN, END = "<!-- performance -->", "<!-- /performance -->"
COLUMNS = {"multihomed": "multihomed", "nginx": "nginx `stream`", "envoy": "Envoy", "floor": "floor", "direct": "direct"}


def rewrite(results: Results, path: Path) -> str:
    """Puts the section between its marks, and says what came of it."""
    text = path.read_text()
    now = with_section(text, section(results))
    path.write_text(now)
    return f"{path}: " + ("nothing to change" if now == text else "the performance section is new")


def with_section(text: str, lines: str) -> str:
    """The README's text with these lines between the marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise Trouble(f"README.md has no place for the figures: give it the lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{lines}{END}{tail}"


def section(results: Results) -> str:
    rows = [*_work_rows(results), *_latency_rows(results), *_session_rows(results)]
    table = words.table(["", *COLUMNS.values()], rows)
    return "\n".join([_taken(results), "", *table, "", _legend(results), "", *_missed(results)]) + "\n"


def _taken(results: Results) -> str:
    machine, pace = results["machine"], results["pace"]
    virtual = ", a virtual machine" if machine["virtual"] else ""
    return (
        f"`{results['command']}`, {machine['date']}, {machine['processor']}, {machine['cores']} cores{virtual}, Linux "
        f"{machine['kernel']}; the relay on one core; {pace['repeats']} turns of {pace['seconds']:g} s each, medians. CPU is "
        "processor time of the relay for each request and its reply, kernel included.")


def _legend(results: Results) -> str:
    versions = [results["versions"][name] for name in ("nginx", "envoy") if name in results["versions"]]
    beside = f" Beside it: {'; '.join(versions)}." if versions else ""
    return (
        "*floor*: a C relay that only receives, multiplexes, groups and sends. *direct*: no relay; the client asks the "
        f"service itself.{beside} All figures: [the report](Benchmarks/results/report.md); how they are taken: "
        "[Benchmarks](Benchmarks/README.md).")


def _missed(results: Results) -> list[str]:
    goals = all_goals(results)
    missed = [goal for goal in goals if goal.met is False]
    unknown = sum(goal.met is None for goal in goals)
    head = f"Of {len(goals)} goals, {len(goals) - len(missed) - unknown} are met, {len(missed)} missed"
    head += f", {unknown} not measured" if unknown else ""
    return [head + (":" if missed else "."), "", *[
        f"- {goal.work}: {goal.goal}; found {goal.figure}" for goal in missed], *([""] if missed else [])]


# MARK: Rows


def _work_rows(results: Results) -> list[list[str]]:
    rows = []
    for key, work in results["rows"].items():
        if key == "latency":
            continue
        title = words.capital(work["title"])
        rows.append([f"{title}: CPU, µs", *_figures(work, "cpu", 2)])
        rows.append([f"{title}: round trips/s", *_figures(work, "rate", 0)])
    return rows


def _latency_rows(results: Results) -> list[list[str]]:
    work = results["rows"].get("latency")
    if not work:
        return []
    title = words.capital(work["title"])
    return [[f"{title}: {name}, µs", *_figures(work, name, 0)] for name in ("p50", "p99")]


def _figures(work: Results, figure: str, digits: int) -> list[str]:
    return [words.median(work["results"].get(name, {}).get(figure), digits) for name in COLUMNS]


def _session_rows(results: Results) -> list[list[str]]:
    found = {name: _most(results["sessions"].get(name, [])) for name in COLUMNS}
    if not any(found.values()):
        return []

    def row(title: str, key: str) -> list[str]:
        return [title, *[words.number(each[key]) if each else "" for each in found.values()]]

    def afterwards(title: str, key: str) -> list[str]:
        return [title, *["" if not each else words.number(each[key]) if each["alive"] else "ended" for each in found.values()]]

    return [
        row("Most clients at once that were asked for", "sessions"), row("of them answered, both times", "answered"),
        afterwards("Resident memory then, MB", "resident_mb"), afterwards("Descriptors then", "descriptors")]


def _most(points: list[Results]) -> Results | None:
    known = [each for each in points if "trouble" not in each]
    return max(known, key=lambda each: each["sessions"]) if known else None
