"""The README says what the report found, and nothing else."""

import unittest
from pathlib import Path

from harness import readme, report
from harness.goals import Goal, Verdict
from harness.processes import Trouble

BENCHMARKS = Path(__file__).resolve().parent.parent
README = BENCHMARKS.parent / "README.md"


class Readme(unittest.TestCase):
    def test_its_figures_are_those_of_the_report_that_is_committed(self) -> None:
        text = README.read_text()
        wanted = readme.with_section(text, readme.section(report.read(BENCHMARKS / "results")))
        self.assertEqual(text, wanted, "run `make bench-readme`")

    def test_goals_are_counted_by_verdict_and_those_not_met_are_named(self) -> None:
        goals = [Goal(verdict.value + " work", "x ≤ 1", "2", verdict) for verdict in Verdict]
        text = "\n".join(readme._goals(goals))
        self.assertIn("4 goals: 1 met, 1 missed, 1 undecided, 1 not measured.", text)
        self.assertIn("Missed:\n\n- missed work: x ≤ 1; found 2\n\nUndecided:\n\n- undecided work", text)
        self.assertIn("Not measured: not measured work: x ≤ 1.", text)
        self.assertNotIn("- met work", text)

    def test_only_what_is_between_the_marks_changes(self) -> None:
        text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
        self.assertEqual(readme.with_section(text, "new\n"), f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n")

    def test_a_readme_without_the_marks_is_refused(self) -> None:
        with self.assertRaises(Trouble):
            readme.with_section("no place here", "new\n")


if __name__ == "__main__":
    unittest.main()
