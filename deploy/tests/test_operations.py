"""The operations guide: complete as to what is logged and counted, and nothing in it that cannot be done."""

import json
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.tests import configuration, messages
from deploy.tests.support import (
    BINARY, DEPLOY, SOURCES, address_of_its_own, ask, eventually, has_ready_check, program, run, running,
)

GUIDE = (DEPLOY / "OPERATIONS.md").read_text()
PAGES = ["OPERATIONS.md", "README.md", "kubernetes/README.md", "../README.md"]
# What Debian calls the package of a program that is not on every host.
PROGRAMS = {
    "apt-get", "docker", "dpkg-deb", "ethtool", "grep", "ip", "journalctl", "keepalived", "kubectl", "make", "multihomed",
    "nft", "nstat", "podman", "ss", "sysctl", "systemctl",
}


IP_FREEBIND = 15

# Notes whose passages are tracked: a client that asks again is the same one, and nothing expires.
WATCH = """
table ip watch {
  set clients { type inet_service; flags dynamic; size 1024; }
  set sessions { type ipv4_addr; flags dynamic; size 1024; }
  chain input {
    type filter hook input priority 0;
    udp dport 5678 ct state != untracked add @clients { udp sport }
    ip saddr 127.64.0.0/10 ct state != untracked add @sessions { ip saddr }
  }
}
"""


