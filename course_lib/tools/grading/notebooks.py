"""Read what students hand in as a notebook, and find out which release it was made from.

Nothing is executed, the effort is bounded, and a file that is no notebook is explained in words.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution, is_task

LARGEST = 50_000_000  # bytes; reading more JSON than this would take gigabytes of memory
MOST_CELLS = 20_000
DEEPEST, DEEP_STACK = 20_000, 256 << 20  # levels of JSON; bytes
ASK_AGAIN = "Ask the student to download the notebook again from Jupyter and hand it in again."
SAVE_AS_UTF8 = "Save it again as UTF-8 without BOM, for example in VS Code, or ask the student to."


@dataclass(frozen=True)
class Problem:
    """Something odd about a submitted notebook.

    Attributes:
        severity: ``error``: nbgrader cannot grade it, or finds nothing to grade; ``warning``: it
            costs points or needs a look; ``note``: it changes nothing.
        code: a short name for programs, such as ``truncated``.
        about: the grade id of the cell; empty when it is about the file.
        message: a sentence that says what is odd.
        advice: a sentence that says what to do; empty when nothing needs to be done.
    """

    severity: str
    code: str
    about: str
    message: str
    advice: str = ""


@dataclass(frozen=True)
class Reading:
    """A file that was read as a notebook: its JSON, or None when it is none, and why."""

    notebook: dict[str, Any] | None
    problems: tuple[Problem, ...] = ()

    @property
    def grade_ids(self) -> frozenset[str]:
        return frozenset(grade_id for grade_id, _ in marks(self.notebook))


@dataclass(frozen=True)
class Release:
    """The notebook that students were given."""

    assignment: str
    name: str
    cells: dict[str, SimpleNamespace]
    marks: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> Release:
        """Read a release, once for each version of the file.

        Raises:
            OSError: there is no such file.
            ValueError: it is no notebook.
        """
        return _read_release(path, path.stat().st_mtime_ns)

    @property
    def grade_ids(self) -> frozenset[str]:
        return frozenset(self.cells)


@functools.lru_cache(maxsize=256)
def _read_release(path: Path, _stamp: int) -> Release:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    cells, heading = {}, ""
    for cell in notebook.cells:
        heading = heading_of(cell) or heading
        if is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell):
            grade_id = cell.metadata.nbgrader["grade_id"]
            cells[grade_id] = SimpleNamespace(
                name=grade_id,
                heading=heading,
                cell_type=cell.cell_type,
                locked=is_locked(cell),
                graded=is_grade(cell) or is_task(cell),
                solution=is_solution(cell),
                points=float(cell.metadata.nbgrader.get("points", 0)),
                source=cell.source,
                checksum=compute_checksum(cell),
            )
    return Release(path.parent.name, path.stem, cells, frozenset(marks(notebook)))


def heading_of(cell: Any) -> str:
    """The title of a Markdown cell, without the points: ``## Task 2: Gradients (3 points)``."""
    if cell.cell_type != "markdown":
        return ""
    found = re.search(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", cell.source, re.MULTILINE)
    return re.sub(r"\s*\([^)]*\)$", "", found[1]) if found else ""


def releases_beside(release_notebook: Path) -> list[Release]:
    """All notebooks that have been released, this one included; what cannot be read is left out.

    Args:
        release_notebook: ``<release folder>/<assignment>/<notebook>.ipynb``.
    """
    found = []
    for path in sorted(release_notebook.parents[1].glob("*/*.ipynb")):
        if not path.parent.name.startswith("."):
            with contextlib.suppress(OSError, ValueError, KeyError, AttributeError):
                found.append(Release.read(path))
    return found


# --- from bytes to JSON ---------------------------------------------------------------------------


def read_notebook(data: bytes, deep: bool = False) -> Reading:
    """Read a file as a notebook as far as possible, with bounded effort.

    Args:
        data: the file.
        deep: read also what is nested more deeply than Python's own limit.
    """
    if len(data) > LARGEST:
        text = f"The file is larger than {LARGEST // 1_000_000} MB, too large to be looked into."
        return Reading(None, (_too_large(text),))
    text, problems = _decode(data)
    if text is None:
        return Reading(None, problems)
    if not text.strip():
        return Reading(None, (error("empty", "The file is empty.", ASK_AGAIN),))
    try:
        notebook = _loads_deep(text) if deep else json.loads(text)
    except RecursionError:
        return Reading(None, (*problems, TOO_DEEP))
    except ValueError as bad:
        return Reading(None, (*problems, _not_json(text, bad)))
    if not isinstance(notebook, dict) or not {"cells", "worksheets"} & set(notebook):
        text = "The file is JSON but no notebook: it has no cells."
        return Reading(None, (*problems, error("no-notebook", text, ASK_AGAIN)))
    if sum(1 for _ in _cells(notebook)) > MOST_CELLS:
        text = f"The notebook has more than {MOST_CELLS:,} cells, too many to be looked into."
        return Reading(None, (*problems, _too_large(text)))
    return Reading(notebook, problems)


def _loads_deep(text: str) -> Any:
    """As ``json.loads``, for some thousand levels: in a thread that has the room for them."""
    if text.count("[") + text.count("{") < sys.getrecursionlimit() // 2:
        return json.loads(text)
    before = threading.stack_size(DEEP_STACK), sys.getrecursionlimit()
    sys.setrecursionlimit(DEEPEST)
    try:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(json.loads, text).result()
    finally:
        threading.stack_size(before[0])
        sys.setrecursionlimit(before[1])


def _too_large(text: str) -> Problem:
    return Problem("warning", "too-large", "", text, "See what is in it before you grade it.")


def error(code: str, message: str, advice: str = ASK_AGAIN, about: str = "") -> Problem:
    return Problem("error", code, about, message, advice)


TOO_DEEP = error(
    "too-deep", "The file's JSON is nested so deeply that no program reads it as a notebook."
)


def _decode(data: bytes) -> tuple[str | None, tuple[Problem, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = "The file is saved as UTF-16, which Jupyter does not read."
        problem = error("utf-16", text, SAVE_AS_UTF8)
        return data.decode("utf-16", errors="replace"), (problem,)
    problems = ()
    if data.startswith(b"\xef\xbb\xbf"):
        text = "The file starts with a byte-order mark (BOM), which some Windows editors add."
        data, problems = data[3:], (error("bom", text, SAVE_AS_UTF8),)
    try:
        return data.decode("utf-8"), problems
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        text = f"The file is not UTF-8 text: line {line} holds the byte 0x{data[bad.start]:02x}."
        problem = error("not-utf-8", text, SAVE_AS_UTF8)
        if _is_binary(data):
            return None, (_foreign_file(data) or problem,)
        return data.decode("utf-8", errors="replace"), (*problems, problem)


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:4096] or _foreign_file(data) is not None


FOREIGN = {
    b"PK\x03\x04": "a zip file or an Office document",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a compressed archive",
    b"Rar!": "a compressed archive",
    b"7z\xbc\xaf": "a compressed archive",
}


def _foreign_file(data: bytes) -> Problem | None:
    for start, kind in FOREIGN.items():
        if data.startswith(start):
            text = f"The file is {kind}, not a notebook, whatever its name says."
            return error("foreign", text)
    return None


def _not_json(text: str, bad: ValueError) -> Problem:
    """Why a text is no JSON: another kind of file, cut off, or damaged."""
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<?xml")):
        return error("foreign", "The file is a saved web page, not a notebook.")
    if not start.startswith("{"):
        return error("foreign", "The file is some other text, not a notebook.")
    if not isinstance(bad, json.JSONDecodeError):
        return error("damaged", "The file holds a number that is too long to be read.")
    if re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE):
        said = "The file holds the marks of a version conflict (<<<<<<<), so it is no notebook."
        return error("conflict", said, "Ask the student to resolve the conflict and hand it in.")
    cut = bad.pos >= len(text.rstrip()) or bad.msg.startswith("Unterminated")
    if cut and not text.rstrip().endswith("}"):
        lines = text.count("\n") + 1
        said = f"The file ends in the middle, at line {lines}: the upload or download was cut off."
        return error("truncated", said)
    said = f"The file is damaged at line {bad.lineno}, column {bad.colno}."
    return error("damaged", said, f"Somebody may have edited it by hand. {ASK_AGAIN}")


# --- which notebook is it? ------------------------------------------------------------------------


def _cells(notebook: Any) -> Iterator[dict]:
    """The cells of a notebook of any format that look like cells."""
    if not isinstance(notebook, dict):
        return
    holders = [notebook]
    if isinstance(notebook.get("worksheets"), list):
        holders += [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
    for holder in holders:
        if isinstance(holder.get("cells"), list):
            yield from (cell for cell in holder["cells"] if isinstance(cell, dict))


def marks(notebook: Any) -> Iterator[tuple[str, str]]:
    """Grade id and checksum of each cell, as nbgrader wrote them into the release."""
    for cell in _cells(notebook):
        metadata = cell.get("metadata")
        mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(mark, dict) and isinstance(mark.get("grade_id"), str):
            yield mark["grade_id"], str(mark.get("checksum"))


def identify(reading: Reading, releases: Iterable[Release]) -> list[Release]:
    """The releases that a notebook may have been made from; several when they are alike.

    Grade ids such as ``task-1`` occur in many assignments. The checksums beside them, which
    nbgrader wrote when it made the release, tell them apart, whatever the file is called.
    """
    found, ids = frozenset(marks(reading.notebook)), reading.grade_ids
    releases = list(releases)
    scores = [(len(found & each.marks), len(ids & each.grade_ids)) for each in releases]
    best = max(scores, default=(0, 0))
    same = [each for each, score in zip(releases, scores, strict=True) if score == best]
    return same if best[1] else []
