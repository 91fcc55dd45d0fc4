"""Negative controls: how a submission is caught that tampered with what judges it.

A student's code and the tests run in one process, so that code can change what the tests use: a
comparison, an error class, IPython itself. Whatever it changed, a test that passes after a wrong
answer is no test any more. Each test is therefore also run after the untouched stub, and some, at
random, after a planted wrong answer, in a copy of the process as it is then. Others put nonsense in
the place of the answers, or shift the results of the student's own functions. Before a class is
graded, the same is done with the reference solution: controls that do not fail even there say
nothing and are left out.

What tests judge with is also compared, before and after each, with what it was (``integrity``).
"""

from __future__ import annotations

import contextlib
import random
import runpy
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbgrader.utils import is_grade, is_locked, is_solution

from course_lib.tools.grading.engine.job import (
    ALONE,
    ANSWER,
    GIVEN,
    NONSENSE,
    OWN,
    SHIFTED,
    STUB,
    TEST,
    WRONG,
    CodeCell,
    Ran,
    Result,
)
from course_lib.tools.grading.release import TASK

SHARE = 0.06  # of the reference solution's time may go into controls that take time
LEAST_SECONDS = 0.3  # which they may always take
FREE_SECONDS = 0.05  # nonsense that takes less is not counted
MOST_NAMES = 3  # in one line of evidence


def code_cells(notebook: Any, stubs: dict[str, str]) -> list[tuple[Any, CodeCell]]:
    """The code cells of a sanitized notebook, and what the worker is told about each.

    Args:
        notebook: grafted and sanitized.
        stubs: what each answer was before somebody answered, by grade id.
    """
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        name = (cell.metadata.get("nbgrader") or {}).get("grade_id", "")
        if is_solution(cell):
            code = CodeCell(ANSWER, cell.source, name, stubs.get(name, ""))
        elif is_grade(cell):
            earlier = [code.name for _cell, code in found if code.kind == ANSWER]
            code = CodeCell(TEST, cell.source, name, answers=_answers(name, earlier))
        else:
            code = CodeCell(GIVEN if is_locked(cell) else OWN, cell.source, name)
        found.append((cell, code))
    return found


def _answers(test: str, earlier: list[str]) -> tuple[str, ...]:
    """The answers that a test is about: those of its task, otherwise the last one before it."""
    task = TASK.fullmatch(test)
    of_task = [name for name in earlier if task and (m := TASK.fullmatch(name)) and m[1] == task[1]]
    return tuple(of_task or earlier[-1:])


def planted_wrong_answers(root: Path, assignment: str) -> dict[str, list[str]]:
    """The wrong answers in ``tests/answers``, by task; empty where a course has none."""
    path = root / "tests" / "answers" / f"{assignment}.py"
    if not path.is_file():
        return {}
    with contextlib.suppress(Exception), _importable(path.parents[1]):
        wrong = runpy.run_path(str(path))["WRONG"]
        return {task: list(answers.values()) for task, answers in wrong.items()}
    return {}


@contextlib.contextmanager
def _importable(folder: Path):
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def passes(ran: Ran, points: float) -> bool:
    """Whether a test lets pass what ran before it, by nbgrader's rules; stderr costs nothing."""
    for output in ran.outputs:
        if output["output_type"] == "error":
            return False
        if output["output_type"] == "execute_result":
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return float(output["data"]["text/plain"]) >= points > 0
    return True


