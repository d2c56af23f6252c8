"""A real Prometheus watches a real relay: faults that are provoked raise the alerts that are meant for them."""

import json
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

import yaml

from deploy.tests.support import (
    BINARY, DEPLOY, address_of_its_own, ask, eventually, program, running, tell,
)

PROMETHEUS = "127.0.0.1:9090"
RELAY = "127.0.0.1:9478"
CONFIGURATION = f"""
[metrics]
listen = "{RELAY}"
[[relay]]
name = "game"
listen = ["192.0.2.1:5678"]
backend = "echo"
[[relay]]
name = "dead"
listen = ["192.0.2.1:5679"]
backend = "192.0.2.1:9"
"""


def rules_without_patience() -> str:
    """The rules as they are, but for the time for which each must hold: a test cannot wait for it."""
    text = (DEPLOY / "prometheus/alerts.yaml").read_text()
    return re.sub(r"^ +for: .*\n", "", text, flags=re.M)


def settings(folder: Path) -> list[object]:
    """What Prometheus is started with."""
    (folder / "alerts.yaml").write_text(rules_without_patience())
    (folder / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yaml"],
        "scrape_configs": [{"job_name": "multihomed", "static_configs": [{"targets": [RELAY]}]}],
    }))
    return [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={PROMETHEUS}", "--log.level=error"]


def alerts() -> set[str]:
    """The alerts that are up now."""
    try:
        answer = json.load(urllib.request.urlopen(f"http://{PROMETHEUS}/api/v1/alerts", timeout=5))
    except OSError:
        return set()
    return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"}


def is_scraped() -> bool:
    try:
        answer = json.load(urllib.request.urlopen(f"http://{PROMETHEUS}/api/v1/targets", timeout=5))
    except OSError:
        return False
    return any(target["health"] == "up" for target in answer["data"]["activeTargets"])


class Faults(unittest.TestCase):
    def test_each_raises_its_alert_and_a_mended_one_lets_it_go(self) -> None:
        with tempfile.TemporaryDirectory(prefix="multihomed-prometheus-") as name, address_of_its_own("192.0.2.1"):
            folder = Path(name)
            file = folder / "multihomed.toml"
            file.write_text(CONFIGURATION)
            with running(*program("usr/bin/prometheus"), *settings(folder)):
                with running(BINARY, "relay", "--config", file) as relay:
                    self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
                    eventually("a scrape", is_scraped)
                    self.assertEqual(alerts() - {"MultihomedAbsent", "MultihomedDown"}, set())
                    self.backend_is_down()
                    self.configuration_is_wrong(relay, file)
                eventually("MultihomedDown", lambda: "MultihomedDown" in alerts())

    def backend_is_down(self) -> None:
        def asked() -> bool:
            tell("192.0.2.1", 5679, b"anybody there?")
            return "MultihomedBackendDown" in alerts()

        eventually("MultihomedBackendDown", asked)

    def configuration_is_wrong(self, relay: subprocess.Popen, file: Path) -> None:
        file.write_text(CONFIGURATION + "nonsense = 1\n")
        relay.send_signal(signal.SIGHUP)
        eventually("MultihomedReloadFailed", lambda: "MultihomedReloadFailed" in alerts())
        file.write_text(CONFIGURATION)
        relay.send_signal(signal.SIGHUP)
        eventually("no MultihomedReloadFailed", lambda: "MultihomedReloadFailed" not in alerts())


if __name__ == "__main__":
    unittest.main()
