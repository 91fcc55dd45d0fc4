"""``course check``: what a student is told about a notebook, and about a file that is none."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from classroom import answered, cells, course, course_folder, environment
from nbgrader.validator import Validator
from small_source import ESSAY, HEAD, TEST, cell

from course_lib.tools.grading.course import Course
from course_lib.tools.grading.release import release
from course_lib.tools.grading.student import StudentError, check

SETUP = cell("setup", "import math", locked=True)
STUB = "def {0}(a, b):\n    ### BEGIN SOLUTION\n    return a {1} b\n    ### END SOLUTION"


def task(number: int, name: str, sign: str, visible: str) -> str:
    """A task with a visible test of 1 point and a hidden one of 2."""
    title = f"## Task {number}: {name.capitalize()} (3 points)\n\n"
    hidden = f"# Others.\n### BEGIN HIDDEN TESTS\nassert {name}(4, 3)\n### END HIDDEN TESTS"
    return (
        title
        + cell(f"task-{number}", STUB.format(name, sign), solution=True)
        + cell(f"task-{number}-example", visible, points=1, **TEST)
        + cell(f"task-{number}-others", hidden, points=2, **TEST)
    )


SOURCE = (
    HEAD
    + SETUP
    + task(1, "add", "+", "assert add(1, 2) == 3, 'add gives another number'")
    + task(2, "subtract", "-", "assert subtract(1, 2) == -1")
    + task(3, "divide", "/", "assert math.isclose(divide(1, 2), 0.5)")
    + ESSAY.replace("+++", "## Task 4: Essay (4 points)\n\n+++", 1)
)
RIGHT = {
    "task-1": "def add(a, b):\n    return a + b",
    "task-2": "def subtract(a, b):\n    return a - b",
    "task-3": "def divide(a, b):\n    return a / b",
    "essay": "My words.",
}


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> dict:
    """A release as nbgrader's own ``generate_assignment`` makes it."""
    root = course_folder(tmp_path_factory.mktemp("course") / "root")
    (root / "solutions" / "sums").mkdir(parents=True)
    (root / "solutions" / "sums" / "sums.md").write_text(SOURCE)
    outcomes = [(outcome.state, outcome.reason) for outcome in release(Course.find(root))]
    assert outcomes == [("new", "")]
    return json.loads((root / "exercises" / "sums" / "sums.ipynb").read_text())


@pytest.fixture
def path(tmp_path) -> Path:
    (tmp_path / "sums").mkdir()
    return tmp_path / "sums" / "sums.ipynb"


def write(path: Path, notebook: dict) -> Path:
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    return path