@dataclass
class Controls:
    """The controls of an assignment that are known to fail, and what they cost.

    Tests without points, which students see, have none: they may be weak.

    Attributes:
        wrong: one planted wrong answer for each test, by the test's grade id.
        seconds: what each control costs, by test and kind.
        valid: pairs of a test and a kind of control that fail with the reference solution.
        binds: the Python names that the reference solution binds, by the name of the answer.
        usual: what changes without anybody's doing.
        budget: seconds that controls may take that are not cheap.
    """

    wrong: dict[str, str]
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    valid: set[tuple[str, str]] = field(default_factory=set)
    binds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    usual: set[str] = field(default_factory=set)
    budget: float = LEAST_SECONDS

    @classmethod
    def draw(cls, names: Iterable[str], planted: dict[str, list[str]]) -> Controls:
        """Choose a wrong answer for each test of a task that has any; all still to be tried."""
        chosen = {}
        for name in names:
            task = TASK.fullmatch(name)
            if task and planted.get(task[1]):
                chosen[name] = random.SystemRandom().choice(planted[task[1]])
        return cls(chosen)

    def all(self, cells: list[CodeCell]) -> tuple[CodeCell, ...]:
        """The cells with every control, to be tried with the reference solution."""
        return tuple(replace(cell, controls=self._of(cell)) for cell in cells)

    def _of(self, cell: CodeCell) -> dict[str, str]:
        if cell.kind != TEST:
            return {}
        planted = {WRONG: self.wrong[cell.name]} if cell.name in self.wrong else {}
        return {STUB: "", NONSENSE: "", SHIFTED: ""} | planted

    def learn(self, cells: list[CodeCell], points: dict[str, float], result: Result) -> None:
        """Keep the controls that failed with the reference solution."""
        for (position, kind), ran in result.controls.items():
            name = cells[position].name
            if points[name] and not passes(ran, points[name]):
                self.valid.add((name, kind))
            self.seconds[name, kind] = ran.seconds
        for cell, ran in zip(cells, result.cells, strict=True):
            if cell.kind == ANSWER:
                self.binds[cell.name] = ran.bound
        for names in result.changed.values():
            self.usual |= set(names)
        self.budget = max(LEAST_SECONDS, SHARE * sum(ran.seconds for ran in result.cells))

    def some(self, cells: list[CodeCell]) -> tuple[CodeCell, ...]:
        """The cells with the controls for one submission.

        Always those of the stub, and of nonsense where that costs nothing; of the others as many
        as the budget allows, drawn at random. One that costs more than is left is drawn as often
        as keeps the cost of a class within it.
        """
        always = {p for p in self.valid if p[1] == STUB or self._is_free(p)}
        others, chance = list(self.valid - always), random.SystemRandom()
        chance.shuffle(others)
        chosen, left = set(always), self.budget
        for pair in others:
            if self.seconds[pair] <= left or chance.random() * self.seconds[pair] < left:
                chosen.add(pair)
                left -= self.seconds[pair]
            if left <= 0:
                break
        return tuple(
            replace(
                cell,
                binds=tuple(n for answer in cell.answers for n in self.binds.get(answer, ())),
                controls={k: v for k, v in self._of(cell).items() if (cell.name, k) in chosen},
            )
            for cell in cells
        )

    def _is_free(self, pair: tuple[str, str]) -> bool:
        return pair[1] == NONSENSE and self.seconds[pair] < FREE_SECONDS

    def evidence(
        self, cells: list[CodeCell], points: dict[str, float], result: Result
    ) -> tuple[str, ...]:
        """What shows that a submission tampered with its judge; empty when nothing does."""
        found: dict[str, list[str]] = {}
        for (position, kind), ran in result.controls.items():
            name = cells[position].name
            earned = passes(result.cells[position], points[name])
            passed = passes(ran, points[name])
            if kind == ALONE:
                if points[name] and earned and not passed and not _timed_out(ran):
                    found.setdefault("pass only while the notebook's threads run", []).append(name)
            elif earned and passed and (name, kind) in self.valid:
                found.setdefault(f"also pass with {INSTEAD[kind]}", []).append(name)
        for position, cell in enumerate(cells):
            if cell.kind == TEST and _too_much(result.cells[position], points[cell.name]):
                found.setdefault("gave more points than they have", []).append(cell.name)
        said = [result.forged] if result.forged else []
        said += [f"tests that {what}: {_some(names)}" for what, names in found.items()]
        replaced: dict[str, list[str]] = {}
        for position, names in result.changed.items():
            if strange := [name for name in names if name not in self.usual]:
                replaced.setdefault(_some(strange), []).append(cells[position].name)
        said += [f"replaced in {_some(names)}: {what}" for what, names in replaced.items()]
        return tuple(said)


def _some(names: list[str]) -> str:
    """The first of many names."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


INSTEAD = {
    STUB: "no answer at all",
    NONSENSE: "nonsense in the place of the answer",
    SHIFTED: "other results than those of the answer",
    WRONG: "a wrong answer",
}


def _timed_out(ran: Ran) -> bool:
    return any(output.get("ename") == "CellTimeoutError" for output in ran.outputs)


def _too_much(ran: Ran, points: float) -> bool:
    for output in ran.outputs:
        if output["output_type"] == "execute_result":
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return not 0 <= float(output["data"]["text/plain"]) <= points
    return False
