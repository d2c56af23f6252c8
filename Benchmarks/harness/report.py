"""The report: Markdown for people, JSON for programs, SVG for the eye."""

import json
import re
from pathlib import Path
from typing import Any

from harness import endurance, expiry, limit, words, workers
from harness.goals import goals_of_the_run
from harness.instructions import sections as instruction_sections
from harness.pictures import pictures
from harness.turns import ABOUT_OTHERS

Results = dict[str, Any]

JSON = "report.json"


def write(results: Results, folder: Path) -> Path:
    """Writes all files of the report and returns the one to read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(_json(results))
    for name, svg in pictures(results).items():
        (folder / name).write_text(svg)
    path = folder / "report.md"
    path.write_text("\n".join(_sections(results)) + "\n")
    return path


def read(folder: Path) -> Results:
    """What `write` wrote there."""
    return json.loads((folder / JSON).read_text())


def _json(results: Results) -> str:
    """Indented, but for lists of nothing but figures, which take a line each."""
    text = json.dumps(results, indent=1)
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: " ".join(found[0].split()), text) + "\n"


def _sections(results: Results) -> list[str]:
    parts = [*_head(results), *_goals(results)]
    for row in results["rows"].values():
        parts += _row(row)
        parts += {"latency": words.picture("Latency by percentile", "latency.svg")}.get(_key(results, row), [])
    if results["rows"]:
        parts += words.picture("Processor time for each round trip", "cpu.svg")
    parts += [*_sweep(results), *workers.section(results["workers"]), *_sessions(results)]
    parts += [*endurance.section(results["endurance"]), *expiry.section(results["expiry"])]
    parts += [*limit.section(results["descriptor_limit"]), *_idle(results), *_addresses(results), *_rest(results)]
    return parts + [*instruction_sections(results["instructions"]), *_took(results), *_reading()]


def _key(results: Results, row: Results) -> str:
    return next(key for key, each in results["rows"].items() if each is row)


# MARK: Parts


def _head(results: Results) -> list[str]:
    machine, pace = results["machine"], results["pace"]
    virtual = ", a virtual machine" if machine["virtual"] else ""
    parts = [
        "# What a relay costs", "",
        f"Taken on {machine['date']} with `{results['command']}`: {machine['processor']}, {machine['cores']} cores{virtual}, "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}; {results['cores']}. All traffic over lo in a network "
        f"namespace of its own, where no other host is named. Everybody took {words.count(pace['repeats'], 'turn')} of {pace['seconds']:g} s for each row; figures "
        "are medians, with the spread in brackets where there is room.", "",
        f"Load of the machine (one-minute average) at the start {results['load'][0]:.2f}, at the end "
        f"{results['load'][1]:.2f}, the benchmark itself included.", "", *words.table(["who", "what"], [])]
    parts += [f"| {name} | {version} |" for name, version in results["versions"].items()]
    parts += [f"| {name} | left out: {reason} |" for name, reason in results["missing"].items()]
    return [*parts, "", *_failed(results)]


def _failed(results: Results) -> list[str]:
    """Parts that ended before there was a finding, each with its reason."""
    return [line for part, reason in results.get("failed", {}).items() for line in (f"**{part} failed**: {reason}", "")]


def _goals(results: Results) -> list[str]:
    rows = [[each.work, each.goal, each.figure, each.verdict.text()] for each in goals_of_the_run(results)]
    if not rows:
        return []
    text = "Ratios are taken turn by turn; the figure is their median, then their spread. Where some turns met the goal and " \
        "others did not, it is undecided."
    return ["## Goals", "", text, "", *words.table(["work", "goal", "figure", "verdict"], rows), ""]


def _row(row: Results) -> list[str]:
    head = ["", "round trips/s", "Mbit/s", "relay µs/round trip", "relay CPU", "service µs", "lost", "p50 µs", "p99 µs"]
    rows = []
    for name, each in row["results"].items():
        rows.append([
            name, words.spread(each["rate"], 0), words.median(each["bits"], 0, 1e-6), words.spread(each["cpu"], 2),
            words.median(each["cpu_percent"], 0, suffix=" %"), words.median(each["service_cpu"], 2), words.share(each["loss"]),
            words.spread(each["p50"], 1), words.spread(each["p99"], 1)])
        if each["misdelivered"]:
            rows[-1][0] += f" (**{each['misdelivered']} misdelivered**)"
    left_out = [f"{name} ({why})" for name, why in row["left_out"].items() if why != ABOUT_OTHERS]
    note = ["Left out: " + "; ".join(left_out) + ".", ""] if left_out else []
    return ["## " + words.capital(row["title"]), "", *words.table(head, rows), "", *note]


def _sweep(results: Results) -> list[str]:
    if not results["sweep"]:
        return []
    names = list(dict.fromkeys(name for row in results["sweep"].values() for name in row["results"]))
    rows = [
        [name, *[words.median(row["results"].get(name, {}).get("rate"), 0) for row in results["sweep"].values()]]
        for name in names]
    head = ["round trips/s with so many clients", *[f"{int(clients):,}" for clients in results["sweep"]]]
    return ["## Throughput against clients", "", *words.table(head, rows), "", *words.picture("Throughput", "throughput.svg")]


def _sessions(results: Results) -> list[str]:
    if not results["sessions"]:
        return []
    head = [
        "", "clients", "answered, both times", "resident MB", "empty MB", "kernel (slab) MB", "descriptors",
        "µs, first request", "µs, second"]
    rows = []
    for name, points in results["sessions"].items():
        for each in points:
            if "trouble" in each:
                rows.append([name, f"{each['sessions']:,}", each["trouble"]] + [""] * 6)
                continue
            rows.append([
                name + ("" if each["alive"] else " (**ended**)"), f"{each['sessions']:,}", f"{each['answered']:,}",
                f"{each['resident_mb']:.1f}", f"{each['resident_mb_empty']:.1f}", f"{each['kernel_mb']:.0f}",
                f"{each['descriptors']:,}", words.number(each["cpu_first"], 2), words.number(each["cpu_second"], 2)])
    plots = words.picture("Memory", "memory.svg") + words.picture("Descriptors", "descriptors.svg")
    limit = results["machine"].get("descriptors")
    note = "Every client asks twice." + (f" A process has at most {limit:,} descriptors here." if limit else "")
    return ["## Sessions at once", "", note, "", *words.table(head, rows), "", *plots]


def _idle(results: Results) -> list[str]:
    rows = [[f"{int(count):,}", ", ".join(f"{each:.2f}" for each in costs)]
            for count, costs in results["idle_sessions"].items()]
    head = ["idle sessions", "relay µs/round trip, each turn"]
    return ["## Beside idle sessions (64 clients × 4 × 64 B)", "", *words.table(head, rows), ""] if rows else []


def _addresses(results: Results) -> list[str]:
    rows = [
        [f"{int(count):,}", words.spread(each.get("start_seconds"), 3), words.spread(each.get("new_address_ms"), 1),
         words.spread(each.get("cpu_one"), 2), words.spread(each.get("cpu_spread"), 2),
         words.median(each.get("resident_mb"), 1)]
        for count, each in results["addresses"].items()]
    head = [
        "addresses", "listening after s", "a new one answers after ms (slowest of ten)", "µs/round trip, 64 × 4 to one",
        "µs/round trip, 1,000 × 1 to all", "resident MB"]
    return ["## Addresses", "", *words.table(head, rows), ""] if rows else []


def _rest(results: Results) -> list[str]:
    rows = []
    for name, each in results["rest"].items():
        if "trouble" in each:
            rows.append([name, each["trouble"], "", ""])
        else:
            rows.append([
                name, f"{each['resident_mb']:.1f}", str(each["descriptors"]), f"{each['wake_ups_per_second']:.1f}"])
    return ["## At rest", "", *words.table(["", "resident MB", "descriptors", "wake-ups/s"], rows), ""] if rows else []


def _took(results: Results) -> list[str]:
    took = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in results["took"].items())
    return ["## How long the parts took", "", f"{_sum(results)}: {took}.", ""]


def _sum(results: Results) -> str:
    seconds = sum(results["took"].values())
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _reading() -> list[str]:
    return [
        "## How to read this", "",
        "- *relay µs/round trip*: processor time of the relay with all its threads and children, kernel included, divided "
        "by the requests answered. It is the figure that survives a noisy machine.",
        "- *throughput* ends where the busiest core does: where *relay CPU* is well below 100 %, the generator and the "
        "service were the limit, and the relay could do more.",
        "- *latency* in the closed loops follows from throughput; in the open loop it counts from when a request was meant "
        "to leave.",
        "- *direct* is the generator and the service alone. On an undisturbed machine no relay takes less processor time than "
        "none; throughput and latency also follow from who waits for whose core, and from what else the machine did, so a "
        "relay may come out before it.",
        "- *floor* is what the system calls of our design cost, and little else: a lower bound of processor time on an "
        "undisturbed machine. Within the spread of the turns, a relay may come out below it.",
        "- *left out* is whoever failed in one turn or more, or answered nobody there: no average hides it.",
        "- *kernel rule*: over lo each datagram passes the hooks of both chains, four times a round trip, since client and "
        "service are one host; with clients elsewhere it is twice, and there its replies would have left from another address "
        "than was asked: they are mended, and routed anew.", ""]