def code(source: str) -> dict:
    """A cell of the student's own."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "own",
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def states(outcome) -> dict[str, tuple[str, str]]:
    return {task.title.split(":")[0]: (task.state, task.message) for task in outcome.tasks}


# States


def test_the_untouched_release_is_not_started(released, path):
    outcome = check(write(path, released))
    assert [task.state for task in outcome.tasks] == ["not started"] * 4
    assert [task.title for task in outcome.tasks][:2] == ["Task 1: Add", "Task 2: Subtract"]
    assert [(task.points, task.hidden) for task in outcome.tasks] == [(3, 2)] * 3 + [(4, 0)]
    assert not outcome.passed and outcome.problems == outcome.notes == []


def test_right_answers_pass_in_the_notebook_s_folder_and_the_file_stays(released, path):
    (path.parent / "value.txt").write_text("0")
    reads = "def add(a, b):\n    return a + b + int(open('value.txt').read())"
    write(path, answered(released, {**RIGHT, "task-1": reads}))
    before, modified = path.read_bytes(), path.stat().st_mtime_ns
    titles = []
    outcome = check(path, progress=titles.append)
    assert [task.state for task in outcome.tasks] == ["passed"] * 3 + ["answered"]
    assert outcome.passed and outcome.problems == outcome.notes == []
    assert "Task 2: Subtract" in titles
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, modified)
    assert sorted(file.name for file in path.parent.iterdir()) == ["sums.ipynb", "value.txt"]


@pytest.fixture(scope="module")
def mixed(released, tmp_path_factory):
    """Four tasks with four mistakes, checked once."""
    answers = {
        "task-1": "def add(a, b):\n    return a * b",
        "task-2": "def subtract(a, b):\n    return b - a",
        "task-3": " \ndef divide(a, b):\n    c = a // 0\n    return c",  # an empty line first
    }
    notebook = answered(released, answers)
    notebook["cells"].insert(3, code("undefined + 1"))
    folder = tmp_path_factory.mktemp("mixed") / "sums"
    folder.mkdir()
    return check(write(folder / "sums.ipynb", notebook))


def test_a_failed_test_says_why_in_its_own_words(mixed):
    assert states(mixed)["Task 1"] == ("failed", "add gives another number")


def test_an_assertion_without_words_is_quoted(mixed):
    said = "this does not hold: assert subtract(1, 2) == -1"
    assert states(mixed)["Task 2"] == ("failed", said)


def test_an_error_in_the_student_s_code_is_located(mixed):
    state, message = states(mixed)["Task 3"]
    assert state == "failed"
    assert message.startswith("ZeroDivisionError: ")
    assert message.endswith("(in task-3, line 3: c = a // 0)")


def test_an_error_in_a_cell_of_one_s_own_is_noted(mixed):
    (note,) = mixed.notes
    assert "NameError" in note and "a cell of your own, line 1: undefined + 1" in note


def test_the_verdicts_are_those_of_nbgrader_s_validate_button(released, path):
    answers = {**RIGHT, "task-2": "def subtract(a, b):\n    return b - a"}
    write(path, answered(released, answers))
    failed = [result["source"] for result in Validator().validate(str(path))["failed"]]
    assert failed == ["assert subtract(1, 2) == -1"]
    states_found = [task.state for task in check(path).tasks]
    assert states_found == ["passed", "failed", "passed", "answered"]


def test_a_syntax_error_and_a_half_written_answer_are_explained(released, path):
    answers = {
        "task-1": "def add(a, b:\n    return a + b",
        "task-2": "import sys\ndef subtract(a, b):\n    print('deprecated', file=sys.stderr)\n"
        "    return a - b",
        "task-3": "def divide(a, b):\n    'Half of it.'\n    raise NotImplementedError()",
    }
    found = states(check(write(path, answered(released, answers))))
    assert found["Task 1"][0] == "failed"
    assert found["Task 1"][1].startswith("SyntaxError: '(' was never closed (in task-1, line 1")
    assert found["Task 2"] == ("passed", ""), "a warning on stderr costs nothing"
    assert found["Task 3"] == ("not started", "The answer still raises NotImplementedError().")


def test_an_endless_loop_and_the_end_of_python_are_told_apart(released, path):
    answers = {**RIGHT, "task-2": "while True:\n    pass", "task-3": "import os\nos._exit(1)"}
    outcome = check(write(path, answered(released, answers)), timeout=3)
    found = states(outcome)
    assert found["Task 1"][0] == "passed" and not outcome.passed
    assert found["Task 2"][0] == "failed" and "within 3 seconds" in found["Task 2"][1]
    assert found["Task 3"][0] == "not reached"
    assert any("Python ended" in problem for problem in outcome.problems)


def test_an_answer_in_another_cell_is_noticed(released, path):
    notebook = copy.deepcopy(released)
    place = notebook["cells"].index(cells(notebook)["task-1-example"])
    notebook["cells"].insert(place, code(RIGHT["task-1"]))
    state, message = states(check(write(path, notebook)))["Task 1"]
    assert state == "not started" and "in another one" in message


def test_an_error_of_pytorch_is_no_missing_answer(released, path):
    raises = "def add(a, b):\n    raise NotImplementedError('mean(): got Long')"
    found = states(check(write(path, answered(released, {"task-1": raises}))))
    assert found["Task 1"][0] == "failed" and "mean(): got Long" in found["Task 1"][1]


# What has to be mended


def test_edited_missing_and_doubled_cells_are_named(released, path):
    notebook = answered(
        released,
        {
            **RIGHT,
            "task-1-example": "pass",
            "setup": "import no_such_module",
            "task-2-example": "assert 1",
        },
    )
    notebook["cells"].remove(cells(notebook)["task-3-others"])
    notebook["cells"].append({**cells(notebook)["task-3-example"], "id": "copy"})
    outcome = check(write(path, notebook))
    found = states(outcome)
    assert found["Task 1"][0] == found["Task 2"][0] == "test changed"
    assert found["Task 3"][0] == "failed" and not outcome.passed
    said = "\n".join(outcome.problems)
    for name in (
        "test cell task-1-example was",
        "given cell setup was",
        "test cell task-2-example",
    ):
        assert name in said
    assert "given cell setup did not run through: ModuleNotFoundError" in said
    assert "Deleted: the cell task-3-others" in said
    assert "more than once: the cell task-3-example" in said
    assert outcome.tasks[2].points == 1, "a copy does not count twice"


def test_a_renamed_file_and_a_cell_that_became_markdown_are_noted(released, path):
    notebook = answered(released, RIGHT)
    for name in ("task-1", "task-1-example"):
        changed = cells(notebook)[name]
        changed["cell_type"] = "markdown"
        del changed["outputs"], changed["execution_count"]
    outcome = check(write(path.with_name("总和 (1) 😀.ipynb"), notebook))
    assert outcome.passed
    said = "\n".join(outcome.notes)
    assert "task-1 was turned into a markdown cell" in said and "Hand it in as sums.ipynb" in said


def test_the_old_format_3_is_read(released, path):
    old = nbformat.convert(nbformat.reads(json.dumps(answered(released, RIGHT)), 4), 3)
    write(path, old)
    outcome = check(path)
    assert outcome.passed and "old format 3" in outcome.notes[0]


# What cannot be checked


def without_marks(text: str) -> str:
    notebook = json.loads(text)
    for each in notebook["cells"]:
        each["metadata"] = {}
    return json.dumps(notebook)


def with_broken_marks(text: str) -> str:
    notebook = json.loads(text)
    del cells(notebook)["task-1-example"]["metadata"]["nbgrader"]["points"]
    return json.dumps(notebook)


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda text: text[: len(text) // 2], "ends in the middle"),
        (lambda text: "\ufeff" + text, "UTF-8 without BOM"),
        (lambda text: "", "is empty"),
        (lambda text: "# Sums", "not a notebook"),
        (lambda text: "[1, 2]", "no notebook"),
        (lambda text: '{"a": 1}', "no cells"),
        (lambda text: text.replace('"nbformat": 4', '"nbformat": 9'), "format is 9"),
        (lambda text: text.replace('"cell_type"', '"kind"'), "damaged"),
        (without_marks, "no test cells"),
        (with_broken_marks, "hidden settings"),
    ],
)
def test_a_file_that_is_no_assignment_is_explained(released, path, damage, said):
    path.write_text(damage(json.dumps(released)), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(StudentError) as caught:
        check(path)
    text = str(caught.value)
    assert said in text and "sums.ipynb" in text
    assert "student" not in text, "the advice is for the student"
    assert path.read_bytes() == before


def test_a_zip_under_the_name_of_a_notebook_is_explained(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.ipynb", json.dumps(list(range(1000))))
    with pytest.raises(StudentError, match="a zip file"):
        check(path)


def test_the_notebook_of_another_assignment_is_named(released, tmp_path):
    (tmp_path / "perceptron").mkdir()
    path = write(tmp_path / "perceptron" / "perceptron.ipynb", released)
    with pytest.raises(StudentError, match="holds the assignment sums"):
        check(path)


def test_a_missing_file_and_a_folder_name_what_there_is(released, path):
    write(path, released)
    for wrong in (path.parent, path.with_name("sum.ipynb")):
        with pytest.raises(StudentError, match=r"sums\.ipynb"):
            check(wrong)


# The command


def test_the_command_prints_a_table_and_what_to_do_next(released, path):
    write(path, answered(released, {"task-1": RIGHT["task-1"], "task-2": "subtract = divmod"}))
    done = course(path.parent, "check", "sums.ipynb", COLUMNS="120")
    assert done.returncode == 1 and done.stderr == ""
    for said in (
        "passed",
        "not started",
        "this does not hold",
        "1 of 4 tasks pass",
        "Not started: Task 3, Task 4.",
        "decide on at least 6 of the 13 points",
        "Next: mend Task 2",
    ):
        assert said in done.stdout
    assert "assert add(4, 3)" not in done.stdout


def test_the_command_ends_with_0_when_all_is_well(released, path):
    done = course(path.parent, "check", str(write(path, answered(released, RIGHT))))
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 of 4 tasks pass" in done.stdout and "hand the notebook in" in done.stdout


def test_the_command_ends_with_2_and_one_sentence_for_a_damaged_file(path):
    path.write_text('{"cells": [')
    done = course(path.parent, "check", "sums.ipynb")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("course: sums.ipynb: ") and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_the_command_and_its_kernel(released, path):
    started = path.parent / "pid"
    sleep = (
        f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\n"
    )
    write(path, answered(released, {"task-1": sleep + "time.sleep(100)"}))
    command = [sys.executable, "-m", "course_lib.tools.cli", "check", str(path)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    deadline = time.monotonic() + 60
    while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130 and "interrupted" in said and "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
