"""The Debian package: what is in it, and its life in a root file system of its own."""

import contextlib
import gzip
import re
import shutil
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

from deploy.tests.support import (
    BINARY, DEPLOY, SOURCES, address_of_its_own, ask, needs_root, run, running, version,
)

FOLDER = SOURCES / ".build-deb"
CONFIGURATION = "etc/multihomed/multihomed.toml"
# What dpkg and its triggers write for themselves.
OF_DPKG = re.compile(
    r"^(var/lib/dpkg|var/log/(dpkg|alternatives)\.log|var/cache|var/lib/(systemd|man-db|update-notifier)|etc/ld\.so\.cache|"
    r"usr/share/man/.*/index|run|tmp|var/tmp|root|dev)(/|$)"
)


def package() -> Path:
    """The one that `make deb` has made."""
    found = list(FOLDER.glob("multihomed_*.deb"))
    if len(found) != 1:
        raise AssertionError("there is no package: run `make deb`")
    return found[0]


def with_version(folder: Path, other: str) -> Path:
    """The same package under another version."""
    unpacked = folder / "unpacked"
    run("dpkg-deb", "--raw-extract", package(), unpacked)
    control = unpacked / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {version()}\n", f"Version: {other}\n"))
    path = folder / "other.deb"
    run("dpkg-deb", "--root-owner-group", "--build", unpacked, path)
    return path


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name) / "root"
        run("dpkg-deb", "--extract", package(), cls.root)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_lintian_finds_neither_errors_nor_warnings(self) -> None:
        changes = next(FOLDER.glob("*.changes"))
        run("lintian", "--allow-root", "--fail-on", "error,warning", changes)

    def test_its_version_is_the_programs(self) -> None:
        self.assertEqual(run("dpkg-deb", "--field", package(), "Version").strip(), version())

    def test_it_depends_on_each_library_that_the_program_is_linked_with(self) -> None:
        depends = run("dpkg-deb", "--field", package(), "Depends")
        needed = re.findall(r"NEEDED.*\[(lib.*)\]", run("readelf", "--dynamic", self.root / "usr/bin/multihomed"))
        self.assertTrue(needed)
        for library in needed:
            # Of several packages that have one of this name, as the compiler's own folder has.
            owners = re.findall(r"^([^:\s]+):", run("dpkg", "--search", f"*/{library}"), re.M)
            self.assertTrue(any(re.search(rf"\b{re.escape(owner)} \(", depends) for owner in owners), library)

    def test_the_program_is_stripped_and_hardened(self) -> None:
        binary = self.root / "usr/bin/multihomed"
        self.assertNotIn(".symtab", run("readelf", "--sections", "--wide", binary))
        report = run("hardening-check", "--nocfprotection", binary)
        for line in ("Position Independent Executable: yes", "Stack protected: yes", "Read-only relocations: yes",
                     "Immediate binding: yes", "Fortify Source functions: yes"):
            self.assertIn(line, report)

    def test_every_man_page_is_there_and_can_be_read(self) -> None:
        pages = {path.name for path in (DEPLOY / "man").glob("*.[1-9]")}
        packed = list((self.root / "usr/share/man").glob("man*/*.gz"))
        self.assertEqual({path.name.removesuffix(".gz") for path in packed}, pages)
        for path in packed:
            self.assertEqual(gzip.decompress(path.read_bytes()),
                             (DEPLOY / "man" / path.name.removesuffix(".gz")).read_bytes())

    def test_every_unit_is_there_and_starts_the_program_that_is_packed(self) -> None:
        units = {path.name for path in (DEPLOY / "systemd").glob("*.*") if path.suffix == ".service"}
        folder = self.root / "lib/systemd/system"
        self.assertEqual({path.name for path in folder.glob("*")}, units)
        for example in (DEPLOY / "systemd").glob("*.socket"):
            self.assertTrue((self.root / "usr/share/doc/multihomed/examples" / example.name).exists())
        for unit in folder.glob("*.service"):
            for command in re.findall(r"^Exec\w+=[-+!@:]*(\S+)", unit.read_text(), re.M):
                self.assertTrue((self.root / command.lstrip("/")).exists() or Path(command).exists(), command)

    def test_shells_take_its_completions(self) -> None:
        share = self.root / "usr/share"
        bash = share / "bash-completion/completions/multihomed"
        run("bash", "-n", bash)
        offered = run("bash", "--norc", "-c",
                      f'. {bash}; COMP_WORDS=(multihomed do); COMP_CWORD=1; _multihomed; echo "${{COMPREPLY[@]}}"')
        self.assertIn("doctor", offered)
        run("zsh", "-n", share / "zsh/vendor-completions/_multihomed")
        fish = share / "fish/vendor_completions.d/multihomed.fish"
        self.assertIn("doctor", run("fish", "--no-config", "-c", f"source {fish}; complete -C 'multihomed do'"))

    def test_what_is_configured_at_first_relays_nothing_and_says_so(self) -> None:
        self.assertIn("there is no relay", run(BINARY, "check", "--config", self.root / CONFIGURATION, status=78))
        self.assertIn(f"/{CONFIGURATION}\n", (self.info("conffiles")))

    def info(self, name: str) -> str:
        return run("dpkg-deb", "--info", package(), name)


