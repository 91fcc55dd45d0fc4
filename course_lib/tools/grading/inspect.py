"""What is odd about a submitted notebook, in words for people who do not read JSON.

Nothing is executed and no file is changed. Whether nbgrader can grade a notebook is not guessed:
the steps with which ``nbgrader autograde`` prepares a submission run on a copy in memory.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.validator import normalize
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, DeduplicateIds, OverwriteCells
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from course_lib.tools.grading.notebooks import (
    ASK_AGAIN,
    LARGEST,
    TOO_DEEP,
    Problem,
    Reading,
    Release,
    error,
    identify,
    marks,
    read_notebook,
    releases_beside,
)

REPAIR = "Mend it in the submitted copy, or ask the student for a corrected file."
REPAIRED = ("bom", "utf-16", "not-utf-8")  # the text can be read all the same
# What stops nbgrader, and costs nothing where answers are put into the release.
GRAFTED = (
    *("duplicate-cell", "unknown-cell", "missing-cell", "refused", "damaged", "format"),
    *("old-format", "cell-type", "points", "edited-cell", "no-cells", "too-deep"),
)
QUIET = logging.getLogger("course.inspect")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())


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
        return [error("no-file", text)]
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        text = f"There is no file {path.name} in the submission."
        return [error("missing", text, f"Ask the student for {path.name}.")]
    except OSError as bad:
        return [error("unreadable", f"{path.name} cannot be read: {bad.strerror}.")]
    return inspect_bytes(data, Release.read(release_notebook), releases_beside(release_notebook))


def inspect_bytes(
    data: bytes, release: Release, releases: Iterable[Release], stock: bool = True
) -> list[Problem]:
    """As :func:`inspect`, for a file that has been read already.

    Args:
        data: the file.
        release: the notebook that students were given.
        releases: all notebooks that have been released.
        stock: try whether ``nbgrader autograde`` can prepare it.
    """
    reading = read_notebook(data, deep=not stock)
    problems = list(reading.problems)
    if reading.notebook is not None:
        problems += _explain(reading, release, list(releases), stock)
    order = ("error", "warning", "note")
    return sorted(problems, key=lambda problem: order.index(problem.severity))


def gradable(
    data: bytes, release: Release, releases: Iterable[Release]
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """What ``course grade`` can make of a file, which is more than nbgrader can.

    Args:
        data: the file.
        release: the notebook that students were given.
        releases: all notebooks that have been released.

    Returns:
        The JSON of the notebook, None when it cannot be graded; and what there is to say.
    """
    said = inspect_bytes(data, release, releases, stock=False)
    notebook = read_notebook(data, deep=True).notebook
    if notebook is not None:
        said = [problem for problem in said if problem.code not in GRAFTED]
    fatal = [p for p in said if p.severity == "error" and p.code not in REPAIRED]
    if len(data) > LARGEST:
        text = f"{release.name}.ipynb is larger than {LARGEST // 1_000_000} MB."
        fatal.append(error("too-large", text, "See what is in it."))
    if notebook is None or fatal:
        return None, fatal or said
    return notebook, [_repaired(p) if p.code in REPAIRED else p for p in said]


def _repaired(problem: Problem) -> Problem:
    return Problem("note", "repaired", "", f"{problem.message} It was read all the same.")


def _explain(
    reading: Reading, release: Release, releases: list[Release], stock: bool
) -> list[Problem]:
    found = identify(reading, releases)
    if found and all(other.assignment != release.assignment for other in found):
        name = found[0].assignment
        text = f"This is the notebook of another assignment: {name}."
        advice = f"Ask the student for {release.name}.ipynb, or collect this file as {name}."
        return [error("other-assignment", text, advice)]
    if not reading.grade_ids & release.grade_ids:
        text = "None of the assignment's cells is in this notebook, so there is nothing to grade."
        advice = (
            "The cells were copied into a new notebook, or a program removed their metadata. "
            f"Ask the student to paste the answers into {release.name}.ipynb as it was handed out."
        )
        return [error("no-cells", text, advice)]
    notebook, problems = convert(reading.notebook)
    if notebook is not None:
        problems += _missing(reading, release) + _duplicates(reading, release)
        problems += _changes(notebook, release)
    known = any(problem.severity == "error" for problem in (*reading.problems, *problems))
    if stock and not known and (reason := _refusal(notebook, release)):
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
            return error("refused", text, REPAIR, name)
    return error("refused", f"nbgrader refuses the notebook: {reason}.", REPAIR)


def _start(cell: Any) -> str:
    first = cell.source.strip().splitlines() or [""]
    return f"that begins with “{first[0][:40]}”" if first[0] else "that is empty"


def convert(raw: dict[str, Any]) -> tuple[Any, list[Problem]]:
    """The notebook in format 4, and what there is to say about its format."""
    version = raw.get("nbformat")
    if not isinstance(version, int) or not 1 <= version <= 4:
        newer = isinstance(version, int) and version > 4
        what = "newer than nbgrader can read" if newer else "which does not exist"
        text = f"The notebook says that its format is {version!r}, {what}."
        advice = "Ask the student to save it in format 4." if newer else ASK_AGAIN
        return None, [error("format", text, advice)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = nbformat.convert(nbformat.reads(json.dumps(raw), nbformat.NO_CONVERT), 4)
            notebook, _ = ClearOutput().preprocess(notebook, {})
            _, notebook = normalize(notebook)
            nbformat.validate(notebook, relax_add_props=True)
    except RecursionError:
        return None, [TOO_DEEP]
    except Exception as bad:
        text = f"The notebook's structure is damaged{_in_brackets(bad)}."
        return None, [error("damaged", text)]
    if version < 4:
        text = f"The notebook is in the old format {version}; nbgrader converts it by itself."
        return notebook, [Problem("note", "old-format", "", text)]
    return notebook, []


def _in_brackets(bad: Exception) -> str:
    """The first line of an error for a person; nothing when it speaks of Python's objects."""
    lines = str(bad).strip().splitlines() or [""]
    if lines[0].startswith("{"):  # the whole cell, quoted by the JSON schema
        return " (one of its cells is of no kind that Jupyter knows)"
    internal = isinstance(bad, (AttributeError, KeyError, TypeError)) or " object " in lines[0]
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
        effect = f"points at stake: {cell.points:g}" if cell.graded else "tests may fail"
        text = f"{_where(cell)}the {_role(cell)} {cell.name} was deleted; {effect}."
        found.append(Problem("warning", "missing-cell", cell.name, text, REPAIR))
    return found


def _duplicates(reading: Reading, release: Release) -> list[Problem]:
    counts = Counter(grade_id for grade_id, _ in marks(reading.notebook))
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
        yield error("unknown-cell", text, f"Delete it. {REPAIR}", name)


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
    except Exception as bad:
        cause = _in_brackets(bad.__context__ or bad)
        return f"its hidden settings, which nbgrader wrote, are damaged{cause}"
    return ""
