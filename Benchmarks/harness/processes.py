"""Programs that the harness starts, and what /proc says of them. Each is pinned, and ends with its group."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Trouble(Exception):
    """Something did not work, in words for a person."""


# More than any relay here comes to need.
ENOUGH_DESCRIPTORS = 1 << 18


def raise_descriptor_limit() -> None:
    """For this process and all that it starts: to what relays with a socket a session need, or else the hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, ENOUGH_DESCRIPTORS), hard):
        try:
            return resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (OSError, ValueError):
            pass  # Only root may raise the hard one, and up to fs.nr_open.


def descriptor_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def most_descriptors() -> int:
    """The hard limit, which nobody but root may raise."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def take_priority(nice: int) -> None:
    """Puts this process and all that it starts before (nice below 0) the other sessions of the machine."""
    os.setsid()
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    try:
        Path("/proc/self/autogroup").write_text(str(nice))
    except OSError:
        pass  # No scheduling by session on this kernel.


class Program:
    """A running program and its descendants."""

    def __init__(
        self, command: Sequence[str | Path], cores: Sequence[int], log: Path, descriptors: int | None = None
    ) -> None:
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*pinned(cores), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=_prepare(descriptors))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def family(self) -> list[int]:
        """The program and its descendants."""
        members, parents = [self.pid], _parents()
        for member in members:
            members += [pid for pid, parent in parents.items() if parent == member]
        return members

    def resident_bytes(self) -> int:
        return sum(_status(pid, "VmRSS") for pid in self.family()) * 1024

    def descriptors(self) -> int:
        return sum(_count(Path(f"/proc/{pid}/fd")) for pid in self.family())

    def wake_ups(self) -> int:
        """How often any of its threads was given a processor, or gave it up."""
        kinds = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
        return sum(_status(pid, kind, task) for pid in self.family() for task in _tasks(pid) for kind in kinds)

    def cpu_seconds(self) -> float:
        """Processor time of all its threads, the kernel's share included; of those that are still there."""
        return sum(_run_nanoseconds(pid, task) for pid in self.family() for task in _tasks(pid)) / 1e9

    def fate(self) -> str:
        """How it ended: a signal's name, or its status; empty while it is alive."""
        status = self._process.poll()
        if status is None:
            return ""
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def signal(self, number: int) -> None:
        """To it and all its descendants."""
        os.killpg(self.pid, number)

    def last_words(self) -> str:
        """The first thing it said that sounds like its end, else what it said last."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        grave = [line for line in lines if any(word in line for word in ("bug failure", "assert failure", "Caught", "panic", "fatal"))]
        return (grave or lines[-1:] or ["it said nothing"])[0]

    def end(self, limit: float) -> bool:
        """Asks it to end in order; whether it did in time."""
        self._process.terminate()
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """At once: nothing is measured any more, and a drain would take its time."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        # Its children may take a moment longer, and would still hold its port.
        wait_until(lambda: not _has_living_members(self.pid), 5)


def pinned(cores: Sequence[int]) -> list[str]:
    """What puts a command on these cores."""
    return ["taskset", "-c", ",".join(map(str, cores))]


def wait_until(condition: Callable[[], bool], limit: float, pause: float = 0.002) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def run(command: Sequence[str | Path], text: str | None = None, good: Sequence[int] = (0,)) -> str:
    """Runs a short command, which is to end with one of these statuses, and returns what it wrote."""
    done = subprocess.run([str(part) for part in command], input=text, text=True, capture_output=True, check=False)
    if done.returncode not in good:
        raise Trouble(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout + done.stderr


def _prepare(descriptors: int | None) -> Callable[[], None]:
    def prepare() -> None:
        # A group of its own, to be ended as one; not a session, which the scheduler would weigh by itself.
        os.setpgid(0, 0)
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    return prepare


def _has_living_members(group: int) -> bool:
    """Whether any process of a group is more than a zombie."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name) state parent group ...; the name may hold anything.
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False


def _parents() -> dict[int, int]:
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path(f"/proc/{entry}/stat").read_text(errors="replace")
            except OSError:
                continue
            parents[int(entry)] = int(text.rpartition(")")[2].split()[1])
    return parents


def _tasks(pid: int) -> list[int]:
    try:
        return [int(task) for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _run_nanoseconds(pid: int, task: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def _status(pid: int, key: str, task: int | None = None) -> int:
    path = Path(f"/proc/{pid}/status" if task is None else f"/proc/{pid}/task/{task}/status")
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0])
    except OSError:
        pass
    return 0


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0
