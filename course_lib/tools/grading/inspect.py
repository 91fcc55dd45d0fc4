"""What is odd about a submitted notebook, in words for people who do not read JSON.

Nothing is executed and no file is changed. Whether nbgrader can grade a notebook is not guessed:
the steps with which ``nbgrader autograde`` prepares a submission run on a copy in memory.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.validator import normalize
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, DeduplicateIds, OverwriteCells
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution, is_task
from traitlets.config import Config

LARGEST = 50_000_000  # bytes; reading more JSON than this would take gigabytes of memory
MOST_CELLS = 20_000
ASK_AGAIN = "Ask the student to download the notebook again from Jupyter and hand it in again."
SAVE_AS_UTF8 = "Save it again as UTF-8 without BOM, for example in VS Code, or ask the student to."
REPAIR = "Mend it in the submitted copy, or ask the student for a corrected file."
QUIET = logging.getLogger("course.inspect")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())


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
        return frozenset(grade_id for grade_id, _ in _marks(self.notebook))


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
        heading = _heading(cell) or heading
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
    return Release(path.parent.name, path.stem, cells, frozenset(_marks(notebook)))


def _heading(cell: Any) -> str:
    """The title of a Markdown cell, without the points: ``## Task 2: Gradients (3 points)``."""
    if cell.cell_type != "markdown":
        return ""
    found = re.search(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", cell.source, re.MULTILINE)
    return re.sub(r"\s*\([^)]*\)$", "", found[1]) if found else ""


def releases_beside(release_notebook: Path) -> list[Release]:
    """All notebooks that have been released, this one included.

    Args:
        release_notebook: ``<release folder>/<assignment>/<notebook>.ipynb``.
    """
    found = sorted(release_notebook.parents[1].glob("*/*.ipynb"))
    return [Release.read(path) for path in found]


# --- from bytes to JSON ---------------------------------------------------------------------------


def read_notebook(data: bytes) -> Reading:
    """Read a file as a notebook as far as possible, with bounded effort."""
    if len(data) > LARGEST:
        text = f"The file is larger than {LARGEST // 1_000_000} MB, too large to be looked into."
        return Reading(None, (_too_large(text),))
    text, problems = _decode(data)
    if text is None:
        return Reading(None, problems)
    if not text.strip():
        return Reading(None, (_error("empty", "The file is empty.", ASK_AGAIN),))
    try:
        notebook = json.loads(text)
    except RecursionError:
        return Reading(None, (*problems, TOO_DEEP))
    except ValueError as error:
        return Reading(None, (*problems, _not_json(text, error)))
    if not isinstance(notebook, dict) or not {"cells", "worksheets"} & set(notebook):
        text = "The file is JSON but no notebook: it has no cells."
        return Reading(None, (*problems, _error("no-notebook", text, ASK_AGAIN)))
    if sum(1 for _ in _cells(notebook)) > MOST_CELLS:
        text = f"The notebook has more than {MOST_CELLS:,} cells, too many to be looked into."
        return Reading(None, (*problems, _too_large(text)))
    return Reading(notebook, problems)


def _too_large(text: str) -> Problem:
    return Problem("warning", "too-large", "", text, "See what is in it before you grade it.")


def _error(code: str, message: str, advice: str = ASK_AGAIN, about: str = "") -> Problem:
    return Problem("error", code, about, message, advice)


TOO_DEEP = _error(
    "too-deep", "The file's JSON is nested so deeply that no program reads it as a notebook."
)


def _decode(data: bytes) -> tuple[str | None, tuple[Problem, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = "The file is saved as UTF-16, which Jupyter does not read."
        problem = _error("utf-16", text, SAVE_AS_UTF8)
        return data.decode("utf-16", errors="replace"), (problem,)
    problems = ()
    if data.startswith(b"\xef\xbb\xbf"):
        text = "The file starts with a byte-order mark (BOM), which some Windows editors add."
        data, problems = data[3:], (_error("bom", text, SAVE_AS_UTF8),)
    try:
        return data.decode("utf-8"), problems
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"The file is not UTF-8 text: line {line} holds the byte 0x{data[error.start]:02x}."
        problem = _error("not-utf-8", text, SAVE_AS_UTF8)
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
            return _error("foreign", text)
    return None


def _not_json(text: str, error: ValueError) -> Problem:
    """Why a text is no JSON: another kind of file, cut off, or damaged."""
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<?xml")):
        return _error("foreign", "The file is a saved web page, not a notebook.")
    if not start.startswith("{"):
        return _error("foreign", "The file is some other text, not a notebook.")
    if not isinstance(error, json.JSONDecodeError):
        return _error("damaged", "The file holds a number that is too long to be read.")
    if re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE):
        said = "The file holds the marks of a version conflict (<<<<<<<), so it is no notebook."
        return _error("conflict", said, "Ask the student to resolve the conflict and hand it in.")
    cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
    if cut and not text.rstrip().endswith("}"):
        lines = text.count("\n") + 1
        said = f"The file ends in the middle, at line {lines}: the upload or download was cut off."
        return _error("truncated", said)
    said = f"The file is damaged at line {error.lineno}, column {error.colno}."
    return _error("damaged", said, f"Somebody may have edited it by hand. {ASK_AGAIN}")


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


def _marks(notebook: Any) -> Iterator[tuple[str, str]]:
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
    marks, ids = frozenset(_marks(reading.notebook)), reading.grade_ids
    releases = list(releases)
    scores = [(len(marks & each.marks), len(ids & each.grade_ids)) for each in releases]
    best = max(scores, default=(0, 0))
    same = [each for each, score in zip(releases, scores, strict=True) if score == best]
    return same if best[1] else []


# --- what is odd about it? ------------------------------------------------------------------------


def inspect(path: Path, release_notebook: Path) -> list[Problem]:
    """Explain one submitted notebook.

    Args:
        path: the submitted file; it is read only.
        release_notebook: the notebook that students were given,
            ``<release folder>/<assignment>/<notebook>.ipynb``. The folder is searched for other
            assignments, so that a mix-up can be named.

    Returns:
        The problems, the gravest first; empty when all is well.

    Raises:
        OSError: there is no such release.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        text = f"{path.name} is a link or a folder, not a file."
        return [_error("no-file", text)]
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        text = f"There is no file {path.name} in the submission."
        return [_error("missing", text, f"Ask the student for {path.name}.")]
    except OSError as error:
        return [_error("unreadable", f"{path.name} cannot be read: {error.strerror}.")]
    return inspect_bytes(data, Release.read(release_notebook), releases_beside(release_notebook))


def inspect_bytes(data: bytes, release: Release, releases: Iterable[Release]) -> list[Problem]:
    """As :func:`inspect`, for a file that has been read already."""
    reading = read_notebook(data)
    problems = list(reading.problems)
    if reading.notebook is not None:
        problems += _explain(reading, release, list(releases))
    order = ("error", "warning", "note")
    return sorted(problems, key=lambda problem: order.index(problem.severity))


def _explain(reading: Reading, release: Release, releases: list[Release]) -> list[Problem]:
    found = identify(reading, releases)
    if found and all(other.assignment != release.assignment for other in found):
        name = found[0].assignment
        text = f"This is the notebook of another assignment: {name}."
        advice = f"Ask the student for {release.name}.ipynb, or collect this file as {name}."
        return [_error("other-assignment", text, advice)]
    if not reading.grade_ids & release.grade_ids:
        text = "None of the assignment's cells is in this notebook, so there is nothing to grade."
        advice = (
            "The cells were copied into a new notebook, or a program removed their metadata. "
            f"Ask the student to paste the answers into {release.name}.ipynb as it was handed out."
        )
        return [_error("no-cells", text, advice)]
    notebook, problems = _convert(reading.notebook)
    if notebook is not None:
        problems += _missing(reading, release) + _duplicates(reading, release)
        problems += _changes(notebook, release)
    known = any(problem.severity == "error" for problem in (*reading.problems, *problems))
    if not known and (reason := _refusal(notebook, release)):
        problems.append(_refused(notebook, release, reason))
    return problems


def _refused(notebook: Any, release: Release, reason: str) -> Problem:
    """Name the cell that nbgrader stumbles over, which its own messages do not."""
    for cell in notebook.cells:
        alone = nbformat.from_dict({**notebook, "cells": [cell]})
        if reason_alone := _refusal(alone, release):
            meta = cell.metadata.get("nbgrader")
            name = str(meta.get("grade_id") or "") if isinstance(meta, dict) else ""
            where = _where(release.cells[name]) if name in release.cells else ""
            text = f"{where}nbgrader refuses the cell {name or _start(cell)}: {reason_alone}."
            return _error("refused", text, REPAIR, name)
    return _error("refused", f"nbgrader refuses the notebook: {reason}.", REPAIR)


def _start(cell: Any) -> str:
    first = cell.source.strip().splitlines() or [""]
    return f"that begins with “{first[0][:40]}”" if first[0] else "that is empty"


def _convert(raw: dict[str, Any]) -> tuple[Any, list[Problem]]:
    """The notebook in format 4, and what there is to say about its format."""
    version = raw.get("nbformat")
    if not isinstance(version, int) or not 1 <= version <= 4:
        newer = isinstance(version, int) and version > 4
        what = "newer than nbgrader can read" if newer else "which does not exist"
        text = f"The notebook says that its format is {version!r}, {what}."
        advice = "Ask the student to save it in format 4." if newer else ASK_AGAIN
        return None, [_error("format", text, advice)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = nbformat.convert(nbformat.reads(json.dumps(raw), nbformat.NO_CONVERT), 4)
            notebook, _ = ClearOutput().preprocess(notebook, {})
            _, notebook = normalize(notebook)
            nbformat.validate(notebook, relax_add_props=True)
    except RecursionError:
        return None, [TOO_DEEP]
    except Exception as error:
        text = f"The notebook's structure is damaged{_in_brackets(error)}."
        return None, [_error("damaged", text)]
    if version < 4:
        text = f"The notebook is in the old format {version}; nbgrader converts it by itself."
        return notebook, [Problem("note", "old-format", "", text)]
    return notebook, []


def _in_brackets(error: Exception) -> str:
    """The first line of an error for a person; nothing when it speaks of Python's objects."""
    lines = str(error).strip().splitlines() or [""]
    if lines[0].startswith("{"):  # the whole cell, quoted by the JSON schema
        return " (one of its cells is of no kind that Jupyter knows)"
    internal = isinstance(error, (AttributeError, KeyError, TypeError)) or " object " in lines[0]
    return "" if internal or not lines[0] else f" ({lines[0][:120].rstrip('.')})"


def _where(cell: SimpleNamespace) -> str:
    return f"“{cell.heading}”: " if cell.heading else ""


def _role(cell: SimpleNamespace) -> str:
    if cell.solution:
        return "answer cell"
    return "test cell" if cell.graded else "given cell"


def _missing(reading: Reading, release: Release) -> list[Problem]:
    found = []
    for cell in release.cells.values():
        if cell.name in reading.grade_ids:
            continue
        effect = f"{cell.points:g} points are at stake" if cell.graded else "tests may fail"
        text = f"{_where(cell)}the {_role(cell)} {cell.name} was deleted; {effect}."
        found.append(Problem("warning", "missing-cell", cell.name, text, REPAIR))
    return found


def _duplicates(reading: Reading, release: Release) -> list[Problem]:
    counts = Counter(grade_id for grade_id, _ in _marks(reading.notebook))
    found = []
    for grade_id, count in counts.items():
        cell = release.cells.get(grade_id)
        if count > 1 and cell:
            text = (
                f"{_where(cell)}the {_role(cell)} {grade_id} occurs {count} times; nbgrader stops "
                "at it, and stops grading everybody."
            )
            advice = f"Delete all but the last one. {REPAIR}"
            found.append(Problem("error", "duplicate-cell", grade_id, text, advice))
    return found


def _changes(notebook: Any, release: Release) -> list[Problem]:
    found = []
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if not isinstance(meta, dict) or not isinstance(meta.get("grade_id"), str):
            continue
        known = release.cells.get(meta["grade_id"])
        if known is None:
            found += _unknown(meta)
        else:
            found += _changed(cell, meta, known)
    return found


def _unknown(meta: dict[str, Any]) -> Iterator[Problem]:
    if any(meta.get(key) for key in ("grade", "solution", "locked")):
        name = meta["grade_id"]
        text = f"The graded cell {name!r} is not part of this assignment; nbgrader stops at it."
        yield _error("unknown-cell", text, f"Delete it. {REPAIR}", name)


def _changed(cell: Any, meta: dict[str, Any], known: SimpleNamespace) -> Iterator[Problem]:
    """What a student changed in one cell; nbgrader puts type, points and locked text back."""
    where, name = _where(known), known.name
    if cell.cell_type != known.cell_type:
        text = f"{where}{name} was turned from {known.cell_type} into {cell.cell_type}; "
        text += "nbgrader turns it back."
        yield Problem("note", "cell-type", name, text)
    if meta.get("grade") and meta.get("points") != known.points:
        text = f"{where}the points of {name} were changed to {meta.get('points')}; nbgrader puts "
        yield Problem("note", "points", name, text + f"back the right number, {known.points:g}.")
    as_released = _text(cell.source) == _text(known.source)
    as_received = _as_received(cell)
    if known.locked and not as_released:
        if as_received:
            text = f"{where}the {_role(known)} {name} is that of an earlier release; "
            yield Problem("note", "older-release", name, text + "nbgrader uses the present one.")
        else:
            text = f"{where}the {_role(known)} {name} was edited; nbgrader puts the original back."
            advice = "See whether the answer was written there."
            yield Problem("note", "edited-cell", name, text, advice)
    if known.solution and (as_released or as_received):
        text = f"{where}{name} is untouched: nothing was answered."
        yield Problem("note", "untouched", name, text)


def _as_received(cell: Any) -> bool:
    """Whether nobody changed a cell since nbgrader released it, in whatever version."""
    try:
        return cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    except (KeyError, TypeError, ValueError):  # its metadata is damaged
        return False


def _text(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


# --- can nbgrader grade it? -----------------------------------------------------------------------


class _ReleaseAsGradebook:
    """What nbgrader's step asks the gradebook, answered from the release."""

    def __init__(self, release: Release):
        self.cells = release.cells

    def find_source_cell(self, name: str, *_: str) -> SimpleNamespace:
        if name not in self.cells:
            raise MissingEntry(name)
        return self.cells[name]

    def find_graded_cell(self, name: str, *_: str) -> SimpleNamespace:
        cell = self.find_source_cell(name)
        if not cell.graded:
            raise MissingEntry(f"the cell {name!r} is graded here but not in the release")
        return SimpleNamespace(max_score=cell.points)


class _OverwriteFromRelease(OverwriteCells):
    """nbgrader's own step, without its database."""

    release: Release

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        self.notebook_id = self.assignment_id = ""
        self.gradebook = _ReleaseAsGradebook(self.release)
        for index, cell in enumerate(nb.cells):
            nb.cells[index], resources = self.preprocess_cell(cell, resources, index)
        return nb, resources


def _refusal(notebook: Any, release: Release) -> str:
    """Why nbgrader cannot prepare a notebook for grading; empty when it can."""
    config = Config()
    config.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=config, log=QUIET)
    overwrite = _OverwriteFromRelease(log=QUIET)
    overwrite.release = release
    for step in (ClearOutput(), DeduplicateIds(log=QUIET), overwrite, CheckCellMetadata(log=QUIET)):
        exporter.register_preprocessor(step, enabled=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output, _ = exporter.from_notebook_node(notebook, resources={"nbgrader": {}})
            output.encode("utf-8")
    except RecursionError:
        return "it is nested too deeply"
    except UnicodeEncodeError:
        return "it holds a broken character, half of an emoji for example"
    except Exception as error:
        cause = _in_brackets(error.__context__ or error)
        return f"its hidden settings, which nbgrader wrote, are damaged{cause}"
    return ""
