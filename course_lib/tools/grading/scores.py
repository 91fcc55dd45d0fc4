"""The grades of a class, read from nbgrader's gradebook with one query for each assignment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nbgrader.api import (
    Assignment,
    BaseCell,
    Gradebook,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.api import Grade as Row


@dataclass(frozen=True)
class Score:
    """What one student has for one assignment.

    Attributes:
        student: nbgrader's record of the student.
        assignment: name of the assignment.
        max_score: points of the assignment.
        submitted: whether there is a submission in the gradebook.
        raw: points before the late penalty.
        penalty: points that lateness costs.
        manual: whether a person has to grade a part of it.
        timestamp: when it was handed in, in UTC.
        due: when it was due, an extension left out, in UTC.
        late: seconds after the due date, an extension taken into account.
    """

    student: Student
    assignment: str
    max_score: float
    due: datetime | None = None
    submitted: bool = False
    raw: float = 0.0
    penalty: float = 0.0
    manual: bool = False
    timestamp: datetime | None = None
    late: float = 0.0

    @property
    def final(self) -> bool:
        """Whether there is a score that nobody has to add to."""
        return self.submitted and not self.manual

    @property
    def value(self) -> float:
        """Points after the late penalty, never below zero, as nbgrader counts them."""
        return max(0.0, self.raw - self.penalty)


def scores(
    gradebook: Gradebook, assignments: Sequence[str] = (), students: Sequence[str] = ()
) -> dict[str, list[Score]]:
    """The scores of each assignment, in the order of nbgrader's gradebook.

    Args:
        gradebook: nbgrader's.
        assignments: their names; all by default.
        students: their ids; all by default.
    """
    chosen = [each for each in gradebook.students if not students or each.id in students]
    return {
        assignment.name: _scores(gradebook, assignment, chosen)
        for assignment in gradebook.assignments
        if not assignments or assignment.name in assignments
    }


def _scores(gradebook: Gradebook, assignment: Assignment, students: list[Student]) -> list[Score]:
    table = SubmittedAssignment
    rows = gradebook.db.query(
        table.student_id,
        table.timestamp,
        table.extension,
        table.score,
        table.late_submission_penalty,
        table.needs_manual_grade,
    ).filter(table.assignment_id == assignment.id)
    found = {}
    for student, timestamp, extension, raw, penalty, manual in rows:
        due = assignment.duedate
        due = due + extension if due and extension else due
        late = max(0.0, (timestamp - due).total_seconds()) if timestamp and due else 0.0
        found[student] = (True, raw, penalty, bool(manual), timestamp, late)
    name, points, due = assignment.name, assignment.max_score, assignment.duedate
    return [Score(student, name, points, due, *found.get(student.id, ())) for student in students]


@dataclass(frozen=True)
class Grade:
    """The points of one cell of one student.

    Attributes:
        student: the student's id.
        notebook: name of the notebook.
        cell: its grade id.
        score: points that were given, extra credit included.
        points: points that there are.
        manual: whether a person has to grade it.
    """

    student: str
    notebook: str
    cell: str
    score: float
    points: float
    manual: bool


def grades(gradebook: Gradebook, assignment: str, student: str = "") -> Iterator[Grade]:
    """The points of each cell of an assignment, read with one query.

    Args:
        gradebook: nbgrader's.
        assignment: its name.
        student: the student's id; everybody by default.
    """
    query = (
        gradebook.db.query(
            SubmittedAssignment.student_id,
            Notebook.name,
            BaseCell.name,
            Row.score,
            Row.max_score,
            Row.needs_manual_grade,
        )
        .select_from(Row)
        .join(BaseCell, BaseCell.id == Row.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == Row.notebook_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(Assignment.name == assignment)
    )
    if student:
        query = query.filter(SubmittedAssignment.student_id == student)
    for row in query:
        yield Grade(*row[:3], float(row[3] or 0), float(row[4] or 0), bool(row[5]))
