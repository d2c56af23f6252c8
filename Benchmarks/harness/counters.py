"""What multihomed counts itself: SIGUSR1 has it log its counters."""

import json
import signal
from typing import Any

from harness.processes import Program, Trouble, wait_until

MARK = "counters={"
LIMIT = 5.0


def counters(relay: Program) -> dict[str, Any]:
    """Those of its one relay, now."""
    known = _lines(relay)
    relay.signal(signal.SIGUSR1)
    if not wait_until(lambda: len(_lines(relay)) > len(known), LIMIT):
        raise Trouble(f"multihomed did not log its counters within {LIMIT:g} s: {relay.last_words()}")
    line = _lines(relay)[-1]
    found, _ = json.JSONDecoder().raw_decode(line[line.index(MARK) + len(MARK) - 1:])
    return found["relays"][0]


def _lines(relay: Program) -> list[str]:
    text = relay.log.read_text(errors="replace")
    # Whole lines only: the last may be half written.
    return [line for line in text.split("\n")[:-1] if MARK in line]
