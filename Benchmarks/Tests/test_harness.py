"""What the harness reckons from what the generator found."""

import math
import tempfile
import unittest
from pathlib import Path
from typing import Any

from harness import pauses, plots, words
from harness.counters import counters
from harness.goals import Verdict, all_goals, goals_of_the_run
from harness.machine import Cores
from harness.measure import answered, finding, summary
from harness.processes import Program, Trouble, wait_until
from harness.turns import ratio
from harness.workers import combined, generator, worker_counts


def row(**turns: list[float | None]) -> dict[str, Any]:
    """A row of which only the processor time matters."""
    return {"title": "work", "brief": "work", "left_out": {}, "results": {
        name: {"cpu": summary(values), "turns": [{"cpu": value} for value in values]} for name, values in turns.items()}}


def results(**parts: Any) -> dict[str, Any]:
    """Nothing was measured but these parts."""
    empty = dict.fromkeys(
        ("rows", "sweep", "workers", "sessions", "endurance", "expiry", "descriptor_limit", "idle_sessions", "addresses",
         "rest", "instructions", "took"), {})
    return empty | parts


class Summary(unittest.TestCase):
    def test_is_the_median_and_the_spread_of_what_is_known(self) -> None:
        self.assertEqual(summary([3.0, None, 1.0, 2.0]), {"median": 2.0, "min": 1.0, "max": 3.0, "count": 3})

    def test_of_nothing_is_nothing(self) -> None:
        self.assertIsNone(summary([None, None]))


class Ratio(unittest.TestCase):
    def test_is_taken_turn_by_turn(self) -> None:
        # The machine was twice as slow in the second turn, for both.
        found = ratio(row(ours=[1, 2, 1], theirs=[2, 4, 2]), "cpu", "ours", "theirs")
        self.assertEqual(found, {"median": 0.5, "min": 0.5, "max": 0.5, "count": 3})

    def test_leaves_out_turns_in_which_one_has_no_figure(self) -> None:
        found = ratio(row(ours=[1, None, 3], theirs=[2, 4, 0]), "cpu", "ours", "theirs")
        self.assertEqual(found and found["count"], 1)

    def test_with_one_who_took_no_part_is_none(self) -> None:
        self.assertIsNone(ratio(row(ours=[1]), "cpu", "ours", "theirs"))


