"""What a student reads first: the tasks of a graded notebook, their points, and what went wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbgrader.utils import is_grade, is_solution

from course_lib.tools.grading.failures import grade_id, reason
from course_lib.tools.grading.hide import REGION, HideTests
from course_lib.tools.grading.scores import Grade
from course_lib.tools.grading.sections import Book, Place
from course_lib.tools.grading.student import Task, is_untouched, task_of, tasks_of, titles_of

MOST_MESSAGES = 3  # of one task
HIDDEN = "(hidden)"
FLAG = "Flagged"  # in the place of an error where a submission is flagged


@dataclass(frozen=True)
class Line:
    """One task of a graded notebook.

    Attributes:
        title: the heading above its cells.
        anchor: the grade id of the cell to look at first.
        score: points that were given.
        points: points that there are.
        state: ``passed``, ``in part``, ``failed``, ``not started`` or ``to be graded by a person``.
        messages: what the failed tests said, in words.
        place: where the book teaches it; None where nothing is to be looked up.
    """

    title: str
    anchor: str
    score: float
    points: float
    state: str
    messages: tuple[str, ...] = ()
    place: Place | None = None


def lines(notebook: Any, grades: Mapping[str, Grade], book: Book) -> list[Line]:
    """The tasks of a graded notebook.

    Args:
        notebook: with the outputs of its grading, hidden tests included.
        grades: by grade id.
        book: where to read.
    """
    counted = {c.execution_count: c for c in notebook.cells if c.get("execution_count")}
    hide = HideTests()
    hide.preprocess(copy.deepcopy(notebook), {})
    return [
        _line(task, grades, counted, hide, book)
        for task in tasks_of(notebook, titles_of(notebook))
        if any(grade_id(cell) in grades for cell in task.tests)
    ]


def _line(
    task: Task,
    grades: Mapping[str, Grade],
    counted: dict[int, Any],
    hide: HideTests,
    book: Book,
) -> Line:
    own = [grades[grade_id(cell)] for cell in task.tests if grade_id(cell) in grades]
    score, points = sum(grade.score for grade in own), sum(grade.points for grade in own)
    lost = [
        cell
        for cell in task.tests
        if cell.cell_type == "code" and not is_solution(cell) and _failed(cell)
    ]
    first = (task.answers or task.tests)[0]
    state, messages = _state(own, score, points), []
    if state in ("failed", "in part"):
        if score == 0 and all(is_untouched(cell) for cell in task.answers):
            state = "not started"
        elif score == 0 and lost and all(_is_stub(cell) for cell in lost):
            state, messages = "not started", ["The answer still raises NotImplementedError()."]
        else:
            said = (message(cell, counted, hide) for cell in [*task.answers, *lost])
            messages = [text for text in dict.fromkeys(said) if text]
    done = state in ("passed", "to be graded by a person")
    place = None if done else book.place(task_of(first))
    return Line(
        task.title, grade_id(first), score, points, state, tuple(messages[:MOST_MESSAGES]), place
    )


def _state(grades: list[Grade], score: float, points: float) -> str:
    if any(grade.manual for grade in grades):
        return "to be graded by a person"
    if score >= points:
        return "passed"
    return "in part" if score > 0 else "failed"


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _is_stub(cell: Any) -> bool:
    return any(o.get("ename") == "NotImplementedError" and not o.evalue for o in cell.outputs)


def message(cell: Any, counted: dict[int, Any], hide: HideTests | None = None) -> str:
    """Why a cell failed, in words.

    Args:
        cell: with its outputs.
        counted: all code cells of the notebook, by the number of their execution.
        hide: takes out what students must not see; all is shown without.
    """
    error = next((o for o in cell.get("outputs", []) if o.output_type == "error"), None)
    if error is None or error.ename == FLAG:  # what the engine writes is for the grader
        return ""
    if error.ename == "CellTimeoutError":
        return "It did not end in time. Is there a loop that never stops?"
    if error.ename == "DeadKernelError":
        return f"Python ended: {error.evalue}"
    if hide is None:
        return reason(cell, counted, 0)
    masked = {number: _masked(one) for number, one in counted.items()}
    text = reason(masked.get(cell.get("execution_count")) or _masked(cell), masked, 0)
    if text == f"this does not hold: {HIDDEN}":
        text = "A hidden test fails; it checks the same task with other inputs."
    return hide.without_secrets(text)


def _masked(cell: Any) -> Any:
    """A cell in which the lines of hidden tests cannot be read, and keep their numbers."""
    if not (is_grade(cell) and not is_solution(cell)):
        return cell
    cell = copy.copy(cell)
    cell.source = REGION.sub(lambda found: f"{HIDDEN}\n" * len(found[0].splitlines()), cell.source)
    return cell
