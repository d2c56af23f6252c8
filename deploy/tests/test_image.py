"""The container image: small, without a shell, and run as nobody in particular, by podman and in a plain chroot."""

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import yaml

from deploy.tests.support import (
    BINARY, DEPLOY, SOURCES, address_of_its_own, ask, eventually, has_ready_check, needs_root, run, running, version,
)

FOLDER = SOURCES / ".build-image"
IMAGE = FOLDER / "multihomed.tar"
ROOT = FOLDER / "rootfs"
USER = 65532
# Half of it is the program, the rest the C++ library and what an HTTP library is linked with; packed it is a third.
MOST_MEBIBYTES = 40


def setUpModule() -> None:
    if not IMAGE.exists():
        raise AssertionError("there is no image: run `make image`")


class Contents(unittest.TestCase):
    def test_it_holds_the_program_its_libraries_and_two_lists_of_users(self) -> None:
        files = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not path.is_dir()}
        licences = {name for name in files if name.startswith(("usr/share/doc/", "usr/share/common-licenses/"))}
        rest = files - licences
        self.assertEqual({name for name in rest if ".so" not in name},
                         {"usr/bin/multihomed", "etc/passwd", "etc/group"})
        needed = run("ldd", ROOT / "usr/bin/multihomed")
        for name in rest - {"usr/bin/multihomed", "etc/passwd", "etc/group"}:
            self.assertIn(f"/{name}", needed)
        for path in ROOT.rglob("*"):
            self.assertFalse(path.lstat().st_mode & 0o6002, f"{path}: for others to write, or to run as its owner")

    def test_it_holds_the_licence_of_each_library_and_every_text_that_a_licence_names(self) -> None:
        self.assertEqual((ROOT / "usr/share/doc/multihomed/copyright").read_bytes(),
                         (DEPLOY / "debian/copyright").read_bytes())
        owners = set()
        for path in ROOT.rglob("*.so*"):
            owner = run("sh", "-c", f"dpkg --search '*/{path.name}' | sed -n '1s/[:,].*//p'").strip()
            self.assertTrue(owner, path)
            owners.add(owner)
            copyright = (ROOT / "usr/share/doc" / owner / "copyright").read_text()
            self.assertEqual(copyright, (Path("/usr/share/doc") / owner / "copyright").read_text())
        self.assertTrue({"libmicrohttpd12", "libc6"} <= owners, owners)
        named = {name for path in (ROOT / "usr/share/doc").rglob("copyright")
                 for name in re.findall(r"/usr/share/common-licenses/([A-Za-z]+(?:-[0-9.]*[0-9])?)", path.read_text())}
        there = {path.name for path in Path("/usr/share/common-licenses").glob("*")}
        self.assertIn("LGPL-2.1", named)
        self.assertLessEqual(named & there, {path.name for path in (ROOT / "usr/share/common-licenses").glob("*")})

    def test_it_is_small(self) -> None:
        size = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) / 2**20
        packed = IMAGE.stat().st_size / 2**20
        print(f"\nimage: {size:.1f} MiB, {packed:.1f} MiB packed")
        self.assertLess(size, MOST_MEBIBYTES)

    def test_the_same_files_give_the_same_image(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder) / "again.tar"
            run(DEPLOY / "container/pack-image.py", DEPLOY / "container/Containerfile", ROOT, again,
                f"multihomed:{version()}")
            self.assertEqual(again.read_bytes(), IMAGE.read_bytes())

    def test_it_is_an_oci_layout_whose_digests_are_right(self) -> None:
        with tarfile.open(IMAGE) as archive:
            def read(name: str) -> bytes:
                return archive.extractfile(name).read()

            def blob(descriptor: dict) -> bytes:
                data = read("blobs/" + descriptor["digest"].replace(":", "/"))
                self.assertEqual(len(data), descriptor["size"])
                self.assertEqual("sha256:" + hashlib.sha256(data).hexdigest(), descriptor["digest"])
                return data

            self.assertEqual(json.loads(read("oci-layout")), {"imageLayoutVersion": "1.0.0"})
            manifest = json.loads(blob(json.loads(read("index.json"))["manifests"][0]))
            settings = json.loads(blob(manifest["config"]))
            for layer in manifest["layers"]:
                blob(layer)
        config = settings["config"]
        self.assertEqual(config["User"], f"{USER}:{USER}")
        self.assertEqual(config["Entrypoint"], ["/usr/bin/multihomed"])
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "/usr/bin/multihomed", "status", "--ready"])
        self.assertEqual(config["Healthcheck"]["Interval"], 30 * 10**9)


class Compose(unittest.TestCase):
    def test_the_sidecar_may_no_more_than_it_needs(self) -> None:
        service = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())["services"]["multihomed"]
        self.assertEqual(service["image"], f"multihomed:{version()}")
        self.assertEqual(service["network_mode"], "host")
        self.assertTrue(service["read_only"])
        self.assertEqual(service["cap_drop"], ["ALL"])
        known = run(BINARY, "relay", "--help")
        for variable in service["environment"]:
            self.assertIn("--" + variable.removeprefix("MULTIHOMED_").lower().replace("_", "-"), known)


