"""A class of invented students: submissions built from planted answers, graded by nbgrader."""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ASSIGNMENTS = sorted(path.parent.name for path in ROOT.glob("solutions/*/*.md"))
REGION = "### BEGIN {0}\n(.*?)### END {0}"


def environment(**changes: str) -> dict[str, str]:
    """For programs that grade: one thread each, two at a time, and no seed of another course."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {name: value for name, value in os.environ.items() if name != "COURSE_SEED"}
    return {**own, "OMP_NUM_THREADS": "1", "PATH": path, **changes}


def course_folder(root: Path, *assignments: str) -> Path:
    """A course with some assignments and nobody's work yet."""
    root.mkdir(parents=True)
    for name in assignments:
        shutil.copytree(ROOT / "solutions" / name, root / "solutions" / name)
    for name in ("nbgrader_config.py", "_toc.yml"):
        shutil.copy(ROOT / name, root / name)
    return root


def course(root: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
    """Run the ``course`` command in a folder."""
    command = [sys.executable, "-m", "course_lib.tools.cli", *arguments]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, env=environment(**changes)
    )


def nbgrader(root: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
    """Run stock ``nbgrader`` in a folder."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, env=environment(**changes)
    )


def cells(notebook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The cells that nbgrader knows, by grade id."""
    known = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    return {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in known}


def answered(notebook: dict[str, Any], answers: dict[str, str]) -> dict[str, Any]:
    """A copy of a notebook in which the sources of some cells are replaced."""
    notebook = copy.deepcopy(notebook)
    by_id = cells(notebook)
    for name, source in answers.items():
        by_id[name]["source"] = source.strip("\n")
    return notebook


def changed(answer: str, *pairs: tuple[str, str]) -> str:
    """A planted answer in which each first text, which must occur, is replaced by the second."""
    for old, new in pairs:
        assert old in answer, f"the answer to be changed does not contain {old!r}"
        answer = answer.replace(old, new)
    return answer


def submit(root: Path, student: str, name: str, notebook: dict[str, Any]) -> None:
    """Put a submission where nbgrader looks for it."""
    folder = root / "grading" / "submitted" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@dataclass
class Graded:
    """One graded submission: points of each test cell, errors, and the student's page."""

    scores: dict[str, float] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)  # of test cells
    given: dict[str, str] = field(default_factory=dict)  # of locked cells that hold no test
    feedback: str = ""


