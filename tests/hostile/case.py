"""What a case of the corpus is, and short ways to make one."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classroom import answered, cells

from hostile.assignment import FULL_MARKS, NAME, RIGHT, WRONG
from hostile.canaries import Facts

Notebook = dict[str, Any]
Build = Callable[[Path, Notebook], None]


@dataclass(frozen=True)
class Outcome:
    """What has to come out.

    Attributes:
        state: ``graded``, ``failed`` or ``flagged``, or several of them where each is right.
        scores: the points of every test when it is graded; None for a test, or for all, where they
            do not matter. What failed or was flagged has no points, whatever stands here.
        says: a regular expression, found in the report's line or in the notes below it.
        leaks: texts that appear nowhere in the report and the feedback, besides the canaries.
    """

    state: str | tuple[str, ...] = "graded"
    scores: dict[str, float | None] | None = None
    says: str = ""
    leaks: tuple[str, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        return (self.state,) if isinstance(self.state, str) else self.state


@dataclass(frozen=True)
class Case:
    """One submission.

    Attributes:
        name: kebab-case.
        build: writes the files into ``submitted/<student>/<assignment>/``, which exists.
        required: what has to come out.
        student: the name of the folder; the case's name by default.
        remains: what no grader can prevent here, in words.
    """

    name: str
    build: Build
    required: Outcome
    student: str = ""
    remains: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "student", self.student or self.name)


def all_but(*tasks: str, points: float | None = 0.0) -> dict[str, float | None]:
    """Full marks, but other points for the tests of some tasks."""
    return {name: points if name.startswith(tasks) else full for name, full in FULL_MARKS.items()}


FULL = Outcome("graded", dict(FULL_MARKS))
NOT_1, NOT_2, NOT_3, NOT_4 = (Outcome("graded", all_but(f"task-{n}")) for n in (1, 2, 3, 4))
ANY_3 = Outcome("graded", all_but("task-3", points=None))
# The first task is honest work, the others are wrong.
CAUGHT = Outcome(("flagged", "graded"), all_but("task-2", "task-3", "task-4"))


def said(pattern: str, outcome: Outcome = FULL) -> Outcome:
    """The same outcome, and the report must say so."""
    return Outcome(outcome.state, outcome.scores, f"(?i){pattern}", outcome.leaks)


def write(folder: Path, content: Notebook | bytes, name: str = f"{NAME}.ipynb") -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)


def code(source: str, **metadata: Any) -> Notebook:
    """An own cell of a student."""
    own = {"cell_type": "code", "execution_count": None, "outputs": [], "metadata": metadata}
    digest = hashlib.sha256(source.encode(errors="replace")).hexdigest()
    return own | {"id": f"own-{digest[:12]}", "source": source}


def text(source: str) -> Notebook:
    cell = code(source)
    del cell["outputs"], cell["execution_count"]
    return cell | {"cell_type": "markdown"}


def put_before(notebook: Notebook, grade_id: str, *own: Notebook) -> None:
    """Insert cells before one that nbgrader knows, or at the end for an empty id."""
    known = cells(notebook)
    place = notebook["cells"].index(known[grade_id]) if grade_id else len(notebook["cells"])
    notebook["cells"][place:place] = own


class Corpus(list[Case]):
    """The cases of one module."""

    def edit(self, required: Outcome = FULL, **more: str) -> Callable:
        """Decorate ``change(notebook)``, which is given all right answers.

        It changes the notebook, or returns another one or bytes to be written.
        """

        def add(change: Callable[[Notebook], Notebook | bytes | None]) -> Callable:
            def build(folder: Path, release: Notebook) -> None:
                notebook = answered(release, RIGHT)
                changed = change(notebook)
                write(folder, notebook if changed is None else changed)

            return self.build(required, name=change.__name__, **more)(build)

        return add

    def build(self, required: Outcome = FULL, name: str = "", **more: str) -> Callable:
        """Decorate ``build(folder, release)``."""

        def add(build: Build) -> Build:
            own = (name or build.__name__).strip("_").replace("_", "-")
            self.append(Case(own, build, required, **more))
            return build

        return add

    def work(
        self,
        name: str,
        answers: dict[str, str] | None = None,
        required: Outcome = FULL,
        own: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
        look: bool = False,
        **more: str,
    ) -> None:
        """Right answers, but for some.

        Args:
            name: of the case.
            answers: the other ones, by grade id.
            required: the outcome.
            own: further code cells, by the grade id that they stand before; ``""`` for the end.
            files: further files, by path.
            look: whether a first cell knows where the canaries are.
        """

        def build(folder: Path, release: Notebook) -> None:
            notebook = answered(release, RIGHT | (answers or {}))
            for place, source in (own or {}).items():
                put_before(notebook, place, code(source.strip("\n")))
            if look:
                put_before(notebook, "task-1", code(Facts.around(folder).look()))
            write(folder, notebook)
            for path, content in (files or {}).items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(content)

        self.append(Case(name, build, required, **more))

    def cheat(self, name: str, attack: str = "", required: Outcome = CAUGHT, **more: Any) -> None:
        """Task 1 is honest work; the others are wrong, with the attack in the second answer."""
        wrong = {task: WRONG[task] for task in ("task-2", "task-3", "task-4")}
        wrong["task-2"] = f"{attack.strip()}\n\n{wrong['task-2']}"
        self.work(name, wrong | more.pop("answers", {}), required, **more)


def copy_of(cell: Notebook, **changes: Any) -> Notebook:
    return copy.deepcopy(cell) | changes
