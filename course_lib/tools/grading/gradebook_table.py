"""The gradebook in the terminal: students, assignments, totals, and what still needs attention."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from course_lib.tools.grading.collecting.names import printable
from course_lib.tools.grading.course import Course, GradingError
from course_lib.tools.grading.export import points
from course_lib.tools.grading.scores import Score, scores
from course_lib.tools.grading.tables import show_table, table

MISSING = "–"
MARKS = {
    "?": "a person has to grade a part",
    "L": "late",
    MISSING: "nothing handed in",
}


def show(course: Course, assignments: Sequence[str] = (), console: Console | None = None) -> None:
    """Print the gradebook.

    Args:
        course: the course.
        assignments: which; all by default.
        console: where to; the terminal by default.

    Raises:
        GradingError: an assignment is unknown, or there are no students.
    """
    for assignment in assignments:
        course.check_released(assignment)
    with course.gradebook() as gradebook:
        found = scores(gradebook, assignments)
        if not any(found.values()):
            raise GradingError(
                "the gradebook has no students or no assignments yet; 'course release' and "
                "'course collect' put them there"
            )
        content, marks = _content(found)
    console = console or Console(highlight=False)
    show_table(console, content)
    legend = [f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in marks]
    if legend:
        console.print("; ".join(legend) + ".", markup=False)


def _content(found: dict[str, list[Score]]) -> tuple[Table, set[str]]:
    content = table()
    content.add_column("student", overflow="fold")
    content.add_column("name", overflow="fold")
    for name, column in found.items():
        title = Text(f"{printable(name)}\nof {points(column[0].max_score)}")
        content.add_column(title, justify="right")
    maximum = sum(column[0].max_score for column in found.values())
    content.add_column(f"total\nof {points(maximum)}", justify="right")
    marks: set[str] = set()
    for line in zip(*found.values(), strict=True):
        student = line[0].student
        name = " ".join(part for part in (student.first_name, student.last_name) if part)
        cells = [_cell(score, marks) for score in line]
        total = Text(points(sum(score.value for score in line)))
        content.add_row(Text(printable(student.id)), Text(printable(name)), *cells, total)
    content.add_section()
    for name, average in (("mean", statistics.fmean), ("median", statistics.median)):
        figures = [points(average(each)) if each else "" for each in _handed_in(found)]
        content.add_row(Text(name, style="bold"), "of what was handed in", *figures)
    return content, marks


def _handed_in(found: dict[str, list[Score]]) -> list[list[float]]:
    """The scores of each assignment, then the totals, without those who handed in nothing."""
    columns = [[each.value for each in column if each.submitted] for column in found.values()]
    totals = [
        sum(score.value for score in line)
        for line in zip(*found.values(), strict=True)
        if any(score.submitted for score in line)
    ]
    return [*columns, totals]


def _cell(score: Score, marks: set[str]) -> Text:
    """``4.5 ?L``: the score, the marks behind it; the marks that occur are added to ``marks``."""
    if not score.submitted:
        marks.add(MISSING)
        return Text(f"{MISSING}   ", style="dim")
    own = ("?" if score.manual else " ") + ("L" if score.late else " ")
    marks.update(own.strip())
    style = "yellow" if score.manual else "dim" if score.late else ""
    return Text(f"{points(score.value)} {own}", style=style)
