"""A real Prometheus watches a real relay: faults that are provoked raise the alerts that are meant for them."""

import json
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import yaml

from deploy.tests import kustomization
from deploy.tests.support import (
    BINARY, DEPLOY, address_of_its_own, ask, eventually, program, run, running, tell,
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
[[relay]]
name = "leaving"
listen = [5680]
addresses = ["192.0.2.7/32"]
backend = "echo"
"""


def rules_without_patience() -> str:
    """The rules as they are, but for the time for which each must hold: a test cannot wait for it."""
    text = (DEPLOY / "prometheus/alerts.yaml").read_text()
    return re.sub(r"^ +for: .*\n", "", text, flags=re.M)


def settings(folder: Path, jobs: list[dict] | None = None) -> list[object]:
    """What Prometheus is started with."""
    (folder / "alerts.yaml").write_text(rules_without_patience())
    (folder / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yaml"],
        "scrape_configs": jobs or [{"job_name": "multihomed", "static_configs": [{"targets": [RELAY]}]}],
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


def asked(path: str) -> dict:
    """What Prometheus answers."""
    return json.load(urllib.request.urlopen(f"http://{PROMETHEUS}/api/v1/{path}", timeout=5))["data"]


def samples(query: str) -> list:
    return asked("query?query=" + urllib.parse.quote(query))["result"]


def last_evaluation() -> str:
    return asked("rules")["groups"][0]["lastEvaluation"]


def is_answered(path: str) -> bool:
    try:
        return bool(asked(path))
    except OSError:
        return False


def is_scraped() -> bool:
    return is_answered("targets") and any(target["health"] == "up" for target in asked("targets")["activeTargets"])


class Cluster(unittest.TestCase):
    """The job for Kubernetes, with the pods of the manifests in the place of a cluster that is asked: Debian's Prometheus
    cannot ask one."""

    def test_it_finds_the_relays_of_nodes_and_the_sidecars_as_the_job_of_the_alerts_and_nothing_else(self) -> None:
        configured = yaml.safe_load((DEPLOY / "prometheus/kubernetes.yaml").read_text())
        (job,) = configured["scrape_configs"]
        self.assertEqual(job.pop("kubernetes_sd_configs"), [{"role": "pod"}])
        job["static_configs"] = [group for name in ("base", "sidecar") for group in ports_of(name)]
        self.assertGreater(len(job["static_configs"]), 4)
        with tempfile.TemporaryDirectory(prefix="multihomed-prometheus-") as name:
            started = settings(Path(name), configured["scrape_configs"])
            with running(*program("usr/bin/prometheus"), *started):
                eventually("targets", lambda: is_answered("targets") and asked("targets")["activeTargets"])
                found = [target["labels"] for target in asked("targets")["activeTargets"]]
        self.assertEqual(sorted(labels["namespace"] for labels in found), ["game", "multihomed"])
        for labels in found:
            self.assertEqual((labels["job"], labels["instance"]), ("multihomed", "node-1"))


def ports_of(name: str) -> Iterator[dict]:
    """What Prometheus is told of the pods of a folder: a target for each port of each container."""
    resources = kustomization.build(DEPLOY / "kubernetes" / name)
    namespace = next(found["metadata"]["name"] for found in resources if found["kind"] == "Namespace")
    for container in kustomization.containers(resources):
        for port in container.get("ports", [{"name": "", "containerPort": 80}]):
            yield {"targets": [f"192.0.2.99:{port['containerPort']}"], "labels": {
                "__meta_kubernetes_namespace": namespace,
                "__meta_kubernetes_pod_container_name": container["name"],
                "__meta_kubernetes_pod_container_port_name": port["name"],
                "__meta_kubernetes_pod_phase": "Running",
                "__meta_kubernetes_pod_node_name": "node-1",
            }}


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
                    self.assertEqual(alerts() - {"MultihomedAbsent", "MultihomedDown", "MultihomedNoListeners"}, set())
                    self.backend_is_down()
                    self.configuration_is_wrong(relay, file)
                    self.address_goes()
                eventually("MultihomedDown", lambda: "MultihomedDown" in alerts())

    def backend_is_down(self) -> None:
        def asked() -> bool:
            tell("192.0.2.1", 5679, b"anybody there?")
            return "MultihomedBackendDown" in alerts()

        eventually("MultihomedBackendDown", asked)

    def address_goes(self) -> None:
        """For longer than the relay waits for it: then it tells nothing of that listener any more."""
        address = ("192.0.2.7/24", "dev", "deploy0")
        run("ip", "address", "add", *address)
        self.assertEqual(ask("192.0.2.7", 5680, b"hello"), b"hello")
        eventually("no MultihomedNoListeners", lambda: "MultihomedNoListeners" not in alerts())
        run("ip", "address", "del", *address)
        eventually("MultihomedNoListeners", lambda: "MultihomedNoListeners" in alerts())
        eventually("no sample of the listener", lambda: not samples('multihomed_listener_up{relay="leaving"}'))
        for _ in range(2):
            seen = last_evaluation()
            eventually("another evaluation", lambda: last_evaluation() > seen)
        self.assertIn("MultihomedNoListeners", alerts())

    def configuration_is_wrong(self, relay: subprocess.Popen, file: Path) -> None:
        file.write_text(CONFIGURATION + "nonsense = 1\n")
        relay.send_signal(signal.SIGHUP)
        eventually("MultihomedReloadFailed", lambda: "MultihomedReloadFailed" in alerts())
        file.write_text(CONFIGURATION)
        relay.send_signal(signal.SIGHUP)
        eventually("no MultihomedReloadFailed", lambda: "MultihomedReloadFailed" not in alerts())


if __name__ == "__main__":
    unittest.main()
