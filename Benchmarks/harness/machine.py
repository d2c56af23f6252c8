"""What the figures were taken on."""

import datetime
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from harness.processes import descriptor_limit, most_descriptors


@dataclass(frozen=True)
class Cores:
    """Who runs where. The relay has a core of its own; generator and service share one where there are only two."""

    relay: tuple[int, ...]
    generator: tuple[int, ...]
    service: tuple[int, ...]

    @staticmethod
    def of_this_machine() -> "Cores":
        cores = all_cores()
        return Cores(cores[:1], (cores[1 % len(cores)],), (cores[2] if len(cores) > 2 else cores[-1],))

    @staticmethod
    def for_workers(workers: int, cores: Sequence[int]) -> "Cores":
        """A core for each worker, and of the rest as many for generators as for services; or all for everybody."""
        pairs = min(workers, (len(cores) - workers) // 2)
        if pairs < 1:
            return Cores(tuple(cores), tuple(cores), tuple(cores))
        middle = workers + pairs
        return Cores(tuple(cores[:workers]), tuple(cores[workers:middle]), tuple(cores[middle:middle + pairs]))

    @property
    def are_shared(self) -> bool:
        """Whether the relay has to share its cores with those who ask and answer."""
        return bool(set(self.relay) & {*self.generator, *self.service})

    @property
    def pairs(self) -> int:
        """How many generators, and how many services."""
        return max(1, len(self.relay) // 2) if self.are_shared else len(self.generator)

    def text(self) -> str:
        if self.are_shared:
            return f"relay, generator and service all on {_cores(self.relay)}"
        if self.generator == self.service:
            return f"relay on {_cores(self.relay)}, generator and service together on {_cores(self.generator)}"
        return f"relay on {_cores(self.relay)}, generator on {_cores(self.generator)}, service on {_cores(self.service)}"


def all_cores() -> tuple[int, ...]:
    return tuple(sorted(os.sched_getaffinity(0)))


def _cores(numbers: Sequence[int]) -> str:
    return ("core " if len(numbers) == 1 else "cores ") + ", ".join(map(str, numbers))


def describe() -> dict[str, object]:
    """The machine, for the report."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int((_first("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 2**20, 1),
        "kernel": platform.release(),
        "descriptors": descriptor_limit(),
        # RLIMIT_NOFILE, hard.
        "most_descriptors": most_descriptors(),
        "virtual": "hypervisor" in (_first("/proc/cpuinfo", "flags") or "").split(),
    }


def load() -> float:
    """How many processes wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def _first(path: str, key: str) -> str | None:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return None
