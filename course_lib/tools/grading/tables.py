"""Tables for people in the terminal, and for programs when the output is piped."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 10_000


def table() -> Table:
    """An empty table in the style of all commands."""
    return Table(box=None, pad_edge=False, header_style="bold")


def show_table(console: Console, content: Table) -> None:
    """Print a table: wrapped to the terminal, or one plain line for each row."""
    if console.is_terminal:
        console.print(content)
        return
    plain = Console(width=WIDE, highlight=False, color_system=None)
    with plain.capture() as captured:
        plain.print(content)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def show_line(console: Console, line: str | Text) -> None:
    """Print a line: wrapped at words in a terminal, in one piece when piped.

    Args:
        console: where to.
        line: a string with rich's markup, or a text without.
    """
    console.print(line, soft_wrap=not console.is_terminal)
