"""A million sessions that end in the same moment: does anybody wait for it?

Sessions that were made one after the other also end one after the other. So the relay is stopped (SIGSTOP) once they are
made, and goes on (SIGCONT) when the time of all of them is up: what a virtual machine goes through that is suspended,
and the worst that expiry can be. From then on an established client asks 1,000 times a second. The longest that it waits
in the first moments holds every pause that expiry makes, and pauses of the machine. The latter come and go; a pause that
expiry makes is there each time. So the least of several turns is the bound: expiry pauses for no longer than that.
Beside it stands the same client later, when nothing ends any more, and in front of the floor, which ends nothing.
"""

import signal
import time
from collections.abc import Sequence
from typing import Any

from harness import words
from harness.contenders import Contender, Tuning
from harness.counters import counters
from harness.measure import standing, summary
from harness.pauses import Prober, between, waits
from harness.processes import Program, Trouble, descriptor_limit
from harness.sessions import IDLE_SECONDS, fill
from harness.turns import Say

Results = dict[str, Any]

MILLION = 1_000_000
# Who needs a socket for each session ends at the ports of one source address.
WITH_SOCKETS = 40_000
MANY = ("floor", "multihomed")
ONE_TURN = ("nginx", "envoy")

PROBES = 1000
# The first of the sessions must not end before the last is made.
IDLE = {"multihomed": 15, "nginx": 4, "envoy": 4}
MARGIN = 0.5
# The prober needs so long to start; what it asks of the stopped relay is left out.
HEAD_START = 0.5
# All has ended long before the first is over; then the same client in front of the same relay.
WINDOW = 1.5


def at_once(contenders: Sequence[Contender], turns: int, say: Say) -> Results:
    """By the contender's name: each turn, or why there are none."""
    found: Results = {}
    for turn in range(turns):
        for contender in contenders:
            if contender.name not in (*MANY, *ONE_TURN) or (turn and contender.name in ONE_TURN):
                continue
            say(f"sessions that end at once: {contender.name}, {turn + 1} of {turns}")
            try:
                count = MILLION if contender.name in MANY else min(WITH_SOCKETS, descriptor_limit() * 3 // 4)
                found.setdefault(contender.name, []).append(_turn(contender, count))
            except Trouble as trouble:
                found[contender.name] = [{"trouble": str(trouble)}]
    return {"window_seconds": WINDOW, "turns": found}


def _turn(contender: Contender, count: int) -> Results:
    idle = IDLE.get(contender.name, IDLE_SECONDS)
    with standing(contender, Tuning(sessions=count + 16, idle_seconds=idle)) as (relay, _):
        assert relay
        answered = fill(contender, count)
        before = _sessions(contender, relay)
        relay.signal(signal.SIGSTOP)
        if contender.name != "floor":
            time.sleep(idle + MARGIN)
        with Prober(contender.shop, PROBES, HEAD_START + 2 * WINDOW) as prober:
            time.sleep(HEAD_START)
            work = relay.cpu_seconds()
            go = time.time()
            relay.signal(signal.SIGCONT)
            time.sleep(WINDOW)
            work = relay.cpu_seconds() - work
            after = _sessions(contender, relay)
            samples = prober.samples()
        return {
            "answered": answered, "sessions": before, "left": after, "cpu_ms": work * 1000, "end": relay.fate(),
            "meanwhile": waits(between(samples, go, go + WINDOW)),
            "later": waits(between(samples, go + WINDOW, go + 2 * WINDOW))}


def _sessions(contender: Contender, relay: Program) -> int | None:
    """How many there are: those that it counts itself, or else its descriptors, nearly all of which are sessions'."""
    if contender.name == "multihomed":
        return counters(relay)["sessions"]
    return relay.descriptors() if contender.name in ONE_TURN else None


# MARK: Report


def longest(turns: Sequence[Results], window: str) -> dict[str, float] | None:
    """The longest wait of each turn, in milliseconds: median, least, most."""
    return summary([each[window]["max"] for each in turns if "trouble" not in each])


def section(results: Results) -> list[str]:
    if not results:
        return []
    head = ["", "sessions", "left after", "processor ms", "longest wait meanwhile, ms: least (each turn)", "p99",
            "longest wait later, when nothing ends", "p99", "answered meanwhile"]
    rows = [_row(name, turns) for name, turns in results["turns"].items()]
    return [
        "## Sessions that end at once", "",
        "The relay is stopped until the time of all its sessions is up, and then goes on; an established client asks "
        f"{PROBES:,} times a second. *Meanwhile* is the first {results['window_seconds']:g} s, in which all of them end "
        "(the floor ends none), *later* as long after that. A pause that expiry makes is there in each turn, those of the "
        "machine are not: expiry pauses for no longer than the least of the turns. Who needs a socket for each session is "
        "asked for fewer of them, once.", "",
        *words.table(head, rows), ""]


def _row(name: str, turns: Sequence[Results]) -> list[str]:
    trouble = next((each["trouble"] for each in turns if "trouble" in each), None)
    if trouble:
        return [name, trouble, *[""] * 7]

    def each_of(window: str) -> str:
        figures = [each[window]["max"] for each in turns]
        known = [figure for figure in figures if figure is not None]
        if not known:
            return "nobody was answered"
        return f"**{min(known):.2f}** ({', '.join(words.number(figure, 2) or 'no answer' for figure in figures)})"

    first = turns[0]
    asked, answered = (sum(each["meanwhile"][key] for each in turns) for key in ("asked", "answered"))
    work = summary([each["cpu_ms"] for each in turns])
    kind = " descriptors" if name in ONE_TURN else ""
    sessions, left = (
        f"{first[key]:,}{kind}" if first[key] is not None else fallback
        for key, fallback in (("sessions", f"{first['answered']:,}"), ("left", "all of them")))
    ends = [each["end"] for each in turns if each["end"]]
    if ends:
        name += f" (**ended: {ends[0]}**)"
    typical = [words.median(summary([each[window]["p99"] for each in turns]), 2) for window in ("meanwhile", "later")]
    return [name, sessions, left, words.median(work, 0), each_of("meanwhile"), typical[0], each_of("later"), typical[1],
            f"{answered:,} of {asked:,}"]
