"""From what a student handed in to a job for a worker; originals are only read, once.

Nothing in a submission is trusted: links are not followed, sizes are bounded, and what cannot be
read is explained in words.
"""

from __future__ import annotations

import base64
import copy
import fnmatch
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from course_lib.tools.grading.course import Course, GradingError
from course_lib.tools.grading.engine.controls import code_cells
from course_lib.tools.grading.engine.graft import NothingKnown, graft
from course_lib.tools.grading.engine.job import TEST, CodeCell, Result
from course_lib.tools.grading.engine.record import Desk
from course_lib.tools.grading.inspect import gradable
from course_lib.tools.grading.notebooks import (
    LARGEST,
    Problem,
    Release,
    error,
    releases_beside,
)

LARGEST_FILES = 100_000_000  # bytes beside the notebooks
MOST_FILES = 2_000
TIMESTAMP = "timestamp.txt"


NO_CELLS = error(
    "no-cells",
    "None of the assignment's cells is in this notebook, so there is nothing to grade.",
    "Ask the student to paste the answers into the notebook that was handed out.",
)


class Unreadable(Exception):
    """A submission that cannot be graded; the message says why."""


@dataclass
class Notebook:
    """One notebook of a submission, ready to be run.

    Attributes:
        name: of the notebook.
        node: grafted and sanitized.
        cells: its code cells, each with what the worker is told.
    """

    name: str
    node: Any
    cells: list[tuple[Any, CodeCell]]

    @property
    def codes(self) -> list[CodeCell]:
        return [code for _cell, code in self.cells]

    @property
    def points(self) -> dict[str, float]:
        """The points of each graded cell, by its grade id."""
        return {
            code.name: float(cell.metadata.nbgrader.get("points", 0))
            for cell, code in self.cells
            if code.kind == TEST
        }

    def executed(self, result: Result) -> Any:
        """The notebook with the outputs of a run."""
        for (cell, _code), ran in zip(self.cells, result.cells, strict=True):
            cell.execution_count = ran.count
            cell.outputs = [nbformat.from_dict(copy.deepcopy(output)) for output in ran.outputs]
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = ran.count
        return self.node