def section(title: str) -> str:
    """What stands under a title, with what stands below that."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", GUIDE, re.M | re.S).group(1)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(text: str) -> list[str]:
    """Each command of the page's blocks, and of its text where it begins with one of the programs."""
    lines = [line.split("  #")[0].strip() for block in blocks(text, "sh") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    spans = [span for span in re.findall(r"`([^`\n]+)`", prose) if span.split()[0] in PROGRAMS and " " in span]
    return [line for line in lines + spans if line and not line.startswith("#")]


def help_of(command: str) -> str:
    words = [word for word in command.split()[1:3] if re.fullmatch(r"[a-z]+", word)]
    return run(BINARY, *words, "--help")


def pattern_of(line: str) -> re.Pattern:
    """What a line of the guide stands for."""
    return re.compile(".*".join(map(re.escape, line.split("…"))), re.S)


@contextmanager
def held(address: str, port: int) -> Iterator[None]:
    """Another program has the port of an address that is not there yet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        holder.bind((address, port))
        yield


class Log(unittest.TestCase):
    def test_each_message_is_explained(self) -> None:
        spans = re.findall(r"`([^`\n]+)`", section("What each log line means"))
        known = [pattern_of(span) for span in spans if re.search(r"\w", span)]
        missing = [message for message in messages.all_messages()
                   if not any(pattern.fullmatch(message.text) for pattern in known)]
        self.assertEqual(missing, [], "explain these in deploy/OPERATIONS.md, under What each log line means")

    def test_no_line_is_explained_that_is_never_written(self) -> None:
        rows = re.findall(r"^\| `([^`\n]+)` \|", section("What each log line means"), re.M)
        written = messages.all_messages()
        self.assertEqual([row for row in rows if not any(pattern_of(row).fullmatch(message.text) for message in written)], [])

    def test_messages_are_found_in_all_their_forms(self) -> None:
        source = ('logger.warning("a \\(b ? "c" : "d") e"\n  + " f", metadata: ["g": "h"])\n'
                  'logger.log(level: news.level, news.message)\ntell(.granted("i"))\n'
                  'var message: Logger.Message {\n switch self {\n case .j: "k"\n case .l:\n  "m"\n }\n}\n')
        found = [text for part in messages.places(source, "") for text in messages.texts(part)]
        self.assertEqual(found, ["a … e f", "i", "k", "m"])


class Reasons(unittest.TestCase):
    def test_each_reason_is_explained(self) -> None:
        source = (SOURCES / "Sources/Relay/Core/Reasons.swift").read_text()
        labels = set(re.findall(r'case \.\w+: "(\w+)"', source))
        self.assertGreater(len(labels), 15)
        metrics = section("Reading the metrics")
        self.assertEqual({label for label in labels if f"`{label}`" not in metrics}, set())

    def test_what_the_manual_page_wants_told_to_the_authors_the_guide_does_too(self) -> None:
        page = (DEPLOY / "man/multihomed-metrics.7").read_text()
        listed = page[page.index('begin: drop reasons') : page.index('end: drop reasons')]
        for label, text in re.findall(r"^\.It Ic (\w+)\n(.*?)(?=^\.It|^\.El)", listed, re.M | re.S):
            (row,) = re.findall(rf"^\| `{label}` \|.*$", section("Reading the metrics"), re.M)
            self.assertEqual("tell the authors" in text, "tell the authors" in row, label)


class Overviews(unittest.TestCase):
    def test_the_manual_page_of_the_program_names_each_command(self) -> None:
        page = (DEPLOY / "man/multihomed.8").read_text()
        synopsis, description = page.split(".Sh DESCRIPTION")[0], page.split(".Sh DESCRIPTION")[1]
        commands = re.findall(r"^  (\S+) {2,}", run(BINARY, "--help").split("SUBCOMMANDS:")[1], re.M)
        self.assertIn("check", commands)
        for command in set(commands) - {"help"}:
            self.assertRegex(synopsis, rf"\.Cm (.* )?{command}\b")
            self.assertRegex(description, rf"\.It Cm (.* , )?{command}\b")

    def test_every_place_that_contributors_are_sent_to_is_there(self) -> None:
        text = (SOURCES / "CONTRIBUTING.md").read_text()
        for path in re.findall(r"`((?:Sources|Tests|deploy)/[\w/.]+)`", text):
            self.assertTrue((SOURCES / path).exists(), path)
        room = ""
        for indent, name in re.findall(r"^( *)([\w/.]+/) ", blocks(text, "")[0], re.M):
            room = room if indent else name
            self.assertTrue((SOURCES / (room + name if indent else name)).is_dir(), name)
        for folder in (SOURCES / "Sources/Service").iterdir():
            self.assertTrue(not folder.is_dir() or f"  {folder.name}/ " in text, folder)


class Commands(unittest.TestCase):
    def pages(self) -> list[str]:
        return [(DEPLOY / name).read_text() for name in PAGES]

    def test_each_is_of_a_program_that_there_is(self) -> None:
        for line in (line for page in self.pages() for line in commands(page)):
            self.assertIn(Path(line.split()[0]).name, PROGRAMS, line)

    def test_shells_can_read_each_block(self) -> None:
        for block in (block for page in self.pages() for block in blocks(page, "sh")):
            run("bash", "-n", input=block)

    def test_ours_have_the_options_that_they_are_given(self) -> None:
        for line in (line for page in self.pages() for line in commands(page) if line.startswith("multihomed ")):
            known = help_of(line)
            # Of `status --ready` the tests below say when this program does not have it yet.
            later = set() if has_ready_check() else {"--ready"}
            for option in set(re.findall(r" (--[a-z0-9-]+)", line)) - later:
                self.assertIn(option, known, line)

    def test_kernel_settings_are_there(self) -> None:
        names = set(re.findall(r"`?\b(net\.[a-z0-9_]+\.[a-z0-9_.*]*[a-z0-9_])", GUIDE))
        self.assertIn("net.core.rmem_max", names)
        for name in names:
            found = list(Path("/proc/sys").glob(name.replace(".", "/")))
            self.assertTrue(found or "conntrack" in name, name)

    def test_links_lead_somewhere(self) -> None:
        for name in PAGES:
            page = DEPLOY / name
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{name}: {target}")

    def test_its_table_of_contents_and_its_own_links_are_right(self) -> None:
        titles = re.findall(r"^##+ (.*)$", GUIDE, re.M)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        self.assertLessEqual(set(re.findall(r"\]\(#([^)]+)\)", GUIDE)), anchors)


class Files(unittest.TestCase):
    def test_its_configurations_are_taken(self) -> None:
        found = blocks(GUIDE, "toml")
        self.assertTrue(found)
        for text in found:
            configuration.check(text)

    def test_the_example_is_taken(self) -> None:
        configuration.check((DEPLOY / "multihomed.toml").read_text())

    def test_its_rules_keep_what_goes_over_lo_out_of_connection_tracking(self) -> None:
        run("nft", "--file", "-", input=WATCH)
        self.addCleanup(run, "nft", "flush", "ruleset")

        def watched(name: str) -> set:
            listed = json.loads(run("nft", "--json", "list", "set", "ip", "watch", name))["nftables"]
            return set(next(item["set"] for item in listed if "set" in item).get("elem", []))

        def added() -> tuple[int, int]:
            before = [watched(name) for name in ("clients", "sessions")]
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
            clients, sessions = (watched(name) - known for name, known in zip(("clients", "sessions"), before))
            return len(clients), len(sessions)

        command = [BINARY, "relay", "--listen", "5678", "--backend", "echo"]
        with address_of_its_own("192.0.2.1"), running(*command):
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
            self.assertEqual(added(), (1, 1))
            for text in blocks(GUIDE, "nft"):
                run("nft", "--file", "-", input=text)
            self.assertEqual(added(), (1, 0))

    def test_keepalived_takes_its_configuration(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file, address_of_its_own("192.0.2.11", "eth0"):
            # keepalived looks whether the program is there; of that, the tests of the package tell.
            text = (DEPLOY / "keepalived/keepalived.conf").read_text()
            file.write(text.replace("/usr/bin/multihomed ", "/usr/bin/env multihomed "))
            file.flush()
            run(*program("usr/sbin/keepalived"), "--config-test", "--use-file", file.name)

    @unittest.skipUnless(has_ready_check(), "this program has no status --ready yet")
    def test_the_check_of_keepalived_is_whether_its_relay_serves_and_not_whether_all_is_well(self) -> None:
        text = (DEPLOY / "keepalived/keepalived.conf").read_text()
        script = re.search(r'^  script "/usr/bin/multihomed (.*)"$', text, re.M)[1]
        with tempfile.TemporaryDirectory() as folder, address_of_its_own("192.0.2.1"), held("192.0.2.2", 5678):
            admin = f"{folder}/admin.sock"
            check = [BINARY, *script.replace("/run/multihomed/multihomed/admin.sock", admin).split()]
            self.assertIn(admin, check)
            run(*check, status=1)
            with running(BINARY, "relay", "--listen", "5678", "--backend", "echo", "--admin", admin):
                self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
                run(*check)
                run("ip", "address", "add", "192.0.2.2/24", "dev", "deploy0")
                eventually("a listener that is not up", lambda: subprocess.run(
                    [BINARY, "status", "--admin", admin], stdout=subprocess.DEVNULL).returncode == 1)
                run(*check)
            run(*check, status=1)

    def test_the_kernel_takes_the_limits(self) -> None:
        text = (DEPLOY / "sysctl/10-multihomed.conf").read_text()
        settings = dict(re.findall(r"^(\S+) = (\d+)$", text, re.M))
        wanted = re.search(r"queueBytes: Int32 = (\d+) << (\d+)",
                           (SOURCES / "Sources/Linux/Sockets/UDPSockets.swift").read_text())
        size = str(int(wanted[1]) << int(wanted[2]))
        self.assertEqual(settings, {"net.core.rmem_max": size, "net.core.wmem_max": size})

    def test_an_administrators_limits_prevail(self) -> None:
        """Of sysctl.d, what comes later by its name wins."""
        (file,) = (DEPLOY / "sysctl").glob("*.conf")
        self.assertLess(file.name, "10-net.conf")


@unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck here")
class Scripts(unittest.TestCase):
    def test_shellcheck_has_nothing_to_say(self) -> None:
        done = subprocess.run(["shellcheck", *DEPLOY.rglob("*.sh")], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
