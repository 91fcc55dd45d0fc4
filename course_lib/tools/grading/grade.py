"""Grade the collected submissions of an assignment: many at once, contained, with nbgrader.

nbgrader sanitizes and records in this process, one submission at a time; the notebooks run in
workers (see ``engine``).
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat

from course_lib.tools.grading.course import CONFIG, Course, GradingError, captured_logs
from course_lib.tools.grading.engine import pool
from course_lib.tools.grading.engine.controls import Controls, passes, planted_wrong_answers
from course_lib.tools.grading.engine.job import TEST, Job, Result
from course_lib.tools.grading.engine.nursery import Lost
from course_lib.tools.grading.engine.prepare import (
    TIMESTAMP,
    Notebook,
    Preparation,
    Submission,
    Unreadable,
)
from course_lib.tools.grading.engine.record import Desk
from course_lib.tools.grading.engine.sandbox import Limits, NoSandbox
from course_lib.tools.grading.engine.shell import CUT
from course_lib.tools.grading.failures import spare_stderr
from course_lib.tools.grading.notebooks import Problem

ENDED = "the worker was ended again and again, by the machine or by a person"
SLOWER = 20  # a student's cell may take so many times what the slowest of the reference takes
AHEAD = 3  # submissions that wait for each worker
STANDARD_SECONDS = 30  # nbgrader's own limit for a cell
NO_TIMEOUT = 3600.0  # seconds for a cell where there is no limit
VARIABLES = ("COURSE_SEED", "COURSE_DATA", "COURSE_OFFLINE", "LANG", "LC_ALL", "PATH")


@dataclass(frozen=True)
class Graded:
    """What became of one submission.

    Attributes:
        student: the student's id.
        state: ``graded``, ``unchanged`` (was graded before and has not changed), ``flagged`` (it
            tampered with its judge; a person decides) or ``failed``.
        score: points, the late penalty taken off; None when it failed.
        max_score: points of the assignment.
        manual: whether a person has to grade a part of it.
        late: seconds after the due date.
        problems: what is odd about the file or about its run, in words.
        reason: why it failed or was flagged, in words.
    """

    student: str
    state: str
    score: float | None = None
    max_score: float = 0
    manual: bool = False
    late: float = 0
    problems: tuple[Problem, ...] = ()
    reason: str = ""


@dataclass
class Options:
    """How to grade.

    Attributes:
        jobs: submissions at a time on this machine; as many as it has cores by default.
        scheduler: address of a Dask scheduler; empty for this machine.
        contained: in the sandbox.
    """

    jobs: int = 0
    scheduler: str = ""
    contained: bool = True


def grade(
    course: Course,
    assignment: str,
    students: list[str],
    force: bool = False,
    options: Options | None = None,
) -> Iterator[Graded]:
    """Grade submissions; one that cannot be graded never stops the others.

    Args:
        course: the course.
        assignment: its name.
        students: whose submissions, as :func:`chosen` gives them.
        force: grade again what has been graded already.
        options: see there.

    Yields:
        What became of each submission, in their order.

    Raises:
        GradingError: there is no sandbox, or the tests do not tell the solution from the release.
    """
    options = options or Options()
    waiting = [
        student for student in students if force or _has_changed(course, assignment, student)
    ]
    yield from (_unchanged(course, assignment, s) for s in students if s not in waiting)
    if not waiting:
        return
    try:
        with _workers(options) as workers, Desk(course, assignment) as desk:
            yield from _Batch(course, assignment, desk, workers).run(waiting)
    except NoSandbox as error:
        raise GradingError(
            f"students' notebooks cannot be contained on this machine: {error}. "
            "'course doctor' says what is missing and how to get it; --unsafe-no-sandbox grades "
            "without, which only notebooks that you trust are fit for"
        ) from error
    except Lost as error:
        raise GradingError(
            f"{ENDED} before the class could be graded ({error}); is there enough memory? Try again"
        ) from error


def chosen(course: Course, assignment: str, students: Iterable[str] = ()) -> list[str]:
    """The students who are meant, by nbgrader's rules.

    Args:
        course: the course.
        assignment: its name.
        students: ids, or patterns such as ``a*``; by default ``CourseDirectory.student_id``, which
            is all. Left out are ``CourseDirectory.student_id_exclude``, and who has not handed in
            a notebook that ``CourseDirectory.notebook_id`` asks for.

    Raises:
        GradingError: the assignment has not been released, a student has no submission, or nobody
            is left.
    """
    course.check_released(assignment)
    submitted = course.students(assignment)
    if not submitted:
        raise GradingError(
            f"no submissions of {assignment} in {course.path('submitted', assignment, '*')}; "
            f"'course collect {assignment} DOWNLOAD' puts them there"
        )
    found: set[str] = set()
    for each in students or [course.directory.student_id]:
        fitting = {each} if each in submitted else set(fnmatch.filter(submitted, each))
        if not fitting:
            raise GradingError(
                f"{each!r} has no submission of {assignment}; there are {len(submitted)}: "
                f"{', '.join(submitted[:8])}{' …' if len(submitted) > 8 else ''}"
            )
        found |= fitting
    if course.directory.notebook_id != "*":
        found = {student for student in found if _notebooks(course, assignment, student)}
    if left := found - set(course.directory.student_id_exclude.split(",")):
        return sorted(left)
    raise GradingError(
        f"nothing of {assignment} is asked for: nobody has handed in "
        f"{course.directory.notebook_id}.ipynb, or who has is in CourseDirectory.student_id_exclude"
    )


def _notebooks(course: Course, assignment: str, student: str) -> set[str]:
    """The files that a student has handed in for the notebooks that are asked for."""
    folder = course.path("submitted", assignment, student)
    return {path.name for path in folder.glob(f"{course.directory.notebook_id}.ipynb")}


def _has_changed(course: Course, assignment: str, student: str) -> bool:
    """Whether a submission has to be graded, by nbgrader's rules."""
    done = course.path("autograded", assignment, student)
    handed_in = course.path("submitted", assignment, student)
    if not done.exists():
        return True
    if course.directory.notebook_id != "*":
        there = {path.name for path in done.iterdir()}
        if not _notebooks(course, assignment, student) <= there:
            return True
    new, old = _time_of(course, handed_in), _time_of(course, done)
    return new is not None and old is not None and new > old


