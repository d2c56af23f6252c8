"""The command line of the harness."""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import machine, network, readme, report
from harness.addresses import many_addresses
from harness.contenders import BENCHMARKS, Contender, Workshop, default_tools
from harness.endurance import endurance
from harness.expiry import at_once
from harness.instructions import instructions
from harness.limit import at_the_descriptor_limit
from harness.measure import Pace
from harness.peers import ALL
from harness.processes import Trouble, raise_descriptor_limit, take_priority
from harness.rest import at_rest
from harness.sessions import idle_sessions, many_sessions
from harness.turns import take_turns
from harness.work import ROWS, SWEEP, sweep_row
from harness.workers import by_workers

ROOT = BENCHMARKS.parent
INSIDE = "MULTIHOMED_BENCH_SANDBOX"
COMMANDS = {(): "make bench", ("--quick",): "make bench-quick"}
PARTS = ["rows", "sweep", "workers", "sessions", "endurance", "expiry", "limit", "idle", "addresses", "rest",
         "instructions"]
QUICK_PARTS = ["rows", "sessions", "limit", "idle", "addresses", "rest"]


def main() -> int:
    options = _options()
    if options.readme:
        print(readme.rewrite(report.read(options.output or BENCHMARKS / "results"), ROOT / "README.md"))
        return 0
    if not os.environ.get(INSIDE):
        # Network namespaces of our own, which vanish with us, whatever happens.
        os.environ[INSIDE] = "1"
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        os.execv(ROOT / "Tests" / "sandbox.sh", ["sandbox.sh", sys.executable, str(BENCHMARKS / "run"), *sys.argv[1:]])
    try:
        print(_run(options))
        return 0
    except Trouble as trouble:
        print(f"Benchmarks/run: {trouble}", file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", description="Measures multihomed beside other relays, and writes a report.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns: under three minutes")
    parser.add_argument("--binary", type=Path, default=ROOT / ".build" / "release" / "multihomed", metavar="FILE",
                        help="the multihomed to measure (default: the release build)")
    parser.add_argument("--tools", type=Path, default=default_tools(), metavar="FOLDER",
                        help="where multihomed-bench, bench-echo and floor are (default: the release build)")
    parser.add_argument("--output", type=Path, metavar="FOLDER",
                        help="where the report goes (default: Benchmarks/results, with --quick its subfolder quick)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long each turn measures")
    parser.add_argument("--repeats", type=int, metavar="N", help="how many turns everybody takes")
    parser.add_argument("--endurance", type=float, metavar="S",
                        help="how long the part of that name lasts (default: 300, with --quick 20)")
    parser.add_argument("--readme", action="store_true",
                        help="measure nothing: write the figures of the report that is there into README.md")
    parser.add_argument("--nice", type=int, metavar="N",
                        help="the priority of all that is started: -20 on a machine that others use, too")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--row", action="append", choices=[row.key for row in ROWS], help="only this row; may be repeated")
    parser.add_argument("--contender", action="append", choices=[each.name for each in ALL],
                        help="only this one; may be repeated")
    return parser.parse_args()


def _run(options: argparse.Namespace) -> str:
    began = time.monotonic()
    output = options.output or BENCHMARKS / "results" / ("quick" if options.quick else "")
    raise_descriptor_limit()
    if options.nice is not None:
        take_priority(options.nice)
    network.lay()
    with tempfile.TemporaryDirectory(prefix="multihomed-bench-") as folder:
        shop = Workshop(
            options.binary.resolve(), options.tools.resolve(), BENCHMARKS / ".peers", Path(folder),
            machine.Cores.of_this_machine())
        results = _measure(options, shop)
    path = report.write(results, output)
    return f"{path} ({time.monotonic() - began:.0f} s)"


def _measure(options: argparse.Namespace, shop: Workshop) -> dict[str, Any]:
    contenders, missing = _contenders(options, shop)
    for name, reason in missing.items():
        print(f"left out: {name}: {reason}", file=sys.stderr, flush=True)
    pace = _pace(options)
    load = machine.load()
    results: dict[str, Any] = {
        "command": COMMANDS.get(tuple(sys.argv[1:]), shlex.join(["Benchmarks/run", *sys.argv[1:]])),
        "machine": machine.describe(),
        "cores": shop.cores.text(),
        "pace": {"seconds": pace.seconds, "repeats": pace.repeats},
        "versions": {each.name: each.version() for each in contenders},
        "missing": missing,
        "took": {},
        "failed": {},
    }
    wanted = options.part or (QUICK_PARTS if options.quick else PARTS)
    for part, (key, take) in _parts(options, contenders, pace).items():
        began = time.monotonic()
        results[key] = {}
        if part not in wanted:
            continue
        try:
            results[key] = take()
        except Trouble as trouble:
            # The other parts are worth having all the same.
            results["failed"][part] = str(trouble)
            _say("")
            print(f"{part} failed: {trouble}", file=sys.stderr, flush=True)
        results["took"][part] = round(time.monotonic() - began, 1)
    results["load"] = [load, machine.load()]
    _say("")
    return results


def _pace(options: argparse.Namespace) -> Pace:
    seconds, warmup, repeats = (0.5, 0.2, 2) if options.quick else (2.0, 0.4, 5)
    return Pace(options.seconds or seconds, warmup, options.repeats or repeats)


def _parts(
    options: argparse.Namespace, contenders: list[Contender], pace: Pace
) -> dict[str, tuple[str, Callable[[], Any]]]:
    """By the part's name: its key in the results, and what measures it."""
    quick = options.quick
    relays = [each for each in contenders if each.is_relay]
    by_name = {each.name: each for each in contenders}
    ours, floor = by_name.get("multihomed"), by_name.get("floor")
    rows = [row for row in ROWS if not options.row or row.key in options.row]
    few = replace(pace, seconds=min(pace.seconds, 1.5), repeats=max(1, pace.repeats // 2))
    most = max(1, pace.repeats * 3 // 5)
    lasts = options.endurance or (20.0 if quick else 300.0)
    sessions = ([each for each in relays if each.name != "floor"], [1000, 1_000_000]) if quick else \
        (relays, [1000, 10_000, 100_000, 1_000_000])
    resting = [each for each in relays if not quick or each.name in ("multihomed", "nginx", "envoy")]
    work = [*ROWS[0].generator, *pace.arguments()]
    once = 1 if quick else pace.repeats
    return {
        "rows": ("rows", lambda: take_turns(rows, contenders, pace, _say)),
        "sweep": ("sweep", lambda: _sweep(contenders, few)),
        "workers": ("workers", lambda: by_workers(contenders, few, _say)),
        "sessions": ("sessions", lambda: many_sessions(*sessions, _say)),
        "endurance": ("endurance", lambda: endurance(ours, floor, lasts, _say) if ours else {}),
        "expiry": ("expiry", lambda: at_once(relays, most, _say)),
        "limit": ("descriptor_limit", lambda: at_the_descriptor_limit(relays, _say)),
        "idle": ("idle_sessions", lambda: idle_sessions(ours, [10, 100_000], work, pace.repeats, _say) if ours else {}),
        "addresses": ("addresses", lambda: many_addresses(ours, pace, once, _say) if ours else {}),
        "rest": ("rest", lambda: at_rest(resting, 2 if quick else 5, _say)),
        "instructions": ("instructions", lambda: instructions(relays, _say)),
    }


def _contenders(options: argparse.Namespace, shop: Workshop) -> tuple[list[Contender], dict[str, str]]:
    takes_part, missing = [], {}
    for kind in ALL:
        contender = kind(shop)
        if options.contender and contender.name not in options.contender:
            continue
        reason = contender.missing()
        if reason:
            missing[contender.name] = reason
        else:
            takes_part.append(contender)
    return takes_part, missing


def _sweep(contenders: list[Contender], pace: Pace) -> dict[str, Any]:
    fit = [each for each in contenders if each.name not in ("socat", "multihomed, busy")]
    rows = take_turns([sweep_row(clients) for clients in SWEEP], fit, pace, _say)
    return {str(clients): rows[f"sweep-{clients}"] for clients in SWEEP}


def _say(what: str) -> None:
    """One line of progress, on a terminal in place."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
    elif what:
        print(what, file=sys.stderr, flush=True)
