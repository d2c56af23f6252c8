"""The manifests: valid for each Kubernetes that is served, consistent in themselves, and with a configuration that works."""

import contextlib
import json
import re
import socket
import tempfile
import unittest
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import kubernetes_validate

from deploy.tests import configuration
from deploy.tests.kustomization import build, containers
from deploy.tests.support import BINARY, DEPLOY, address_of_its_own, eventually, run, running, version

FOLDERS = ["base", "podmonitor", "sidecar", "sidecar-podmonitor"]
# The oldest with sidecars as a kind of their own that are on unless switched off, and the newest that the schemas know.
KUBERNETES = ["1.29", "1.37"]
POD_MONITOR = json.loads((DEPLOY / "tests/podmonitor.schema.json").read_text())


def places(text: str) -> str:
    """Where metrics are served, as the file says it."""
    return re.search(r"^listen = (\[.*9479.*\])$", text, re.M)[1]


def probe(place: dict, wait: float) -> bool:
    """Whether the kubelet would be content."""
    try:
        return urllib.request.urlopen(f"http://{place['host']}:{place['port']}{place['path']}", timeout=wait).status == 200
    except OSError:
        return False


def connected(source: str) -> socket.socket:
    return socket.create_connection(("192.0.2.1", 9478), timeout=5, source_address=(source, 0))


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Those beyond the limit have been shut out."""
    with contextlib.suppress(OSError):
        connection.send(piece)


class Manifests(unittest.TestCase):
    def setUp(self) -> None:
        self.builds = {name: build(DEPLOY / "kubernetes" / name) for name in FOLDERS}

    def pods(self, name: str) -> list[dict]:
        return [resource["spec"]["template"] for resource in self.builds[name] if "template" in resource.get("spec", {})]

    def test_every_folder_is_looked_at(self) -> None:
        found = {path.parent.name for path in (DEPLOY / "kubernetes").glob("*/kustomization.yaml")}
        self.assertEqual(found, set(FOLDERS))

    def test_every_resource_is_as_its_schema_says(self) -> None:
        for resources in self.builds.values():
            for resource in resources:
                if resource["kind"] == "PodMonitor":
                    jsonschema.validate(resource, POD_MONITOR)
                    continue
                for release in KUBERNETES:
                    kubernetes_validate.validate(resource, release, strict=True)

    def test_a_wrong_field_would_be_found(self) -> None:
        resource = next(found for found in self.builds["base"] if found["kind"] == "DaemonSet")
        resource["spec"]["template"]["spec"]["hostNetworking"] = True
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(resource, KUBERNETES[-1], strict=True)

    def test_names_are_given_once_and_selectors_fit(self) -> None:
        for resources in self.builds.values():
            names = [(resource["kind"], resource["metadata"]["name"]) for resource in resources]
            self.assertEqual(len(names), len(set(names)))
            for resource in resources:
                if "template" in resource.get("spec", {}):
                    labels = resource["spec"]["template"]["metadata"]["labels"]
                    self.assertLessEqual(resource["spec"]["selector"]["matchLabels"].items(), labels.items())

    def test_each_pod_monitor_finds_its_pods_and_their_port_under_the_job_of_the_alerts(self) -> None:
        for name in ("podmonitor", "sidecar-podmonitor"):
            monitor = next(found for found in self.builds[name] if found["kind"] == "PodMonitor")["spec"]
            (pod,) = self.pods(name)
            self.assertLessEqual(monitor["selector"]["matchLabels"].items(), pod["metadata"]["labels"].items())
            endpoint = monitor["podMetricsEndpoints"][0]
            ports = [port["name"] for container in containers(self.builds[name]) for port in container.get("ports", [])]
            self.assertEqual(ports.count(endpoint["port"]), 1)
            self.assertIn({"targetLabel": "job", "replacement": "multihomed"}, endpoint["relabelings"])

    def test_no_annotation_has_the_pods_scraped_under_another_job(self) -> None:
        for name in FOLDERS:
            for pod in self.pods(name):
                self.assertNotIn("annotations", pod["metadata"])

    def test_a_priority_that_is_named_is_one_that_is_there(self) -> None:
        for name, resources in self.builds.items():
            known = {resource["metadata"]["name"] for resource in resources if resource["kind"] == "PriorityClass"}
            named = {pod["spec"]["priorityClassName"] for pod in self.pods(name) if "priorityClassName" in pod["spec"]}
            self.assertLessEqual(named, known)

    def relays(self) -> Iterator[tuple[dict, str]]:
        """Each container of ours, with its configuration."""
        for resources in self.builds.values():
            text = next(found["data"]["multihomed.toml"] for found in resources if found["kind"] == "ConfigMap")
            for container in containers(resources):
                if container["name"] == "multihomed":
                    yield container, text

    def test_probes_have_a_place_of_their_own_which_nobody_from_outside_reaches(self) -> None:
        for container, text in self.relays():
            (metrics,) = (port["containerPort"] for port in container["ports"] if port["name"] == "metrics")
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                place = container[probe]["httpGet"]
                self.assertEqual(place["host"], "127.0.0.1")
                self.assertNotEqual(place["port"], metrics)
                self.assertIn(f'"{place["host"]}:{place["port"]}"', places(text))
                self.assertIn(place["port"], {port["containerPort"] for port in container["ports"]})

    def test_a_crowd_at_the_metrics_leaves_the_probes_alone(self) -> None:
        """Six clients that hold sixteen connections each, and send a byte now and then."""
        container, text = next(self.relays())
        place = container["livenessProbe"]["httpGet"]
        with tempfile.TemporaryDirectory() as folder, address_of_its_own("192.0.2.1"), contextlib.ExitStack() as crowd:
            file = Path(folder) / "multihomed.toml"
            file.write_text(text)
            for last in range(11, 17):
                run("ip", "address", "add", f"192.0.2.{last}/24", "dev", "deploy0")
            with running(BINARY, "relay", "--config", file, "--admin", "none"):
                eventually("the first probe", lambda: probe(place, wait=5))
                connections = [crowd.enter_context(connected(f"192.0.2.{last}")) for last in range(11, 17) for _ in range(16)]
                for connection in connections:
                    trickle(connection, b"GET /metrics HTTP/1.1\r\n")
                self.assertFalse(probe({**place, "host": "192.0.2.1", "port": 9478}, wait=1), "there is still room: no crowd")
                for _ in range(3):
                    for connection in connections:
                        trickle(connection, b"X")
                    self.assertTrue(probe(place, wait=container["livenessProbe"]["timeoutSeconds"]))

    def test_what_is_said_of_nodes_with_ipv6_is_taken(self) -> None:
        for _, text in self.relays():
            for listen in ('["[::]:9478", "127.0.0.1:9479"]', '["0.0.0.0:9478", "[::]:9478", "127.0.0.1:9479"]'):
                configuration.check(re.sub(r"^listen = \[.*9479.*$", f"listen = {listen}", text, flags=re.M))

    def test_every_volume_that_is_mounted_is_there(self) -> None:
        for name, resources in self.builds.items():
            maps = {resource["metadata"]["name"] for resource in resources if resource["kind"] == "ConfigMap"}
            for pod in self.pods(name):
                volumes = pod["spec"]["volumes"]
                for container in containers(resources):
                    mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
                    self.assertLessEqual(mounted, {volume["name"] for volume in volumes})
                self.assertLessEqual({volume["configMap"]["name"] for volume in volumes if "configMap" in volume}, maps)

    def test_containers_may_no_more_than_they_need(self) -> None:
        for name, resources in self.builds.items():
            for pod in self.pods(name):
                security = pod["spec"]["securityContext"]
                self.assertTrue(security["runAsNonRoot"])
                self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertFalse(pod["spec"]["automountServiceAccountToken"])
            for container in containers(resources):
                security = container["securityContext"]
                self.assertFalse(security["allowPrivilegeEscalation"])
                self.assertTrue(security["readOnlyRootFilesystem"])
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])

    def test_the_image_is_of_this_version(self) -> None:
        for resources in self.builds.values():
            images = {container["image"] for container in containers(resources)}
            self.assertIn(f"multihomed:{version()}", images)

    def test_their_configuration_is_one_that_the_program_takes(self) -> None:
        for resources in self.builds.values():
            for resource in resources:
                if resource["kind"] == "ConfigMap":
                    for text in resource["data"].values():
                        configuration.check(text)


if __name__ == "__main__":
    unittest.main()
