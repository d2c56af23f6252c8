"""The generator against services whose faults are known to the datagram."""

import ipaddress
import subprocess
import unittest

from Tests.services import GENERATOR, Service, Stalling, Swapping, ask

BLOCK, BLOCK6 = "10.128.0.0/16", "fd00:bead::/112"


def setUpModule() -> None:
    # In the namespaces of Tests/sandbox.sh, which vanish with them.
    for family, block in (("-4", BLOCK), ("-6", BLOCK6)):
        subprocess.run(["ip", family, "route", "replace", "local", block, "dev", "lo"], check=True)


class Counts(unittest.TestCase):
    def requests(self, report: dict, **expected: int) -> None:
        """The counts named, and that all others are 0."""
        names = ("lost", "late", "reordered", "misdelivered", "foreign", "refused")
        wanted = dict.fromkeys(names, 0) | expected
        self.assertEqual({name: report["requests"][name] for name in wanted}, wanted)

    def test_every_request_is_answered_by_an_honest_service(self) -> None:
        with Service() as service:
            report = ask(service.target, "--clients", "4", "--outstanding", "8", "--requests", "2000")
        self.requests(report, sent=2000, answered=2000, answered_clients=4)

    def test_every_tenth_lost_is_every_tenth_lost(self) -> None:
        with Service(lambda number, request: [] if number % 10 == 9 else [request]) as service:
            report = ask(service.target, "--clients", "10", "--outstanding", "10", "--requests", "1000", "--timeout", "400ms")
        self.requests(report, sent=1000, answered=900, lost=100)

    def test_a_request_of_the_warm_up_is_not_among_the_lost(self) -> None:
        with Service(lambda number, request: []) as service:
            # The first is sent in the warm-up and given up later; then there is one, and its loss.
            report = ask(service.target, "--warmup", "100ms", "--duration", "1s", "--timeout", "600ms")
        self.assertEqual((report["requests"]["sent"], report["requests"]["lost"]), (1, 1))

    def test_a_second_reply_is_late_and_not_an_answer(self) -> None:
        with Service(lambda number, request: [request, request]) as service:
            # One under way, so that a second reply is there when the next request's is.
            report = ask(service.target, "--requests", "501")
        self.requests(report, sent=501, answered=501, late=report["requests"]["late"])
        self.assertIn(report["requests"]["late"], (500, 501))

    def test_two_replies_in_reverse_order_are_one_reordered(self) -> None:
        with Service(Swapping()) as service:
            report = ask(service.target, "--rate", "2000", "--requests", "1000")
        self.requests(report, sent=1000, answered=1000, reordered=500)

    def test_a_reply_from_another_address_is_misdelivered_and_its_request_lost(self) -> None:
        with Service(answers_from="127.0.0.2") as service:
            report = ask(
                service.target, "--sources", BLOCK, "--clients", "10", "--requests", "100", "--timeout", "200ms")
        self.requests(report, sent=100, answered=0, lost=100, misdelivered=100)

    def test_a_connected_client_never_sees_a_reply_from_another_address(self) -> None:
        with Service(answers_from="127.0.0.2") as service:
            report = ask(service.target, "--clients", "10", "--requests", "100", "--timeout", "200ms")
        self.assertEqual(report["requests"]["answered"], 0)
        self.assertEqual(report["requests"]["lost"], 100)

    def test_a_reply_to_another_client_is_misdelivered(self) -> None:
        sources = []

        def to_the_one_before(number: int, request: tuple) -> list:
            sources.append(request[1])
            return [(request[0], sources[number - 1 if number else 0])]

        with Service(to_the_one_before) as service:
            report = ask(service.target, "--sources", BLOCK, "--fresh", "--rate", "1000", "--requests", "100",
                         "--timeout", "200ms")
        self.requests(report, sent=100, answered=1, lost=99, misdelivered=99)

    def test_a_reply_that_was_changed_in_length_is_foreign(self) -> None:
        with Service(lambda number, request: [(request[0] + b"!", request[1])]) as service:
            report = ask(service.target, "--requests", "20", "--timeout", "50ms")
        self.requests(report, sent=20, answered=0, lost=20, foreign=20)

    def test_over_ipv6_with_a_socket_for_each_client(self) -> None:
        with Service(host="::1") as service:
            report = ask(service.target, "--clients", "8", "--requests", "800", "--size", "1200")
        self.requests(report, sent=800, answered=800, answered_clients=8)


