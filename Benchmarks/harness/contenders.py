"""Who takes part: what all have in common, our own relay, and those that are no relay."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness import network
from harness.machine import Cores
from harness.processes import Program, Trouble, run

BENCHMARKS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Tuning:
    """What a relay may know of the work, so that it can be configured as its manual advises for it."""

    sessions: int = 1024
    idle_seconds: int = 60
    # The service answers each request once and the client does not come back.
    one_reply: bool = False
    # Client and service take trains of datagrams.
    trains: bool = False
    descriptors: int | None = None
    connected: bool = False
    workers: int = 1
    # Where a relay that cannot bear the descriptor limit can be told to stay below it: at so many sessions.
    most_sessions: int | None = None


@dataclass
class Workshop:
    """Where things lie."""

    binary: Path
    tools: Path
    peers: Path
    folder: Path
    cores: Cores
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def file(self, name: str) -> Path:
        """A file name that was not used before."""
        return self.folder / f"{next(self._numbers)}-{name}"


class Contender(ABC):
    """A way for a datagram to reach the service and for its reply to come back."""

    name: str
    # Where the service listens.
    service_address = network.BACKEND
    # Why some work is not for it, by the work's key.
    unfit: dict[str, str] = {}
    is_relay = True
    # Whether it can spread its work over several cores.
    has_workers = False

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop

    @abstractmethod
    def missing(self) -> str | None:
        """Why it cannot take part, or None."""

    def version(self) -> str:
        """Which one it is."""
        return ""

    def start(self, tuning: Tuning) -> Program | None:
        """Starts it on the relay's core; None when there is no program to start."""
        command = self.command(tuning)
        return Program(command, self.shop.cores.relay, self.shop.file(f"{self.name}.log"), tuning.descriptors)

    def command(self, tuning: Tuning) -> list[str | Path]:
        raise NotImplementedError

    def stopped(self) -> None:
        """Called after it was stopped."""


class Direct(Contender):
    name = "direct"
    service_address = network.TARGET
    is_relay = False

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return "no relay: the client asks the service itself"

    def start(self, tuning: Tuning) -> Program | None:
        return None


class KernelRule(Direct):
    name = "kernel rule"
    service_address = f"0.0.0.0:{network.LISTEN_PORT}"

    def missing(self) -> str | None:
        if not self.shop.binary.exists():
            return f"{self.shop.binary} is not built (make build)"
        try:
            self._kernel("apply", "--clients", "1")
        except Trouble as trouble:
            return f"the kernel refuses the rule: {trouble}"
        self._kernel("remove")
        return None

    def version(self) -> str:
        return "no relay: `multihomed kernel apply` mends the source address of the service's replies"

    def start(self, tuning: Tuning) -> Program | None:
        # As many as there may be, and at least the two seconds for which it remembers anybody.
        self._kernel("apply", "--clients", "1000000", "--timeout", f"{max(tuning.idle_seconds, 2)}s")
        return None

    def stopped(self) -> None:
        self._kernel("remove")

    def _kernel(self, verb: str, *options: str) -> None:
        run([self.shop.binary, "kernel", verb, str(network.LISTEN_PORT), *options])


class Floor(Contender):
    name = "floor"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return "a minimal C relay of the same design (Benchmarks/Sources/floor)"

    def command(self, tuning: Tuning) -> list[str | Path]:
        return [self.shop.tools / "floor", network.TARGET, network.BACKEND]


class Multihomed(Contender):
    name = "multihomed"
    has_workers = True
    extra: list[str] = []

    def missing(self) -> str | None:
        return None if self.shop.binary.exists() else f"{self.shop.binary} is not built (make build)"

    def version(self) -> str:
        return run([self.shop.binary, "--version"]).strip() + ", static release build"

    def command(self, tuning: Tuning) -> list[str | Path]:
        command: list[str | Path] = [
            self.shop.binary, "relay", "--listen", str(network.LISTEN_PORT), "--backend", network.BACKEND,
            "--idle-timeout", f"{tuning.idle_seconds}s", "--unreplied-timeout", f"{min(tuning.idle_seconds, 30)}s"]
        if tuning.workers > 1:
            command += ["--workers", str(tuning.workers)]
        if tuning.one_reply:
            command += ["--responses", "1"]
        if tuning.connected:
            command += ["--upstream", "connected"]
        return command + self.extra


class MultihomedBusy(Multihomed):
    name = "multihomed, busy"
    has_workers = False
    extra = ["--busy-poll", "100us"]

    def missing(self) -> str | None:
        reason = super().missing()
        if reason or "--busy-poll" in run([self.shop.binary, "relay", "--help"]):
            return reason
        return "this build has no --busy-poll"

    def version(self) -> str:
        return "the same with " + " ".join(self.extra)


def default_tools() -> Path:
    """Where `swift build -c release` leaves the tools."""
    return BENCHMARKS / ".build" / "release"
