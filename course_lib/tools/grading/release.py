"""From ``solutions/`` to ``exercises/``: the student release of each assignment.

``solutions/<name>/<name>.md`` is the one source. It becomes nbgrader's source notebook with cell
ids that never change by themselves, and nbgrader's ``generate_assignment`` makes the release.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.tools.chapters import ProjectError, write_atomic

if TYPE_CHECKING:
    from course_lib.tools.grading.course import Course

SOURCES = Path("_build/nbgrader/source")
STAGED = "_build/nbgrader/release"
HIDDEN = re.compile(r"###\s*BEGIN HIDDEN TESTS")
TASK = re.compile(r"(task-\d+)(-[a-z0-9]+)*")
ROLE = re.compile(r"\{[a-z:]+\}`")


class SourceError(ProjectError):
    """The source of an assignment does not follow the rules; the message lists what is wrong."""


# --- solutions/ -> nbgrader's source --------------------------------------------------------------


def sources(root: Path) -> dict[str, Path]:
    """The Markdown source of every assignment, by name."""
    found = sorted((root / "solutions").glob("*/*.md"))
    return {path.stem: path for path in found if path.stem == path.parent.name}


def refresh_sources(root: Path) -> list[str]:
    """Bring nbgrader's source notebooks up to date with ``solutions/``.

    Called whenever ``nbgrader_config.py`` is read; without a change it costs a few milliseconds.

    Returns:
        The names of the assignments that changed.
    """
    changed = []
    for name, path in sources(root).items():
        folder = root / SOURCES / name
        digest = _folder_digest(path.parent)
        record = root / SOURCES.with_name("digests") / name
        if record.is_file() and record.read_text() == digest and folder.is_dir():
            continue
        text = path.read_text(encoding="utf-8")
        _copy_files(path.parent, folder)
        write_atomic(folder / f"{name}.ipynb", _as_json(source_notebook(text, name)))
        write_atomic(record, digest)
        changed.append(name)
    return changed


def source_notebook(text: str, name: str) -> Any:
    """nbgrader's source notebook of a MyST text, the same for the same text.

    Args:
        text: the MyST notebook.
        name: of the assignment; kept in the metadata with the grade ids, so that the notebook
            alone tells a renamed file and a missing cell.

    Raises:
        SourceError: the text is not a MyST notebook.
    """
    from jupytext.myst import myst_to_notebook

    try:
        notebook = myst_to_notebook(text)
    except Exception as error:
        raise SourceError(f"solutions/{name}/{name}.md is not a MyST notebook: {error}") from error
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    cells = [mark["grade_id"] for mark in marks if "grade_id" in mark]
    notebook.metadata = {
        "course": {"assignment": name, "cells": cells},
        "kernelspec": notebook.metadata.get("kernelspec", {}),
    }
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        own = cell.metadata.get("nbgrader", {}).get("grade_id")
        base = own or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[base] += 1
        cell["id"] = base if seen[base] == 1 else f"{base}-{seen[base]}"
    return notebook


def _as_json(notebook: Any) -> str:
    import nbformat

    return nbformat.writes(notebook) + "\n"


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in _files(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """The files of an assignment; neither hidden ones nor the notebook paired with the Markdown."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        paired = path.parent == folder and path.name == f"{folder.name}.ipynb"
        if path.is_file() and not hidden and not paired:
            yield path


def _copy_files(source: Path, target: Path) -> None:
    """Data files beside the Markdown go along to the students; the Markdown never does."""
    shutil.rmtree(target, ignore_errors=True)
    for path in _files(source):
        if path.name != f"{source.name}.md":
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


# --- what a source must look like -----------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One task: the cell for the answer and the cells with its tests."""

    name: str
    tests: dict[str, float]
    hidden: tuple[str, ...]

    @property
    def points(self) -> float:
        return sum(self.tests.values())


def tasks(notebook: Any) -> dict[str, Task]:
    """The tasks of a source notebook, by name, in their order.

    The grade id ``task-2`` is the answer's cell, ``task-2-…`` are its tests.
    """
    found: dict[str, dict[str, Any]] = {}
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        matched = TASK.fullmatch(meta.get("grade_id", ""))
        if not matched:
            continue
        task = found.setdefault(matched[1], {})
        if meta.get("grade") and not meta.get("solution"):
            task[meta["grade_id"]] = cell
    return {
        name: Task(
            name,
            {
                grade_id: float(cell.metadata.nbgrader.get("points", 0))
                for grade_id, cell in cells.items()
            },
            tuple(grade_id for grade_id, cell in cells.items() if HIDDEN.search(cell.source)),
        )
        for name, cells in found.items()
    }


