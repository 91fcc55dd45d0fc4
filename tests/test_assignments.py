"""Every assignment: its release is up to date, and its tests tell right answers from wrong ones.

The planted answers are graded by nbgrader itself, as a student's submission would be.
"""

import html
from pathlib import Path

import pytest
from classroom import (
    ASSIGNMENTS,
    ROOT,
    Assignment,
    Graded,
    cells,
    course,
    course_folder,
    grade,
    source,
)


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def released(name, tmp_path_factory) -> Path:
    """A course in which the assignment has been released."""
    root = course_folder(tmp_path_factory.mktemp("class") / "course", name)
    done = course(root, "release")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="module")
def planted(name, released) -> Assignment:
    return Assignment(name, released)


@pytest.fixture(scope="module")
def graded(name, released, planted) -> dict[str, Graded]:
    """All planted answers of the assignment, graded."""
    return grade(released, name, planted.submissions())


def test_the_committed_release_is_up_to_date(released, name):
    """``course release`` makes it; two runs make the same bytes."""
    for path in (released / "exercises" / name).rglob("*"):
        committed = ROOT / path.relative_to(released)
        assert committed.is_file(), f"{committed} is missing: run course release {name}"
        same = committed.read_bytes() == path.read_bytes()
        assert same, f"{committed} is out of date: run course release {name}"


def test_the_release_holds_no_solution_and_no_hidden_test(planted):
    text = "\n".join(source(cell) for cell in planted.release["cells"])
    lines = {line.strip() for line in text.splitlines()}
    given = {line for cell in cells(planted.release).values() for line in source(cell).split("\n")}
    secret = planted.regions("SOLUTION") | planted.regions("HIDDEN TESTS")
    assert not (secret & lines) - {line.strip() for line in given}
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text


def test_the_assignment_has_four_to_seven_tasks_and_ten_to_twenty_points(planted):
    tests = planted.tests
    assert 4 <= len(tests) <= 7
    assert 10 <= sum(sum(points.values()) for points in tests.values()) <= 20


def test_every_task_has_two_correct_and_three_wrong_answers(planted):
    assert list(planted.correct) == list(planted.wrong) == list(planted.tests)
    for task in planted.tests:
        assert len(planted.correct[task]) >= 2 and len(planted.wrong[task]) >= 3, task


def test_the_untouched_release_scores_nothing(graded):
    assert set(graded["untouched"].scores.values()) == {0}


def test_the_given_cells_run_before_anything_is_answered(graded):
    assert not graded["untouched"].given


def test_the_reference_solution_scores_full_marks(planted, graded):
    full = {k: v for points in planted.tests.values() for k, v in points.items()}
    assert graded["reference"].scores == full, graded["reference"].messages
    assert not graded["reference"].messages  # nor in a test cell without points


def test_correct_answers_in_another_style_lose_nothing(planted, graded):
    for student, plan in planted.plans().items():
        result = graded[student]
        for task, (kind, answer) in plan.items():
            if kind == "correct":
                got = {test: result.scores[test] for test in planted.tests[task]}
                assert got == planted.tests[task], (task, answer, result.messages)
                assert not result.messages.keys() & got.keys(), (task, answer, result.messages)


def test_wrong_answers_lose_hidden_points(planted, graded):
    for student, plan in planted.plans().items():
        scores = graded[student].scores
        for task, (kind, answer) in plan.items():
            if kind == "wrong":
                hidden = planted.hidden(task)
                lost = {test for test, points in hidden.items() if scores[test] < points}
                assert lost, f"{task}: the wrong answer {answer!r} keeps all hidden points"


def test_no_message_shows_a_hidden_test_or_the_solution(planted, graded):
    secret = planted.regions("SOLUTION") | planted.regions("HIDDEN TESTS")
    for student, result in graded.items():
        for test, message in result.messages.items():
            assert not [line for line in secret if line in message], (student, test, message)


def test_the_feedback_shows_messages_and_no_hidden_test(planted, graded):
    hidden, submissions = planted.regions("HIDDEN TESTS"), planted.submissions()
    with_page = {student: result for student, result in graded.items() if result.feedback}
    assert len(with_page) >= 3 and "untouched" in with_page
    for student, result in with_page.items():
        written = "\n".join(source(cell) for cell in submissions[student]["cells"])
        text = html.unescape(result.feedback)
        assert "</html>" in text
        plain = "".join(part.rpartition(">")[2] for part in f">{text}".split("<"))
        assert not [line for line in hidden if line in plain and line not in written], student
        for message in result.messages.values():
            first = message.splitlines()[0]
            assert first[:60] in text, (student, message)