class Goals(unittest.TestCase):
    def find(self, found: dict[str, Any], goal: str) -> Any:
        return next(each for each in all_goals(found) if each.goal == goal)

    def test_what_was_not_measured_is_neither_met_nor_missed(self) -> None:
        self.assertEqual({goal.verdict for goal in all_goals(results())}, {Verdict.NOT_MEASURED})

    def test_a_ratio_whose_turns_straddle_the_limit_is_undecided(self) -> None:
        for turns, verdict in (([0.5, 0.6, 0.55], Verdict.MET), ([0.61, 0.7, 0.8], Verdict.MISSED),
                               ([0.5, 0.5, 0.7], Verdict.UNDECIDED), ([0.5, 0.7, 0.7], Verdict.UNDECIDED)):
            rows = {"clients-64": row(multihomed=turns, nginx=[1.0] * 3)}
            self.assertIs(self.find(results(rows=rows), "CPU ≤ 0.6 × nginx").verdict, verdict)

    def test_a_least_ratio_is_the_other_way_round(self) -> None:
        for rates, verdict in (([9, 8], Verdict.MET), ([9, 7], Verdict.UNDECIDED), ([6, 7], Verdict.MISSED)):
            bulk = {"results": {name: {"turns": [{"rate": rate, "cpu": 1.0} for rate in values]}
                                for name, values in (("multihomed", rates), ("nginx", [1, 1]))}}
            self.assertIs(self.find(results(rows={"bulk": bulk}), "throughput ≥ 8 × nginx").verdict, verdict)

    def test_a_part_of_a_run_has_its_own_goals_only(self) -> None:
        rows = {"clients-64": row(multihomed=[1.0], nginx=[1.0])}
        goals = goals_of_the_run(results(rows=rows, took={"rows": 9.0}))
        self.assertEqual({goal.work for goal in goals}, {"64 clients × 4 outstanding × 64 B"})
        self.assertEqual(goals_of_the_run(results()), [])

    def test_a_ratio_at_its_limit_is_met_and_above_it_missed(self) -> None:
        for cpu, verdict in ((0.6, Verdict.MET), (0.61, Verdict.MISSED)):
            rows = {"clients-64": row(multihomed=[cpu], nginx=[1.0])}
            self.assertIs(self.find(results(rows=rows), "CPU ≤ 0.6 × nginx").verdict, verdict)

    def test_a_million_sessions_of_which_one_was_not_answered_is_a_goal_missed(self) -> None:
        for answered, verdict in ((1_000_000, Verdict.MET), (999_999, Verdict.MISSED)):
            point = {"sessions": 1_000_000, "answered": answered, "resident_mb": 150.0, "descriptors": 20}
            found = results(sessions={"multihomed": [point]})
            self.assertIs(self.find(found, "every one answered").verdict, verdict)

    def test_the_pause_of_expiry_is_the_least_of_the_turns(self) -> None:
        def turns(*longest: float) -> dict[str, Any]:
            return {"turns": {"multihomed": [{"left": 1, "meanwhile": {"max": each}} for each in longest]}}

        goal = "a client's longest wait, least of the turns ≤ 5 ms"
        # A pause of the machine in two of the turns, and one of expiry in all of them.
        self.assertIs(self.find(results(expiry=turns(20.0, 1.5, 30.0)), goal).verdict, Verdict.MET)
        self.assertIs(self.find(results(expiry=turns(20.0, 8.0, 9.0)), goal).verdict, Verdict.MISSED)

    def test_endurance_is_set_beside_the_same_load_without_expiry(self) -> None:
        def run(longest: float) -> dict[str, Any]:
            return {"seconds": 300, "requests": {"sent": 10, "answered": 10}, "resident_mb": {"most": 30.0},
                    "descriptors": 22, "probes": {"longest_of_each": longest}}

        for with_expiry, verdict in ((12.0, Verdict.MET), (18.0, Verdict.MISSED)):
            found = results(endurance={"runs": {"none_ends": run(9.0), "endurance": run(with_expiry)}})
            goal = "what expiry adds to an established client's wait (longest of each 5 s, median) ≤ 5 ms"
            self.assertIs(self.find(found, goal).verdict, verdict)


class Finding(unittest.TestCase):
    def test_loss_counts_lost_among_answered_and_lost(self) -> None:
        found = finding({
            "round_trips_per_second": 100.0, "bits_per_second": 1.0, "processes": [],
            "requests": {"answered": 900, "lost": 100, "reordered": 9, "misdelivered": 1, "foreign": 2}})
        self.assertEqual((found["loss"], found["reordered"], found["misdelivered"]), (0.1, 0.01, 3))
        self.assertIsNone(found["p99"])


    def test_a_turn_in_which_nobody_was_answered_is_named_and_not_averaged(self) -> None:
        with self.assertRaisesRegex(Trouble, "nginx answered nobody: GSO bulk, 1,200 requests"):
            answered({"requests": {"sent": 1200, "answered": 0}}, "nginx", "GSO bulk")


class Pauses(unittest.TestCase):
    samples = [(n / 10, 0.001 * (n % 10 + 1)) for n in range(100)] + [(10.0, None)]

    def test_waits_are_in_milliseconds_and_leave_out_the_unanswered(self) -> None:
        found = pauses.waits(self.samples)
        self.assertEqual((found["asked"], found["answered"]), (101, 100))
        self.assertAlmostEqual(found["p50"] or 0, 6)
        self.assertAlmostEqual(found["max"] or 0, 10)

    def test_one_long_pause_does_not_move_the_longest_of_each_stretch(self) -> None:
        self.assertAlmostEqual(pauses.longest_of_each([*self.samples, (10.1, 5.0)], 1.0) or 0, 10)

    def test_a_window_has_its_beginning_and_not_its_end(self) -> None:
        self.assertEqual(pauses.between([(1, 0), (2, 0), (3, 0)], 1, 3), [(1, 0), (2, 0)])


