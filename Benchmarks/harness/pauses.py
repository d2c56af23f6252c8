"""How long a client has to wait while a relay is busy with something else."""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.contenders import Workshop
from harness.network import TARGET
from harness.processes import Trouble, pinned

PROGRAM = Path(__file__).with_name("prober.py")

# When a request was sent, and how long its reply took; seconds.
Sample = tuple[float, float | None]


class Prober:
    """An established client that asks at a fixed pace, beside whatever else goes on."""

    def __init__(self, shop: Workshop, rate: int, seconds: float) -> None:
        self._file = shop.file("probes.json")
        command = [*pinned(shop.cores.generator), sys.executable, "-I", PROGRAM, TARGET, str(rate), str(seconds), self._file]
        self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL)

    def samples(self) -> list[Sample]:
        """Waits for its end."""
        if self._process.wait() != 0:
            raise Trouble("the prober failed")
        return [(sent, wait) for sent, wait in json.loads(self._file.read_text())]

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def between(samples: Sequence[Sample], start: float, end: float) -> list[Sample]:
    return [(sent, wait) for sent, wait in samples if start <= sent < end]


def waits(samples: Sequence[Sample]) -> dict[str, float | None]:
    """Percentiles in milliseconds; of those who were answered."""
    known = sorted(wait * 1000 for _, wait in samples if wait is not None)
    if not known:
        return {"asked": len(samples), "answered": 0, "p50": None, "p99": None, "p999": None, "max": None}

    def percentile(share: float) -> float:
        return known[min(len(known) - 1, int(len(known) * share))]

    return {
        "asked": len(samples), "answered": len(known), "p50": percentile(0.5), "p99": percentile(0.99),
        "p999": percentile(0.999), "max": known[-1]}


def longest_of_each(samples: Sequence[Sample], seconds: float) -> float | None:
    """The longest wait of each stretch of so many seconds, in milliseconds; the median of them.

    The longest wait of all grows with the time that one looks, wherever the machine has pauses of its own; this does not,
    so that runs of different lengths can be compared.
    """
    if not samples:
        return None
    longest: dict[int, float] = {}
    for sent, wait in samples:
        if wait is not None:
            stretch = int((sent - samples[0][0]) / seconds)
            longest[stretch] = max(longest.get(stretch, 0), wait * 1000)
    return statistics.median(longest.values()) if longest else None
