"""nbgrader's own ``autograde``, in two halves: prepare a submission, and record what a worker ran.

The steps, their order, their settings and the gradebook are nbgrader's. Different are: what goes in
is a copy that was grafted (``graft``), what it would execute has been executed by a worker, all it
writes into the gradebook for one submission is one transaction, and the folder of the graded
submission appears at once, when everything in it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from nbconvert.preprocessors import ExecutePreprocessor, Preprocessor
from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.converters import autograde as nbgraders
from nbgrader.converters.base import NbGraderException
from nbgrader.nbgraderformat import common
from nbgrader.preprocessors import latesubmissions, overwritecells, saveautogrades
from sqlalchemy.orm import scoped_session, sessionmaker
from traitlets import Dict, Unicode

from course_lib.tools.grading.course import Course, GradingError

NOTE = "course_grading"  # in the metadata of a graded notebook
BUSY_SECONDS = 60  # to wait for somebody else who writes into the gradebook


class SharedGradebook(Gradebook):
    """nbgrader's gradebook, opened once; nbgrader itself opens it anew in each of its steps.

    Between :meth:`begin` and :meth:`end` all commits are one transaction.
    """

    def __init__(self, course: Course):
        super().__init__(course.directory.db_url, course.directory.course_id)
        self.outer = self.db
        self.outer.remove()

    def __exit__(self, *_error: object) -> None:
        """Stay open: nbgrader's steps would close it."""

    def begin(self) -> None:
        self.connection = self.engine.connect()
        if self.engine.dialect.name == "sqlite":
            self.connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            self.connection.rollback()
        self.transaction = self.connection.begin()
        maker = sessionmaker(
            self.connection,
            autoflush=True,
            expire_on_commit=False,
            join_transaction_mode="rollback_only",
        )
        self.db = scoped_session(maker)

    def end(self, keep: bool) -> None:
        self.db.flush() if keep else None
        self.transaction.commit() if keep else self.transaction.rollback()
        self.db.remove()
        self.connection.close()
        self.db = self.outer

    def shut(self) -> None:
        self.outer.remove()
        self.engine.dispose()


@contextlib.contextmanager
def shared(gradebook: SharedGradebook) -> Iterator[None]:
    """Have nbgrader's steps use one open gradebook."""
    modules = (nbgraders, overwritecells, saveautogrades, latesubmissions)
    with contextlib.ExitStack() as patches:
        for module in modules:
            opened = patch.object(module, "Gradebook", lambda *_arguments, **_options: gradebook)
            patches.enter_context(opened)
        patches.enter_context(patch.object(common.jsonschema, "validate", _validate))
        yield


def _validate(instance: Any, schema: dict[str, Any]) -> None:
    """As ``jsonschema.validate``, which checks nbgrader's schema itself again for each cell."""
    errors = Draft7Validator(schema).iter_errors(instance)
    if (error := best_match(errors)) is not None:
        raise error


class _Note(Preprocessor):
    """Write into a graded notebook what the engine knows about its grading."""

    note: dict[str, Any] = {}

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        nb.metadata[NOTE] = self.note
        return nb, resources


class Grader(nbgraders.Autograde):
    """nbgrader's converter with other folders, and without its execution."""

    staged = Unicode(help="The step that holds the prepared submissions.")
    built = Unicode(help="The step in which graded submissions are put together.")
    executed = Dict(help="The executed notebooks of the submission, by name.")
    note = Dict(help="What is written into the metadata of each notebook.")

    @property
    def _input_directory(self) -> str:
        return self.staged

    @property
    def _output_directory(self) -> str:
        return self.built

    def _init_preprocessors(self) -> None:
        self.exporter._preprocessors = []
        steps = self.sanitize_preprocessors if self._sanitizing else self.autograde_preprocessors
        for step in steps:
            if not (isinstance(step, type) and issubclass(step, ExecutePreprocessor)):
                self.exporter.register_preprocessor(step)
        if not self._sanitizing:
            step = _Note()
            step.note = self.note
            self.exporter.register_preprocessor(step, enabled=True)

    def init_notebooks(self) -> None:
        """Find the notebooks of one student, whose id may hold the characters of a pattern."""
        directory = self.coursedir
        folder = self._format_source(directory.assignment_id, directory.student_id)
        self.assignments = {folder: [str(path) for path in sorted(Path(folder).glob("*.ipynb"))]}
        self.notebooks = []

    def sanitize(self, notebook: Any, student: str, assignment: str, name: str) -> Any:
        """nbgrader's sanitized form of a notebook, in memory."""
        self.exporter = self.exporter_class(parent=self, config=self.config)
        self._sanitizing = True
        self._init_preprocessors()
        about = {"student": student, "assignment": assignment, "notebook": name}
        resources = {"unique_key": name, "nbgrader": {**about, "db_url": self.coursedir.db_url}}
        output, _resources = self.exporter.from_notebook_node(notebook, resources=resources)
        return nbformat.reads(output, as_version=4)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Record what a worker ran, with nbgrader's steps after the execution."""
        resources = self.init_single_notebook_resources(notebook_filename)
        self._sanitizing = False
        self._init_preprocessors()
        notebook = self.executed[resources["nbgrader"]["notebook"]]
        output, resources = self.exporter.from_notebook_node(notebook, resources=resources)
        self.write_single_notebook(output, resources)


