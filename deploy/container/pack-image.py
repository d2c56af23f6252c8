#!/usr/bin/env python3
"""Packs a root file system as a container image: an OCI layout that `docker load` and `podman load` take, too.

usage: pack-image.py CONTAINERFILE ROOT IMAGE.tar NAME:TAG

What the image says of itself (user, entry point, health check) is what the last stage of the Containerfile says. The same
files give the same image, byte for byte.
"""

import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import shlex
import sys
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NANOSECONDS = {"s": 10**9, "m": 60 * 10**9}


def instructions(text):
    """The instructions of the last stage, as pairs of a word and the rest."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]
    last = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return found[last + 1 :]


def health_check(rest):
    """A HEALTHCHECK as the engines keep it: durations in nanoseconds."""
    options, command = rest.split(" CMD ", 1)
    check = {"Test": ["CMD", *json.loads(command)]}
    names = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod", "retries": "Retries"}
    for name, value in re.findall(r"--([a-z-]+)=(\w+)", options):
        check[names[name]] = int(value) if name == "retries" else int(value[:-1]) * NANOSECONDS[value[-1]]
    return check


def configuration(text):
    """What the image is run with."""
    config = {"Env": [], "Labels": {}, "ExposedPorts": {}}
    for word, rest in instructions(text):
        if word == "LABEL":
            config["Labels"].update(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "ENV":
            config["Env"] += shlex.split(rest)
        elif word == "EXPOSE":
            config["ExposedPorts"].update({port: {} for port in rest.split()})
        elif word in ("ENTRYPOINT", "CMD"):
            config[word.capitalize()] = json.loads(rest)
        elif word == "USER":
            config["User"] = rest
        elif word == "STOPSIGNAL":
            config["StopSignal"] = rest
        elif word == "HEALTHCHECK":
            config["Healthcheck"] = health_check(rest)
        elif word != "COPY":
            raise SystemExit(f"pack-image.py: the last stage may not have {word}: this script does not know it.")
    return config


def layer(root, owner):
    """The files as a tar archive: root's, without times, but what lies below /run, which is the program's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(root)))
            below_run = path.relative_to(root).parts[:2] == ("run", "multihomed")
            entry.uid = entry.gid = owner if below_run else 0
            entry.uname = entry.gname = ""
            entry.mtime = 0
            with open(path, "rb") if entry.isfile() else io.BytesIO() as file:
                archive.addfile(entry, file)
    return buffer.getvalue()


class Image:
    """An archive whose contents are named by their digests."""

    def __init__(self, path):
        self.archive = tarfile.open(path, "w")

    def add(self, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        entry.mode = 0o644
        self.archive.addfile(entry, io.BytesIO(data))

    def add_blob(self, data, media_type):
        """Adds contents, and returns what names them."""
        digest = hashlib.sha256(data).hexdigest()
        self.add(f"blobs/sha256/{digest}", data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def as_json(value):
    return json.dumps(value, sort_keys=True).encode()


def blob_path(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/")


def main(containerfile, root, destination, name):
    config = configuration(pathlib.Path(containerfile).read_text())
    files = layer(pathlib.Path(root), int(config["User"].split(":")[0]))
    machine = platform.machine()
    image = Image(destination)
    packed = image.add_blob(gzip.compress(files, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    settings = image.add_blob(
        as_json({
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(files).hexdigest()]},
        }),
        "application/vnd.oci.image.config.v1+json",
    )
    manifest = image.add_blob(
        as_json({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": settings,
            "layers": [packed],
        }),
        "application/vnd.oci.image.manifest.v1+json",
    )
    manifest["annotations"] = {"org.opencontainers.image.ref.name": name.split(":")[1], "io.containerd.image.name": name}
    image.add("oci-layout", as_json({"imageLayoutVersion": "1.0.0"}))
    image.add("index.json", as_json({"schemaVersion": 2, "manifests": [manifest]}))
    # For engines that do not read OCI layouts.
    image.add(
        "manifest.json",
        as_json([{"Config": blob_path(settings), "RepoTags": [name], "Layers": [blob_path(packed)]}]),
    )
    image.archive.close()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