class Sources(unittest.TestCase):
    def fresh(self, block: str, host: str) -> None:
        with Service(host=host) as service:
            report = ask(service.target, "--sources", block, "--fresh", "--rate", "2000", "--requests", "1000")
        self.assertEqual(report["requests"]["answered_clients"], 1000)
        addresses = {ipaddress.ip_address(source[0]) for source in service.sources}
        self.assertEqual(len(addresses), 1000)
        self.assertTrue(all(each in ipaddress.ip_network(block) for each in addresses))

    def test_fresh_clients_are_all_different(self) -> None:
        self.fresh(BLOCK, "127.0.0.1")

    def test_fresh_clients_are_all_different_over_ipv6(self) -> None:
        self.fresh(BLOCK6, "::1")

    def test_a_source_port_makes_the_same_clients_again(self) -> None:
        arguments = ("--sources", BLOCK, "--source-port", "40000", "--clients", "50", "--requests", "50")
        with Service() as service:
            for _ in range(2):
                ask(service.target, *arguments)
        self.assertEqual(len(service.sources), 100)
        self.assertEqual(len(set(service.sources)), 50)


class OpenLoop(unittest.TestCase):
    def test_a_stall_is_charged_with_every_request_that_was_meant_to_leave_meanwhile(self) -> None:
        """Free of coordinated omission: 1,000 a second for 2 s, and a fifth of a second in which nobody answers."""
        with Service(Stalling(at=1000, seconds=0.2)) as service:
            report = ask(service.target, "--rate", "1000", "--requests", "2000")
        self.assertEqual(report["requests"]["answered"], 2000)
        latency = report["latency_microseconds"]
        # A closed loop would have seen one slow request of 2,000. Here it is each tenth, and evenly up to 200 ms; a noisy
        # machine may add to it, but cannot take away.
        self.assertGreater(latency["p99"], 170_000)
        self.assertGreater(self.share_above(latency, 100_000), 4)
        self.assertGreaterEqual(latency["max"], 195_000)

    def share_above(self, latency: dict, microseconds: float) -> float:
        """In percent; from the distribution."""
        below = [percentile for percentile, value in latency["distribution"] if value <= microseconds]
        return 100 - max(below, default=0)

    def test_the_rate_is_kept_whether_or_not_anybody_answers(self) -> None:
        with Service(lambda number, request: []) as service:
            report = ask(service.target, "--rate", "1000", "--requests", "500", "--timeout", "100ms")
        self.assertEqual((report["requests"]["sent"], report["requests"]["lost"]), (500, 500))
        self.assertGreaterEqual(report["seconds"], 0.5)
        self.assertLess(report["seconds"], 2)


class Usage(unittest.TestCase):
    def test_where_nobody_answers_it_says_so_and_fails(self) -> None:
        done = subprocess.run(
            [GENERATOR, "127.0.0.1:9", "--duration", "100ms", "--warmup", "0ms", "--timeout", "50ms"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody answers at 127.0.0.1:9", done.stderr)

    def test_a_process_that_is_not_there_is_refused(self) -> None:
        gone = subprocess.Popen(["true"])
        gone.wait()
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            ask("127.0.0.1:9", "--pid", f"relay={gone.pid}")
        self.assertEqual(refused.exception.returncode, 64)
        self.assertIn(f"no process {gone.pid}", refused.exception.stderr)

    def test_what_cannot_be_done_is_refused_with_advice(self) -> None:
        for arguments, advice in (
            (["--fresh"], "give a block"), (["--size", "8"], "--size must be between"),
            (["--sources", "fd00::/64"], "must be of the targets' family"), (["--duration", "5"], "write 500ms"),
        ):
            with self.subTest(arguments), self.assertRaises(subprocess.CalledProcessError) as refused:
                ask("127.0.0.1:9", *arguments)
            self.assertIn(advice, refused.exception.stderr)


if __name__ == "__main__":
    unittest.main()
