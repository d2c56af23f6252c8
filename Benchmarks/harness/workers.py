"""What more workers bring: throughput, and processor time a round trip; from one worker up to the cores that there are."""

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from harness import machine, words
from harness.contenders import Contender, Tuning
from harness.machine import Cores
from harness.measure import Pace, load, standing, summary
from harness.processes import Trouble
from harness.turns import Say

Results = dict[str, Any]

# By key: what is said of it, how many clients, and how many requests each has under way.
WORKS = {
    "clients-64": ("64 clients × 4 outstanding × 64 B", 64, 4),
    "clients-1000": ("1,000 clients × 1 outstanding × 64 B", 1000, 1),
}
FIGURES = ("rate", "cpu", "cpu_percent")


def worker_counts(cores: int) -> list[int]:
    """1, 2, 4 and so on, and as many as there are cores."""
    return sorted({2**n for n in range(cores.bit_length()) if 2**n <= cores} | {cores})


def by_workers(contenders: Sequence[Contender], pace: Pace, say: Say) -> list[Results]:
    """For each number of workers, by the work's key and the contender's name, its figures or why there are none."""
    cores = machine.all_cores()
    fit = [each for each in contenders if each.has_workers]
    return [_with_workers(workers, Cores.for_workers(workers, cores), fit, pace, say)
            for workers in worker_counts(len(cores))] if fit else []


def _with_workers(workers: int, cores: Cores, contenders: Sequence[Contender], pace: Pace, say: Say) -> Results:
    rows: Results = {key: {"results": {}, "left_out": {}} for key in WORKS}
    for key in WORKS:
        found: dict[str, list[dict[str, float]]] = {}
        for repeat in range(pace.repeats):
            for contender in contenders:
                say(f"{words.count(workers, 'worker')}, {WORKS[key][0]}: {contender.name}, {repeat + 1} of {pace.repeats}")
                try:
                    found.setdefault(contender.name, []).append(_turn(contender, key, workers, cores, pace))
                except Trouble as trouble:
                    rows[key]["left_out"][contender.name] = str(trouble)
        rows[key]["results"] = {
            name: {figure: summary([turn[figure] for turn in turns]) for figure in FIGURES}
            for name, turns in found.items() if turns}
    return {"workers": workers, "cores": cores.text(), "shared": cores.are_shared, "pairs": cores.pairs, "rows": rows}


def _turn(contender: Contender, key: str, workers: int, cores: Cores, pace: Pace) -> dict[str, float]:
    shop = replace(contender.shop, cores=cores)
    placed = type(contender)(shop)
    with standing(placed, Tuning(sessions=2048, workers=workers)) as (relay, service):
        def ask(number: int) -> Results:
            place = cores.generator if cores.are_shared else cores.generator[number:number + 1]
            arguments = [*generator(key, number, cores.pairs), *pace.arguments()]
            return load(shop, arguments, relay, service, cores=place)

        with ThreadPoolExecutor(cores.pairs) as pool:
            return combined(list(pool.map(ask, range(cores.pairs))))


def generator(key: str, number: int, count: int) -> list[str]:
    """What one of several generators is told: its share of the clients, with addresses of its own."""
    _, clients, outstanding = WORKS[key]
    # 16 blocks of half a million addresses each; with more generators, ports tell clients of one address apart.
    block = f"10.{128 + 8 * (number % 16)}.0.0/13"
    share = clients // count + (number < clients % count)
    sources = ["--sources", block] if key == "clients-1000" else []
    return ["--clients", str(share), "--outstanding", str(outstanding), "--size", "64", *sources]


def combined(reports: Sequence[Results]) -> dict[str, float]:
    """One finding of several generators that asked at the same time."""
    rate = sum(each["round_trips_per_second"] for each in reports)
    relays = [process for each in reports for process in each["processes"] if process["name"] == "relay"]
    if not rate or len(relays) < len(reports):
        raise Trouble("the relay ended, or answered nobody")
    # Each saw the same relay, over nearly the same time.
    percent = statistics.mean(each["cpu_percent"] for each in relays)
    return {"rate": rate, "cpu": percent / 100 * 1e6 / rate, "cpu_percent": percent}


def section(points: Sequence[Results]) -> list[str]:
    """What the report says of it."""
    if not points:
        return []
    parts = ["## Workers", "", *_layout(points)]
    for key, (title, _, _) in WORKS.items():
        head = ["", *[f"{each['workers']} worker{'s' if each['workers'] > 1 else ''}" for each in points]]
        names = list(dict.fromkeys(name for each in points for name in each["rows"][key]["results"]))
        rows = []
        for figure, unit, digits in (("rate", "round trips/s", 0), ("cpu", "relay µs/round trip", 2)):
            for name in names:
                found = [each["rows"][key]["results"].get(name) for each in points]
                rows.append([f"{name}, {unit}", *[words.spread(each and each[figure], digits) for each in found]])
        parts += [words.capital(title) + ":", "", *words.table(head, rows), "", *words.picture(title, picture_name(key))]
    return parts


def picture_name(key: str) -> str:
    return f"workers-{key}.svg"


def _layout(points: Sequence[Results]) -> list[str]:
    lines = []
    for each in points:
        who = "one generator and one service" if each["pairs"] == 1 else \
            f"{each['pairs']} generators and as many services"
        lines.append(f"- {each['workers']}: {each['cores']}; {who}")
    parts = ["Who ran where, by the number of workers:", "", *lines, ""]
    if any(each["shared"] for each in points):
        parts += [
            "Where the relay shares its cores with those who ask and answer, throughput says how the cores are divided up, "
            "not how far the relay scales; processor time a round trip still says what it costs.", ""]
    return parts