@needs_root
class Life(unittest.TestCase):
    """Everything happens in an overlay over this host's root, in a mount namespace that ends with the tests."""

    def setUp(self) -> None:
        base = Path(tempfile.mkdtemp(prefix="multihomed-deb-"))
        self.addCleanup(shutil.rmtree, base, ignore_errors=True)
        run("mount", "-t", "tmpfs", "tmpfs", base)
        self.addCleanup(run, "umount", "--recursive", base)
        self.upper, self.root = base / "upper", base / "root"
        for folder in (self.upper, self.root, base / "work"):
            folder.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.upper},workdir={base / 'work'}", self.root)
        for folder in ("proc", "dev"):
            run("mount", "--rbind", f"/{folder}", self.root / folder)
        # Not the host's own, in which relays may have their sockets.
        run("mount", "-t", "tmpfs", "tmpfs", self.root / "run")
        self.folder = self.root / "var/tmp"
        # A container of the tests may forbid services to start; here nothing could start one.
        self.keep = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}

    def inside(self, *command: object, status: int = 0) -> str:
        return run("chroot", self.root, *command, status=status, env=self.keep)

    def install(self, package: Path) -> None:
        shutil.copy(package, self.folder / "multihomed.deb")
        self.inside("dpkg", "--force-confold", "--install", "/var/tmp/multihomed.deb")

    def changed(self) -> set[str]:
        """What differs from the root below, but for dpkg's own records."""
        found = set()
        for path in self.upper.rglob("*"):
            name = str(path.relative_to(self.upper))
            is_known_folder = path.is_dir() and not path.is_symlink() and (Path("/") / name).is_dir()
            if not is_known_folder and not OF_DPKG.match(name):
                found.add(name)
        return found | {str(path.relative_to(self.root)) for path in (self.root / "run").glob("multihomed*")}

    def test_it_is_installed_serves_is_upgraded_and_leaves_nothing_behind(self) -> None:
        self.assertEqual(self.changed(), set())
        self.install(package())
        self.assertIn("usr/bin/multihomed", self.changed())
        self.assertEqual(self.inside("dpkg", "--verify", "multihomed"), "")
        self.serves()
        self.assertIn("run/multihomed", self.changed())

        # An upgrade keeps what the administrator wrote.
        configuration = self.root / CONFIGURATION
        wanted = re.sub(r"^# ?(\[\[relay|name|listen = \[|backend)", r"\1", configuration.read_text(), flags=re.M)
        configuration.write_text(wanted)
        self.inside("multihomed", "check", "--config", f"/{CONFIGURATION}")
        with tempfile.TemporaryDirectory() as folder:
            self.install(with_version(Path(folder), f"{version()}+next"))
        self.assertEqual(configuration.read_text(), wanted)
        self.assertIn(f"{version()}+next", self.inside("dpkg-query", "--show", "multihomed"))
        self.serves()

        self.logs()
        self.inside("dpkg", "--remove", "multihomed")
        kept = re.compile(r"etc/(multihomed|logrotate\.d/multihomed)|var/log/(private|multihomed)")
        self.assertEqual({name for name in self.changed() if not kept.match(name)}, set())
        self.assertEqual(configuration.read_text(), wanted)
        self.inside("dpkg", "--purge", "multihomed")
        self.assertEqual(self.changed() - {"var/log/private"}, set())

    def logs(self) -> None:
        """What LogsDirectory= and DynamicUser= leave (systemd.exec(5))."""
        logs = self.root / "var/log"
        (logs / "private/multihomed").mkdir(parents=True)
        (logs / "private/multihomed/sessions.log").write_text("a session\n")
        (logs / "multihomed").symlink_to("private/multihomed")

    def test_logrotate_takes_its_file(self) -> None:
        self.install(package())
        self.logs()
        said = self.inside("logrotate", "--debug", "--state", "/var/tmp/state", "/etc/logrotate.d/multihomed")
        self.assertNotIn("error", said)
        self.assertIn("considering log /var/log/multihomed/sessions.log", said)

    def serves(self) -> None:
        with address_of_its_own("192.0.2.1"), self.relay():
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")

    @contextlib.contextmanager
    def relay(self) -> Iterator[None]:
        with running("chroot", self.root, "/usr/bin/multihomed", "relay", "--listen", "5678", "--backend", "echo"):
            yield


if __name__ == "__main__":
    unittest.main()
