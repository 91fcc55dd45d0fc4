"""Grade the collected submissions of an assignment, one student after the other, with nbgrader."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbgrader.api import MissingEntry

from course_lib.tools import warm
from course_lib.tools.grading.course import (
    Course,
    GradingError,
    captured_logs,
    failure,
    succeeded,
)
from course_lib.tools.grading.inspect import Problem, inspect


@dataclass(frozen=True)
class Graded:
    """What became of one submission.

    Attributes:
        student: the student's id.
        state: ``graded``, ``unchanged`` (was graded before and has not changed) or ``failed``.
        score: points, the late penalty taken off; None when it failed.
        max_score: points of the assignment.
        manual: whether a person has to grade a part of it.
        late: seconds after the due date.
        problems: what is odd about the file, in words.
        reason: why it failed, in words.
    """

    student: str
    state: str
    score: float | None = None
    max_score: float = 0
    manual: bool = False
    late: float = 0
    problems: tuple[Problem, ...] = ()
    reason: str = ""


def grade(
    course: Course, assignment: str, students: Iterable[str] = (), force: bool = False
) -> Iterator[Graded]:
    """Grade with ``nbgrader autograde``, so that one submission never stops the others.

    Args:
        course: the course.
        assignment: its name.
        students: whose submissions; all by default.
        force: grade again what has been graded already.

    Raises:
        GradingError: the assignment has not been released, or a student has no submission.
    """
    course.check_released(assignment)
    submitted = course.students(assignment)
    students = list(students)
    if unknown := sorted(set(students) - set(submitted)):
        raise GradingError(
            f"{unknown[0]!r} has no submission of {assignment}; there are {len(submitted)}: "
            f"{', '.join(submitted[:8])}{' …' if len(submitted) > 8 else ''}"
        )
    if not submitted:
        raise GradingError(
            f"no submissions of {assignment} in {course.path('submitted', assignment, '*')}; "
            f"'course collect {assignment} DOWNLOAD' puts them there"
        )
    students = students or submitted
    with _kernels(len(students)):
        for student in students:
            yield _grade_one(course, assignment, student, force)


def _kernels(count: int) -> contextlib.AbstractContextManager[None]:
    """On Linux, spare each kernel the import of PyTorch; nbgrader starts one for a submission."""
    if count < 2 or not sys.platform.startswith("linux"):
        return contextlib.nullcontext()
    env = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    return warm.use_everywhere(env)


def _grade_one(course: Course, assignment: str, student: str, force: bool) -> Graded:
    problems = _inspect(course, assignment, student)
    done = course.path("autograded", assignment, student)
    before = _stamp(done)
    with captured_logs():
        result = course.api().autograde(assignment, glob.escape(student), force=force)
    if not succeeded(result):
        errors = [f"{p.message} {p.advice}" for p in problems if p.severity == "error"]
        reason = " ".join(errors) or failure(result)
        return Graded(student, "failed", problems=problems, reason=reason)
    state = "graded" if _stamp(done) != before else "unchanged"
    with course.gradebook() as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            reason = "nbgrader recorded no grade for it"
            return Graded(student, "failed", problems=problems, reason=reason)
        return Graded(
            student,
            state,
            max(0.0, submission.score - submission.late_submission_penalty),
            submission.max_score,
            submission.needs_manual_grade,
            submission.total_seconds_late,
            problems,
        )


def _stamp(folder) -> list[int]:
    return [path.stat().st_mtime_ns for path in sorted(folder.glob("*.ipynb"))]


def _inspect(course: Course, assignment: str, student: str) -> tuple[Problem, ...]:
    """What is odd about the files of one submission, and which notebooks are not there."""
    found: list[Problem] = []
    for released in sorted(course.path("release", assignment).glob("*.ipynb")):
        found += inspect(course.path("submitted", assignment, student) / released.name, released)
    return tuple(found)
