"""One turn: a fresh service, a fresh relay, one load, one finding."""

import contextlib
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness import network
from harness.contenders import Contender, Tuning, Workshop
from harness.processes import Program, Trouble, pinned, run, wait_until
from harness.work import Work

START_LIMIT = 15.0
# The generator's status when nobody was answered: a finding, too, which its report has.
SILENCE = 1


@dataclass(frozen=True)
class Pace:
    """How long things take."""

    seconds: float
    warmup: float
    repeats: int

    def arguments(self) -> list[str]:
        return ["--duration", _milliseconds(self.seconds), "--warmup", _milliseconds(self.warmup)]


@contextlib.contextmanager
def standing(
    contender: Contender, tuning: Tuning, trains: bool = False, probed: bool = True
) -> Iterator[tuple[Program | None, Program]]:
    """A service, and a relay in front of it that answers."""
    shop = contender.shop
    mode = [] if trains else ["--plain"]
    if shop.cores.pairs > 1:
        mode += ["--processes", str(shop.cores.pairs)]
    service = Program(
        [shop.tools / "bench-echo", *mode, contender.service_address], shop.cores.service, shop.file("service.log"))
    relay = None
    try:
        if not wait_until(lambda: service.log.read_text() == "ready\n", START_LIMIT):
            raise Trouble(f"the service did not start: {service.last_words()}")
        relay = contender.start(tuning)
        if probed:
            try:
                network.await_reply(network.LISTEN_ADDRESS, START_LIMIT)
            except Trouble as trouble:
                raise Trouble(f"{trouble}: {relay.last_words() if relay else ''}") from None
        yield relay, service
    finally:
        if relay:
            relay.stop()
        service.stop()
        contender.stopped()


def load(shop: Workshop, arguments: Sequence[str], relay: Program | None = None, service: Program | None = None,
         targets: Sequence[str] = (network.TARGET,), cores: Sequence[int] = (), is_remote: bool = False) -> dict[str, Any]:
    """Runs the generator on its core, or on those given, and returns its report."""
    place = network.inside_remote() if is_remote else []
    path = shop.file("load.json")
    watched = [(name, program) for name, program in (("relay", relay), ("service", service)) if program and program.is_alive]
    pids = [word for name, program in watched for word in ("--pid", f"{name}={program.pid}")]
    run([*place, *pinned(cores or shop.cores.generator), shop.tools / "multihomed-bench", *targets, *arguments, *pids,
         "--json", path, "--quiet"], good=(0, SILENCE))
    if not path.exists():
        raise Trouble(f"multihomed-bench wrote no report for {' '.join(targets)}")
    return json.loads(path.read_text())


def answered(report: dict[str, Any], who: str, turn: str) -> dict[str, Any]:
    """The report of a turn in which somebody was answered; else there is nothing to average."""
    if not report["requests"]["answered"]:
        raise Trouble(f"{who} answered nobody: {turn}, {report['requests']['sent']:,} requests")
    return report


def turn(contender: Contender, work: Work, pace: Pace) -> dict[str, Any]:
    """What one run of one row by one contender found."""
    with standing(contender, work.tuning, work.service_takes_trains) as (relay, service):
        limit = ["--requests", str(work.requests)]
        report = load(contender.shop, [*work.generator, *pace.arguments(), *limit], relay, service, is_remote=work.is_remote)
        return finding(answered(report, contender.name, work.brief))


def finding(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a generator's report that are compared."""
    processes = {process["name"]: process for process in report["processes"]}
    requests, latency = report["requests"], report.get("latency_microseconds") or {}
    relay, service = processes.get("relay", {}), processes.get("service", {})
    return {
        "rate": report["round_trips_per_second"],
        "bits": report["bits_per_second"],
        "cpu": relay.get("cpu_microseconds_per_round_trip"),
        "cpu_percent": relay.get("cpu_percent"),
        "service_cpu": service.get("cpu_microseconds_per_round_trip"),
        "loss": requests["lost"] / max(requests["answered"] + requests["lost"], 1),
        "reordered": requests["reordered"] / max(requests["answered"], 1),
        "misdelivered": requests["misdelivered"] + requests["foreign"],
        **{key: latency.get(key) for key in ("p50", "p90", "p99", "p999", "max")},
        "distribution": latency.get("distribution"),
    }


def summary(values: Sequence[float | None]) -> dict[str, float] | None:
    """Median and spread."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known), "count": len(known)}


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
