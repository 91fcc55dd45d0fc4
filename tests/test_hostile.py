"""``course grade`` on a class in which nearly everybody hands in something odd or hostile.

The class is graded once; each case says what has to come out. Nothing of it may run without a
sandbox, so this file runs nobody's code but the right and the wrong answers.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import hashlib
import html.parser
import json
import os
import re
import shutil
import site
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
import psutil
import pytest
import torch
from classroom import ROOT, answered, cells, course, environment
from hostile import CASES, NEIGHBORS, Case
from hostile.assignment import FULL_MARKS, NAME, NUMBERS, POINTS, RIGHT, SOURCE, WRONG
from hostile.canaries import CANARIES, TRACE, Facts, Planted, plant
from hostile.case import code, put_before, text, write
from hostile.spying import MARK
from nbgrader.api import Gradebook, MissingEntry
from small_source import SUMS

import course_lib
from course_lib.tools.grading.collecting.names import printable

LIMIT = 4  # seconds for a cell
WHOLE = 1500  # seconds for the class; the run is ended after them
LATER = 4  # seconds after which what was left behind has done its work
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what survives its parents becomes our child
PLACES = [
    *map(Path, ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/mnt")),
    *(Path(module.__file__).parent for module in (course_lib, course_lib.check, torch, numpy)),
    *map(Path, site.getsitepackages()),
]


@pytest.fixture(scope="module")
def class_(tmp_path_factory) -> Path:
    """A course folder in which the assignment and another one have been released."""
    root = tmp_path_factory.mktemp("hostile") / "class"
    for name, source in ((NAME, SOURCE), ("sums", SUMS)):
        (root / "solutions" / name).mkdir(parents=True)
        (root / "solutions" / name / f"{name}.md").write_text(source)
    (root / "solutions" / NAME / "numbers.csv").write_text(NUMBERS)
    config = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(f"{config}\nc.Execute.timeout = {LIMIT}\n")
    shutil.copy(ROOT / "_toc.yml", root)
    done = course(root, "release")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def submission(root: Path, student: str) -> Path:
    folder = root / "grading" / "submitted" / student / NAME
    folder.mkdir(parents=True)
    return folder


def release(root: Path) -> dict:
    return json.loads((root / "exercises" / NAME / f"{NAME}.ipynb").read_text())


# --- the corpus -----------------------------------------------------------------------------------


def test_no_two_cases_have_one_name_or_student():
    names, students = ([getattr(case, what) for case in CASES] for what in ("name", "student"))
    assert len(set(names)) == len(names) >= 75
    assert len({*students, *NEIGHBORS}) == len(students) + len(NEIGHBORS)
    for case in CASES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.name), case.name
        assert {*case.required.states} <= {"graded", "failed", "flagged"}, case.name
        assert {*(case.required.scores or FULL_MARKS)} == {*FULL_MARKS}, case.name
        re.compile(case.required.says)


def test_every_case_writes_its_files_and_no_canary(class_, tmp_path):
    """A canary that a submission brings along would be no proof that it was found."""
    root = tmp_path / "class"
    shutil.copytree(class_ / "exercises", root / "exercises")
    found = release(root)
    for case in CASES:
        folder = submission(root, case.student)
        case.build(folder, found)
        written = folder.is_symlink() or any(folder.iterdir())
        assert written == (case.name != "nothing"), case.name
        for path, data in contents(folder):
            assert not any(word.encode() in data for word in CANARIES.values()), (case.name, path)
    assert len(list((root / "grading" / "submitted").iterdir())) == len(CASES)


def test_the_tests_know_right_from_wrong(class_, tmp_path, monkeypatch):
    """Plain execution: right answers earn everything, wrong ones and stubs nothing."""
    monkeypatch.chdir(tmp_path)
    Path("numbers.csv").write_text(NUMBERS)
    source = json.loads((class_ / "_build/nbgrader/source" / NAME / f"{NAME}.ipynb").read_text())
    points = {name: 0.0 for name in FULL_MARKS}
    stubs = {name: "".join(cells(release(class_))[name]["source"]) for name in RIGHT}
    assert plain_scores(source) == plain_scores(answered(source, RIGHT)) == FULL_MARKS
    assert plain_scores(answered(source, WRONG)) == plain_scores(answered(source, stubs)) == points
    for number in range(1, 5):
        one = {f"task-{number}": WRONG[f"task-{number}"]}
        lost = {n: 0.0 if n.startswith(f"task-{number}") else p for n, p in FULL_MARKS.items()}
        assert plain_scores(answered(source, RIGHT | one)) == lost
    assert sum(FULL_MARKS.values()) == 13 and len(FULL_MARKS) == 5


def plain_scores(notebook: dict) -> dict[str, float]:
    """Points by nbgrader's rules without nbgrader: run the cells one after the other."""
    namespace, scores = {}, {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        own, result = cell["metadata"]["nbgrader"], None
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        try:
            exec(compile(tree, "cell", "exec"), namespace)
            if last:
                result = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
            points = own.get("points", 0) if result is None else result
        except Exception:
            points = 0
        if own["grade"]:
            scores[own["grade_id"]] = float(points)
    return scores


# --- grading the class ----------------------------------------------------------------------------


@dataclass
class Run:
    """What grading the class said and left behind."""

    root: Path
    code: int
    said: str
    complaints: str
    lines: dict[str, list[str]]  # of each student
    scores: dict[str, dict[str, float]]
    changed: dict[str, list[str]]  # what is not as before, by what it is
    visits: list[str]
    survivors: list[str]
    feedback_code: int


@pytest.fixture(scope="module")
def graded(class_) -> Iterator[Run]:
    for student, (answers, _points) in NEIGHBORS.items():
        notebook = answered(release(class_), answers)
        put_before(notebook, "task-1", text(f"My notes: {CANARIES['neighbor']}"))
        put_before(notebook, "", code("print('done')"))
        write(submission(class_, student), notebook)
    planted = plant(class_)
    for case in CASES:
        case.build(submission(class_, case.student), release(class_))
    with Gradebook(f"sqlite:///{class_}/grading/gradebook.db") as gradebook:
        gradebook.update_or_create_student("ann", last_name=CANARIES["gradebook"])
    try:
        yield grade(class_, planted)
    finally:
        planted.remove()
        for path in traces(planted.facts):
            path.unlink(missing_ok=True)


def grade(root: Path, planted: Planted) -> Run:
    """Grade and write feedback once, and compare everything before and after."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    scratch = root.parent / "tmp"
    scratch.mkdir()
    variables = environment(COURSE_SEED="1", TMPDIR=str(scratch), **planted.environment)
    own = {child.pid for child in psutil.Process().children(recursive=True)}
    before = facts(root, planted.facts)
    done = command(root, variables, "grade", NAME, "--jobs", "2")
    time.sleep(LATER)
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in own]
    feedback = command(root, variables, "feedback", NAME)
    after = facts(root, planted.facts)
    changed = {
        what: sorted(
            {*before[what], *after[what]}
            - {k for k, v in before[what].items() if after[what].get(k) == v}
        )
        for what in before
    }
    return Run(
        root,
        done.returncode,
        done.stdout,
        done.stderr,
        entries(done.stdout),
        points(root),
        changed,
        planted.visits,
        [said for child in left if (said := command_line(child))],
        feedback.returncode,
    )


def command_line(process: psutil.Process) -> str:
    """Of a process that lives; empty for one that has ended, if only just now."""
    with contextlib.suppress(psutil.NoSuchProcess):  # zombies are among these
        return " ".join(process.cmdline())
    return ""


def command(root: Path, variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    program = [sys.executable, "-m", "course_lib.tools.cli", *arguments]
    return subprocess.run(
        program,
        cwd=root,
        env=variables,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=WHOLE,
        start_new_session=True,
    )


def entries(said: str) -> dict[str, list[str]]:
    """The line about each student and the indented notes below it."""
    lines, found = said.splitlines(), {}
    for student in [*NEIGHBORS, *(case.student for case in CASES)]:
        start = re.escape(printable(student)) + r"  (\d|not graded|flagged)"
        for number, line in enumerate(lines):
            if re.match(start, line):
                notes = lines[number + 1 :]
                end = next((i for i, note in enumerate(notes) if note[:1] != " "), len(notes))
                found.setdefault(student, []).extend([line, *notes[:end]])
    return found


def state(lines: list[str], student: str) -> str:
    """``graded``, ``failed`` or ``flagged``, as the line says."""
    said = lines[0].removeprefix(printable(student))
    if "flagged: " in said:
        return "flagged"
    if "not graded: " in said:
        return "failed"
    return "graded" if re.match(rf"  [\d.]+ of {POINTS}\b", said) else f"unclear: {said}"


def points(root: Path) -> dict[str, dict[str, float]]:
    """The points of the tests of every student, as the gradebook has them."""
    found = {}
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for student in [*NEIGHBORS, *(case.student for case in CASES)]:
            found[student] = {}
            with contextlib.suppress(MissingEntry, UnicodeEncodeError):
                for notebook in gradebook.find_submission(NAME, student).notebooks:
                    found[student] |= {grade.cell.name: grade.score for grade in notebook.grades}
    return found


def facts(root: Path, known: Facts) -> dict[str, dict[str, str]]:
    """All that grading may not change, by what it is."""
    return {
        "submitted files": tree(root / "grading" / "submitted"),
        "sources": tree(root / "solutions") | tree(root / "_build" / "nbgrader" / "source"),
        "releases": tree(root / "exercises"),
        "files outside": tree(Path(known.outside)),
        "secrets": {"home": (Path(known.home) / "precious.txt").read_text()},
        "settings": {"config": (root / "nbgrader_config.py").read_text()},
        "traces": {str(path): "" for path in traces(known)},
        "temporary files": tree(root.parent / "tmp"),
    }


def tree(folder: Path) -> dict[str, str]:
    """Kind, rights, time and content of everything in a folder; links are not followed."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(base, name)
            status = path.lstat()
            what = f"{stat.filemode(status.st_mode)} {status.st_size} {status.st_mtime_ns}"
            if path.is_symlink():
                what += f" {path.readlink()}"
            elif stat.S_ISREG(status.st_mode) and status.st_size < 100_000_000:
                what += hashlib.sha256(path.read_bytes()).hexdigest()
            found[ascii(str(path.relative_to(folder)))] = what
    return found


def traces(known: Facts) -> list[Path]:
    """Files that submissions left where they have no business."""
    found = []
    for place in [*PLACES, Path(known.root), Path(known.root, "grading"), Path(known.outside)]:
        with contextlib.suppress(OSError):
            found += place.glob(f"*{TRACE}*")
    for name in (f"*{TRACE}*", "sitecustomize.py", "usercustomize.py", "torch.py"):
        found += Path(known.home).rglob(name)
    return found


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """The regular files of a folder that are not huge."""
    for base, _folders, files in os.walk(folder):
        for path in (Path(base, name) for name in files):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size < 100_000_000:
                yield path, path.read_bytes()


# --- what came out --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(graded, case: Case):
    lines, required = graded.lines.get(case.student), case.required
    assert lines, f"no line about {case.student!r}"
    observed = state(lines, case.student)
    assert observed in required.states, "\n".join(lines)
    assert re.search(required.says, "\n".join(lines)), "\n".join(lines)
    scores = {name: graded.scores[case.student].get(name) for name in FULL_MARKS}
    if observed != "graded":
        assert not any(scores.values()), scores
        return
    for name, wanted in (required.scores or {}).items():
        assert wanted is None or scores[name] == pytest.approx(wanted), (name, scores, lines)
    assert all(0 <= scores[name] <= FULL_MARKS[name] for name in scores), scores


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_secret_gets_out(graded, case: Case):
    """Graders may see hidden tests in the graded notebook; students may not see them anywhere."""
    own = graded.root / "grading"
    said = "\n".join(graded.lines.get(case.student, [])).encode()
    pages = {"the report": said} | dict(contents(own / "feedback" / case.student))
    for where, data in pages.items():
        for word in (*CANARIES.values(), *case.required.leaks):
            assert word.encode() not in data, (where, word)
    for where, data in contents(own / "autograded" / case.student):
        for word in {*CANARIES.values()} - {CANARIES["hidden"]}:
            assert word.encode() not in data, (where, word)


class _Marked(html.parser.HTMLParser):
    """Finds the mark of a student's script where a browser would act on it."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.inside, self.found = "", []

    def handle_starttag(self, tag, attributes):
        self.inside = tag if tag in ("script", "style") else ""
        self.found += [
            f"<{tag} {name}={value}>" for name, value in attributes if MARK in (value or "")
        ]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside and MARK in data:
            self.found.append(f"<{self.inside}>{data[:200]}")


def test_feedback_runs_no_script_of_a_student(graded):
    pages = list(contents(graded.root / "grading" / "feedback"))
    assert len(pages) > len(CASES) / 2
    for path, data in pages:
        parser = _Marked()
        parser.feed(data.decode())
        assert not parser.found, (path, parser.found)


@pytest.mark.parametrize("student", NEIGHBORS)
def test_neighbors_get_what_they_earned(graded, student):
    _answers, earned = NEIGHBORS[student]
    assert {name: graded.scores[student][name] for name in earned} == earned
    assert f"{sum(earned.values()):g} of {POINTS}" in graded.lines[student][0]
    with Gradebook(f"sqlite:///{graded.root}/grading/gradebook.db") as gradebook:
        assert gradebook.find_submission(NAME, student).score == sum(earned.values())
        assert gradebook.find_student("ann").last_name == CANARIES["gradebook"]
        assert gradebook.find_assignment(NAME).max_score == POINTS


def test_every_submission_has_one_line(graded):
    several = {k: v for k, v in graded.lines.items() if sum(line[:1] != " " for line in v) != 1}
    assert not several
    assert len(graded.lines) == len(CASES) + len(NEIGHBORS)
    assert graded.code == 1, graded.complaints
    assert graded.feedback_code in (0, 1)
    assert "Traceback" not in graded.said + graded.complaints


def test_nothing_was_changed(graded):
    assert not {what: names[:20] for what, names in graded.changed.items() if names}


def test_nobody_called_or_stayed(graded):
    assert graded.visits == [] and graded.survivors == []