class Workers(unittest.TestCase):
    def test_counts_are_powers_of_two_and_all_cores(self) -> None:
        self.assertEqual([worker_counts(cores) for cores in (1, 2, 6, 16)], [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8, 16]])

    def test_nobody_shares_a_core_where_there_are_enough(self) -> None:
        cores = Cores.for_workers(4, range(16))
        self.assertEqual((cores.relay, cores.generator, cores.service), ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)))
        self.assertFalse(cores.are_shared)

    def test_on_two_cores_all_share_them(self) -> None:
        for workers in (1, 2):
            cores = Cores.for_workers(workers, (0, 1))
            self.assertEqual((cores.relay, cores.generator, cores.are_shared, cores.pairs), ((0, 1), (0, 1), True, 1))

    def test_generators_share_out_all_clients(self) -> None:
        shares = [generator("clients-1000", number, 3) for number in range(3)]
        self.assertEqual(sum(int(each[1]) for each in shares), 1000)
        self.assertEqual(len({each[-1] for each in shares}), 3)

    def test_processor_time_is_divided_by_what_all_generators_were_answered(self) -> None:
        report = {"round_trips_per_second": 50_000.0, "processes": [{"name": "relay", "cpu_percent": 100.0}]}
        self.assertEqual(combined([report, report]), {"rate": 100_000.0, "cpu": 10.0, "cpu_percent": 100.0})


class Programs(unittest.TestCase):
    def test_counters_are_read_from_the_last_whole_line(self) -> None:
        line = 'notice counters counters={"relays":[{"sessions":%d}]}'
        script = f"trap 'echo \"$text\"' USR1; text='{line % 7}'; echo ready; while :; do sleep 0.01; done"
        with tempfile.TemporaryDirectory() as folder:
            program = Program(["sh", "-c", script], [0], Path(folder) / "log")
            try:
                self.assertTrue(wait_until(lambda: "ready" in program.log.read_text(), 5))
                self.assertEqual(counters(program), {"sessions": 7})
                self.assertEqual(program.fate(), "")
            finally:
                program.stop()
            self.assertEqual(program.fate(), "SIGKILL")


class Words(unittest.TestCase):
    def test_figures(self) -> None:
        self.assertEqual(words.spread({"median": 1234.5, "min": 1000.0, "max": 2000.0}, 0), "1,234 (1,000–2,000)")
        self.assertEqual((words.number(None), words.median(None, 2), words.share(None)), ("", "", "0"))

    def test_one_is_singular(self) -> None:
        self.assertEqual(words.count(1, "address"), "1 address")
        self.assertEqual([words.count(1001, each) for each in ("address", "turn")], ["1,001 addresses", "1,001 turns"])

    def test_a_line_of_a_log_cannot_break_a_table(self) -> None:
        self.assertEqual(words.code("a|b\n`c`"), "`a¦b 'c'`")


class Plots(unittest.TestCase):
    def test_ticks_are_round_and_within(self) -> None:
        scale = plots.Scale(0, 130_000, 0, 1)
        self.assertEqual(scale.ticks()[:2], [0, 20_000])
        self.assertTrue(all(0 <= scale(tick) <= 1 for tick in scale.ticks()))
        self.assertEqual(plots.Scale(1, 1000, 0, 1, True).ticks(), [1, 10, 100, 1000])

    def test_one_point_is_no_reason_to_fail(self) -> None:
        self.assertIn("<circle", plots.lines("title", "x", "y", [("floor", [(1, 5)])]))
        self.assertFalse(math.isnan(plots.Scale(1, 1, 0, 1)(1)))


if __name__ == "__main__":
    unittest.main()
