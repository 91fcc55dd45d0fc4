"""``course release``: one Markdown source becomes nbgrader's source and the student's release."""

import json
import re
import shutil

import nbformat
import pytest
from classroom import ROOT, answered, course, nbgrader, submit
from small_source import HEAD, SUMS

from course_lib.tools.grading.course import Course, GradingError
from course_lib.tools.grading.release import (
    SourceError,
    problems,
    refresh_sources,
    release,
    source_notebook,
    tasks,
)


@pytest.fixture
def root(tmp_path):
    """A course whose one assignment is SUMS."""
    (tmp_path / "solutions" / "sums").mkdir(parents=True)
    (tmp_path / "solutions" / "sums" / "sums.md").write_text(SUMS)
    (tmp_path / "solutions" / "sums" / "numbers.csv").write_text("1,2\n")
    for name in ("nbgrader_config.py", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def released(root) -> dict:
    return json.loads((root / "exercises" / "sums" / "sums.ipynb").read_text())


def rewrite(root, old: str, new: str) -> None:
    path = root / "solutions" / "sums" / "sums.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_release_has_stubs_and_no_secrets(root):
    done = course(root, "release")
    assert done.returncode == 0, done.stderr
    assert "sums: new, 1 tasks, 3 points" in done.stdout
    text = json.dumps(released(root))
    assert "raise NotImplementedError()" in text and "return a + b" not in text
    assert "add(-1, -2)" not in text and "# Negative numbers." in text
    assert "jupytext" not in text
    files = sorted(path.name for path in (root / "exercises" / "sums").iterdir())
    assert files == ["numbers.csv", "sums.ipynb"], "data goes along, the Markdown source never does"


def test_a_release_is_the_same_bytes_again(root):
    found = Course.find(root)
    first = [outcome.state for outcome in release(found)]
    before = (root / "exercises" / "sums" / "sums.ipynb").read_bytes()
    shutil.rmtree(root / "_build")
    shutil.rmtree(root / "exercises")
    again = [outcome.state for outcome in release(Course.find(root))]
    assert (first, again) == (["new"], ["new"])
    assert (root / "exercises" / "sums" / "sums.ipynb").read_bytes() == before
    assert [outcome.state for outcome in release(found)] == ["unchanged"]


def test_cell_ids_come_from_the_content(root):
    one, two = source_notebook(SUMS, "sums"), source_notebook(SUMS + "\nMore text.\n", "sums")
    assert [c.id for c in two.cells[: len(one.cells)]] == [c.id for c in one.cells]
    assert {"task-1", "task-1-example", "task-1-negative"} <= {c.id for c in one.cells}
    twice = source_notebook(HEAD + "Text\n\n+++\n\nText\n", "sums")
    nbformat.validate(nbformat.from_dict(twice))
    assert len({c.id for c in twice.cells}) == len(twice.cells)


def test_tasks_and_their_points(root):
    found = tasks(source_notebook(SUMS, "sums"))
    assert list(found) == ["task-1"]
    assert found["task-1"].tests == {"task-1-example": 1, "task-1-negative": 2}
    assert found["task-1"].hidden == ("task-1-negative",) and found["task-1"].points == 3
    assert problems(source_notebook(SUMS, "sums")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("task-1-negative", "task-1-example", "occurs 2 times"),
        ("### END HIDDEN TESTS", "", "1 BEGIN HIDDEN TESTS but 0 END"),
        ("    ### BEGIN SOLUTION\n", "", "without a SOLUTION region"),
        ('  grade_id: "task-1"', '  grade_id: "task-9"', "no solution cell"),
        ("  points: 2", "  points: 0", "no hidden tests that carry points"),
        ("  points: 1\n", "", "has no points"),
        ("# Sums", "# Sums {term}`sum`", "not shown by Jupyter"),
        ("  schema_version: 3\n  solution: true", "  solution: true", "lacks nbgrader's schema"),
        ("  locked: true\n  points: 1", "  locked: false\n  points: 1", "not locked"),
    ],
)
def test_what_is_wrong_with_a_source_is_named(old, new, said):
    assert old in SUMS
    found = problems(source_notebook(SUMS.replace(old, new), "sums"))
    assert any(said in problem for problem in found), found


def test_a_wrong_source_is_refused_and_the_old_release_stays(root):
    assert course(root, "release").returncode == 0
    before = (root / "exercises" / "sums" / "sums.ipynb").read_bytes()
    rewrite(root, "### END HIDDEN TESTS", "")
    done = course(root, "release")
    assert done.returncode == 1 and "1 BEGIN HIDDEN TESTS but 0 END" in done.stdout
    assert (root / "exercises" / "sums" / "sums.ipynb").read_bytes() == before


def test_answers_in_a_release_are_not_overwritten(root):
    course(root, "release")
    path = root / "exercises" / "sums" / "sums.ipynb"
    path.write_text(path.read_text().replace("raise NotImplementedError()", "return 42"))
    done = course(root, "release")
    assert done.returncode == 1 and "holds answers (task-1)" in " ".join(done.stdout.split())
    assert "return 42" in path.read_text()
    assert course(root, "release", "--force").returncode == 0
    assert "return 42" not in path.read_text()


def test_cells_cannot_change_after_grading(root):
    course(root, "release")
    submit(root, "ada", "sums", answered(released(root), {"task-1": "def add(a, b): return 3"}))
    assert course(root, "grade", "sums").returncode == 0
    rewrite(root, '  grade_id: "task-1-example"', '  grade_id: "task-1-first"')
    done = course(root, "release")
    assert done.returncode == 1 and "submissions have been graded already" in done.stdout


def test_unknown_names_and_folders_are_named(root, tmp_path_factory):
    done = course(root, "release", "products")
    assert done.returncode == 2 and "'products'; there are: sums" in done.stderr
    with pytest.raises(GradingError, match="no nbgrader_config.py"):
        Course.find(tmp_path_factory.mktemp("empty"))
    (root / "nbgrader_config.py").write_text("nonsense(\n")
    with pytest.raises(GradingError, match="cannot be used"):
        Course.find(root)


def test_text_that_is_no_notebook_is_named():
    with pytest.raises(SourceError, match="solutions/sums/sums.md"):
        source_notebook("---\n: [\n---\n", "sums")


def test_sources_are_written_only_when_they_change(root):
    assert refresh_sources(root) == ["sums"]
    assert refresh_sources(root) == []
    rewrite(root, "# Sums", "# Totals")
    assert refresh_sources(root) == ["sums"]


def test_stock_nbgrader_works_in_the_same_tree(root):
    """From nothing but the Markdown: nbgrader's own commands, without ``course release``."""
    done = nbgrader(root, "generate_assignment", "sums")
    assert done.returncode == 0, done.stderr
    own = (root / "exercises" / "sums" / "sums.ipynb").read_bytes()
    assert [outcome.state for outcome in release(Course.find(root))] == ["unchanged"]
    assert (root / "exercises" / "sums" / "sums.ipynb").read_bytes() == own
    done = nbgrader(root, "validate", "exercises/sums/sums.ipynb")
    assert "VALIDATION FAILED ON 1 CELL(S)" in done.stdout, done.stdout + done.stderr
    done = nbgrader(root, "db", "assignment", "list")
    assert re.search(r"sums", done.stdout + done.stderr)
