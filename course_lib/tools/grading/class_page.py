"""The report on a class: one HTML file that needs nothing else, and a table in the terminal."""

from __future__ import annotations

import statistics
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.text import Text

from course_lib.tools.chapters import write_atomic
from course_lib.tools.grading import similar
from course_lib.tools.grading.class_report import PAIRS, SLOWEST, ClassReport, spread
from course_lib.tools.grading.collecting.names import printable
from course_lib.tools.grading.course import Course
from course_lib.tools.grading.export import points
from course_lib.tools.grading.feedback import STATIC
from course_lib.tools.grading.tables import show_line, show_table, table


def path(course: Course, assignment: str) -> Path:
    """Where the report is: beside the folder of the feedback, never in it."""
    feedback = Path(course.root, course.directory.feedback_directory)
    return feedback.with_name("reports") / f"{assignment}.html"


def page(made: ClassReport) -> str:
    """The report as HTML."""
    environment = Environment(loader=FileSystemLoader(STATIC), autoescape=True)
    environment.filters |= {"points": points, "printable": printable}
    slowest = sorted(made.seconds.items(), key=lambda item: (-item[1], item[0]))[:SLOWEST]
    return environment.get_template("report.html.j2").render(
        made=made,
        style=(STATIC / "grading.css").read_text(encoding="utf-8"),
        spread=list(spread(made.scores)),
        most=max((count for *_bounds, count in made.distribution), default=0) or 1,
        length=similar.LENGTH,
        least=similar.LEAST,
        alike=similar.ALIKE,
        shown=PAIRS,
        slowest=slowest,
        median_seconds=statistics.median(made.seconds.values()) if made.seconds else 0,
        total_seconds=sum(made.seconds.values()),
    )


def write(course: Course, made: ClassReport) -> Path:
    """Write the report and return where it is."""
    destination = path(course, made.assignment)
    destination.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(destination, page(made))
    return destination


def show(made: ClassReport) -> None:
    """Print the tasks and what a person should look at."""
    console = Console(highlight=False)
    content = table()
    content.add_column("task", overflow="fold")
    for heading in ("points", "share", "discrimination"):
        content.add_column(heading, justify="right")
    for task in made.tasks:
        figures = (task.difficulty, task.discrimination)
        shown = ["–" if figure is None else f"{figure:.2f}" for figure in figures]
        content.add_row(Text(printable(task.title)), points(task.points), *shown)
    show_table(console, content)
    counts = {
        "handed in": made.submitted,
        "not graded": len(made.ungraded),
        "flagged": len(made.flagged),
        "waiting for a person": len(made.waiting),
        "pairs with near-identical answers": len(made.pairs),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    show_line(console, Text(f"{said}."))
    if made.scores:
        figures = dict(spread(made.scores))
        show_line(
            console,
            Text(
                f"Of {points(made.points)} points: mean {points(figures['mean'])}, median "
                f"{points(figures['median'])}, {points(figures['lowest'])} to "
                f"{points(figures['highest'])}."
            ),
        )
