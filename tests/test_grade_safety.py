"""Killing, repeating and failing: ``course grade`` ends in the same gradebook all the same.

Fifty processes are killed at random times: the command itself, its nursery, and the processes that
run notebooks. The command is killed in runs of their own, and started again; of the others some are
killed in each of several runs, which go on.
"""

import random
import shutil
import sys
import time
from pathlib import Path

import pytest
from classroom import course
from nbgrader.api import Gradebook
from small_class import SUMMARY, Run, left_over, release, state, url, without_torch

KILLS = {"command": 14, "nursery": 18, "worker": 18}
ACCIDENTS = 2  # in one run; the third of a kind is held against the cell that ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is one of Linux")


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> dict[str, str]:
    return without_torch(tmp_path_factory.mktemp("variables"))


@pytest.fixture(scope="module")
def class_(tmp_path_factory, quick) -> Path:
    """Eight submissions that were graded once, undisturbed; then a person graded an essay."""
    root = release(tmp_path_factory.mktemp("safety"), "sums", **quick)
    done = course(root, "grade", "sums", **quick)
    assert done.returncode == 1 and SUMMARY in done.stdout, done.stdout + done.stderr
    with Gradebook(url(root)) as gradebook:
        grade = gradebook.find_grade("essay", "sums", "sums", "fay")
        grade.manual_score, grade.needs_manual_grade = 3, False
        comment = gradebook.find_comment("essay", "sums", "sums", "fay")
        comment.manual_comment = "Say more."
        gradebook.find_grade("task-1-negative", "sums", "sums", "bob").manual_score = 1.5
        gradebook.db.commit()
    return root


@pytest.fixture(scope="module")
def undisturbed(class_, quick, tmp_path_factory) -> tuple[tuple, float]:
    """The state after grading again without any disturbance, and how long that took."""
    root = shutil.copytree(class_, tmp_path_factory.mktemp("undisturbed") / "class")
    run = Run(root, "--force", **quick)
    assert SUMMARY in run.end()
    return state(root), time.monotonic() - run.started


def test_killing_any_process_at_any_time_changes_nothing(
    class_, quick, undisturbed, tmp_path_factory
):
    root = shutil.copytree(class_, tmp_path_factory.mktemp("killed") / "class")
    expected, seconds = undisturbed
    chance = random.Random(time.time_ns())
    counted = dict.fromkeys(KILLS, 0)

    # The command, at any time of its run; what it left to be done is done by the next one.
    options = ["--force"]
    while counted["command"] < KILLS["command"]:
        run = Run(root, *options, **quick)
        time.sleep(chance.uniform(0, seconds))
        counted["command"] += run.kill("command")
        run.end()
        options = ["--force"] if chance.random() < 0.5 else []

    # The processes below it: several in each run, which goes on.
    for _run in range(50):
        if counted == KILLS:
            break
        run = Run(root, "--force", **quick)
        left = {kind: min(ACCIDENTS, KILLS[kind] - counted[kind]) for kind in KILLS}
        while run.process.poll() is None:
            time.sleep(chance.uniform(0.02, 0.2))
            kind = chance.choice([kind for kind in left if left[kind]] or ["command"])
            if left[kind] and run.kill(kind):
                counted[kind] += 1
                left[kind] -= 1
        said = run.end()
        assert "Traceback" not in said and run.process.returncode == 1, said

    assert counted == KILLS
    last = Run(root, **quick)
    assert "1 not graded" in last.end()
    assert state(root) == expected
    assert left_over(quick) == []
    assert list(Path(quick["TMPDIR"]).iterdir()) == []
    assert [path.name for path in (root / "grading").iterdir() if path.name[0] == "."] == []


# --- repeat ---------------------------------------------------------------------------------------


def test_grading_again_changes_nothing(class_, quick, undisturbed, tmp_path):
    root = shutil.copytree(class_, tmp_path / "class")
    before = state(root)
    done = course(root, "grade", "sums", **quick)
    assert "unchanged" in done.stdout, done.stdout
    assert state(root) == before
    for _time in range(2):
        course(root, "grade", "sums", "--force", **quick)
        assert state(root) == undisturbed[0]


def test_what_a_person_gave_stays(undisturbed):
    (rows_, _graded, _submitted), _seconds = undisturbed
    assert rows_["fay", "essay"][1] == 3
    assert rows_["fay", "essay", "comment"][1] == "Say more."
    assert rows_["bob", "task-1-negative"][1] == 1.5
    assert rows_["bob",][3:] == (2 * 86400.0, 2.0)


def test_a_submission_that_cannot_be_graded_is_a_row_with_a_reason(class_, quick):
    done = course(class_, "grade", "sums", "--student", "gus", **quick)
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith("gus")]
    assert "not graded: The file ends in the middle" in line, line
    assert "Error" not in line and "Traceback" not in done.stdout + done.stderr
