"""Live lines and a summary while a class is graded."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from course_lib.tools.grading.collecting.names import printable
from course_lib.tools.grading.grade import Graded
from course_lib.tools.grading.tables import show_line


class Report:
    """Prints one line for each submission as it is graded, and the counts at the end.

    In a terminal, a bar below them shows how far it is; use it in a ``with`` statement.

    Args:
        assignment: its name.
        total: how many submissions there are.
    """

    def __init__(self, assignment: str, total: int):
        self.assignment = assignment
        self.rows: list[Graded] = []
        self.console = Console(highlight=False)
        plain = not self.console.is_terminal or self.console.is_dumb_terminal
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console, transient=True, disable=plain)
        self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> Report:
        self.bar.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.bar.stop()

    @property
    def failed(self) -> int:
        return sum(row.state in ("failed", "flagged") for row in self.rows)

    def add(self, row: Graded) -> None:
        """Print what became of one submission, and what is odd about it."""
        self.rows.append(row)
        self.bar.advance(self.task)
        name = f"[bold]{escape(printable(row.student))}[/]"
        if row.state == "failed":
            self._print(f"{name}  [red]not graded[/]: {escape(row.reason)}")
        elif row.state == "flagged":
            self._print(f"{name}  [red]flagged[/]: {escape(row.reason)}; a person has to grade it")
        else:
            notes = ["unchanged"] * (row.state == "unchanged")
            notes += ["late"] * (row.late > 0) + ["needs manual grading"] * row.manual
            tail = f"  [yellow]({', '.join(notes)})[/]" if notes else ""
            self._print(f"{name}  {row.score:g} of {row.max_score:g}{tail}")
        said = [p for p in row.problems if p.severity != "error" or row.state != "failed"]
        for _code, alike in groupby(said, key=lambda problem: problem.code):
            first, *others = alike
            more = f" ({len(others)} more like this)" if others else ""
            line = f"{first.message} {first.advice}".strip()
            self._print(f"    {escape(line)}{more}")

    def summary(self) -> None:
        """Print how many were graded, are unchanged, failed or wait for a person."""
        counts = {
            "graded": sum(row.state == "graded" for row in self.rows),
            "unchanged": sum(row.state == "unchanged" for row in self.rows),
            "flagged": sum(row.state == "flagged" for row in self.rows),
            "not graded": sum(row.state == "failed" for row in self.rows),
            "waiting for manual grading": sum(row.manual for row in self.rows),
        }
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        self._print(f"{self.assignment}: {said}.")

    def _print(self, line: str) -> None:
        show_line(self.console, line)
