"""The metrics that there are: what their manual page lists, and what a relay that runs shows; and those that a query uses."""

import re
import urllib.request

from deploy.tests.support import BINARY, DEPLOY, address_of_its_own, eventually, running

PAGE = DEPLOY / "man/multihomed-metrics.7"
NAME = r"(?:multihomed|process)_[a-z_]+"
# Of Prometheus itself, of each target.
OF_EVERY_TARGET = {"job", "instance"}


def documented() -> set[str]:
    """The names in the manual page."""
    return set(re.findall(rf"\b{NAME}\b", PAGE.read_text()))


def used(query: str) -> dict[str, set[str]]:
    """The metrics of a query, with the labels by which each is chosen."""
    found: dict[str, set[str]] = {}
    for name, matchers in re.findall(rf"\b({NAME})(?:\{{([^}}]*)\}})?", query):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]~?=?\s*\"", matchers))
    return found


def shown() -> str:
    """What a relay that runs, with some traffic, says."""
    endpoint = "127.0.0.1:9478"
    command = [BINARY, "relay", "--listen", "5678", "--backend", "echo", "--metrics", endpoint]

    def page() -> str | None:
        try:
            return urllib.request.urlopen(f"http://{endpoint}/metrics", timeout=5).read().decode()
        except OSError:
            return None

    with address_of_its_own("192.0.2.1"), running(*command):
        return str(eventually("metrics", page))


def names(page: str) -> set[str]:
    """The metrics that a page describes, those without a value included."""
    return set(re.findall(rf"^# TYPE ({NAME}) ", page, re.M))


def labels(page: str) -> dict[str, set[str]]:
    """The labels of each metric that has a value."""
    found: dict[str, set[str]] = {}
    for name, pairs in re.findall(rf"^({NAME})(?:\{{(.*)\}})? ", page, re.M):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=\"", pairs))
    return found
