"""The operations guide: complete as to what is logged and counted, and nothing in it that cannot be done."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from deploy.tests import configuration, messages
from deploy.tests.support import (
    BINARY, DEPLOY, SOURCES, address_of_its_own, ask, program, run, running,
)

GUIDE = (DEPLOY / "OPERATIONS.md").read_text()
PAGES = ["OPERATIONS.md", "README.md", "kubernetes/README.md", "../README.md"]
# What Debian calls the package of a program that is not on every host.
PROGRAMS = {
    "apt-get", "docker", "dpkg-deb", "ethtool", "grep", "ip", "journalctl", "keepalived", "kubectl", "make", "multihomed",
    "nft", "nstat", "podman", "ss", "sysctl", "systemctl",
}


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
            for option in re.findall(r" (--[a-z0-9-]+)", line):
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
        run("nft", "--file", "-", input="table ip watch {\n chain c {\n  type filter hook input priority 0\n  ct state new\n }\n}\n")
        self.addCleanup(run, "nft", "flush", "ruleset")
        count = Path("/proc/sys/net/netfilter/nf_conntrack_count")

        def added() -> int:
            before = int(count.read_text())
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
            return int(count.read_text()) - before

        command = [BINARY, "relay", "--listen", "5678", "--backend", "echo"]
        with address_of_its_own("192.0.2.1"), running(*command):
            self.assertEqual(ask("192.0.2.1", 5678, b"hello"), b"hello")
            # The client's and the session's.
            self.assertEqual(added(), 2)
            for text in blocks(GUIDE, "nft"):
                run("nft", "--file", "-", input=text)
            self.assertEqual(added(), 1)

    def test_keepalived_takes_its_configuration(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file, address_of_its_own("192.0.2.11", "eth0"):
            # keepalived looks whether the program is there; of that, the tests of the package tell.
            text = (DEPLOY / "keepalived/keepalived.conf").read_text()
            file.write(text.replace("/usr/bin/multihomed status", "/usr/bin/env multihomed status"))
            file.flush()
            run(*program("usr/sbin/keepalived"), "--config-test", "--use-file", file.name)

    def test_the_kernel_takes_the_limits(self) -> None:
        text = (DEPLOY / "sysctl/10-multihomed.conf").read_text()
        settings = dict(re.findall(r"^(\S+) = (\d+)$", text, re.M))
        wanted = re.search(r"queueBytes: Int32 = (\d+) << (\d+)",
                           (SOURCES / "Sources/Linux/Sockets/UDPSockets.swift").read_text())
        size = str(int(wanted[1]) << int(wanted[2]))
        self.assertEqual(settings, {"net.core.rmem_max": size, "net.core.wmem_max": size})


@unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck here")
class Scripts(unittest.TestCase):
    def test_shellcheck_has_nothing_to_say(self) -> None:
        done = subprocess.run(["shellcheck", *DEPLOY.rglob("*.sh")], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
