"""The README says what the report found, and nothing else."""

import unittest
from pathlib import Path

from harness import readme, report
from harness.processes import Trouble

BENCHMARKS = Path(__file__).resolve().parent.parent
README = BENCHMARKS.parent / "README.md"


class Readme(unittest.TestCase):
    def test_its_figures_are_those_of_the_report_that_is_committed(self) -> None:
        text = README.read_text()
        wanted = readme.with_section(text, readme.section(report.read(BENCHMARKS / "results")))
        self.assertEqual(text, wanted, "run `make bench-readme`")

    def test_only_what_is_between_the_marks_changes(self) -> None:
        text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
        self.assertEqual(readme.with_section(text, "new\n"), f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n")

    def test_a_readme_without_the_marks_is_refused(self) -> None:
        with self.assertRaises(Trouble):
            readme.with_section("no place here", "new\n")


if __name__ == "__main__":
    unittest.main()
