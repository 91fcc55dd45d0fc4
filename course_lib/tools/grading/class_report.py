"""What a class did with an assignment, for the instructor: numbers, read once, without the pages.

Points come from nbgrader's gradebook, messages and answers from the graded notebooks, which are
read one after the other and not kept.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.utils import is_grade, is_solution

from course_lib.tools.grading.course import Course
from course_lib.tools.grading.engine.record import NOTE
from course_lib.tools.grading.failures import grade_id
from course_lib.tools.grading.scores import Grade, grades, scores
from course_lib.tools.grading.similar import Answers, Pair
from course_lib.tools.grading.student import task_of, titles_of
from course_lib.tools.grading.summary import message

BARS = 10  # of the distribution
MESSAGES = 3  # of one test
PAIRS = 50
SLOWEST = 5
NOT_ANSWERED = "Not answered: NotImplementedError."
PLACE = re.compile(r" \(in [^()]+, line \d+: .*\Z", re.DOTALL)  # where in the student's code
EVENTS = ("died", "flaky", "output", "repaired")  # codes of problems that have a table


@dataclass
class Item:
    """A task or one of its tests in the class.

    Attributes:
        name: its grade id.
        title: the heading of the task.
        points: that there are.
        earned: the points of each student, by id; only of those for whom they are final.
        difficulty: share of the points that the class earned; None when there are none.
        discrimination: correlation with the points in the other tasks; None when there is none.
        messages: the most frequent messages with their counts.
    """

    name: str
    title: str
    points: float
    earned: dict[str, float] = field(default_factory=dict)
    difficulty: float | None = None
    discrimination: float | None = None
    messages: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Task(Item):
    """A task with its tests."""

    tests: list[Item] = field(default_factory=list)


@dataclass
class ClassReport:
    """What the report says.

    Attributes:
        assignment: its name.
        points: that there are.
        submitted: how many students handed something in.
        ungraded: who handed in what could not be graded, or is not graded yet.
        flagged: who tampered with the judge, with the evidence.
        waiting: whom a person has to grade a part of, the flagged ones left out.
        late: how many handed in late.
        scores: points of all whose grading is final, the late penalty taken off.
        distribution: bounds and counts of the bars; a bar holds its lower bound, the last one also
            its upper one.
        tasks: in the order of the notebook.
        events: by the code of a problem, who and what.
        seconds: how long each submission ran, by student; empty when no one measured it.
        pairs: near-identical answers.
    """

    assignment: str
    points: float = 0.0
    submitted: int = 0
    ungraded: list[str] = field(default_factory=list)
    flagged: dict[str, list[str]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    late: int = 0
    scores: list[float] = field(default_factory=list)
    distribution: list[tuple[float, float, int]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)


def report(course: Course, assignment: str) -> ClassReport:
    """Read the gradebook and the graded notebooks of an assignment.

    Raises:
        GradingError: the assignment is unknown or nothing of it has been graded.
    """
    graded = course.graded(assignment)
    made = ClassReport(assignment)
    with course.gradebook() as gradebook:
        rows = [row for row in grades(gradebook, assignment) if row.student in set(graded)]
        students = [s for s in scores(gradebook, [assignment])[assignment] if s.submitted]
    submitted = {*course.students(assignment), *graded}
    made.submitted = len(submitted)
    made.ungraded = sorted(submitted - set(graded))
    reader = _Reader(course, assignment, made)
    for student in graded:
        reader.read(student)
    known = {s.student.id: s for s in students if s.student.id in set(graded)}
    for student in [s for s in made.flagged if s in known and not known[s].manual]:
        del made.flagged[student]  # a person has decided
    made.waiting = [s for s, score in known.items() if score.manual and s not in made.flagged]
    made.late = sum(score.late > 0 for score in known.values())
    made.points = max((score.max_score for score in known.values()), default=0.0)
    made.scores = [score.value for score in known.values() if score.final]
    made.distribution = distribution(made.scores, made.points)
    made.tasks = reader.tasks([row for row in rows if row.student not in made.flagged])
    made.pairs = reader.answers.pairs()[:PAIRS]
    return made


def distribution(values: Sequence[float], points: float) -> list[tuple[float, float, int]]:
    """Bars of equal width, at whole points where that is possible."""
    if not values:
        return []
    top = max(points, *values, 1.0)
    width = max(1, math.ceil(top / BARS))
    count = math.ceil(top / width)
    bars = Counter(min(int(value // width), count - 1) for value in values)
    return [(k * width, min((k + 1) * width, top), bars[k]) for k in range(count)]


def discrimination(own: dict[str, float], rest: dict[str, float]) -> float | None:
    """The correlation of the points of an item with the points in all else.

    For a test that gives all of its points or none this is the point-biserial correlation.
    """
    students = sorted(own.keys() & rest.keys())
    first, second = [own[s] for s in students], [rest[s] for s in students]
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return statistics.correlation(first, second)


class _Reader:
    """Reads graded notebooks and keeps what is to be counted."""

    def __init__(self, course: Course, assignment: str, made: ClassReport):
        self.course, self.assignment, self.made = course, assignment, made
        self.messages: dict[str, Counter[str]] = defaultdict(Counter)
        self.examples: dict[tuple[str, str], str] = {}
        self.order: dict[tuple[str, str], tuple[str, str]] = {}  # (notebook, cell): (task, title)
        given = {}
        for path in sorted(course.path("release", assignment).glob("*.ipynb")):
            release = nbformat.read(path, as_version=4)
            titles = titles_of(release)
            for cell in release.cells:
                if is_grade(cell):
                    task = task_of(cell)
                    self.order[path.stem, grade_id(cell)] = (task, titles[task])
                if is_solution(cell):
                    given[f"{path.stem}/{grade_id(cell)}"] = cell.source
        self.answers = Answers(given)
        self.given = given

    def read(self, student: str) -> None:
        """Take in the graded notebooks of one student."""
        folder = self.course.path("autograded", self.assignment, student)
        for path in sorted(folder.glob("*.ipynb")):
            notebook = _read(path)
            note = notebook.metadata.get(NOTE) if notebook else None
            note = note if isinstance(note, dict) else {}
            if note.get("flagged"):
                self.made.flagged[student] = [str(each) for each in note["flagged"]]
            if path == min(folder.glob("*.ipynb")):  # each notebook holds the note on all
                self._events(student, note)
            if notebook:
                self._cells(student, path.stem, notebook, bool(note.get("flagged")))

    def _events(self, student: str, note: dict[str, Any]) -> None:
        for _severity, code, _about, said in note.get("problems", []):
            if code in EVENTS:
                self.made.events.setdefault(code, []).append((student, said))
        if "seconds" in note:
            self.made.seconds[student] = float(note["seconds"])

    def _cells(self, student: str, name: str, notebook: Any, flagged: bool) -> None:
        counted = {c.execution_count: c for c in notebook.cells if c.get("execution_count")}
        for cell in notebook.cells:
            known = f"{name}/{grade_id(cell)}"
            if is_solution(cell) and known in self.given:
                self.answers.add(student, known, cell.source)
            elif is_grade(cell) and not is_solution(cell) and not flagged:
                text = _said(cell, counted)
                kind = re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "#", text)
                self.messages[known].update([kind] if text else [])
                self.examples.setdefault((known, kind), text)

    def tasks(self, rows: list[Grade]) -> list[Task]:
        """The tasks with their tests, and how the class did."""
        tasks: dict[tuple[str, str], Task] = {}
        tests: dict[tuple[str, str], Item] = {}
        for row in rows:
            self.order.setdefault((row.notebook, row.cell), (row.cell, row.cell))
        for (notebook, cell), (name, title) in self.order.items():
            task = tasks.setdefault((notebook, name), Task(name, title, 0.0))
            tests[notebook, cell] = Item(cell, title, 0.0)
            task.tests.append(tests[notebook, cell])
        for row in rows:
            item = tests[row.notebook, row.cell]
            item.points = row.points
            if not row.manual:
                item.earned[row.student] = row.score
        total: Counter[str] = Counter()
        for task in tasks.values():
            task.points = sum(test.points for test in task.tests)
            everybody = set.intersection(*(set(test.earned) for test in task.tests))
            task.earned = {s: sum(test.earned[s] for test in task.tests) for s in everybody}
            total.update(task.earned)
        final = set.intersection(*(set(task.earned) for task in tasks.values())) if tasks else set()
        for (notebook, _name), task in tasks.items():
            rest = {student: total[student] - task.earned[student] for student in final}
            for item in (task, *task.tests):
                if item.points and item.earned:
                    item.difficulty = statistics.fmean(item.earned.values()) / item.points
                    item.discrimination = discrimination(item.earned, rest)
            for test in task.tests:
                known = f"{notebook}/{test.name}"
                test.messages = [
                    (self.examples[known, kind], count)
                    for kind, count in self.messages[known].most_common(MESSAGES)
                ]
        return list(tasks.values())


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _said(cell: Any, counted: dict[int, Any]) -> str:
    error = next((o for o in cell.get("outputs", []) if o.output_type == "error"), None)
    if error is None:
        return ""
    if error.ename == "NotImplementedError" and not error.evalue:
        return NOT_ANSWERED
    return PLACE.sub("", message(cell, counted))


def spread(values: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Mean, median, and so on, of some numbers, each with its name."""
    if values:
        yield "mean", statistics.fmean(values)
        yield "median", statistics.median(values)
        yield "standard deviation", statistics.pstdev(values)
        yield "lowest", min(values)
        yield "highest", max(values)
