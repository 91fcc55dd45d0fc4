"""``course check``: what a student sees before handing in.

The notebook runs as nbgrader runs it, in its own folder, but nothing is written: the visible tests
say which tasks pass. Only the student's notebook is needed, neither the solutions nor a gradebook.
"""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyter_client import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader.preprocessors import CheckCellMetadata, Execute, OverwriteCells
from nbgrader.utils import (
    compute_checksum,
    determine_grade,
    has_failed,
    is_grade,
    is_locked,
    is_solution,
    setenv,
)

from course_lib.tools.chapters import ProjectError
from course_lib.tools.grading.failures import grade_id, reason, spare_stderr
from course_lib.tools.grading.inspect import QUIET, convert
from course_lib.tools.grading.notebooks import Problem, heading_of, read_notebook
from course_lib.tools.grading.release import TASK

FRESH_COPY = "Take a fresh copy of the assignment and paste your answers into it."
SAVE_AS_UTF8 = "Open it in an editor such as VS Code and save it as UTF-8 without BOM."
ENCODINGS = ("bom", "utf-16", "not-utf-8")


class StudentError(ProjectError):
    """The file cannot be checked; the message says why and what to do."""


@dataclass
class Task:
    """One task of the notebook and what became of it.

    Attributes:
        title: the heading above its cells.
        answers: the cells for the answer.
        tests: the cells with points or visible tests.
        state: ``passed``, ``failed``, ``not started``, ``test changed``, ``not reached``, or
            ``answered`` where there is no visible test.
        message: what to look at; empty when all is well.
    """

    title: str
    answers: list[Any] = field(default_factory=list)
    tests: list[Any] = field(default_factory=list)
    state: str = ""
    message: str = ""

    @property
    def points(self) -> float:
        return _points(self.tests)

    @property
    def hidden(self) -> float:
        """Points of the cells that held nothing but hidden tests; others may hold some, too."""
        return _points([cell for cell in self.tests if _is_hidden(cell)])


@dataclass
class Outcome:
    """What the check found.

    Attributes:
        assignment: its name.
        tasks: in the order of the notebook.
        problems: sentences about what has to be mended before handing in.
        notes: sentences about what is worth knowing.
    """

    assignment: str
    tasks: list[Task]
    problems: list[str]
    notes: list[str]

    @property
    def passed(self) -> bool:
        return not self.problems and all(t.state in ("passed", "answered") for t in self.tasks)


def check(
    path: Path, timeout: int = 120, progress: Callable[[str], None] = lambda title: None
) -> Outcome:
    """Run the visible tests of a student's notebook.

    Args:
        path: the notebook; it stays as it is.
        timeout: seconds for one cell.
        progress: is called with the title of each task that starts to run.

    Raises:
        StudentError: the file is not an assignment that can be run.
    """
    notebook, notes = _read(path)
    assignment = _assignment(notebook, path)
    if assignment != path.stem:
        notes.append(
            f"The file is called {path.name}. Hand it in as {assignment}.ipynb: the grader goes by "
            "the name."
        )
    titles = titles_of(notebook)
    tasks = tasks_of(notebook, titles)
    problems = [*_missing(notebook), *_duplicates(notebook), *_edited(notebook)]
    stopped = _execute(notebook, path.resolve().parent, timeout, titles, progress)
    for cell in notebook.cells:
        spare_stderr(cell)
    cells = {cell.execution_count: cell for cell in notebook.cells if cell.get("execution_count")}
    for task in tasks:
        task.state, task.message = _state(task, cells, timeout)
    problems += [stopped] if stopped else []
    return Outcome(
        assignment,
        tasks,
        problems + list(_failed_cells(notebook, cells, timeout, given=True)),
        notes + list(_failed_cells(notebook, cells, timeout, given=False)),
    )


# --- from the file to a notebook ------------------------------------------------------------------


