"""``course grade`` and ``course feedback`` on a small assignment, against stock nbgrader."""

import html
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from classroom import answered, cells, course, course_folder, nbgrader, results
from nbgrader.api import Gradebook
from small_class import SUMMARY, release, url
from small_source import SUMS
from test_guide import run


@pytest.fixture(scope="module")
def class_(tmp_path_factory) -> Path:
    """A released assignment and the submissions of eight students, not graded yet."""
    root = release(tmp_path_factory.mktemp("grading") / "class", "sums")
    stamp = root / "grading" / "submitted" / "ada" / "sums" / "timestamp.txt"
    stamp.write_text("2026-03-02 12:00:00 UTC")
    with Gradebook(url(root)) as gradebook:
        gradebook.add_student("zoe")  # hands in nothing
    return root


@pytest.fixture(scope="module")
def graded(class_):
    """The class after ``course grade``; what it printed, and the bytes of the submissions."""
    before = {
        path: path.read_bytes() for path in class_.glob("grading/submitted/**/*") if path.is_file()
    }
    done = course(class_, "grade", "sums", COURSE_SEED="1")
    return done, before


def scores(root: Path) -> dict[str, dict[str, float]]:
    return {student: graded.scores for student, graded in results(root, "sums").items()}


def test_each_submission_gets_its_line_and_one_cannot_stop_the_others(graded):
    done, _before = graded
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line[:1].isalpha()}
    assert "3 of 7" in lines["ada"] and "0 of 7" in lines["eve"] and "0 of 7" in lines["dan"]
    assert "needs manual grading" in lines["fay"] and "late" in lines["bob"]
    assert "not graded" in lines["gus"] and "Error" not in lines["gus"], lines["gus"]
    assert f"sums: {SUMMARY}, 2 waiting for manual grading." in done.stdout
    assert done.returncode == 1


def test_a_terminal_shows_how_far_it_is(class_, graded):
    command = f"{sys.executable} -m course_lib.tools.cli grade sums"
    printed = run(command, class_, TERM="xterm-256color")
    assert re.search(r"━.* 8/8", printed), printed
    assert "━" not in run(command, class_), "a terminal that cannot go back gets no bar"


def test_submissions_are_never_altered(class_, graded):
    _done, before = graded
    assert {path: path.read_bytes() for path in before} == before


def test_points_follow_the_cells(class_, graded):
    found = scores(class_)
    assert found["ada"] == {"task-1-example": 1, "task-1-negative": 2, "essay": 0, "bonus": 0}
    assert (found["bob"]["task-1-example"], found["bob"]["task-1-negative"]) == (1, 0)
    assert found["cleo"]["task-1-example"] == 1, "text on stderr costs nothing"
    assert set(found["dan"].values()) == {0} and set(found["eve"].values()) == {0}


def test_late_days_missing_work_and_manual_grades_are_nbgraders(class_, graded):
    with Gradebook(f"sqlite:///{class_}/grading/gradebook.db") as gradebook:
        bob = gradebook.find_submission("sums", "bob")
        assert bob.total_seconds_late == 2 * 86400
        assert bob.late_submission_penalty == 1, "two days, but never more than the points"
        assert gradebook.find_submission("sums", "ada").total_seconds_late == 0
        assert "zoe" not in [s.student.id for s in gradebook.assignment_submissions("sums")]
        fay = gradebook.find_submission("sums", "fay")
        assert fay.needs_manual_grade and fay.score == 3
        essay = gradebook.find_grade("essay", "sums", "sums", "fay")
        essay.manual_score, essay.needs_manual_grade = 3.5, False
        bonus = gradebook.find_grade("bonus", "sums", "sums", "fay")
        bonus.manual_score, bonus.extra_credit, bonus.needs_manual_grade = 0, 1, False
        gradebook.db.commit()
    done = course(class_, "grade", "sums", "--student", "fay", "--force", COURSE_SEED="1")
    assert done.returncode == 0 and "7.5 of 7" in done.stdout, done.stdout


def test_grading_again_grades_nothing_that_has_not_changed(class_, graded):
    done = course(class_, "grade", "sums", "--student", "ada", COURSE_SEED="1")
    assert "ada  3 of 7  (unchanged)" in done.stdout and done.returncode == 0


