"""Feedback for students: an HTML page each, without hidden tests."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator

from bs4 import BeautifulSoup

from course_lib.tools.grading.course import (
    Course,
    GradingError,
    captured_logs,
    failure,
    succeeded,
)

FORBIDDEN = ["script", "iframe", "object", "embed", "form", "base", "link", "frame", "applet"]
LOADING = ("src", "srcset", "poster", "background", "srcdoc", "data", "xlink:href", "ping")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


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
        for path in course.path("feedback", assignment, student).rglob("*"):
            if path.suffix == ".ipynb":
                path.unlink()  # nbgrader copies it for some odd ids
            elif path.suffix == ".html":
                path.write_text(harmless(path.read_text(encoding="utf-8")), encoding="utf-8")
        yield student, "" if succeeded(result) else failure(result)


def harmless(page: str) -> str:
    """A page in which no script runs and which loads nothing, whatever a student wrote."""
    soup = BeautifulSoup(page, "html.parser")
    for element in soup.find_all(FORBIDDEN):
        element.decompose()
    for element in soup.body.find_all(["style", "meta"]) if soup.body else ():
        element.decompose()
    for element in soup.find_all(True):
        for name, value in list(element.attrs.items()):
            text = "".join(str(value).split()).lower()
            runs = name.lower().startswith("on") or text.startswith(("javascript:", "vbscript:"))
            loads = name.lower() in LOADING and not text.startswith("data:image/")
            if runs or loads or (name.lower() == "style" and ("url(" in text or "@" in text)):
                del element[name]
    policy = soup.new_tag("meta", content=POLICY)
    policy["http-equiv"] = "Content-Security-Policy"
    (soup.head or soup).insert(0, policy)
    return str(soup)