def _read(path: Path) -> tuple[Any, list[str]]:
    """The notebook in format 4 without outputs, and notes about the file."""
    if path.is_dir():
        found = ", ".join(sorted(p.name for p in path.glob("*.ipynb"))) or "no notebook"
        raise StudentError(f"{path} is a folder; name the file in it ({found})")
    try:
        reading = read_notebook(path.read_bytes())
    except FileNotFoundError as error:
        found = ", ".join(sorted(p.name for p in path.parent.glob("*.ipynb")))
        hint = f"the notebooks in that folder are: {found}" if found else "look for its folder"
        raise StudentError(f"there is no file {path}; {hint}") from error
    except OSError as error:
        raise StudentError(f"{path} cannot be read: {error.strerror}") from error
    _stop_at_errors(path, reading.problems)
    notebook, found = convert(reading.notebook)
    _stop_at_errors(path, found)
    notes = []
    if any(problem.code == "old-format" for problem in found):
        version = reading.notebook["nbformat"]
        notes.append(f"The notebook is in the old format {version}. Save it again in Jupyter.")
    try:
        notes += _restore_kinds(notebook)
        once = {grade_id(cell): cell for cell in _marked(notebook)}
        CheckCellMetadata(log=QUIET).preprocess(SimpleNamespace(cells=list(once.values())), {})
    except Exception as error:
        raise StudentError(
            f"{path.name}: the hidden settings of its cells, which the grader needs, are damaged. "
            f"{FRESH_COPY}"
        ) from error
    return notebook, notes


def _restore_kinds(notebook: Any) -> Iterator[str]:
    """Undo a slip of the key M, which makes a cell Markdown; nbgrader does so before grading."""
    for cell in _marked(notebook):
        kind = cell.metadata.nbgrader.get("cell_type") or cell.cell_type
        if cell.cell_type != kind:
            yield f"{grade_id(cell)} was turned into a {cell.cell_type} cell; turn it back."
            OverwriteCells(log=QUIET).update_cell_type(cell, kind)


def _stop_at_errors(path: Path, problems: tuple[Problem, ...] | list[Problem]) -> None:
    for problem in problems:
        if problem.severity == "error" or problem.code == "too-large":
            advice = SAVE_AS_UTF8 if problem.code in ENCODINGS else FRESH_COPY
            raise StudentError(f"{path.name}: {problem.message} {advice}")


def _assignment(notebook: Any, path: Path) -> str:
    """The name of the assignment, as the release recorded it.

    Raises:
        StudentError: this is no assignment, or that of another folder.
    """
    if not any(is_grade(cell) for cell in notebook.cells):
        raise StudentError(
            f"{path.name} holds no test cells, so it is not an assignment, or a program removed "
            f"the marks of its cells. {FRESH_COPY}"
        )
    name = _course(notebook).get("assignment") or path.stem
    if name != path.stem == path.resolve().parent.name:
        raise StudentError(
            f"{path} is called {path.stem}, but it holds the assignment {name}. Put each notebook "
            "back into its own folder."
        )
    return name


def _course(notebook: Any) -> dict[str, Any]:
    recorded = notebook.metadata.get("course")
    return recorded if isinstance(recorded, dict) else {}


# --- what is in the notebook ----------------------------------------------------------------------


def _marked(notebook: Any) -> list[Any]:
    """The cells that nbgrader knows."""
    return [c for c in notebook.cells if is_grade(c) or is_solution(c) or is_locked(c)]


def task_of(cell: Any) -> str:
    """``task-2`` for ``task-2-example``; another grade id stands for itself."""
    found = TASK.fullmatch(grade_id(cell))
    return found[1] if found else grade_id(cell)


def titles_of(notebook: Any) -> dict[str, str]:
    """The heading above the first cell of each task."""
    titles, heading = {}, ""
    for cell in notebook.cells:
        heading = heading_of(cell) or heading
        if grade_id(cell):
            titles.setdefault(task_of(cell), heading or task_of(cell))
    return titles


def tasks_of(notebook: Any, titles: dict[str, str]) -> list[Task]:
    tasks: dict[str, Task] = {}
    for cell in _marked(notebook):
        if is_grade(cell) or is_solution(cell):
            task = tasks.setdefault(task_of(cell), Task(titles[task_of(cell)]))
            (task.tests if is_grade(cell) else task.answers).append(cell)
    return [task for task in tasks.values() if task.tests]


def _points(tests: list[Any]) -> float:
    """The points of some cells; a copy of a cell does not count again."""
    return sum({grade_id(cell): float(cell.metadata.nbgrader.points) for cell in tests}.values())


def _is_hidden(cell: Any) -> bool:
    """Whether a test cell holds nothing but comments: its tests were taken out of the release."""
    if is_solution(cell) or cell.cell_type != "code":
        return False
    try:
        return not ast.parse(cell.source).body
    except (SyntaxError, ValueError):
        return False


def _missing(notebook: Any) -> Iterator[str]:
    present = {grade_id(cell) for cell in notebook.cells}
    recorded = _course(notebook).get("cells", [])
    lost = [str(name) for name in recorded if name not in present]
    if lost:
        yield f"Deleted: {_these_cells(lost)}. The points of a deleted test are lost. {FRESH_COPY}"


