"""What the figures were taken on."""

import datetime
import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Who runs where. The relay has a core of its own; generator and service share one where there are only two."""

    relay: int
    generator: int
    service: int

    @staticmethod
    def of_this_machine() -> "Cores":
        cores = sorted(os.sched_getaffinity(0))
        return Cores(cores[0], cores[1 % len(cores)], cores[2] if len(cores) > 2 else cores[-1])

    def text(self) -> str:
        if self.generator == self.service:
            return f"relay on core {self.relay}, generator and service together on core {self.generator}"
        return f"relay on core {self.relay}, generator on core {self.generator}, service on core {self.service}"


def describe() -> dict[str, object]:
    """The machine, for the report."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int((_first("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 2**20, 1),
        "kernel": platform.release(),
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
