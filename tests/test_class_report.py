"""``course report``: figures checked by hand, and a page that stands alone."""

import json
import shutil
import statistics
import time
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from classroom import ROOT, answered, course, nbgrader, submit
from looks import looks
from nbgrader.api import Gradebook
from small_source import HEAD, TEST, cell

from course_lib.tools.grading import similar
from course_lib.tools.grading.class_page import page, path
from course_lib.tools.grading.class_report import discrimination, distribution, report
from course_lib.tools.grading.course import Course

LONG = """def total(values):
    result = 0.0
    for k, value in enumerate(values):
        if value > 0 and k % 2 == 0:
            result += value ** 2 - 3 * value
        elif value < 0:
            result -= abs(value) / (k + 1)
        else:
            result += sum(values[:k]) * 0.5
    return result
"""
COPIED = '''def total(numbers):
    """My own idea."""
    s = 0.0
    for i, x in enumerate(numbers):  # all of them
        if x > 0 and i % 2 == 0: s += x ** 2 - 3 * x
        elif x < 0: s -= abs(x) / (i + 1)
        else: s += sum(numbers[:i]) * 0.5
    return s
'''
STUB = "def {0}(values):\n    ### BEGIN SOLUTION\n{1}\n    ### END SOLUTION"
OWN = LONG.partition("\n")[2].rstrip()
SOURCE = (
    HEAD
    + "+++\n\n## Task 1: Total (3 points)\n\n"
    + cell("task-1", STUB.format("total", OWN), solution=True)
    + cell("task-1-some", "assert total([1.0]) == -2, 'total of 1'", points=1, **TEST)
    + cell(
        "task-1-more",
        "### BEGIN HIDDEN TESTS\nassert total([1.0, -1.0]) == -2.5, f'wrong by {total([7.0]):.3f}'"
        "\n### END HIDDEN TESTS",
        points=2,
        **TEST,
    )
    + "## Task 2: First (2 points)\n\n"
    + cell("task-2", STUB.format("first", "    return values[0]"), solution=True)
    + cell(
        "task-2-first",
        "### BEGIN HIDDEN TESTS\nassert first([4, 5]) == 4\n### END HIDDEN TESTS",
        points=2,
        **TEST,
    )
)
FIRST, LAST = (
    "def first(values):\n    return values[0]",
    "def first(values):\n    return values[-1]",
)
ODD = "o'dd <b>&é"
ANSWERS = {  # task 1: points of its tests; task 2
    "ada": {"task-1": LONG, "task-2": FIRST},  # 1 + 2, 2
    "bob": {"task-1": COPIED, "task-2": FIRST},  # 1 + 2, 2
    "cleo": {"task-1": "def total(values):\n    return -2", "task-2": LAST},  # 1 + 0, 0
    "dan": {"task-1": "def total(values):\n    return -2.1", "task-2": FIRST},  # 0 + 0, 2
    "eve": {},  # nothing
    ODD: {"task-1": "def total(values):\n    return values[0] - 3", "task-2": LAST},  # 1 + 0, 0
    "mal": {"task-1": LONG, "task-2": FIRST},  # is flagged
    "tim": {"task-1": LONG, "task-2": FIRST},  # is not graded
}


@pytest.fixture(scope="module")
def class_(tmp_path_factory) -> Path:
    """A class after ``course grade``, and what the engine would write about odd submissions."""
    root = tmp_path_factory.mktemp("report") / "class"
    (root / "solutions" / "sums").mkdir(parents=True)
    (root / "solutions" / "sums" / "sums.md").write_text(SOURCE)
    for name in ("nbgrader_config.py", "_toc.yml"):
        shutil.copy(ROOT / name, root)
    done = course(root, "release")
    assert done.returncode == 0, done.stderr
    release = json.loads((root / "exercises" / "sums" / "sums.ipynb").read_text())
    for student, answers in ANSWERS.items():
        submit(root, student, "sums", answered(release, answers))
    broken = root / "grading" / "submitted" / "tim" / "sums" / "sums.ipynb"
    broken.write_text(broken.read_text()[:-40])
    done = course(root, "grade", "sums", COURSE_SEED="1")
    assert "7 graded, 1 not graded" in done.stdout, done.stdout + done.stderr
    _note(root, "mal", flagged=["task-1-some passes with <nonsense>"], problems=[], seconds=2)
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for grade in gradebook.find_submission_notebook("sums", "sums", "mal").grades:
            grade.auto_score, grade.needs_manual_grade = 0, True
        gradebook.db.commit()
    problems = [
        ["warning", "died", "task-1", "task-1 costs its points: it took 9 s."],
        ["warning", "flaky", "task-1-more", "task-1-more failed, and passed again."],
        ["note", "repaired", "", "A cell was <b>doubled</b>."],
        ["note", "edited", "task-1-some", "is not in the report"],
    ]
    _note(root, "dan", flagged=[], problems=problems, seconds=7.5)
    _note(root, ODD, flagged=[], problems=[["note", "repaired", "", "A BOM."]], seconds=1)
    return root