@dataclass
class Assignment:
    """An assignment with its planted answers."""

    name: str
    root: Path

    def __post_init__(self) -> None:
        self.source = json.loads(
            (self.root / "_build/nbgrader/source" / self.name / f"{self.name}.ipynb").read_text()
        )
        self.release = json.loads(
            (self.root / "exercises" / self.name / f"{self.name}.ipynb").read_text()
        )
        planted = runpy.run_path(str(ROOT / "tests" / "answers" / f"{self.name}.py"))
        self.correct: dict[str, dict[str, str]] = planted["CORRECT"]
        self.wrong: dict[str, dict[str, str]] = planted["WRONG"]

    @property
    def tests(self) -> dict[str, dict[str, float]]:
        """The points of each test cell, by task."""
        found: dict[str, dict[str, float]] = {}
        for name, cell in cells(self.source).items():
            meta = cell["metadata"]["nbgrader"]
            if meta["grade"]:
                task = re.match(r"task-\d+", name)[0]
                found.setdefault(task, {})[name] = float(meta["points"])
        return found

    def hidden(self, task: str) -> dict[str, float]:
        """The points of the cells of a task that hold hidden tests."""
        by_id = cells(self.source)
        return {
            name: points
            for name, points in self.tests[task].items()
            if "BEGIN HIDDEN TESTS" in source(by_id[name])
        }

    def regions(self, kind: str) -> set[str]:
        """The lines of code between nbgrader's markers that say something."""
        lines = set()
        for cell in cells(self.source).values():
            for region in re.findall(REGION.format(kind), source(cell), re.DOTALL):
                lines |= {line.strip() for line in region.splitlines()}
        return {line for line in lines if len(line) > 14}

    def plans(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Which answer each submission gives to each task: the kind and the name of the answer.

        About two tasks of three are wrong in a submission and the others right, so that a mistake
        in one task that costs another task points shows. There are as many submissions as it takes
        to give every planted answer once.
        """
        plans: dict[str, dict[str, tuple[str, str]]] = {}
        left = {
            (task, kind): list(answers[task])
            for kind, answers in (("correct", self.correct), ("wrong", self.wrong))
            for task in self.tests
        }
        while any(left.values()):
            plan = plans[f"mixed-{len(plans):02}"] = {}
            for position, task in enumerate(self.tests):
                turn = (position + len(plans)) % 3 == 0 and left[task, "correct"]
                kind = "wrong" if left[task, "wrong"] and not turn else "correct"
                names = left[task, kind]
                plan[task] = (kind, names.pop(0) if names else list(self.correct[task])[0])
        return plans

    def submission(self, plan: dict[str, tuple[str, str]]) -> dict[str, Any]:
        planted = {"correct": self.correct, "wrong": self.wrong}
        return answered(
            self.release, {task: planted[kind][task][name] for task, (kind, name) in plan.items()}
        )

    def submissions(self) -> dict[str, dict[str, Any]]:
        """The planted answers, the reference solution and the untouched release."""
        own = {task: source(cells(self.source)[task]) for task in self.tests}
        return {
            **{student: self.submission(plan) for student, plan in self.plans().items()},
            "reference": answered(self.release, own),
            "untouched": self.release,
        }


def grade(root: Path, name: str, submissions: dict[str, dict[str, Any]]) -> dict[str, Graded]:
    """Grade submissions, and write feedback for every third, the last among them.

    Fails when an honest one is flagged.

    Args:
        root: a course folder in which the assignment has been released.
        name: of the assignment.
        submissions: a notebook for each student.
    """
    folder = root.with_name(f"{name}-class")
    shutil.copytree(root, folder)
    for planted in ("classroom.py", f"answers/{name}.py"):  # the wrong answers are controls
        (folder / "tests" / planted).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / planted, folder / "tests" / planted)
    for student, notebook in submissions.items():
        submit(folder, student, name, notebook)
    pages = [part for student in list(submissions)[::-3] for part in ("--student", student)]
    for command in (["grade", name, "--jobs", "2", *unsafe()], ["feedback", name, *pages]):
        done = course(folder, *command, COURSE_SEED="1")
        assert done.returncode == 0, done.stdout + done.stderr
    return results(folder, name)


@functools.cache
def unsafe() -> tuple[str, ...]:
    """The option that grading needs on a machine that allows no sandbox."""
    from course_lib.tools.grading.engine.probe import probe

    return ("--unsafe-no-sandbox",) if probe() else ()


def results(root: Path, name: str) -> dict[str, Graded]:
    """What a course folder holds about every student's submission."""
    import nbformat
    from nbgrader.api import Gradebook

    found = {}
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions(name):
            student = submission.student.id
            graded = found[student] = Graded()
            for notebook in submission.notebooks:
                graded.scores |= {grade.cell.name: grade.score for grade in notebook.grades}
            path = root / "grading" / "autograded" / student / name / f"{name}.ipynb"
            if path.exists():
                notebook = nbformat.read(path, 4)
                graded.messages = _errors(notebook, grade=True)
                graded.given = _errors(notebook, grade=False)
            page = root / "grading" / "feedback" / student / name / f"{name}.html"
            graded.feedback = page.read_text(encoding="utf-8") if page.exists() else ""
    return found


def _errors(notebook: Any, grade: bool) -> dict[str, str]:
    """The errors of the test cells, or of the other locked cells, by grade id."""
    locked = [
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("locked") and cell.cell_type == "code"
    ]
    return {
        cell.metadata.nbgrader.grade_id: f"{output.ename}: {output.evalue}"
        for cell in locked
        if cell.metadata.nbgrader.grade is grade
        for output in cell.outputs
        if output.output_type == "error"
    }
