"""The performance section of the README: what the report found, and no word beyond it."""

from pathlib import Path
from typing import Any

from harness import words
from harness.goals import OURS, Goal, Verdict, all_goals, of
from harness.processes import Trouble
from harness.sessions import MOST_SESSIONS
from harness.work import ONLY_LATENCY

Results = dict[str, Any]

BEGIN, END = "<!-- performance -->", "<!-- /performance -->"
COLUMNS = {"multihomed": "multihomed", "nginx": "nginx `stream`", "envoy": "Envoy", "floor": "floor", "direct": "direct"}
# Who lost a larger share than this has a row that says so.
WORTH_TELLING = 0.001


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
    return "\n".join([_taken(results), "", *table, "", _legend(results), "", *_goals(all_goals(results))]) + "\n"


def _taken(results: Results) -> str:
    machine, pace = results["machine"], results["pace"]
    virtual = ", a virtual machine" if machine["virtual"] else ""
    return (
        f"`{results['command']}`, {machine['date']}, {machine['processor']}, {machine['cores']} cores{virtual}, Linux "
        f"{machine['kernel']}; the relay on one core; {words.count(pace['repeats'], 'turn')} of {pace['seconds']:g} s, medians, with the "
        "spread over the turns in brackets. CPU is processor time of the relay for each request and its reply, kernel "
        "included.")


def _legend(results: Results) -> str:
    versions = [results["versions"][name] for name in ("nginx", "envoy") if name in results["versions"]]
    beside = f" Beside it: {'; '.join(versions)}." if versions else ""
    return (
        "*floor*: a C relay that only receives, multiplexes, groups and sends. *direct*: no relay; the client asks the "
        "service itself. *kernel rule*: no relay; nftables mends the source address of the service's replies. An empty "
        f"cell: there is nothing to measure.{_sharing(results)}{_descriptors(results)}{beside} All figures: [the "
        "report](Benchmarks/results/report.md); how they are taken: [Benchmarks](Benchmarks/README.md).")


def _sharing(results: Results) -> str:
    if not any(word in results["cores"] for word in ("together", "all on")):
        return ""
    return (" Generator and service share a core here, on which throughput and latency depend; CPU is the figure to "
            "compare.")


def _descriptors(results: Results) -> str:
    most = results["machine"].get("most_descriptors")
    limit = f" of {most:,} descriptors (`RLIMIT_NOFILE`, hard)" if most else " on descriptors"
    asked = f"{max(MOST_SESSIONS.values()):,}"
    return (f" Relays with a socket for each session end at this machine's limit{limit} and are asked by {asked} clients at "
            "most.")


def _goals(goals: list[Goal]) -> list[str]:
    counts = ", ".join(f"{len(of(verdict, goals))} {verdict.value}" for verdict in Verdict)
    lines = [
        f"{len(goals)} goals: {counts}. Undecided is a ratio that met its goal in some turns and missed it in others.", "",
        *_listed("Missed:", of(Verdict.MISSED, goals)), *_listed("Undecided:", of(Verdict.UNDECIDED, goals))]
    unknown = "; ".join(f"{goal.work}: {goal.goal}" for goal in of(Verdict.NOT_MEASURED, goals))
    return [*lines, f"Not measured: {unknown}.", ""] if unknown else lines


def _listed(title: str, goals: list[Goal]) -> list[str]:
    return [title, "", *[f"- {goal.work}: {goal.goal}; found {goal.figure}" for goal in goals], ""] if goals else []


# MARK: Rows


def _work_rows(results: Results) -> list[list[str]]:
    rows = []
    for key, work in results["rows"].items():
        if key == "latency" or OURS not in work["results"]:
            continue
        title = words.capital(work["title"])
        rows.append([f"{title}: CPU, µs", *_figures(work, "cpu", 2)])
        rows.append([f"{title}: thousand round trips/s", *_figures(work, "rate", 1, 1e-3)])
        rows += _loss_rows(work)
    return rows


def _loss_rows(work: Results) -> list[list[str]]:
    found = [work["results"].get(name, {}).get("loss") for name in COLUMNS]
    if not any(loss and loss["max"] > WORTH_TELLING for loss in found):
        return []
    return [[f"{words.capital(work['title'])}: lost", *[words.share(loss) if loss else "" for loss in found]]]


def _latency_rows(results: Results) -> list[list[str]]:
    work = results["rows"].get("latency")
    if not work:
        return []
    title = words.capital(work["title"])
    rows = []
    for name in ("p50", "p99"):
        rows.append([f"{title}: {name}, µs", *_figures(work, name, 0)])
        busy = work["results"].get(ONLY_LATENCY, {}).get(name)
        if busy:
            rows.append([f"the same with `--busy-poll`: {name}, µs", words.spread(busy, 0), *[""] * (len(COLUMNS) - 1)])
    return rows + _loss_rows(work)


def _figures(work: Results, figure: str, digits: int, factor: float = 1) -> list[str]:
    return [words.spread(work["results"].get(name, {}).get(figure), digits, factor) for name in COLUMNS]


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