def _note(root: Path, student: str, **note) -> None:
    where = root / "grading" / "autograded" / student / "sums" / "sums.ipynb"
    notebook = json.loads(where.read_text())
    notebook["metadata"]["course_grading"] = note
    where.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def made(class_):
    return report(Course.find(class_), "sums")


def by_name(made) -> dict:
    return {item.name: item for task in made.tasks for item in (task, *task.tests)}


def test_who_counts(made):
    assert (made.submitted, made.ungraded, made.waiting) == (8, ["tim"], [])
    assert made.flagged == {"mal": ["task-1-some passes with <nonsense>"]}
    assert sorted(made.scores) == [0, 1, 1, 2, 5, 5] and made.points == 5
    assert made.distribution == [(0, 1, 1), (1, 2, 2), (2, 3, 1), (3, 4, 0), (4, 5, 2)]


def test_share_of_points(made):
    share = {name: item.difficulty for name, item in by_name(made).items()}
    expected = {
        "task-1": (3 + 3 + 1 + 0 + 0 + 1) / 18,
        "task-1-some": 4 / 6,
        "task-1-more": 2 / 6,
        "task-2": 3 / 6,
        "task-2-first": 3 / 6,
    }
    assert share == pytest.approx(expected)
    assert [task.title for task in made.tasks] == ["Task 1: Total", "Task 2: First"]


def point_biserial(passed: list[bool], rest: list[float]) -> float:
    """The textbook's formula, from the means of both groups."""
    good = [value for value, ok in zip(rest, passed, strict=True) if ok]
    bad = [value for value, ok in zip(rest, passed, strict=True) if not ok]
    p = len(good) / len(rest)
    difference = statistics.fmean(good) - statistics.fmean(bad)
    return difference / statistics.pstdev(rest) * (p * (1 - p)) ** 0.5


def test_discrimination_is_the_point_biserial_correlation_with_the_other_tasks(made):
    first = [3, 3, 1, 0, 0, 1]  # ada, bob, cleo, dan, eve, the odd one
    second = [2, 2, 0, 2, 0, 0]
    found = {name: item.discrimination for name, item in by_name(made).items()}
    assert found["task-2-first"] == pytest.approx(point_biserial([s > 0 for s in second], first))
    assert found["task-1-more"] == pytest.approx(point_biserial([f == 3 for f in first], second))
    assert found["task-1-some"] == pytest.approx(point_biserial([f > 0 for f in first], second))
    same = {"a": 1.0, "b": 1.0}
    assert discrimination(same, {"a": 1.0, "b": 2.0}) is None


def test_messages_are_counted_whatever_their_numbers(made):
    tests = by_name(made)
    ((said, count),) = [m for m in tests["task-1-more"].messages if m[0].startswith("wrong")]
    assert count == 3 and said in ("wrong by -2.000", "wrong by -2.100", "wrong by 4.000")
    assert ("Not answered: NotImplementedError.", 1) in tests["task-1-more"].messages
    assert tests["task-1-some"].messages[0] == ("total of 1", 1)
    assert tests["task-2-first"].messages[0] == ("this does not hold: assert first([4, 5]) == 4", 2)


def test_what_the_engine_noted(made):
    assert made.events == {
        "died": [("dan", "task-1 costs its points: it took 9 s.")],
        "flaky": [("dan", "task-1-more failed, and passed again.")],
        "repaired": [("dan", "A cell was <b>doubled</b>."), (ODD, "A BOM.")],
    }
    assert made.seconds["dan"] == 7.5 and set(made.seconds) == set(ANSWERS) - {"tim"}


def test_copied_answers_are_found_and_short_ones_are_no_evidence(made):
    found = {pair.students: pair for pair in made.pairs}
    assert set(found) == {("ada", "bob"), ("ada", "mal"), ("bob", "mal")}, "FIRST is too short"
    pair = found["ada", "bob"]
    assert pair.answers == (("sums/task-1", 1.0),) and pair.compared == 1