@needs_root
class InAChroot(unittest.TestCase):
    """Where there is no engine: the files alone, as a user who may nothing. Like every engine, it gives them /proc and /dev."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="multihomed-chroot-")
        self.addCleanup(folder.cleanup)
        # mkdtemp(3) lets nobody else in.
        Path(folder.name).chmod(0o755)
        self.root = Path(folder.name) / "root"
        run("cp", "--archive", ROOT, self.root)
        for name in ("proc", "dev"):
            (self.root / name).mkdir()
            run("mount", "--bind", f"/{name}", self.root / name)
            self.addCleanup(run, "umount", self.root / name)

    def test_it_relays_as_another_user_than_root(self) -> None:
        command = ["chroot", f"--userspec={USER}:{USER}", self.root, "/usr/bin/multihomed", "relay"]
        settings = {"MULTIHOMED_LISTEN": "5678", "MULTIHOMED_BACKEND": "echo"}
        with address_of_its_own("192.0.2.1"), running(*command, env={"PATH": "/usr/sbin:/usr/bin", **settings}) as relay:
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
            status = Path(f"/proc/{relay.pid}/status").read_text()
            self.assertIn(f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}", status)
            self.assertIn("CapEff:\t0000000000000000", status)

    def test_there_is_nothing_else_to_run(self) -> None:
        for shell in ("/bin/sh", "/bin/bash", "/usr/bin/sh"):
            self.assertIn("No such file", run("chroot", self.root, shell, status=127))


@needs_root
class InPodman(unittest.TestCase):
    """The image as a file, loaded and run by an engine, with a store of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory(prefix="multihomed-podman-")
        cls.addClassCleanup(cls.folder.cleanup)
        base = cls.folder.name
        cls.engine = ["podman", "--storage-driver=vfs", f"--root={base}/root", f"--runroot={base}/run",
                      "--cgroup-manager=cgroupfs", "--events-backend=file"]
        cls.addClassCleanup(run, *cls.engine, "system", "reset", "--force")
        # crun refuses a host that has control groups of both kinds; this is a mount namespace of the tests.
        if "/sys/fs/cgroup/unified" in Path("/proc/self/mounts").read_text():
            run("umount", "/sys/fs/cgroup/unified")
        run(*cls.engine, "load", "--input", IMAGE)

    def name(self) -> str:
        return f"multihomed:{version()}"

    def options(self) -> list[str]:
        """As in compose.yaml."""
        return ["--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
                "--cgroups=disabled", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
                "--tmpfs=/run:mode=1777,size=1m"]

    def test_an_engine_reads_what_it_says_of_itself(self) -> None:
        found = json.loads(run(*self.engine, "image", "inspect", self.name()))[0]
        self.assertEqual(found["User"], f"{USER}:{USER}")
        self.assertEqual(found["Config"]["StopSignal"], "SIGTERM")
        self.assertEqual(set(found["Config"]["ExposedPorts"]), {"5678/udp", "9478/tcp"})

    def test_an_engine_makes_the_same_of_the_containerfile(self) -> None:
        """Its last stage, upon the files that are here: nothing can be fetched for the first one."""
        text = (DEPLOY / "container/Containerfile").read_text()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "Containerfile"
            file.write_text("FROM scratch AS build\nCOPY rootfs /rootfs\n" + text[text.index("\nFROM scratch\n") :])
            run(*self.engine, "build", "--isolation=chroot", "--format=docker", "--tag=built", f"--file={file}", FOLDER)
        built, packed = (json.loads(run(*self.engine, "image", "inspect", name))[0] for name in ("built", self.name()))
        added = {"io.buildah.version"}
        built["Config"]["Labels"] = {key: value for key, value in built["Labels"].items() if key not in added}
        built["Config"]["Env"] = [value for value in built["Config"]["Env"] if not value.startswith("PATH=")]
        packed["Config"].setdefault("Env", [])
        self.assertEqual(built["Config"], packed["Config"])
        self.assertEqual(built["Healthcheck"], self.health_check())

    def health_check(self) -> dict:
        """What the image says; podman itself does not show it of an OCI image."""
        with tarfile.open(IMAGE) as archive:
            manifest = json.load(archive.extractfile("manifest.json"))[0]
            return json.load(archive.extractfile(manifest["Config"]))["config"]["Healthcheck"]

    def test_it_relays_with_nothing_but_the_networks_of_the_host(self) -> None:
        command = [*self.engine, "run", "--rm", "--name=relay", *self.options(),
                   "--env=MULTIHOMED_LISTEN=5678", "--env=MULTIHOMED_BACKEND=echo", self.name()]
        with address_of_its_own("192.0.2.1"):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
                if has_ready_check():
                    self.is_healthy()
                run(*self.engine, "stop", "relay")
                output, _ = process.communicate(timeout=60)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
        self.assertEqual(process.returncode, 0, output)
        self.assertIn("ready: ", output)

    def is_healthy(self) -> None:
        """The health check's own command, run beside the relay."""
        def asked() -> bool:
            done = subprocess.run([*self.engine, "exec", "relay", *self.health_check()["Test"][1:]], capture_output=True)
            said.append(done.stdout + done.stderr)
            return done.returncode == 0

        said: list[bytes] = []
        try:
            eventually("a healthy relay", asked)
        except AssertionError as error:
            raise AssertionError(f"{error}: {said[-1]!r}") from None


if __name__ == "__main__":
    unittest.main()
