"""What a worker is sent, and what it sends back; both are plain data that any machine can read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from course_lib.tools.grading.engine.sandbox import Limits

GIVEN, ANSWER, OWN, TEST = "given", "answer", "own", "test"
STUB, NONSENSE, SHIFTED, WRONG, ALONE = "stub", "nonsense", "shifted", "wrong", "alone"


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a submission that was prepared for grading.

    Attributes:
        kind: ``given`` by the instructor, a student's ``answer`` or ``own`` cell, or a ``test``.
        source: what is run.
        name: the grade id; empty for a student's own cell.
        stub: of an answer: what the student was given.
        answers: of a test: the names of the answers that it is about.
        binds: of a test: the Python names that the reference solution binds in these answers.
        controls: of a test: what stands in the place of the answers, by the kind of control; the
            test must fail with it. A planted wrong answer has a source, the other kinds none.
    """

    kind: str
    source: str
    name: str = ""
    stub: str = ""
    answers: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    controls: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Attributes:
        cells: its code cells.
        files: what lies beside the notebook: text in base64, by relative path.
        limits: of time, memory and so on.
        environment: variables for the student's process.
    """

    cells: tuple[CodeCell, ...]
    files: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    environment: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        cells = tuple(CodeCell(**cell) for cell in data["cells"])
        return cls(cells, data["files"], Limits(**data["limits"]), data["environment"])


@dataclass
class Ran:
    """One run of one cell.

    Attributes:
        outputs: as in a notebook.
        count: the number of the execution, None when it was not run to its end.
        seconds: how long it took.
        threads: of the process after it.
        bound: the Python names that it has bound, if it is an answer.
    """

    outputs: list[dict[str, Any]]
    count: int | None = None
    seconds: float = 0.0
    threads: int = 1
    bound: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of a job.

    Attributes:
        cells: the run of each code cell, in order.
        controls: by the position of a test cell and the kind of control, what the test said.
        again: by its position, the second run of a test that failed.
        changed: by its position, what a test judges with and somebody has replaced.
        deaths: by its position, how a cell ended the process that ran it.
        forged: what the student's process sent that nobody had asked for, in words.
        seconds: of the whole job.
    """

    cells: list[Ran] = field(default_factory=list)
    controls: dict[tuple[int, str], Ran] = field(default_factory=dict)
    again: dict[int, Ran] = field(default_factory=dict)
    changed: dict[int, list[str]] = field(default_factory=dict)
    deaths: dict[int, str] = field(default_factory=dict)
    forged: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "cells": [asdict(cell) for cell in self.cells],
            "controls": [[*key, asdict(ran)] for key, ran in self.controls.items()],
            "again": [[key, asdict(ran)] for key, ran in self.again.items()],
            "changed": list(self.changed.items()),
            "deaths": list(self.deaths.items()),
            "forged": self.forged,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        return cls(
            [Ran(**cell) for cell in data["cells"]],
            {(position, kind): Ran(**ran) for position, kind, ran in data["controls"]},
            {position: Ran(**ran) for position, ran in data["again"]},
            dict(data["changed"]),
            dict(data["deaths"]),
            data["forged"],
            data["seconds"],
        )