def _time_of(course: Course, folder: Path) -> datetime | None:
    """When something was handed in; None where no time is written, or something else."""
    path = folder / TIMESTAMP
    with contextlib.suppress(OSError, ValueError, OverflowError, AttributeError):
        if not path.is_symlink() and path.stat().st_size < 1000:
            return course.directory.get_existing_timestamp(str(folder))
    return None


def _unchanged(course: Course, assignment: str, student: str) -> Graded:
    with course.gradebook() as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return Graded(
            student,
            "unchanged",
            max(0.0, submission.score - submission.late_submission_penalty),
            submission.max_score,
            bool(submission.needs_manual_grade),
            submission.total_seconds_late,
        )


def _workers(options: Options) -> contextlib.AbstractContextManager[pool.Pool]:
    if options.scheduler:
        return pool.cluster(options.scheduler, options.contained)
    return pool.local(options.jobs or len(os.sched_getaffinity(0)), options.contained)


@dataclass
class _Standard:
    """What the reference solution showed about one notebook of the assignment."""

    controls: Controls
    limits: Limits


class _Batch:
    """One call of ``grade``."""

    def __init__(self, course, assignment, desk, workers):
        self.course, self.assignment, self.desk = course, assignment, desk
        self.workers = workers
        self.preparation = Preparation(course, assignment, desk)
        self.ahead = AHEAD * workers.size
        self.environment = _environment()
        self.standards: dict[str, _Standard] = {}

    def run(self, students: list[str]) -> Iterator[Graded]:
        """Grade submissions as workers become free, and tell of them in the order given."""
        self._calibrate()
        running: dict[Future, tuple[int, Submission, list[Future]]] = {}
        done: dict[int, Graded] = {}
        left, told = enumerate(students), 0
        while told < len(students):
            while len(running) < self.ahead and (following := next(left, None)):
                number, student = following
                try:
                    submission, futures = self._start(student)
                    running[futures[-1]] = (number, submission, futures)
                except Exception as bad:
                    done[number] = self._failed(student, bad)
            ended, _ = wait(running, return_when=FIRST_COMPLETED) if running else ((), ())
            for future in ended:
                number, submission, futures = running.pop(future)
                done[number] = self._finish(submission, futures)
            while told in done:
                yield done.pop(told)
                told += 1

    # --- before the class -------------------------------------------------------------------------

    def _calibrate(self) -> None:
        """Make sure that the tests bite, and learn what time and which controls are right.

        Raises:
            GradingError: the solution loses points, or the untouched release earns some.
        """
        planted = planted_wrong_answers(self.course.root, self.assignment)
        for name in self.preparation.releases:
            untouched = self.preparation.untouched(name)
            reference = self.preparation.reference(name)
            limits = _limits(self.course)
            controls = Controls.draw(untouched.points, planted)
            stub_run = self._submit(untouched, tuple(untouched.codes), limits)
            if reference is not None:
                cells = controls.all(reference.codes)
                result = self.workers.result(self._submit(reference, cells, limits))
                self._check_reference(name, reference, result)
                controls.learn(reference.codes, reference.points, result)
                limits = _scaled(limits, result)
            self._check_untouched(name, untouched, self.workers.result(stub_run))
            self.standards[name] = _Standard(controls, limits)

    def _check_reference(self, name: str, reference: Notebook, result: Result) -> None:
        points = reference.points
        for code, ran in zip(reference.codes, result.cells, strict=True):
            if code.kind == TEST and points[code.name] and not passes(ran, points[code.name]):
                raise GradingError(
                    f"the solution of {name} itself loses points in {code.name}: "
                    f"{_first_error(ran.outputs)}; nothing was graded. Mend the assignment's "
                    f"source and release it again"
                )

    def _check_untouched(self, name: str, untouched: Notebook, result: Result) -> None:
        points = untouched.points
        for code, ran in zip(untouched.codes, result.cells, strict=True):
            if code.kind == TEST and points[code.name] and passes(ran, points[code.name]):
                raise GradingError(
                    f"the untouched release of {name} earns the points of {code.name}; nothing "
                    "was graded. Do assertions work here (python -O and PYTHONOPTIMIZE switch them "
                    "off)? If so, the test tests nothing: mend the assignment's source"
                )

    def _submit(self, notebook: Notebook, cells: tuple, limits: Limits, files=None) -> Future:
        files = _encoded(self.preparation.given) if files is None else files
        return self.workers.submit(Job(cells, files, limits, self.environment))

    # --- one submission ---------------------------------------------------------------------------

    def _start(self, student: str) -> tuple[Submission, list[Future]]:
        with captured_logs():
            submission = self.preparation.of(student)
        futures = []
        for notebook in submission.notebooks:
            standard = self.standards[notebook.name]
            cells = standard.controls.some(notebook.codes)
            futures.append(self._submit(notebook, cells, standard.limits, submission.files))
        stamp = self.course.path("submitted", self.assignment, student) / TIMESTAMP
        if _time_of(self.course, stamp.parent):
            self.desk.stage(student, TIMESTAMP, stamp.read_bytes())
        return submission, futures

    def _finish(self, submission: Submission, futures: list[Future]) -> Graded:
        try:
            results = [self.workers.result(future) for future in futures]
            return self._record(submission, results)
        except NoSandbox:
            raise
        except Exception as bad:
            return self._failed(submission.student, bad, submission.problems)

    def _failed(self, student: str, bad: Exception, problems: Iterable[Problem] = ()) -> Graded:
        """A row with a reason; in the gradebook, a submission that waits for a person."""
        if isinstance(bad, Unreadable):
            reason = str(bad)
        elif isinstance(bad, Lost):
            reason = ENDED
        else:
            reason = f"{type(bad).__name__}: {bad}"
        folder = self.course.path("submitted", self.assignment, student)
        # Suppressed: an id, for example, that no database can hold.
        with contextlib.suppress(Exception), captured_logs():
            self.desk.enter(student, _time_of(self.course, folder))
        return Graded(student, "failed", problems=tuple(problems), reason=reason)

    def _record(self, submission: Submission, results: list[Result]) -> Graded:
        evidence, problems, executed = [], list(submission.problems), {}
        for notebook, result in zip(submission.notebooks, results, strict=True):
            controls = self.standards[notebook.name].controls
            evidence += controls.evidence(notebook.codes, notebook.points, result)
            problems += _run_problems(notebook, result)
            node = notebook.executed(result)
            for cell, code in notebook.cells:
                if code.kind == TEST:
                    spare_stderr(cell)
            executed[notebook.name] = node
        if evidence:
            for notebook in submission.notebooks:
                _show_evidence(notebook, evidence)
        note = {
            "flagged": evidence,
            "problems": [[p.severity, p.code, p.about, p.message] for p in problems],
            "seconds": sum(result.seconds for result in results),
        }
        with captured_logs():
            outcome = self.desk.record(submission.student, executed, note, bool(evidence))
        return Graded(
            submission.student,
            "flagged" if evidence else "graded",
            outcome.score,
            outcome.max_score,
            outcome.manual,
            outcome.late,
            tuple(problems),
            "; ".join(evidence),
        )


