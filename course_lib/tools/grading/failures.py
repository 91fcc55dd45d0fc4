"""Why a cell of a notebook that has run did not run through, in words for a student."""

from __future__ import annotations

import re
from typing import Any

from nbconvert.filters import strip_ansi
from nbgrader.utils import is_locked

FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")
LONGEST = 300  # characters of a message


def grade_id(cell: Any) -> str:
    """The name that nbgrader gave to a cell; empty when it has none."""
    return (cell.metadata.get("nbgrader") or {}).get("grade_id", "")


def spare_stderr(cell: Any) -> None:
    """Turn what a test cell wrote on stderr, such as warnings, into ordinary output.

    nbgrader counts it as a failure; here warnings and progress bars cost nothing.
    """
    for output in cell.get("outputs", []):
        if output.get("name") == "stderr":
            output.name = "stdout"


def reason(cell: Any, cells: dict[int, Any], timeout: int) -> str:
    """Why a cell did not run through: the error and, if it is in the student's code, the line.

    Args:
        cell: a cell that has run.
        cells: all code cells of the notebook, by the number of their execution.
        timeout: seconds that a cell had.

    Returns:
        One to three lines; empty when there is no error.
    """
    outputs = cell.get("outputs", [])
    errors = [output for output in outputs if output.output_type == "error"]
    if any(error.ename == "CellTimeoutError" for error in errors):
        return (
            f"It did not end within {timeout} seconds. Is there a loop that never stops? A slow "
            "machine needs more time: --timeout."
        )
    if not errors:
        return ""
    error = errors[0]
    numbers = FRAME.findall(strip_ansi("\n".join(error.traceback)))
    counted = [(cells.get(int(count), cell), int(line)) for count, line in numbers]
    frames = [(own, line + _blank(own)) for own, line in counted]
    return _short(_said(error, frames)) + _place(frames)


def _said(error: Any, frames: list[tuple[Any, int]]) -> str:
    text = re.sub(r" \(\d+\.py, line \d+\)$", "", error.evalue.strip())
    if error.ename in ("CheckError", "AssertionError") and text:
        return text
    if error.ename == "AssertionError" and frames:
        return f"this does not hold: {_line(*frames[-1])}"
    return f"{error.ename}: {text}" if text else error.ename


def _place(frames: list[tuple[Any, int]]) -> str:
    """The last line of the student's own code that the error came through."""
    for cell, number in reversed(frames):
        if not is_locked(cell):
            where = f"in {grade_id(cell)}" if grade_id(cell) else "in a cell of your own"
            return f" ({where}, line {number}: {_line(cell, number)})"
    return ""


def _line(cell: Any, number: int) -> str:
    lines = cell.source.splitlines()
    return _short(lines[number - 1].strip()) if number <= len(lines) else "its end"


def _blank(cell: Any) -> int:
    """Empty lines at the head of a cell: IPython drops them before it counts."""
    return cell.source[: len(cell.source) - len(cell.source.lstrip())].count("\n")


def _short(text: str) -> str:
    """The first three lines of a text, cut when they are long."""
    text = "\n".join(line for line in strip_ansi(text).splitlines() if line.strip())
    lines = "\n".join(text.splitlines()[:3])
    return lines if len(lines) <= LONGEST else lines[: LONGEST - 1] + "…"
