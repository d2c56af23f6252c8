"""What `kubectl kustomize` makes of a folder, for the few words that ours use; anything else is an error."""

import hashlib
from pathlib import Path

import yaml

WORDS = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"}
WITHOUT_NAMESPACE = {"Namespace", "PriorityClass"}


def build(folder: Path) -> list[dict]:
    """The resources, each in its namespace, with generated maps and tagged images."""
    settings = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = set(settings) - WORDS
    if unknown:
        raise AssertionError(f"{folder}: these tests do not know {unknown}")
    resources = [found for name in settings["resources"] for found in _resources(folder / name)]
    for generator in settings.get("configMapGenerator", []):
        resources.append(_map(folder, generator, resources))
    for resource in resources:
        if resource["kind"] not in WITHOUT_NAMESPACE:
            resource["metadata"]["namespace"] = settings["namespace"]
        elif resource["kind"] == "Namespace" and resource["metadata"]["name"] != settings["namespace"]:
            raise AssertionError(f"{folder}: {resource['metadata']['name']} is another namespace than that of the rest")
    for image in settings.get("images", []):
        for container in containers(resources):
            if container["image"] == image["name"]:
                container["image"] += f":{image['newTag']}"
    return resources


def containers(resources: list[dict]) -> list[dict]:
    """Every container of every pod, sidecars included."""
    pods = [resource["spec"]["template"]["spec"] for resource in resources if "template" in resource.get("spec", {})]
    return [container for pod in pods for container in pod.get("initContainers", []) + pod["containers"]]


def _resources(path: Path) -> list[dict]:
    if path.is_dir():
        return build(path)
    return [resource for resource in yaml.safe_load_all(path.read_text()) if resource]


def _map(folder: Path, generator: dict, resources: list[dict]) -> dict:
    """A map of the named files; whoever mounts it is told its name, which is of its contents."""
    data = {name: (folder / name).read_text() for name in generator["files"]}
    name = f"{generator['name']}-{hashlib.sha256(repr(data).encode()).hexdigest()[:10]}"
    for resource in resources:
        for volume in resource.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", []):
            if volume.get("configMap", {}).get("name") == generator["name"]:
                volume["configMap"]["name"] = name
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