def test_the_page_stands_alone(class_, made):
    course_ = Course.find(class_)
    done = course(class_, "report", "sums")
    assert done.returncode == 0 and "The report is in grading/reports/sums.html" in done.stdout
    assert "8 handed in, 1 not graded, 1 flagged, 3 pairs" in done.stdout, done.stdout
    assert "mean 2.33, median 1.5, 0 to 5" in done.stdout
    written = path(course_, "sums")
    assert written == class_ / "grading" / "reports" / "sums.html"
    text = written.read_text()
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.find(["script", "link", "img", "iframe", "b"])
    assert not [e for e in soup.find_all(True) if {"src", "href", "onclick"} & set(e.attrs)]
    assert "http:" not in text and "https:" not in text and "@import" not in text
    assert ODD in [th.get_text() for th in soup.find_all("th")]
    assert "A cell was <b>doubled</b>." in soup.get_text()
    assert "task-1-some passes with <nonsense>" in soup.get_text()
    assert soup.html["lang"] == "en" and soup.title.get_text() == "sums: report on the class"
    for table in soup.find_all("table"):
        assert all(th.get("scope") in ("col", "row", "rowgroup") for th in table.find_all("th"))


def test_the_page_is_usable_by_everybody(class_, made, chromium, tmp_path):
    (tmp_path / "report.html").write_text(page(made))
    assert not list(looks(chromium, tmp_path / "report.html"))


def test_works_on_what_stock_nbgrader_graded(class_, tmp_path):
    other = tmp_path / "stock"
    ignore = shutil.ignore_patterns("autograded", "feedback", "gradebook.db", "reports")
    shutil.copytree(class_, other, ignore=ignore)
    assert nbgrader(other, "generate_assignment", "sums", "--force").returncode == 0
    assert nbgrader(other, "autograde", "sums", "--student", "cleo").returncode == 0
    made = report(Course.find(other), "sums")
    assert made.scores == [1] and made.seconds == {} and made.events == {}
    assert made.ungraded == sorted(set(ANSWERS) - {"cleo"})
    assert "were graded by other means" in page(made)


def test_nothing_graded_is_named(class_):
    done = course(class_, "report", "products")
    assert done.returncode == 2 and "course release products" in done.stderr


def test_bars():
    assert distribution([], 5) == []
    bars = distribution([0, 0.5, 19.9, 20, 21], 20)
    assert bars[0] == (0, 3, 2) and bars[-1] == (18, 21, 3) and sum(b[2] for b in bars) == 5


# --- near-identical answers -----------------------------------------------------------------------


def test_names_comments_and_layout_do_not_matter():
    assert similar.canonical(LONG) == similar.canonical(COPIED)
    assert similar.canonical(LONG) != similar.canonical(LONG.replace("** 2", "** 3"))
    assert similar.canonical("x = (") == ["x", "=", "("], "no code is compared by its words"
    nothing = 'class A:\n    "doc"\n    x: int'
    assert similar.canonical(nothing) == similar.canonical("class B:\n    pass")


def test_what_was_handed_out_is_no_evidence():
    answers = similar.Answers({"t": LONG})
    for student in ("a", "b"):
        answers.add(student, "t", LONG.replace("0.5", "0.25"))
    assert answers.pairs() == []


def test_the_fast_search_finds_what_comparing_all_pairs_finds():
    lines = LONG.splitlines()
    variants = {
        f"s{k}": "\n".join(
            [*lines[:-1], *(f"    result += {n}.5 * k" for n in range(k)), lines[-1]]
        )
        for k in range(12)
    }
    answers = similar.Answers({"t": ""})
    sets = {}
    for student, text in variants.items():
        answers.add(student, "t", text)
        sets[student] = similar.shingles(text)
    slow = {
        (a, b)
        for a in sets
        for b in sets
        if a < b and len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= similar.ALIKE
    }
    assert {pair.students for pair in answers.pairs()} == slow and 5 < len(slow) < 60


def test_two_hundred_different_submissions_take_seconds():
    answers = similar.Answers({f"t{n}": "" for n in range(7)})
    began = time.process_time()
    for student in range(200):
        for n in range(7):
            own = "\n".join(f"x{k} = {student * n + k} * f{k}(y)" for k in range(10))
            answers.add(f"s{student}", f"t{n}", f"{LONG}\n{own}")
    answers.pairs()
    assert time.process_time() - began < 20
