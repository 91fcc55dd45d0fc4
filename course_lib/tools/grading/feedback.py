"""Feedback for students: an HTML page each, without hidden tests."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator

from course_lib.tools.grading.course import (
    Course,
    GradingError,
    captured_logs,
    failure,
    succeeded,
)


def write_feedback(
    course: Course, assignment: str, students: Iterable[str] = ()
) -> Iterator[tuple[str, str]]:
    """Write the pages with ``nbgrader generate_feedback``, one student after the other.

    Args:
        course: the course.
        assignment: its name.
        students: for whom; by default all whose work has been graded.

    Yields:
        A student and the reason why there is no page for them, empty when there is one.

    Raises:
        GradingError: the assignment is unknown or nothing of it has been graded.
    """
    course.check_released(assignment)
    graded = course.students(assignment, "autograded")
    if not graded:
        raise GradingError(f"nothing is graded yet; 'course grade {assignment}' does it")
    for student in list(students) or graded:
        if student not in graded:
            yield student, f"is not graded; 'course grade {assignment}' comes first"
            continue
        with captured_logs():
            result = course.api().generate_feedback(assignment, glob.escape(student), force=True)
        yield student, "" if succeeded(result) else failure(result)
