"""At the descriptor limit: who is still served, who is counted, and what does the log say?"""

import re
import urllib.request
from collections.abc import Sequence
from typing import Any

from harness import words
from harness.contenders import Contender, Tuning
from harness.counters import counters
from harness.measure import standing
from harness.peers import ENVOY_ADMIN_PORT
from harness.processes import Program, Trouble
from harness.sessions import IDLE_SECONDS, fill
from harness.turns import Say

Results = dict[str, Any]

DESCRIPTORS = 1024
OLD_CLIENTS, ALL_CLIENTS = 500, 2000
LIMIT_SECONDS = 20.0
# Envoy does not look at its descriptor limit, but can be told of a bound below it: as much as multihomed reckons itself.
BOUND = 896
TELLING = ("refused", "Too many open files", "not enough", "bug failure", "overflow")


def at_the_descriptor_limit(contenders: Sequence[Contender], say: Say) -> Results:
    """Relays with a socket for each session, and too few descriptors."""
    found: Results = {}
    for contender in contenders:
        if contender.name not in ("multihomed", "nginx", "envoy"):
            continue
        bounds = {contender.name: None} | ({f"envoy, told of {BOUND}": BOUND} if contender.name == "envoy" else {})
        for name, bound in bounds.items():
            say(f"at the descriptor limit: {name}")
            try:
                found[name] = _one(contender, bound)
            except Trouble as trouble:
                found[name] = {"trouble": str(trouble)}
    return found


def _one(contender: Contender, bound: int | None) -> Results:
    tuning = Tuning(
        sessions=ALL_CLIENTS, idle_seconds=IDLE_SECONDS, descriptors=DESCRIPTORS, connected=True, most_sessions=bound)
    with standing(contender, tuning) as (relay, _):
        assert relay
        before, everybody, after = (
            fill(contender, count, LIMIT_SECONDS) for count in (OLD_CLIENTS, ALL_CLIENTS, OLD_CLIENTS))
        lines = _telling(relay)
        return {
            "old_before": before, "everybody": everybody, "old_after": after, "end": relay.fate(),
            "descriptors": relay.descriptors(), "lines": len(lines), "line": lines[0] if lines else "",
            "counted": _counted(contender, relay)}


def _telling(relay: Program) -> list[str]:
    lines = relay.log.read_text(errors="replace").splitlines()
    return [line for line in lines if any(word in line for word in TELLING)]


def _counted(contender: Contender, relay: Program) -> dict[str, int] | None:
    """By reason, what it says that it dropped; None where it cannot say."""
    if not relay.is_alive or contender.name == "nginx":
        return None
    if contender.name == "multihomed":
        return counters(relay)["dropped"]
    with urllib.request.urlopen(f"http://127.0.0.1:{ENVOY_ADMIN_PORT}/stats", timeout=5) as answer:
        text = answer.read().decode()
    return {name: int(number) for name, number in re.findall(r"^(\S*overflow\S*): (\d+)$", text, re.M) if int(number)}


# MARK: Report


def section(results: Results) -> list[str]:
    if not results:
        return []
    head = [
        "", f"of {OLD_CLIENTS} clients answered", f"then of {ALL_CLIENTS:,} (the {OLD_CLIENTS} among them)",
        f"then of the {OLD_CLIENTS} again", "afterwards", "counted as dropped", "lines in its log that say so", "the first"]
    rows = []
    for name, each in results.items():
        if "trouble" in each:
            rows.append([name, each["trouble"], *[""] * 6])
        else:
            rows.append([
                name, str(each["old_before"]), f"{each['everybody']:,}", str(each["old_after"]),
                "ended: " + each["end"] if each["end"] else "alive", _drops(each["counted"]), str(each["lines"]),
                words.code(each["line"])])
    return [
        "## At the descriptor limit", "",
        f"A socket for each session (multihomed with `--upstream connected`), and {DESCRIPTORS:,} descriptors. multihomed "
        "reckons at its start how many sessions they bear, and refuses new clients beyond. nginx meets the limit at each "
        "new client, whom it does not answer, and logs each one. Envoy ends there, unless it is told of a bound below: the "
        f"second row has {BOUND:,} for `max_connections` of the cluster's circuit breaker.",
        "", *words.table(head, rows), ""]


def _drops(counted: dict[str, int] | None) -> str:
    if counted is None:
        return "no counter"
    return ", ".join(f"{reason} {number:,}" for reason, number in counted.items()) or "none"
