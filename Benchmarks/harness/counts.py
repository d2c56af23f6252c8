"""Instructions of the core's workloads against those recorded: a regression shows however noisy the machine is."""

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import callgrind
from harness.contenders import BENCHMARKS, default_tools
from harness.processes import Trouble, run

RECORD = BENCHMARKS / "instructions.json"
TOLERANCE = 0.03
# The hash of a session's key has seeds of its own in each process, so look-ups take a little more or less; over so many
# they differ by less than a percent.
OPERATIONS = 4_000
# The function of core-work below which everything is counted.
COUNTED = "*7counted*"
REGRESSION, NOT_COMPARABLE, TROUBLE = 1, 2, 70

Record = dict[str, Any]


def main() -> int:
    options = _options()
    try:
        reason = callgrind.missing()
        if reason:
            raise Trouble(reason)
        found = {"made_with": _made_with(), "workloads": _count(options.tools / "core-work")}
        return _record(found) if options.record else _compare(found, _recorded())
    except Trouble as trouble:
        print(f"Benchmarks/count-instructions: {trouble}", file=sys.stderr)
        return TROUBLE


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="Benchmarks/count-instructions",
        description="Counts with callgrind how many instructions the core's workloads take for each operation, and compares "
        f"them with {RECORD.relative_to(BENCHMARKS.parent)}. Fails when one takes over {TOLERANCE:.0%} more than recorded.")
    parser.add_argument("--record", action="store_true", help="record what is found instead of comparing it")
    parser.add_argument("--tools", type=Path, default=default_tools(), metavar="FOLDER",
                        help="where core-work is (default: the release build)")
    return parser.parse_args()


# MARK: Counting


def _count(program: Path) -> dict[str, float]:
    """By workload: instructions for each operation."""
    with tempfile.TemporaryDirectory(prefix="multihomed-count-") as folder:
        copy, found = callgrind.countable(program, Path(folder)), {}
        for name in run([copy]).splitlines():
            dump = Path(folder) / "dump"
            command = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={dump}", f"--toggle-collect={COUNTED}"]
            run([*command, copy, name, str(OPERATIONS)])
            found[name] = round(callgrind.total(dump) / OPERATIONS, 1)
            print(f"{found[name]:10,.1f}  {name}", flush=True)
    return found


def _made_with() -> str:
    """What counts depend on, beside the code."""
    version = run(["swift", "--version"]).splitlines()
    return f"{next((line for line in version if 'version' in line), version[0])}, {platform.machine()}"


# MARK: Recording and comparing


def _recorded() -> Record:
    if not RECORD.exists():
        raise Trouble(f"{RECORD} is missing; record it: make bench-count-record")
    return json.loads(RECORD.read_text(encoding="utf-8"))


def _record(found: Record) -> int:
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"recorded in {RECORD.relative_to(BENCHMARKS.parent)}")
    return 0


def _compare(found: Record, recorded: Record) -> int:
    if found["made_with"] != recorded["made_with"]:
        print(f"\nNot comparable: recorded with {recorded['made_with']}, counted with {found['made_with']}. Check out the "
              "commit to compare with, record it here (make bench-count-record), return, and count again.", file=sys.stderr)
        return NOT_COMPARABLE
    changes = _changes(found["workloads"], recorded["workloads"])
    print()
    for name, (was, now) in changes.items():
        print(f"{name}: {was or 0:,.1f} recorded, {now or 0:,.1f} now{_percent(was, now)}")
    if any(was is None or now is None or now > was for was, now in changes.values()):
        print("\nIf that is a mistake, mend it; if it is the price of something, say so in the commit and record it with the "
              "commit: make bench-count-record", file=sys.stderr)
        return REGRESSION
    print("less than recorded: keep it so with make bench-count-record" if changes else
          f"all within {TOLERANCE:.0%} of what is recorded")
    return 0


def _changes(found: dict[str, float], recorded: dict[str, float]) -> dict[str, tuple[float | None, float | None]]:
    """Workloads beyond the tolerance, or not in both."""
    pairs = {name: (recorded.get(name), found.get(name)) for name in (*found, *recorded)}
    return {
        name: (was, now) for name, (was, now) in pairs.items()
        if was is None or now is None or abs(now - was) > TOLERANCE * was}


def _percent(was: float | None, now: float | None) -> str:
    if was is None:
        return " (not recorded)"
    return " (no such workload any more)" if now is None else f" ({now / was - 1:+.1%})"
