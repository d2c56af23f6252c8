"""Counts instructions with valgrind's callgrind, and reads what it wrote."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.processes import Trouble, run

# A function is written out once, then only by its number: "fn=(12) name'caller'callers_caller", later "fn=(12)".
# "cfn=" is the function that is called next.
_FUNCTION = re.compile(r"(c?)fn=\((\d+)\)(?: (.*))?")

Chain = tuple[str, ...]


def missing() -> str | None:
    """Why nothing can be counted here, or None."""
    absent = [program for program in ("valgrind", "strip") if not shutil.which(program)]
    return f"{' and '.join(absent)} not installed (apt-get install valgrind binutils)" if absent else None


def countable(program: Path, folder: Path) -> Path:
    """A copy without DWARF, which valgrind 3.19 cannot read where Swift wrote it; the functions keep their names."""
    if not program.exists():
        raise Trouble(f"{program} is not built")
    copy = folder / program.name
    run(["strip", "--strip-debug", "-o", copy, program])
    return copy


def own_costs(dump: Path) -> Iterator[tuple[Chain, int]]:
    """Instructions of each function itself, with its callers behind it, the nearest first (--separate-callers)."""
    names: dict[str, Chain] = {}
    costs: Counter[str] = Counter()
    current, is_inclusive = "", False
    with dump.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line[0].isdigit() or line[0] in "+-*":
                # After calls= stands what the called function cost, with all that it called.
                if not is_inclusive:
                    costs[current] += int(line.split()[1])
                is_inclusive = False
            elif line.startswith("calls="):
                is_inclusive = True
            elif match := _FUNCTION.match(line):
                called, number, name = match.groups()
                if name:
                    names[number] = tuple(name.split("'"))
                if not called:
                    current = number
    return ((names[number], cost) for number, cost in costs.items() if number in names)


def total(dump: Path) -> int:
    """All instructions that were counted."""
    match = re.search(r"^totals: (\d+)$", dump.read_text(errors="replace"), re.MULTILINE)
    if not match:
        raise Trouble(f"callgrind left no total in {dump}")
    return int(match[1])