class Desk:
    """Where one process prepares and records submissions; use it in a ``with`` statement."""

    def __init__(self, course: Course, assignment: str):
        self.course, self.assignment = course, assignment
        self.gradebook = SharedGradebook(course)

    def __enter__(self) -> Desk:
        autograded = Path(self.course.root, self.course.directory.autograded_directory)
        home = autograded.with_name(f".{autograded.name}-in-progress")
        home.mkdir(parents=True, exist_ok=True)
        _clean(home)
        for _try in range(100):
            if self._take_folder(home):
                return self
        raise GradingError(f"no folder can be made in {home}; may you write there?")

    def _take_folder(self, home: Path) -> bool:
        """Make a folder of its own; False when somebody who tidies up was faster."""
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            home.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(dir=home))
            self.lock = (self.folder / "lock").open("w")
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return (self.folder / "lock").exists()
        return False

    def __exit__(self, *_error: object) -> None:
        self.gradebook.shut()
        self.lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()

    def path(self, step: str, student: str) -> Path:
        """The folder of a submission in a step of this desk: ``staged`` or ``built``."""
        directory = self.course.directory
        return Path(directory.format_path(self._step(step), student, self.assignment))

    def _step(self, name: str) -> str:
        return (self.folder / name).relative_to(self.course.root).as_posix()

    def grader(self) -> Grader:
        api = self.course.api()
        return Grader(
            coursedir=api.coursedir,
            parent=api,
            staged=self._step("staged"),
            built=self._step("built"),
        )

    def sanitize(self, notebook: Any, student: str, name: str) -> Any:
        """What nbgrader makes of a grafted notebook before it would execute it."""
        self.gradebook.begin()
        try:
            with shared(self.gradebook):
                return self.grader().sanitize(notebook, student, self.assignment, name)
        finally:
            self.gradebook.end(keep=False)

    def stage(self, student: str, name: str, data: bytes) -> None:
        """Put a file of a submission where nbgrader's steps will find it."""
        path = self.path("staged", student) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def record(
        self, student: str, executed: dict[str, Any], note: dict[str, Any], flagged: bool
    ) -> Any:
        """Write the grades of a submission, all of them or, when this is killed, none.

        A previous graded copy is moved away first, so that a submission whose recording was cut
        off counts as not graded.

        Returns:
            What nbgrader's gradebook says about the submission.
        """
        self._enroll(student)
        final = self.course.path("autograded", self.assignment, student)
        old = self.folder / "old"
        if final.exists():
            final.rename(old)
        self.gradebook.begin()
        keep = False
        try:
            with shared(self.gradebook):
                self._convert(student, executed, note)
            submission = self.gradebook.find_submission(self.assignment, student)
            if flagged:
                _hand_to_a_person(submission)
                self.gradebook.db.flush()
                self.gradebook.db.expire_all()
            outcome = _Outcome.of(submission)
            keep = True
        finally:
            self.gradebook.end(keep)
            if not keep and old.exists():
                old.rename(final)
        for path in old.glob("*.ipynb"):  # of notebooks that are not graded this time
            if not fnmatch.fnmatch(path.stem, self.course.directory.notebook_id):
                shutil.copy(path, self.path("built", student))
        final.parent.mkdir(parents=True, exist_ok=True)
        self.path("built", student).rename(final)
        shutil.rmtree(self.path("staged", student), ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        return outcome

    def enter(self, student: str, timestamp: datetime | None) -> None:
        """Note in the gradebook that somebody has handed in what cannot be graded."""
        self._enroll(student)
        self.gradebook.begin()
        keep = False
        try:
            self.gradebook.update_or_create_student(student)
            at = {"timestamp": timestamp} if timestamp else {}
            self.gradebook.update_or_create_submission(self.assignment, student, **at)
            keep = True
        finally:
            self.gradebook.end(keep)

    def _enroll(self, student: str) -> None:
        """Add a student whom the gradebook does not know, before the transaction.

        Who grades another assignment at the same time may add the same one; within a transaction
        the slower of the two would lose its submission.
        """
        if self.grader().create_student:
            with contextlib.suppress(InvalidEntry):
                self.gradebook.update_or_create_student(student)
            self.gradebook.db.remove()

    def _convert(self, student: str, executed: dict[str, Any], note: dict[str, Any]) -> None:
        grader = self.grader()
        grader.executed, grader.note = executed, note
        directory = grader.coursedir
        before = directory.assignment_id, directory.student_id, directory.notebook_id
        directory.assignment_id, directory.student_id = self.assignment, student
        directory.notebook_id = "*"  # all that are staged
        complaints = _Complaints()
        grader.log.addHandler(complaints)
        try:
            grader.start()
        except NbGraderException as error:
            raise NbGraderException(complaints.last or str(error)) from error
        finally:
            grader.log.removeHandler(complaints)
            directory.assignment_id, directory.student_id, directory.notebook_id = before


class _Complaints(logging.Handler):
    """Keeps the last line of the last error that nbgrader logged with its traceback."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        if text.startswith("Traceback"):
            self.last = text.splitlines()[-1]


class _Outcome:
    """Points of a submission, read while the gradebook is open."""

    def __init__(self, score: float, max_score: float, manual: bool, late: float):
        self.score, self.max_score, self.manual, self.late = score, max_score, manual, late

    @classmethod
    def of(cls, submission: Any) -> _Outcome:
        return cls(
            max(0.0, submission.score - submission.late_submission_penalty),
            submission.max_score,
            bool(submission.needs_manual_grade),
            submission.total_seconds_late,
        )


def _hand_to_a_person(submission: Any) -> None:
    """Nothing is scored automatically; what a person has given stays."""
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            grade.auto_score = 0
            grade.needs_manual_grade = True


def _clean(home: Path) -> None:
    """Remove what a process that was killed has left; others may be at work beside this one."""
    for folder in home.iterdir():
        with contextlib.suppress(OSError), (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def note_of(path: Path) -> dict[str, Any]:
    """What the engine wrote into a graded notebook; empty when it was graded by other means."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))["metadata"].get(NOTE, {})
    return {}
