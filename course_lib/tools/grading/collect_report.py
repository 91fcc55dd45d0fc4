"""The table at the end of ``course collect``: a line for each file, and the counts."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from course_lib.tools.grading.collect import Collection
from course_lib.tools.grading.names import printable

STATES = {
    "collected": ("collected", "green"),
    "unchanged": ("collected before", "dim"),
    "older": ("kept as older", "yellow"),
    "kept": ("kept", "dim"),
    "skipped": ("skipped", "dim"),
    "problem": ("not collected", "bold red"),
}
WIDE = 10_000  # a line for each row when the output goes into a file or another program


def show(collection: Collection, console: Console | None = None) -> None:
    """Print what became of each file, and how many of each there are."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDE, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("student", overflow="fold")
    table.add_column("file", overflow="fold")
    table.add_column("result", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in collection.rows:
        name, style = STATES[row.state]
        reason = Text(printable(row.reason), style="red" if row.needs_a_look else "")
        table.add_row(
            Text(printable(row.student)), Text(printable(row.file)), Text(name, style), reason
        )
    console.print(table)
    console.print(counts(collection), markup=False)
    for note in collection.notes:
        console.print(note, markup=False)
    if collection.missing:
        names = ", ".join(collection.missing)
        console.print(f"Nothing received from {len(collection.missing)}: {names}.", markup=False)


def counts(collection: Collection) -> str:
    """The numbers in one sentence."""
    states = Counter(row.state for row in collection.rows)
    students = {row.student for row in collection.rows if row.state in ("collected", "unchanged")}
    said = [f"{states[state]} {name}" for state, (name, _) in STATES.items() if states[state]]
    broken = sum(row.broken for row in collection.rows)
    said += [f"{broken} cannot be graded"] if broken else []
    files = len(collection.rows)
    return f"{files} files, submissions of {len(students)} students: {', '.join(said)}."