def test_stock_nbgrader_gives_the_same_scores(class_, graded, tmp_path):
    """The same files, the same settings, ``nbgrader autograde`` for each student."""
    other = tmp_path / "stock"
    ignore = shutil.ignore_patterns("autograded", "feedback", "gradebook.db")
    shutil.copytree(class_, other, ignore=ignore)
    assert nbgrader(other, "generate_assignment", "sums", "--force").returncode == 0
    for student in ("ada", "bob", "dan", "eve"):  # cleo prints to stderr, which costs points there
        done = nbgrader(other, "autograde", "sums", "--student", student, COURSE_SEED="1")
        assert done.returncode == 0, done.stderr
    ours, stock = scores(class_), scores(other)
    assert stock == {student: ours[student] for student in stock} and len(stock) == 4


@pytest.fixture
def physics(tmp_path) -> tuple[Path, Path]:
    """The course of ``nbgrader quickstart``, twice: two notebooks, an essay, a picture."""
    nbgrader(tmp_path, "quickstart", "physics")
    root = tmp_path / "physics"
    assert nbgrader(root, "generate_assignment", "ps1").returncode == 0
    source, handed_out = root / "source" / "ps1", root / "release" / "ps1"
    for student, folder, names in (
        ("all", source, ("problem1", "problem2")),
        ("first", source, ("problem1",)),
        ("none", handed_out, ("problem1", "problem2")),
    ):
        (root / "submitted" / student / "ps1").mkdir(parents=True)
        for name in names:
            shutil.copy(folder / f"{name}.ipynb", root / "submitted" / student / "ps1")
    # The same function in every answer, also where another one is asked for.
    notebook = json.loads((handed_out / "problem1.ipynb").read_text())
    square = "def squares(n):\n    return [i * i for i in range(1, n + 1)]"
    mixed = dict.fromkeys(("squares", "sum_of_squares"), square)
    (root / "submitted" / "mixed" / "ps1").mkdir(parents=True)
    path = root / "submitted" / "mixed" / "ps1" / "problem1.ipynb"
    path.write_text(json.dumps(answered(notebook, mixed)))
    return root, shutil.copytree(root, tmp_path / "stock")


