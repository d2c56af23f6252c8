"""What is plotted of the results."""

from typing import Any

from harness.plots import bars, lines
from harness.workers import WORKS, picture_name


def pictures(results: dict[str, Any]) -> dict[str, str]:
    """By file name, the SVG; of what was not measured there is none."""
    files = {}
    if results["rows"]:
        files["cpu.svg"] = _cpu(results)
    if "latency" in results["rows"]:
        files["latency.svg"] = _latency(results)
    if results["sweep"]:
        files["throughput.svg"] = _throughput(results)
    if results["workers"]:
        files |= {picture_name(key): _workers(results["workers"], key) for key in WORKS}
    if results["sessions"]:
        files["memory.svg"] = _sessions(results, "resident_mb", "Memory against sessions", "resident memory, MB")
        files["descriptors.svg"] = _sessions(results, "descriptors", "Descriptors against sessions", "open descriptors")
    return files


def _cpu(results: dict[str, Any]) -> str:
    groups = []
    for row in results["rows"].values():
        members = [
            (name, each["cpu"]["median"], each["cpu"]["min"], each["cpu"]["max"])
            for name, each in row["results"].items() if each["cpu"] and name != "multihomed, busy"]
        groups.append((row["brief"], members))
    return bars("Processor time of the relay for each round trip", "µs, median and spread", groups)


def _throughput(results: dict[str, Any]) -> str:
    series: dict[str, list[tuple[float, float]]] = {}
    for clients, row in results["sweep"].items():
        for name, each in row["results"].items():
            series.setdefault(name, []).append((float(clients), each["rate"]["median"]))
    return lines(
        "Throughput against clients (one outstanding each, 64 B)", "clients", "round trips a second",
        list(series.items()))


def _workers(points: list[dict[str, Any]], key: str) -> str:
    series: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        for name, each in point["rows"][key]["results"].items():
            series.setdefault(name, []).append((point["workers"], each["rate"]["median"]))
    shared = ", which share their cores with generator and service" if all(each["shared"] for each in points) else ""
    return lines(
        f"Throughput against workers ({WORKS[key][0]})", "workers" + shared, "round trips a second", list(series.items()),
        log_x=False, x_ticks=[each["workers"] for each in points])


def _latency(results: dict[str, Any]) -> str:
    series = []
    row = results["rows"].get("latency", {"results": {}})
    for name, each in row["results"].items():
        # As is usual with percentiles: the axis is 1 / (1 - quantile), so that each nine takes as much room.
        points = [
            (1 / (1 - percentile / 100), latency) for percentile, latency in each["distribution"] or []
            if percentile < 99.995 and latency > 0]
        series.append((name, points))
    labels = {1: "0", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}
    return lines(
        "Latency at 10,000 requests a second", "percentile", "µs", series, log_y=True,
        x_label=lambda tick: labels.get(round(tick), ""))


def _sessions(results: dict[str, Any], key: str, title: str, name: str) -> str:
    series = []
    for who, points in results["sessions"].items():
        known = [(each["answered"], each[key]) for each in points if "trouble" not in each and each["answered"]]
        series.append((who, sorted(set(known))))
    return lines(title, "sessions that are answered", name, series, log_y=True)