def _duplicates(notebook: Any) -> Iterator[str]:
    counts = Counter(grade_id(cell) for cell in _marked(notebook))
    if twice := [name for name, count in counts.items() if count > 1]:
        yield f"In the notebook more than once: {_these_cells(twice)}. Delete the copies."


def _these_cells(names: list[str]) -> str:
    return ("the cell " if len(names) == 1 else "the cells ") + ", ".join(names)


def _edited(notebook: Any) -> Iterator[str]:
    for cell in _marked(notebook):
        if _is_edited(cell):
            kind = "test" if is_grade(cell) else "given"
            yield (
                f"The {kind} cell {grade_id(cell)} was edited. The grader restores the original; "
                "undo the change, or take the cell from a fresh copy of the assignment."
            )


def _is_edited(cell: Any) -> bool:
    """Whether a locked cell is not as it was handed out, by nbgrader's checksum."""
    checksum = cell.metadata.nbgrader.get("checksum")
    return is_locked(cell) and checksum not in (None, compute_checksum(cell))


def is_untouched(cell: Any) -> bool:
    return cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)


# --- running it -----------------------------------------------------------------------------------


class _SilentKernels(AsyncKernelManager):
    """Starts kernels whose own complaints, such as those while they end, reach no student."""

    async def start_kernel(self, **options: Any) -> None:
        await super().start_kernel(stderr=subprocess.DEVNULL, **options)


def _execute(
    notebook: Any,
    folder: Path,
    timeout: int,
    titles: dict[str, str],
    progress: Callable[[str], None],
) -> str:
    """Run all cells in place with nbgrader's own step; say why it stopped before the end, if so."""
    running = ""

    def starts(cell: Any, cell_index: int) -> None:
        nonlocal running
        running = titles.get(task_of(cell), running)
        progress(running)

    step = Execute(
        timeout=timeout,
        kernel_name="python3",  # as in grading, whatever kernel the student has chosen
        kernel_manager_class=_SilentKernels,
        on_cell_start=starts,
        log=QUIET,
    )
    where = {"metadata": {"path": str(folder)}}
    try:
        with setenv(NBGRADER_VALIDATING="1", NBGRADER_EXECUTION="validate"):
            step.preprocess(notebook, where)
    except DeadKernelError:
        why = f"Python ended at “{running}” or just before: too little memory, or exit()?"
    except CellTimeoutError:
        why = f"A cell of “{running}” could not be stopped after {timeout} seconds."
    except RuntimeError as error:
        raise StudentError(f"Python could not be started to run the notebook: {error}") from error
    else:
        return ""
    return f"{why} The cells below were not run."


def _state(task: Task, cells: dict[int, Any], timeout: int) -> tuple[str, str]:
    """The state of a task that has run, and the message for it."""
    answers = task.answers or [cell for cell in task.tests if is_solution(cell)]
    visible = [c for c in task.tests if not _is_hidden(c) and not is_solution(c)]
    failed = [cell for cell in visible if _test_failed(cell)]
    if answers and all(is_untouched(cell) for cell in answers):
        elsewhere = visible and not failed and all(cell.execution_count for cell in visible)
        hint = "The tests pass without this answer cell; is the answer in another one?"
        return "not started", hint if elsewhere else ""
    if any(_is_edited(cell) for cell in visible):
        return "test changed", "A test cell was edited, so it says nothing about the grade."
    if any(cell.cell_type == "code" and not cell.execution_count for cell in answers + visible):
        return "not reached", "The notebook stopped before this task."
    if any(_is_stub(output) for cell in failed for output in cell.outputs):
        return "not started", "The answer still raises NotImplementedError()."
    message = next((m for c in answers + failed if (m := reason(c, cells, timeout))), "")
    if failed:
        return "failed", message or "A test passes in part."
    return "passed" if visible else "answered", message


def _is_stub(output: Any) -> bool:
    """Whether an error is nbgrader's placeholder; PyTorch's errors of that class have a text."""
    return output.get("ename") == "NotImplementedError" and not output.evalue


def _test_failed(cell: Any) -> bool:
    score, points = determine_grade(cell, QUIET)
    return has_failed(cell) or (score is not None and score < points)


def _failed_cells(notebook: Any, cells: dict[int, Any], timeout: int, given: bool) -> Iterator[str]:
    """Cells outside the tasks that did not run through: given ones, or the student's own."""
    for cell in notebook.cells:
        marked = bool(grade_id(cell))
        if is_grade(cell) or is_solution(cell) or marked != given or not has_failed(cell):
            continue
        name = f"The given cell {grade_id(cell)}" if marked else "A cell of your own"
        yield f"{name} did not run through: {reason(cell, cells, timeout)}"
