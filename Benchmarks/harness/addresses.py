"""A thousand addresses: how soon they are served, and what they cost."""

import time
from typing import Any

from harness import network, words
from harness.contenders import Contender, Tuning
from harness.measure import Pace, answered, load, standing, summary
from harness.processes import Trouble, wait_until
from harness.turns import Say

LATE = 15.0
# To one address, whatever the others; and a client for each address.
FEW_CLIENTS = ["--clients", "64", "--outstanding", "4"]
MANY_CLIENTS = ["--clients", "1000", "--outstanding", "1", "--sources", network.CLIENT_BLOCK]
NEW_ADDRESSES = [f"10.9.200.{n}" for n in range(1, 11)]


def many_addresses(contender: Contender, pace: Pace, repeats: int, say: Say) -> dict[str, Any]:
    """With 1 and with 1,001 addresses, in turn: start-up, processor time a round trip, and how soon a new one answers."""
    counts = {"1": [], "1001": network.MANY_ADDRESSES}
    found: dict[str, dict[str, list[float]]] = {count: {} for count in counts}
    for repeat in range(repeats):
        for count, addresses in counts.items():
            say(f"{words.count(int(count), 'address')}: {repeat + 1} of {repeats}")
            network.add_addresses(addresses)
            try:
                for key, value in _look(contender, pace, addresses).items():
                    found[count].setdefault(key, []).append(value)
            finally:
                network.remove_addresses(addresses)
    return {count: {key: {**(summary(values) or {}), "turns": values} for key, values in each.items()} for count, each in found.items()}


def _look(contender: Contender, pace: Pace, addresses: list[str]) -> dict[str, float]:
    with standing(contender, Tuning(sessions=4096), probed=False) as (relay, service):
        assert relay
        if not wait_until(lambda: "ready" in relay.log.read_text(errors="replace"), LATE):
            raise Trouble(f"{contender.name} was not ready within {LATE:g} s: {relay.last_words()}")
        start = time.monotonic() - relay.started
        network.await_reply(addresses[-1] if addresses else network.LISTEN_ADDRESS, LATE)
        resident = relay.resident_bytes() / 1e6
        one = load(contender.shop, [*FEW_CLIENTS, *pace.arguments()], relay, service)
        targets = [f"{each}:{network.LISTEN_PORT}" for each in addresses] or [network.TARGET]
        spread = load(contender.shop, [*MANY_CLIENTS, *pace.arguments()], relay, service, targets)
        return {
            "start_seconds": start, "resident_mb": resident, "cpu_one": _cpu(answered(one, contender.name, "64 clients to one address")),
            "cpu_spread": _cpu(answered(spread, contender.name, "1,000 clients to all addresses")),
            "new_address_ms": max(_answers_after_ms(each) for each in NEW_ADDRESSES)}


def _cpu(report: dict[str, Any]) -> float:
    relay = next(each for each in report["processes"] if each["name"] == "relay")
    return relay["cpu_microseconds_per_round_trip"]


def _answers_after_ms(address: str) -> float:
    network.add_addresses([address])
    try:
        return network.await_reply(address, LATE, pause=0.005) * 1000
    finally:
        network.remove_addresses([address])