def _environment() -> dict[str, str]:
    own = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        **own,
        **threads,
        "HOME": "/scratch/home",
        "TMPDIR": "/scratch/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NBGRADER_EXECUTION": "autograde",
    }


def _encoded(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _limits(course: Course) -> Limits:
    """The limits of ``nbgrader_config.py``: ``c.Execute.timeout``, and ``c.Limits.…`` by name.

    Raises:
        GradingError: one of them is unknown, or no number.
    """
    given = dict(course.config.get("Limits", {}))
    timeout = course.config.get("Execute", {}).get("timeout", STANDARD_SECONDS)
    kinds = {each.name: type(each.default) for each in fields(Limits)}
    try:
        seconds = NO_TIMEOUT if timeout in (None, "None") else float(timeout)
        seconds = seconds if seconds > 0 else NO_TIMEOUT  # nbgrader writes -1 for none
        own = {name: kinds[name](float(value)) for name, value in given.items()}
        return Limits(**{"cell_seconds": seconds, "notebook_seconds": 10 * seconds, **own})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise GradingError(
            f"a limit in {CONFIG} cannot be used: {error}; c.Execute.timeout and c.Limits take "
            f"numbers, the latter for {', '.join(kinds)}"
        ) from error


def _scaled(limits: Limits, reference: Result) -> Limits:
    """Limits for a slow machine: the reference solution shows how slow it is."""
    slowest = max((ran.seconds for ran in reference.cells), default=0)
    total = sum(ran.seconds for ran in reference.cells)
    return replace(
        limits,
        cell_seconds=max(limits.cell_seconds, SLOWER * slowest),
        notebook_seconds=max(limits.notebook_seconds, SLOWER * total),
    )


def _run_problems(notebook: Notebook, result: Result) -> Iterator[Problem]:
    """What was odd when a notebook ran: what ended Python, and tests that are not sure."""
    names = [code.name or "a cell of the student's own" for code in notebook.codes]
    for position, why in sorted(result.deaths.items()):
        text = f"{names[position]} costs its points: {why}."
        yield Problem("warning", "died", notebook.codes[position].name, text)
    for code, ran in zip(notebook.codes, result.cells, strict=True):
        if any(CUT in output.get("text", "") for output in ran.outputs):
            text = f"{code.name or 'A cell of the student'} prints very much; its output was cut."
            yield Problem("note", "output", code.name, text)
    for position, ran in sorted(result.again.items()):
        name = notebook.codes[position].name
        if passes(ran, notebook.points.get(name, 0)):
            text = f"{name} failed, and passed when it was run again: the result is not sure."
            advice = "Look at the answer; chance, time or the machine decide."
            yield Problem("warning", "flaky", name, text, advice)


def _show_evidence(notebook: Notebook, evidence: list[str]) -> None:
    """Let the graded notebook say why a person has to look at it."""
    for cell, code in notebook.cells:
        if code.kind == TEST:
            error = {"output_type": "error", "ename": "Flagged", "evalue": "; ".join(evidence)}
            said = {**error, "traceback": [f"Flagged: {evidence[0]}"]}
            cell.outputs = [nbformat.from_dict(said)]


def _first_error(outputs: list[dict[str, Any]]) -> str:
    for output in outputs:
        if output["output_type"] == "error":
            return f"{output['ename']}: {output['evalue']}".splitlines()[0][:200]
    return "it gives only a part of them"