def problems(notebook: Any) -> list[str]:
    """What is wrong with a source notebook, one sentence each; empty when it follows the rules."""
    found = []
    graded = [cell for cell in notebook.cells if cell.metadata.get("nbgrader")]
    ids = Counter(cell.metadata.nbgrader.get("grade_id", "") for cell in graded)
    found += [f"the grade_id {name!r} occurs {n} times" for name, n in ids.items() if n > 1]
    answers = Counter()
    for cell in graded:
        found += _cell_problems(cell)
        if cell.metadata.nbgrader.get("solution"):
            answers[cell.metadata.nbgrader.get("grade_id")] += 1
    for name, task in tasks(notebook).items():
        if not answers[name] and task.tests:
            found.append(f"{name} has tests but no solution cell with the grade_id {name!r}")
        if answers[name] and not task.points:
            found.append(f"{name} carries no points")
        if answers[name] and not any(task.tests[test] for test in task.hidden):
            found.append(f"{name} has no hidden tests that carry points")
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (role := ROLE.search(cell.source)):
            found.append(f"the role {role[0]}…` is not shown by Jupyter; use plain Markdown")
    return found


def _cell_problems(cell: Any) -> Iterator[str]:
    meta, source = cell.metadata.nbgrader, cell.source
    name = meta.get("grade_id", "a cell without grade_id")
    missing = {"grade", "grade_id", "locked", "schema_version", "solution", "task"} - set(meta)
    if missing:
        yield f"{name} lacks nbgrader's {', '.join(sorted(missing))}"
    if meta.get("grade") and "points" not in meta:
        yield f"{name} is graded but has no points"
    for what, wanted in (("SOLUTION", "solution"), ("HIDDEN TESTS", "grade")):
        begin, end = (len(re.findall(rf"###\s*{b} {what}", source)) for b in ("BEGIN", "END"))
        if begin != end:
            yield f"{name} has {begin} BEGIN {what} but {end} END {what}"
        if begin and not meta.get(wanted):
            yield f"{name} has a {what} region but is no {wanted} cell"
    if meta.get("solution") and cell.cell_type == "code" and "BEGIN SOLUTION" not in source:
        yield f"{name} is a solution cell without a SOLUTION region: the answer would be released"
    if meta.get("grade") and not meta.get("solution") and not meta.get("locked"):
        yield f"{name} is a test cell that is not locked"


# --- nbgrader's source -> exercises/ --------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of an assignment: ``state`` is new, changed, unchanged or failed."""

    name: str
    state: str
    tasks: int = 0
    points: float = 0
    reason: str = ""


def release(course: Course, names: Iterable[str] = (), force: bool = False) -> Iterator[Outcome]:
    """Generate the student releases into the release folder, and record them in the gradebook.

    A release that cannot be made leaves the old one untouched.

    Args:
        course: the course.
        names: of assignments; all by default.
        force: replace a release even when somebody wrote answers into it.

    Raises:
        ProjectError: a name is no assignment.
    """
    known, names = sources(course.root), list(names)
    if unknown := sorted(set(names) - set(known)):
        raise ProjectError(
            f"no assignment is called {unknown[0]!r}; there are: {', '.join(known) or 'none'}"
        )
    refresh_sources(course.root)
    for name in names or known:
        try:
            yield _release_one(course, name, force)
        except SourceError as error:
            yield Outcome(name, "failed", reason=str(error))


def _release_one(course: Course, name: str, force: bool) -> Outcome:
    import nbformat
    from nbgrader.utils import temp_attrs

    from course_lib.tools.grading.course import captured_logs, failure, succeeded

    notebook = source_notebook(sources(course.root)[name].read_text(encoding="utf-8"), name)
    if found := problems(notebook):
        raise SourceError("; ".join(found))
    target = course.path("release", name)
    if not force and (edited := _answered(target / f"{name}.ipynb")):
        raise SourceError(
            f"{target / name}.ipynb holds answers ({', '.join(edited)}); move it elsewhere, or "
            "repeat with --force to replace it"
        )
    with captured_logs(), temp_attrs(course.directory, release_directory=STAGED):
        staged = course.path("release", name)
        result = course.api().generate_assignment(name, force=True, create=True)
    if not succeeded(result):
        raise SourceError(_reason(failure(result)))
    fresh, state = not target.is_dir(), "unchanged"
    for path in _files_of(staged):
        copy = target / path.relative_to(staged)
        if not copy.is_file() or copy.read_bytes() != path.read_bytes():
            state = "new" if fresh else "changed"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    for path in _files_of(target):
        if not (staged / path.relative_to(target)).exists():
            path.unlink()
    own = tasks(nbformat.from_dict(notebook))
    answered = [task for task in own.values() if task.points]
    return Outcome(name, state, len(answered), sum(task.points for task in answered))


def _files_of(folder: Path) -> list[Path]:
    hidden = ".ipynb_checkpoints"
    return sorted(p for p in folder.rglob("*") if p.is_file() and hidden not in p.parts)


def _answered(path: Path) -> list[str]:
    """The grade ids of a release in which somebody has written an answer.

    nbgrader keeps the checksum of each cell as it was released.
    """
    import nbformat
    from nbgrader.utils import compute_checksum, is_solution

    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return []
    return [
        cell.metadata.nbgrader.grade_id
        for cell in notebook.cells
        if is_solution(cell)
        and cell.metadata.nbgrader.get("checksum", "") != compute_checksum(cell)
    ]


def _reason(reason: str) -> str:
    if "there are submissions associated with it" in reason:
        return (
            "cells were added or removed, but submissions have been graded already; give the new "
            "version another name, or remove the old one with 'nbgrader db assignment remove'"
        )
    return reason
