"""Shows how far the notebooks are, and a table at the end."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from course_lib.tools.report import Outcome

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
STYLES = {"executed": "green", "cached": "dim", "failed": "bold red"}


class Progress:
    """A live table in a terminal, plain lines elsewhere."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self.console = Console(stderr=False, highlight=False)
        self.cells: dict[str, int] = {}
        self.live: Live | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: Any) -> None:
        self._end_live()

    def started(self, slug: str, cells: int) -> None:
        """A notebook is about to be executed."""
        self.cells[slug] = cells
        if not self.quiet and not self.console.is_terminal:
            self._line(f"{slug}: started, {cells} code cells")

    def show(self, states: dict[str, dict[str, Any]], waiting: int) -> None:
        """Redraw the running notebooks from what their monitors wrote."""
        if self.quiet or not self.console.is_terminal:
            return
        if self.live is None:
            self.live = Live(console=self.console, transient=True, auto_refresh=False)
            self.live.start()
        rows = [Text(self._running(slug, state)) for slug, state in states.items()]
        if waiting:
            rows.append(Text(f"{waiting} waiting", style="dim"))
        self.live.update(Group(*rows), refresh=True)

    def _running(self, slug: str, state: dict[str, Any]) -> str:
        now = time.time()
        elapsed = now - state.get("started", now)
        cell, cells = state.get("cell", 0), self.cells.get(slug, 0)
        memory = state.get("memory_mb", 0.0)
        return f"{slug:<32} cell {cell:>2}/{cells:<2} {elapsed:6.0f} s {memory:6.0f} MB"

    def finished(self, outcome: Outcome) -> None:
        """A notebook is done; failures are shown at once."""
        if self.quiet:
            return
        if outcome.failure:
            self._failure(outcome)
        elif outcome.status == "executed":
            self._line(f"{outcome.chapter.slug}: executed in {outcome.seconds:.1f} s")

    def _failure(self, outcome: Outcome) -> None:
        text = f"{outcome.chapter.slug}: failed\n{outcome.failure}"
        if self.console.is_terminal:
            self.console.print(Text.from_ansi(text))
        else:
            self._line(ANSI.sub("", text))

    def _line(self, text: str) -> None:
        if self.console.is_terminal:
            self.console.print(text, markup=False)
        else:
            print(text, flush=True)

    def _end_live(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def table(self, outcomes: list[Outcome]) -> None:
        """The result of a run, one line for each chapter."""
        self._end_live()
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("chapter", no_wrap=True)
        table.add_column("status", no_wrap=True)
        for name in ("time", "memory", "claims"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("data")
        for outcome in outcomes:
            status = Text(outcome.status, style=STYLES[outcome.status])
            table.add_row(outcome.chapter.slug, status, *_columns(outcome))
        console = self.console
        if not console.is_terminal:
            console = Console(file=sys.stdout, width=120, highlight=False)
        console.print(table)


def _columns(outcome: Outcome) -> list[str]:
    data = ", ".join(f"{name} ({source})" for name, source in outcome.data.items())
    fine = sum(claim["ok"] for claim in outcome.claims)
    claims = f"{fine} of {len(outcome.claims)}" if fine < len(outcome.claims) else f"{fine} ok"
    return [
        f"{outcome.seconds:.1f} s" if outcome.seconds else "",
        f"{outcome.peak_memory_mb:.0f} MB" if outcome.peak_memory_mb else "",
        claims if outcome.claims else "",
        data,
    ]