@dataclass
class Submission:
    """What a student handed in, ready to be run.

    Attributes:
        student: the id.
        notebooks: those of the assignment that are there.
        files: what lies beside them when they run, in base64.
        problems: what is odd, or was repaired.
    """

    student: str
    notebooks: list[Notebook] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Preparation:
    """Prepares the submissions of one assignment.

    Raises:
        GradingError: none of its notebooks is asked for.
    """

    def __init__(self, course: Course, assignment: str, desk: Desk):
        self.course, self.assignment, self.desk = course, assignment, desk
        self.release_folder = course.path("release", assignment)
        self.releases = {
            path.stem: nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            for path in sorted(self.release_folder.glob(f"{course.directory.notebook_id}.ipynb"))
        }
        if not self.releases:
            raise GradingError(
                f"no notebook {course.directory.notebook_id}.ipynb in {self.release_folder}; "
                f"'course release {assignment}' or 'nbgrader generate_assignment' writes it"
            )
        self.given = dict(self._given_files())

    def of(self, student: str) -> Submission:
        """Read a submission, repair it, and have nbgrader sanitize it.

        Raises:
            Unreadable: none of its notebooks can be graded.
        """
        folder = self.course.path("submitted", self.assignment, student)
        submission = Submission(student)
        if odd := _odd_id(student):
            raise Unreadable(f"The folder's name is no id for nbgrader: {odd}. Rename the folder.")
        if not folder.is_dir() or folder.is_symlink():
            raise Unreadable("The submission is a link, not a folder.")
        files = self._read_files(folder, submission.problems)
        for name, release in self.releases.items():
            data = files.pop(f"{name}.ipynb", None)
            if data is None:
                submission.problems.append(self._absent(folder / f"{name}.ipynb"))
                continue
            raw = self._readable(name, data, submission.problems)
            if raw is not None:
                try:
                    notebook, repaired = graft(raw, release)
                except NothingKnown:
                    submission.problems.append(NO_CELLS)
                    continue
                submission.problems += repaired
                submission.notebooks.append(self.notebook(student, name, notebook))
        if not submission.notebooks:
            errors = [p for p in submission.problems if p.severity == "error"]
            raise Unreadable(" ".join(f"{p.message} {p.advice}".strip() for p in errors))
        for notebook in submission.notebooks:
            text = nbformat.writes(notebook.node)
            self.desk.stage(student, f"{notebook.name}.ipynb", text.encode())
        beside = {n: d for n, d in files.items() if not n.endswith(".ipynb") and n != TIMESTAMP}
        for name, data in beside.items():
            self.desk.stage(student, name, data)
        submission.files = {
            name: base64.b64encode(data).decode() for name, data in (beside | self.given).items()
        }
        return submission

    def notebook(self, student: str, name: str, grafted: Any) -> Notebook:
        """A grafted notebook after nbgrader's sanitizing steps, with the cells for the worker."""
        node = self.desk.sanitize(grafted, student, name)
        stubs = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in self.releases[name].cells
            if (cell.metadata.get("nbgrader") or {}).get("solution")
        }
        return Notebook(name, node, code_cells(node, stubs))

    def untouched(self, name: str) -> Notebook:
        """The release as a submission."""
        return self.notebook("", name, copy.deepcopy(self.releases[name]))

    def reference(self, name: str) -> Notebook | None:
        """The instructor's solution as a submission; None where there is no source."""
        path = self.course.path("source", self.assignment) / f"{name}.ipynb"
        if not path.is_file():
            return None
        source = nbformat.read(path, as_version=4)
        notebook, _repaired = graft(source, self.releases[name])
        return self.notebook("", name, notebook)

    # --- files ------------------------------------------------------------------------------------

    def _given_files(self) -> Iterator[tuple[str, bytes]]:
        """The instructor's files, which replace those of the same name."""
        folder = self.course.path("source", self.assignment)
        kept = set(self._exclusions())
        for path, name in _walk(folder, self.course.directory.ignore):
            if not name.endswith(".ipynb") and name not in kept:
                yield name, path.read_bytes()

    def _exclusions(self) -> list[str]:
        settings = self.course.config.get("Autograde", {}).get("exclude_overwriting", {})
        return list(settings.get(self.assignment, []))

    def _read_files(self, folder: Path, problems: list[Problem]) -> dict[str, bytes]:
        found, size = {}, 0
        for path, name in _walk(folder, self.course.directory.ignore):
            data = _read(path, LARGEST + 1)
            if data is None:
                text = f"{name} is a link or a device; it was left out."
                problems.append(Problem("warning", "no-file", "", text))
                continue
            if len(data) > LARGEST and not name.endswith(".ipynb"):
                text = f"{name} is larger than {LARGEST // 1_000_000} MB; it was left out."
                problems.append(Problem("warning", "too-large", "", text))
                continue
            size += len(data) if not name.endswith(".ipynb") else 0
            if len(found) >= MOST_FILES or size > LARGEST_FILES:
                text = f"More than {MOST_FILES:,} files or {LARGEST_FILES // 1_000_000} MB were "
                text += "handed in; some were left out."
                problems.append(Problem("warning", "too-many-files", "", text))
                break
            found[name] = data
        return found

    def _absent(self, path: Path) -> Problem:
        if os.path.lexists(path):
            return error("no-file", f"{path.name} is a link or a folder, not a file.")
        text = f"There is no file {path.name} in the submission."
        return error("missing", text, f"Ask the student for {path.name}.")

    def _readable(self, name: str, data: bytes, problems: list[Problem]) -> dict | None:
        """The JSON of a notebook, or None when it cannot be graded."""
        path = self.release_folder / f"{name}.ipynb"
        notebook, said = gradable(data, Release.read(path), releases_beside(path))
        problems += said
        return notebook


def _odd_id(student: str) -> str:
    """Why nbgrader cannot hold a student's id; empty where it can."""
    try:
        student.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8 text"
    if student != student.strip():
        return "it begins or ends with a blank"
    return "it has two lines" if "\n" in student else ""


def _walk(folder: Path, ignored: list[str]) -> Iterator[tuple[Path, str]]:
    """All files below a folder with their relative names; links to folders are not followed."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if not _is_ignored(n, ignored))
        for name in sorted(names):
            if not _is_ignored(name, ignored):
                path = Path(root, name)
                yield path, path.relative_to(folder).as_posix()


def _is_ignored(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _read(path: Path, most: int) -> bytes | None:
    """The content of an ordinary file; None for a link, a device, or what cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read(most)
