"""What is said about odd notebooks, and that it agrees with stock nbgrader."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_course import answered, as_bytes, make_course, released

from course_lib.tools.grading.course import captured_logs
from course_lib.tools.grading.inspect import inspect
from course_lib.tools.grading.notebooks import LARGEST, Release, identify, read_notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("inspect") / "course")


def cell(notebook: dict, grade_id: str) -> dict:
    for each in notebook["cells"]:
        if each["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            return each
    raise KeyError(grade_id)


def remove(grade_id: str) -> Callable:
    return lambda notebook: notebook["cells"].remove(cell(notebook, grade_id))


def double(grade_id: str) -> Callable:
    return lambda notebook: notebook["cells"].append(copy.deepcopy(cell(notebook, grade_id)))


def change(grade_id: str, **values: Any) -> Callable:
    return lambda notebook: cell(notebook, grade_id).update(values)


def mark(name: str, **values: Any) -> Callable:
    return lambda notebook: cell(notebook, name)["metadata"]["nbgrader"].update(values)


def unmark(grade_id: str, key: str) -> Callable:
    def pop(notebook: dict) -> None:
        del cell(notebook, grade_id)["metadata"]["nbgrader"][key]

    return pop


def set_metadata(grade_id: str, value: Any) -> Callable:
    return lambda notebook: cell(notebook, grade_id)["metadata"].update(nbgrader=value)


def markdown(grade_id: str) -> Callable:
    def to_markdown(notebook: dict) -> None:
        each = cell(notebook, grade_id)
        each["cell_type"] = "markdown"
        each.pop("outputs")
        each.pop("execution_count")

    return to_markdown


def old_format(notebook: dict) -> dict:
    return nbformat.convert(nbformat.reads(json.dumps(notebook), as_version=4), 3)


def without_marks(notebook: dict) -> None:
    for each in notebook["cells"]:
        each["metadata"].pop("nbgrader", None)


def add_cell(**values: Any) -> Callable:
    new = {"cell_type": "markdown", "metadata": {}, "source": "", "id": "new"} | values
    return lambda notebook: notebook["cells"].append(new)


def nested(levels: int) -> Callable:
    def nest(notebook: dict) -> bytes:
        notebook["metadata"]["deep"] = "HERE"
        return as_bytes(notebook).replace(b'"HERE"', b"[" * levels + b"]" * levels)

    return nest


def in_bytes(old: bytes, new: bytes) -> Callable:
    return lambda notebook: as_bytes(notebook).replace(old, new)


# What was done to a notebook with all answers -> the gravest problem that must be named, or None.
DAMAGES: dict[str, tuple[Callable, str | None]] = {
    "nothing": (lambda n: None, None),
    "empty file": (lambda n: b"", "empty"),
    "only spaces": (lambda n: b" \n", "empty"),
    "cut off": (lambda n: as_bytes(n)[:-200], "truncated"),
    "cut off between lines": (lambda n: json.dumps(n, indent=1).encode()[:1000], "truncated"),
    "a saved web page": (lambda n: b"<!DOCTYPE html><html>", "foreign"),
    "a zip file": (lambda n: b"PK\x03\x04" + bytes(30), "foreign"),
    "a Python file": (lambda n: b"import torch\n", "foreign"),
    "a list": (lambda n: b"[]", "no-notebook"),
    "a comma too many": (in_bytes(b'"cells": [', b'"cells": [,'), "damaged"),
    "text after the end": (lambda n: as_bytes(n) + b" x", "damaged"),
    "conflict": (in_bytes(b'"cells": [', b'\n<<<<<<< HEAD\n"cells": ['), "conflict"),
    "huge number": (in_bytes(b'"nbformat": 4', b'"nbformat": ' + b"4" * 5000), "damaged"),
    "BOM": (lambda n: b"\xef\xbb\xbf" + as_bytes(n), "bom"),
    "UTF-16": (lambda n: as_bytes(n).decode().encode("utf-16"), "utf-16"),
    "not UTF-8": (in_bytes(b"mine", b"mi\xff"), "not-utf-8"),
    "half an emoji": (in_bytes(b"mine", b"\\ud83d"), "refused"),
    "nul character": (in_bytes(b"mine", b"\\u0000"), None),
    "Windows line ends": (
        lambda n: json.dumps(n, indent=1).replace("\n", "\r\n").encode(),
        None,
    ),
    "somewhat nested": (nested(200), None),
    "nested 900 deep": (nested(900), "too-deep"),
    "nested 100,000 deep": (nested(100_000), "too-deep"),
    "format 3": (old_format, "old-format"),
    "format 5": (lambda n: n.update(nbformat=5), "format"),
    "format as text": (lambda n: n.update(nbformat="4"), "format"),
    "no format": (lambda n: n.pop("nbformat") and None, "format"),
    "newer minor format": (lambda n: n.update(nbformat_minor=9), None),
    "no metadata": (lambda n: n.pop("metadata") and None, "damaged"),
    "no cells": (lambda n: n.pop("cells") and None, "no-notebook"),
    "text among the cells": (lambda n: n["cells"].append("x"), "damaged"),
    "cell of unknown kind": (add_cell(cell_type="foo"), "damaged"),
    "cell without text": (add_cell(source=None), "damaged"),
    "cell without metadata": (add_cell(metadata=None), "damaged"),
    "outputs of wrong kind": (change("task-1", outputs=[1]), "damaged"),
    "code cell without outputs": (add_cell(cell_type="code"), None),
    "kernel of wrong kind": (lambda n: n["metadata"].update(kernelspec="x"), "damaged"),
    "test deleted": (remove("task-1-general"), "missing-cell"),
    "answer deleted": (remove("task-1"), "missing-cell"),
    "given cell deleted": (remove("setup"), "missing-cell"),
    "essay deleted": (remove("essay"), "missing-cell"),
    "test doubled": (double("task-1-general"), "duplicate-cell"),
    "answer doubled": (double("task-1"), "duplicate-cell"),
    "given cell doubled": (double("setup"), "duplicate-cell"),
    "test edited": (change("task-1-general", source="pass"), "edited-cell"),
    "given cell edited": (change("setup", source="import os"), "edited-cell"),
    "answer as Markdown": (markdown("task-1"), "cell-type"),
    "test as Markdown": (markdown("task-1-general"), "cell-type"),
    "essay as code": (change("essay", cell_type="code"), "cell-type"),
    "more points": (mark("task-1-general", points=100), "points"),
    "points as text": (mark("task-1-general", points="2"), "refused"),
    "points null": (mark("task-1-general", points=None), "refused"),
    "points deleted": (unmark("task-1-general", "points"), "refused"),
    "not graded any more": (mark("task-1-general", grade=False), "refused"),
    "answer that grades itself": (mark("task-1", grade=True, points=9), "refused"),
    "not locked any more": (mark("task-1-general", locked=False), None),
    "answer renamed": (mark("task-1", grade_id="other"), "unknown-cell"),
    "test renamed": (mark("task-1-general", grade_id="other"), "unknown-cell"),
    "id deleted": (unmark("task-1", "grade_id"), "refused"),
    "id a list": (mark("task-1", grade_id=["a"]), "refused"),
    "id null": (mark("task-1", grade_id=None), "refused"),
    "old settings": (mark("task-1", schema_version=1), "refused"),
    "newer settings": (mark("task-1", schema_version=4), "refused"),
    "unknown setting": (mark("task-1", foo=1), "refused"),
    "flag deleted": (unmark("task-1", "locked"), "refused"),
    "checksum destroyed": (mark("task-1", checksum="zz"), None),
    "settings as text": (set_metadata("task-1", "x"), "refused"),
    "settings null": (set_metadata("task-1", None), "refused"),
    "settings empty": (set_metadata("task-1", {}), "refused"),
    "cells in another order": (lambda n: n["cells"].reverse(), None),
}


def damaged(course: Any, damage: Callable) -> bytes:
    notebook = answered(course)
    result = damage(notebook)
    return result if isinstance(result, bytes) else as_bytes(result or notebook)


def stock_grades(course: Any, data: bytes) -> bool:
    """Whether stock ``nbgrader autograde`` accepts a submission."""
    folder = course.path("submitted", "sums", "student")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "sums.ipynb").write_bytes(data)
    with captured_logs():
        return course.api().autograde("sums", "student", force=True)["success"]


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_named_and_stock_nbgrader_agrees(course, tmp_path, name):
    damage, code = DAMAGES[name]
    data = damaged(course, damage)
    path = tmp_path / "sums.ipynb"
    path.write_bytes(data)
    problems = inspect(path, released(course))
    assert (problems[0].code if problems else None) == code, problems
    errors = [problem for problem in problems if problem.severity == "error"]
    assert stock_grades(course, data) == (not errors)
    assert path.read_bytes() == data
    for problem in problems:
        assert problem.message.endswith(".")
        assert "object has no attribute" not in problem.message
        assert problem.advice or problem.severity == "note"


def problems_of(course: Any, tmp_path: Any, data: bytes, name: str = "sums") -> list:
    path = tmp_path / "submitted.ipynb"
    path.write_bytes(data)
    return inspect(path, released(course, name))


def test_a_problem_says_where_it_is(course, tmp_path):
    notebook = answered(course)
    remove("task-2-one")(notebook)
    (problem,) = problems_of(course, tmp_path, as_bytes(notebook))
    assert problem.about == "task-2-one"
    assert "“Task 2: Again”" in problem.message
    assert "points at stake: 1" in problem.message


def test_the_refused_cell_is_found(course, tmp_path):
    notebook = answered(course)
    unmark("task-2", "solution")(notebook)
    (problem,) = problems_of(course, tmp_path, as_bytes(notebook))
    assert (problem.code, problem.about) == ("refused", "task-2")
    cell(notebook, "task-2")["metadata"]["nbgrader"] = 7
    problem = problems_of(course, tmp_path, as_bytes(notebook))[0]
    assert "begins with “def total_again" in problem.message


def test_damage_before_a_readable_notebook_hides_nothing(course, tmp_path):
    notebook = answered(course)
    remove("task-1")(notebook)
    problems = problems_of(course, tmp_path, b"\xef\xbb\xbf" + as_bytes(notebook))
    assert [problem.code for problem in problems] == ["bom", "missing-cell"]


def test_untouched_tasks(course, tmp_path):
    data = released(course).read_bytes()
    codes = {(problem.code, problem.about) for problem in problems_of(course, tmp_path, data)}
    assert codes == {("untouched", "task-1"), ("untouched", "task-2"), ("untouched", "essay")}


def test_white_space_is_no_answer_and_no_edit(course, tmp_path):
    notebook = json.loads(released(course).read_text())
    for each in notebook["cells"]:
        each["source"] = [line.rstrip("\n") + "  \n" for line in each["source"]] + ["\n"]
    codes = {problem.code for problem in problems_of(course, tmp_path, as_bytes(notebook))}
    assert codes == {"untouched"}


def test_another_assignment_is_named_whatever_the_file_is_called(course, tmp_path):
    data = as_bytes(answered(course, "means"))
    (problem,) = problems_of(course, tmp_path, data)
    assert problem.code == "other-assignment"
    assert "means" in problem.message
    assert problems_of(course, tmp_path, data, "means") == []


def test_cells_without_marks_cannot_be_graded(course, tmp_path):
    notebook = answered(course)
    without_marks(notebook)
    (problem,) = problems_of(course, tmp_path, as_bytes(notebook))
    assert (problem.severity, problem.code) == ("error", "no-cells")


def test_a_release_that_changed_later_is_not_the_students_edit(tmp_path):
    course = make_course(tmp_path / "course", "sums")
    data = as_bytes(answered(course))
    notebook = json.loads(released(course).read_text())
    cell(notebook, "setup")["source"] = ["import cmath"]
    released(course).write_bytes(as_bytes(notebook))
    (problem,) = problems_of(course, tmp_path, data)
    assert (problem.code, problem.about) == ("older-release", "setup")


def test_what_is_no_file(course, tmp_path):
    release = released(course)
    assert inspect(tmp_path / "none.ipynb", release)[0].code == "missing"
    (tmp_path / "folder.ipynb").mkdir()
    assert inspect(tmp_path / "folder.ipynb", release)[0].code == "no-file"
    (tmp_path / "link.ipynb").symlink_to(release)
    assert inspect(tmp_path / "link.ipynb", release)[0].code == "no-file"


def test_effort_is_bounded(course, tmp_path):
    assert problems_of(course, tmp_path, b"{" + b" " * LARGEST)[0].code == "too-large"
    many = b'{"nbformat": 4, "cells": [' + b"{}," * 30_000 + b"{}]}"
    assert problems_of(course, tmp_path, many)[0].code == "too-large"


def test_identify_by_contents(course):
    releases = [Release.read(released(course, name)) for name in ("sums", "means")]

    def names(notebook: Any) -> list[str]:
        return [each.name for each in identify(read_notebook(as_bytes(notebook)), releases)]

    assert names(answered(course, "sums")) == ["sums"]
    assert names(old_format(answered(course, "means"))) == ["means"]
    notebook = answered(course)
    for grade_id in ("setup", "task-1", "task-1-example", "task-1-general", "task-2", "essay"):
        unmark(grade_id, "checksum")(notebook)
    assert names(notebook) == ["sums"]  # one checksum is left
    unmark("task-2-one", "checksum")(notebook)
    assert names(notebook) == ["sums", "means"]  # both have these grade ids
    without_marks(notebook)
    assert names(notebook) == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.just("task-1"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "metadata", "nbgrader", "source", "cell_type", "grade_id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


WAYS = st.lists(st.integers(0, 30), min_size=1, max_size=6)


def put(notebook: Any, way: list[int], value: Any) -> None:
    """Replace what lies at the end of a way: numbers that choose among the keys on each level."""
    place = notebook
    for number, step in enumerate(way):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = keys[step % len(keys)]
        inner = place[key]
        if number == len(way) - 1 or not isinstance(inner, dict | list) or not inner:
            place[key] = value
            return
        place = inner


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(st.tuples(WAYS, JSON), min_size=1, max_size=3))
def test_anything_in_any_place_is_explained_as_stock_nbgrader_sees_it(course, tmp_path, changes):
    notebook = answered(course)
    for way, value in changes:
        put(notebook, way, value)
    data = as_bytes(notebook)
    problems = problems_of(course, tmp_path, data)
    errors = {problem.code for problem in problems if problem.severity == "error"}
    if not errors & {"no-cells", "other-assignment"}:
        assert stock_grades(course, data) == (not errors), problems


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_explained(data):
    reading = read_notebook(data)
    assert reading.problems or reading.notebook is not None
