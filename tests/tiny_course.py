"""A small nbgrader course for the tests of grading: two assignments, no torch, no kernel needed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.tools.grading.course import Course, captured_logs, succeeded

CONFIG = """
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, SaveAutoGrades

c = get_config()
c.CourseDirectory.course_id = "tiny"
# Without a kernel: the tests are about files and grades, not about running code.
c.Autograde.autograde_preprocessors = [SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
"""
SUM = "def total(values):\n    ### BEGIN SOLUTION\n    return sum(values)\n    ### END SOLUTION"
MEAN = "def mean(values):\n    ### BEGIN SOLUTION\n    return sum(values) / 2\n    ### END SOLUTION"
NOTEBOOKS = {"sums": ("Task 1: Add up", SUM), "means": ("Task 1: The mean", MEAN)}


def _cell(new: Any, source: str, grade_id: str, **metadata: Any) -> Any:
    standard = {"grade": False, "locked": False, "solution": False, "task": False}
    nbgrader = {"schema_version": 3, "grade_id": grade_id} | standard | metadata
    return new(source, metadata={"nbgrader": nbgrader})


def source(name: str) -> Any:
    """The instructor's notebook of an assignment: two answers, three test cells, one essay."""
    title, solution = NOTEBOOKS[name]
    function = "total" if name == "sums" else "mean"
    second = solution.replace(f"def {function}", f"def {function}_again")
    locked = {"locked": True}
    graded = {"grade": True, "locked": True}
    cells = [
        new_markdown_cell(f"# {name}\n\nFill in the cells."),
        _cell(new_code_cell, f"import math  # for {name}", "setup", **locked),
        new_markdown_cell(f"## {title} (3 points)"),
        _cell(new_code_cell, solution, "task-1", solution=True),
        _cell(new_code_cell, f"assert {function}([2, 2])", "task-1-example", points=1, **graded),
        _cell(
            new_code_cell,
            f"assert {function}([1, 3])\n### BEGIN HIDDEN TESTS\nassert {function}([5, 5])\n"
            "### END HIDDEN TESTS",
            "task-1-general",
            points=2,
            **graded,
        ),
        new_markdown_cell("## Task 2: Again (1 point)"),
        _cell(new_code_cell, second, "task-2", solution=True),
        _cell(new_code_cell, f"assert {function}_again([2])", "task-2-one", points=1, **graded),
        _cell(new_markdown_cell, "Why?", "essay", grade=True, solution=True, points=2),
    ]
    for index, cell in enumerate(cells):
        cell["id"] = f"{name}-{index}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def make_course(root: Path, *names: str) -> Course:
    """A course folder with assignments that have been released."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    for name in names or NOTEBOOKS:
        folder = root / "source" / name
        folder.mkdir(parents=True)
        nbformat.write(source(name), folder / f"{name}.ipynb")
    course = Course.find(root)
    for name in names or NOTEBOOKS:
        with captured_logs():
            result = course.api().generate_assignment(name)
        assert succeeded(result), result
    return course


def released(course: Course, name: str = "sums") -> Path:
    return course.path("release", name) / f"{name}.ipynb"


def answered(course: Course, name: str = "sums", text: str = "return 4") -> dict[str, Any]:
    """A student's notebook as JSON: the release with all answers written."""
    notebook = json.loads(released(course, name).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            lines = "".join(cell["source"])
            cell["source"] = lines.replace("raise NotImplementedError", text + " #") + "\n# mine"
    return copy.deepcopy(notebook)


def as_bytes(notebook: Any) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode()
