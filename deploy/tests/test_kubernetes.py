"""The manifests: valid for each Kubernetes that is served, consistent in themselves, and with a configuration that works."""

import json
import unittest

import jsonschema
import kubernetes_validate

from deploy.tests import configuration
from deploy.tests.kustomization import build, containers
from deploy.tests.support import DEPLOY, version

FOLDERS = ["base", "podmonitor", "sidecar"]
# The oldest with sidecars as a kind of their own that are on unless switched off, and the newest that the schemas know.
KUBERNETES = ["1.29", "1.37"]
POD_MONITOR = json.loads((DEPLOY / "tests/podmonitor.schema.json").read_text())


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

    def test_the_pod_monitor_finds_the_pods_and_their_port(self) -> None:
        monitor = next(found for found in self.builds["podmonitor"] if found["kind"] == "PodMonitor")["spec"]
        (pod,) = self.pods("podmonitor")
        self.assertLessEqual(monitor["selector"]["matchLabels"].items(), pod["metadata"]["labels"].items())
        self.assertEqual(pod["metadata"]["labels"][monitor["jobLabel"]], "multihomed")
        ports = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}
        self.assertIn(monitor["podMetricsEndpoints"][0]["port"], ports)

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