def physics_state(root: Path) -> tuple[dict[tuple[str, str], float], set[Path]]:
    """The points by student and cell, and the files of the graded submissions."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", "physics") as gradebook:
        points = {
            (submission.student.id, grade.cell.name): (grade.score, grade.auto_score)
            for submission in gradebook.assignment_submissions("ps1")
            for each in submission.notebooks
            for grade in each.grades
        }
    graded = root / "autograded"
    return points, {path.relative_to(graded) for path in graded.rglob("*") if path.is_file()}


def test_any_course_of_nbgrader_can_be_graded(physics):
    root, stock = physics
    done = course(root, "grade", "ps1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is no file problem2.ipynb" in done.stdout
    done = nbgrader(stock, "autograde", "ps1", "--create")
    assert done.returncode == 0, done.stderr
    points, files = found = physics_state(root)
    assert found == physics_state(stock) and len(points) == 4 * 9 and len(files) >= 6
    assert sum(score for score, _auto in points.values()) > 6
    done = course(root, "feedback", "ps1")
    assert done.returncode == 0 and "4 pages" in done.stdout, done.stdout + done.stderr


def test_options_of_nbgrader_mean_the_same(physics):
    root, stock = physics
    for options in (
        ("--create", "--student=[am]*", "--notebook=problem1", "--Execute.timeout=60"),
        ("--notebook=problem*2", "--CourseDirectory.student_id_exclude=none,first", "-f"),
    ):
        done = course(root, "grade", "ps1", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        done = nbgrader(stock, "autograde", "ps1", *options)
        assert done.returncode == 0, done.stderr
        points, files = found = physics_state(root)
        assert found == physics_state(stock)
    assert {student for student, _cell in points} == {"all", "mixed"}
    assert Path("all/ps1/problem1.ipynb") in files and Path("all/ps1/problem2.ipynb") in files
    done = course(root, "grade", "ps1", "-f", "--Execute.timeout=soon")
    assert done.returncode == 2 and "c.Limits take numbers" in done.stderr, done.stderr
    done = course(root, "grade", "ps1", "-f", "--Limits.memory=5")
    assert done.returncode == 2 and "cell_seconds, notebook_seconds" in done.stderr, done.stderr
    done = course(root, "grade", "ps1", "--student", "x*")
    assert done.returncode == 2 and "'x*' has no submission of ps1" in done.stderr
    done = course(root, "grade", "ps1", "--notebook", "problem3")
    assert done.returncode == 2 and "problem3" in done.stderr, done.stderr


def test_feedback_has_messages_but_no_hidden_test(class_, graded):
    done = course(class_, "feedback", "sums")
    assert done.returncode == 0 and "7 pages in grading/feedback/STUDENT/sums" in done.stdout
    pages = {k: v.feedback for k, v in results(class_, "sums").items() if v.feedback}
    assert set(pages) == {"ada", "bob", "cleo", "dan", "eve", "fay", "hal"}
    for page in pages.values():
        text = html.unescape(page)
        assert "# Negative numbers." in text and "add(-1, -2)" not in text.replace("\n", "")
        assert "HIDDEN TESTS" not in text
    assert "AssertionError" in pages["bob"] and "</code>: 0 of 2 points" in pages["bob"]
    assert "NotImplementedError" in pages["eve"]


def test_one_page_of_feedback(class_, graded):
    done = course(class_, "feedback", "sums", "--student", "ada", "--student", "gus")
    assert done.returncode == 1 and "1 page in" in done.stdout
    assert "gus: is not graded" in done.stderr


def test_the_seed_is_drawn_once_and_secret(class_, graded):
    seed = class_ / "grading" / "seed"
    assert oct(seed.stat().st_mode & 0o777) == "0o600" and int(seed.read_text()) > 0
    before = seed.read_text()
    course(class_, "grade", "sums", "--student", "eve", "--force")
    assert seed.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "products"], "only sums; 'course release products' adds it"),
        (
            ["grade", "sums", "--student", "ian"],
            "'ian' has no submission of sums; there are 8: ada,",
        ),
        (["feedback", "products"], "'products'"),
    ],
)
def test_what_cannot_start_is_named(class_, graded, arguments, said):
    done = course(class_, *arguments)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_nothing_collected_and_nothing_graded_is_named(tmp_path):
    root = course_folder(tmp_path / "empty")
    (root / "solutions" / "sums").mkdir(parents=True)
    (root / "solutions" / "sums" / "sums.md").write_text(SUMS)
    course(root, "release")
    assert "course collect sums" in course(root, "grade", "sums").stderr
    assert "course grade sums" in course(root, "feedback", "sums").stderr


def test_works_without_an_activated_environment(class_, graded):
    """nbgrader calls a program of the environment by name, which PATH may not have."""
    path = os.pathsep.join(["/usr/bin", "/bin"])
    done = course(class_, "grade", "sums", "--student", "ada", "--force", PATH=path)
    assert done.returncode == 0, done.stderr


def test_hidden_regions_are_cut_out_whole():
    from nbformat.v4 import new_code_cell, new_output

    from course_lib.tools.grading.hide import HideTests

    meta = {"nbgrader": {"grade": True, "solution": False, "grade_id": "t", "points": 1}}
    text = "a = 1\n    ### BEGIN HIDDEN TESTS\n    secret()\n    ### END HIDDEN TESTS\nb = 2\n"
    error = new_output("error", ename="E", evalue="said", traceback=["line of secret()"])
    printed = new_output("stream", name="stdout", text="secret()")
    cell = new_code_cell(text * 2, metadata=meta, outputs=[printed, error])
    cell, _resources = HideTests().preprocess_cell(cell, {}, 0)
    assert cell.source == "a = 1\nb = 2\na = 1\nb = 2"
    assert [output.output_type for output in cell.outputs] == ["error"]
    assert cell.outputs[0].traceback == ["E: said"]
    assert set(cells({"cells": [cell]})) == {"t"}


def test_problems_of_one_kind_take_one_line(capsys):
    from course_lib.tools.grading.grade import Graded
    from course_lib.tools.grading.notebooks import Problem
    from course_lib.tools.grading.report import Report

    edited = [Problem("warning", "edited", f"t{n}", f"t{n} was edited.", "Look.") for n in range(5)]
    other = Problem("note", "untouched", "t9", "t9 is untouched.", "")
    report = Report("sums", 1)
    report.add(Graded("ada\x1b[31m", "graded", 3, 7, problems=(*edited, other)))
    printed = capsys.readouterr().out
    assert "t0 was edited. Look. (4 more like this)" in printed and "t1" not in printed
    assert "t9 is untouched." in printed and "\x1b" not in printed
