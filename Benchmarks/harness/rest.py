"""At rest: nothing to do, what does it hold and how often does it wake?"""

import time
from collections.abc import Sequence
from typing import Any

from harness.contenders import Contender, Tuning
from harness.measure import standing
from harness.processes import Trouble
from harness.turns import Say

# Until the one session of the probe, that shows that it works, has ended.
IDLE_SECONDS = 1
SETTLE_SECONDS = 3.5


def at_rest(contenders: Sequence[Contender], seconds: float, say: Say) -> dict[str, Any]:
    """Resident memory, descriptors and wake-ups of each relay."""
    results: dict[str, Any] = {}
    for contender in contenders:
        if not contender.is_relay:
            continue
        say(f"at rest: {contender.name}")
        try:
            with standing(contender, Tuning(idle_seconds=IDLE_SECONDS)) as (relay, _):
                assert relay
                time.sleep(SETTLE_SECONDS)
                before = relay.wake_ups()
                time.sleep(seconds)
                results[contender.name] = {
                    "resident_mb": relay.resident_bytes() / 1e6,
                    "descriptors": relay.descriptors(),
                    "wake_ups_per_second": (relay.wake_ups() - before) / seconds,
                }
        except Trouble as trouble:
            results[contender.name] = {"trouble": str(trouble)}
    return results
