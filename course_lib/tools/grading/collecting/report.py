"""The table at the end of ``course collect``: a line for each file, and the counts."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text

from course_lib.tools.grading.collecting.collect import Collection
from course_lib.tools.grading.collecting.names import printable
from course_lib.tools.grading.tables import show_line, show_table, table

STATES = {
    "collected": ("collected", "green"),
    "unchanged": ("collected before", "dim"),
    "older": ("kept as older", "yellow"),
    "kept": ("kept", "dim"),
    "skipped": ("skipped", "dim"),
    "problem": ("not collected", "bold red"),
}


def show(collection: Collection, console: Console | None = None) -> None:
    """Print what became of each file, and how many of each there are."""
    console = console or Console(highlight=False)
    rows = table()
    rows.add_column("student", overflow="fold")
    rows.add_column("file", overflow="fold")
    rows.add_column("result", no_wrap=True)
    rows.add_column("why", overflow="fold")
    for row in collection.rows:
        name, style = STATES[row.state]
        reason = Text(printable(row.reason), style="red" if row.needs_a_look else "")
        rows.add_row(
            Text(printable(row.student)), Text(printable(row.file)), Text(name, style), reason
        )
    show_table(console, rows)
    show_line(console, Text(counts(collection)))
    for note in collection.notes:
        show_line(console, Text(note))
    if collection.missing:
        names = ", ".join(collection.missing)
        said = f"Nothing received from {len(collection.missing)}: {names}."
        show_line(console, Text(said))


def counts(collection: Collection) -> str:
    """The numbers in one sentence."""
    states = Counter(row.state for row in collection.rows)
    students = {row.student for row in collection.rows if row.state in ("collected", "unchanged")}
    said = [f"{states[state]} {name}" for state, (name, _) in STATES.items() if states[state]]
    broken = sum(row.broken for row in collection.rows)
    said += [f"{broken} cannot be graded"] if broken else []
    files = len(collection.rows)
    return f"{files} files, submissions of {len(students)} students: {', '.join(said)}."
