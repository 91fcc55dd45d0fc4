"""A small class for the tests that disturb ``course grade``, and what can be done to it.

Nothing here needs PyTorch, so the engine's nursery is made to start without it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from classroom import ROOT, answered, course, environment, submit
from nbgrader.api import Gradebook
from small_source import BONUS, ESSAY, SUMS

GOOD = "def add(a, b):\n    return a + b"
HALF = "def add(a, b):\n    return abs(a) + abs(b)"
NOISY = "import sys\ndef add(a, b):\n    print('thinking', file=sys.stderr)\n    return a + b"
BROKEN = "def add(a, b:\n    return"
SLOW = "import time\ndef add(a, b):\n    time.sleep(0.15)\n    return a + b"
NOT_HERE = "raise ImportError('these tests do without it')"
CLASS = {
    "ada": {"task-1": GOOD},
    "bob": {"task-1": HALF},
    "cleo": {"task-1": NOISY},
    "dan": {"task-1": BROKEN},
    "eve": {},
    "fay": {"task-1": GOOD, "essay": "Because.", "bonus": "More."},
    "gus": {"task-1": GOOD},  # whose file is cut off
    "hal": {"task-1": SLOW, "essay": "Why not?"},
}
SUMMARY = "7 graded, 1 not graded"
LATE = """
from nbgrader.plugins import LateSubmissionPlugin


class OnePointADay(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 86400


c.AssignLatePenalties.plugin_class = OnePointADay
"""


def without_torch(folder: Path) -> dict[str, str]:
    """Variables with which Python finds no PyTorch: what imports it starts seconds sooner."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    for name in ("torch", "torchvision", "pandas"):
        (folder / f"{name}.py").write_text(NOT_HERE)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(scratch), "COURSE_SEED": "1"}


def url(root: Path) -> str:
    return f"sqlite:///{root}/grading/gradebook.db"


def release(root: Path, *assignments: str, **variables: str) -> Path:
    """A course with some copies of the small assignment, and eight submissions of each."""
    for name in assignments:
        (root / "solutions" / name).mkdir(parents=True)
        (root / "solutions" / name / f"{name}.md").write_text(SUMS + ESSAY + BONUS)
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text() + LATE)
    shutil.copy(ROOT / "_toc.yml", root)
    done = course(root, "release", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    with Gradebook(variables.get("COURSE_GRADEBOOK", url(root))) as gradebook:
        for name in assignments:
            handed_out = json.loads((root / "exercises" / name / f"{name}.ipynb").read_text())
            for student, answers in CLASS.items():
                submit(root, student, name, answered(handed_out, answers))
            submitted = root / "grading" / "submitted"
            broken = submitted / "gus" / name / f"{name}.ipynb"
            broken.write_text(broken.read_text()[:-40])
            (submitted / "bob" / name / "timestamp.txt").write_text("2026-03-05 12:00:00 UTC")
            gradebook.update_or_create_assignment(name, duedate=datetime(2026, 3, 3, 12))
    return root


def rows(address: str, assignment: str = "sums") -> dict[tuple[str, ...], tuple]:
    """What a gradebook holds about each submission, graded cell and comment."""
    found = {}
    with Gradebook(address) as gradebook:
        for one in gradebook.assignment_submissions(assignment):
            student = one.student.id
            late = one.total_seconds_late, one.late_submission_penalty
            found[student,] = (one.score, one.max_score, one.needs_manual_grade, *late)
            for notebook in one.notebooks:
                for grade in notebook.grades:
                    score = grade.auto_score, grade.manual_score, grade.extra_credit, grade.score
                    key = student, grade.cell.name
                    assert key not in found, f"{key} is there twice"
                    found[key] = (*score, grade.needs_manual_grade)
                for comment in notebook.comments:
                    said = comment.auto_comment, comment.manual_comment
                    found[student, comment.cell.name, "comment"] = said
    return found


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder; of graded notebooks without how long they took."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".ipynb" and b"course_grading" in data:
                notebook = json.loads(data)
                del notebook["metadata"]["course_grading"]["seconds"]
                data = json.dumps(notebook).encode()
            found[path.relative_to(folder).as_posix()] = data
    return found


def state(root: Path) -> tuple[dict, dict, dict]:
    """The gradebook, the graded submissions, and what was handed in."""
    grading = root / "grading"
    return rows(url(root)), files(grading / "autograded"), files(grading / "submitted")


class Run:
    """A ``course grade`` that can be disturbed."""

    def __init__(self, root: Path, *options: str, assignment: str = "sums", **variables: str):
        command = [sys.executable, "-m", "course_lib.tools.cli", "grade", assignment, *options]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=root,
            env=environment(**variables),
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def victims(self, kind: str) -> list[int]:
        pid = self.process.pid
        if kind == "command":
            return [pid] if self.process.poll() is None else []
        return nurseries(pid) if kind == "nursery" else workers(pid)

    def kill(self, kind: str) -> bool:
        """Kill a process of that kind, if there is one."""
        if victims := self.victims(kind):
            os.kill(random.choice(victims), signal.SIGKILL)
        return bool(victims)

    def end(self) -> str:
        """Wait for the end; what it has printed."""
        self.process.wait(120)
        self.log.seek(0)
        return self.log.read()


def nurseries(pid: int) -> list[int]:
    """The nursery of a process, and its other half in a name space of its own."""
    found = [child for child in children(pid) if "engine.nursery" in command_line(child)]
    return found + [half for nursery in found for half in children(nursery)]


def workers(pid: int) -> list[int]:
    """The processes that run notebooks for a process."""
    known = nurseries(pid)
    return [worker for half in known[1:] for worker in children(half)]


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def left_over(variables: dict[str, str], seconds: float = 10) -> list[str]:
    """Processes that were started with these variables and have not ended some seconds later."""
    mark = f"TMPDIR={variables['TMPDIR']}".encode()
    until, found = time.monotonic() + seconds, ["not looked yet"]
    while found and time.monotonic() < until:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(f"{entry.name}: {command_line(int(entry.name))}")
            except OSError:
                continue
        time.sleep(0.1)
    return found
