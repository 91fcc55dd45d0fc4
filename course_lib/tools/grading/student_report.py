"""The table that ``course check`` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from course_lib.tools.grading.student import Outcome, Task
from course_lib.tools.grading.tables import show_line

COLORS = {"passed": "green", "answered": "green", "not started": "dim", "not reached": "dim"}


def show(outcome: Outcome, console: Console) -> None:
    """Print the tasks with their states, what has to be mended, and what to do next."""
    table = Table(title=outcome.assignment, title_justify="left", show_lines=True)
    table.add_column("Task", ratio=2)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("What to look at", ratio=3)
    for task in outcome.tasks:
        state = Text(task.state, style=COLORS.get(task.state, "red"))
        table.add_row(Text(task.title), f"{task.points:g}", state, Text(task.message))
    console.print(table)
    for heading, sentences in (("Mend", outcome.problems), ("Note", outcome.notes)):
        for sentence in sentences:
            show_line(console, Text(f"{heading}: {sentence}"))
    for sentence in _summary(outcome):
        show_line(console, Text(sentence))


def _summary(outcome: Outcome) -> list[str]:
    tasks = outcome.tasks
    good = sum(task.state in ("passed", "answered") for task in tasks)
    hidden, points = (sum(getattr(t, name) for t in tasks) for name in ("hidden", "points"))
    said = [f"{good} of {len(tasks)} tasks pass their visible tests."]
    if untouched := [task for task in tasks if task.state == "not started"]:
        said.append(f"Not started: {_names(untouched)}.")
    if hidden:
        said.append(
            f"Hidden tests, which only the grader runs, decide on at least {hidden:g} of the "
            f"{points:g} points: they check the same tasks with other inputs."
        )
    said.append(f"Next: {_next(outcome)}")
    return said


def _next(outcome: Outcome) -> str:
    if outcome.problems:
        return "see to what is marked “Mend”, save the notebook and check it again."
    if failed := [task for task in outcome.tasks if task.state == "failed"]:
        return f"mend {_names(failed)}, save the notebook and check it again."
    if not outcome.passed:
        return "answer what is not started, save the notebook and check it again."
    return "read your answers once more with other inputs in mind, then hand the notebook in."


def _names(tasks: list[Task]) -> str:
    """``Task 2, Task 3`` for titles such as “Task 2: Gradients”."""
    return ", ".join(task.title.split(":")[0] for task in tasks)
