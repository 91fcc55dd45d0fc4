"""An nbgrader course on disk: its folders, its gradebook, and nbgrader's API on it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from course_lib.tools.chapters import ProjectError

CONFIG = "nbgrader_config.py"
EXCEPTION = re.compile(r"^\s*(?:\w+\.)*(\w*(?:Error|Exception|Entry)\w*: .+)$", re.MULTILINE)


class GradingError(ProjectError):
    """Nothing could be started; the message says why and what to do."""


@dataclass(frozen=True)
class Course:
    """A folder with an ``nbgrader_config.py``, as nbgrader itself sees it.

    Attributes:
        directory: nbgrader's ``CourseDirectory``: the folders of each step and the gradebook's URL.
        config: all settings of ``nbgrader_config.py``.
    """

    directory: CourseDirectory
    config: Config

    @classmethod
    def find(cls, start: Path | None = None, settings: Sequence[str] = ()) -> Course:
        """The course around a folder.

        Args:
            start: the folder; the current one by default.
            settings: of nbgrader, as on its command line (``--Class.trait=value``); they come
                before those of the file.

        Raises:
            GradingError: neither the folder nor one above it has an ``nbgrader_config.py``, or that
                file or the settings cannot be used.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                return cls._load(folder, list(settings))
        raise GradingError(
            f"no {CONFIG} in {start} or above it; change to the folder of the course and try again"
        )

    @classmethod
    def _load(cls, root: Path, settings: list[str]) -> Course:
        # nbgrader calls `alembic` by name, also when the environment is not activated.
        scripts, path = sysconfig.get_path("scripts"), os.environ.get("PATH", "")
        if scripts not in path.split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join([scripts, path])
        application = NbGrader()
        application.log_level = logging.ERROR
        application.raise_config_file_errors = True
        with contextlib.chdir(root):
            try:
                application.initialize(settings, root=str(root))
            except (Exception, SystemExit) as error:
                used = " ".join([str(root / CONFIG), *settings])
                raise GradingError(f"{used} cannot be used: {error}") from error
        return cls(application.coursedir, application.config)

    @property
    def root(self) -> Path:
        return Path(self.directory.root)

    def path(self, step: str, assignment: str, student: str = ".") -> Path:
        """The folder of one assignment in one of nbgrader's steps.

        Args:
            step: ``source``, ``release``, ``submitted``, ``autograded`` or ``feedback``.
            assignment: its name.
            student: the student's id; ``.`` for the steps that belong to no student.
        """
        folder = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(folder, student, assignment))

    def assignments(self) -> list[str]:
        """The assignments that have been released into the gradebook, by name."""
        with self.gradebook() as gradebook:
            return sorted(assignment.name for assignment in gradebook.assignments)

    def students(self, assignment: str, step: str = "submitted") -> list[str]:
        """The students who have a folder of an assignment in one of nbgrader's steps, sorted."""
        pattern = self.path(step, assignment, "*").relative_to(self.root)
        position = self.path(step, assignment, "*").parts.index("*")
        folders = (path for path in self.root.glob(pattern.as_posix()) if path.is_dir())
        return sorted(folder.parts[position] for folder in folders)

    def check_released(self, assignment: str) -> None:
        """Make sure that the gradebook knows an assignment.

        Raises:
            GradingError: it does not; the message names those that it knows.
        """
        known = self.assignments()
        if assignment not in known:
            raise GradingError(
                f"the gradebook has no assignment {assignment!r}, "
                f"only {', '.join(known) or 'an empty list'}; "
                f"'course release {assignment}' adds it, as does 'nbgrader generate_assignment'"
            )

    def graded(self, assignment: str) -> list[str]:
        """The students whose work has been graded, sorted.

        Raises:
            GradingError: the assignment is unknown, or nothing of it has been graded.
        """
        self.check_released(assignment)
        if students := self.students(assignment, "autograded"):
            return students
        raise GradingError(f"nothing is graded yet; 'course grade {assignment}' does it")

    def gradebook(self) -> Gradebook:
        """nbgrader's gradebook; use it in a ``with`` statement.

        Raises:
            GradingError: the database cannot be opened.
        """
        try:
            return Gradebook(self.directory.db_url, self.directory.course_id)
        except Exception as error:
            url = make_url(self.directory.db_url).render_as_string(hide_password=True)
            raise GradingError(
                f"the gradebook {url} cannot be opened: {error}; check its URL (COURSE_GRADEBOOK "
                f"or {CONFIG}), or run 'nbgrader db upgrade' after an update of nbgrader"
            ) from error

    def api(self) -> NbGraderAPI:
        """nbgrader's API, with this course's settings."""
        api = NbGraderAPI(self.directory, config=self.config)
        api.log_level = logging.INFO
        return api


@contextlib.contextmanager
def captured_logs() -> Iterator[None]:
    """Keep nbgrader's log lines off the terminal; its API hands them over as text."""
    logger = logging.getLogger("traitlets")
    before = logger.propagate, list(logger.handlers)
    logger.propagate, logger.handlers = False, [logging.NullHandler()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own queries
            yield
    finally:
        logger.propagate, logger.handlers = before


def succeeded(result: dict[str, Any]) -> bool:
    """Whether a call of nbgrader's API went well; Ctrl-C during it goes on as Ctrl-C."""
    if "KeyboardInterrupt" in result.get("error", "").splitlines()[-1:]:
        raise KeyboardInterrupt
    return result["success"]


def failure(result: dict[str, Any]) -> str:
    """What went wrong in a failed call of nbgrader's API: the last exception of its log."""
    found = EXCEPTION.findall(result.get("log", "")) or EXCEPTION.findall(result["error"])
    return found[-1] if found else "nbgrader failed without saying why"
