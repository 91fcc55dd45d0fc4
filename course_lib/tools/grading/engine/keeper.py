"""The keeper of one job: starts the student's process, holds it to its limits, tells what it said.

A cell that ends the process (by itself, by its memory, or because nothing else stopped it) costs
that cell: the notebook starts again in a new process without it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    Job,
    Ran,
    Result,
)
from course_lib.tools.grading.engine.messages import BadMessage, receive, send

MOST_DEATHS = 8
ENDS = 3  # of the process during a cell that make it the cell's doing, not an accident
GRACE_SECONDS = 3.0  # between an interruption and the end
LOOK_SECONDS = 0.1  # between two looks at the memory
PAGE = os.sysconf("SC_PAGE_SIZE")


class Dead(Exception):
    """The student's process has ended, or has to; the message says why."""


class Gone(Dead):
    """It has ended, by its own doing or that of somebody else on this machine."""


def run_job(job: Job, start: Callable[[], Process]) -> Result:
    """Run a notebook to its end, without the cells that end the process.

    Args:
        job: what to run.
        start: gives a new process for it.

    Raises:
        sandbox.NoSandbox: the kernel refuses the sandbox.
        OSError: no process can be had.
    """
    started = time.monotonic()
    deadline = started + job.limits.notebook_seconds
    deaths: dict[int, str] = {}
    suspect: tuple[int, int] | None = None  # a cell that left threads, and the cell that died
    forged = ""
    gone: Counter[int] = Counter()  # how often the process has ended during a cell
    while True:
        with start() as process:
            attempt = _Attempt(job, process, deadline, deaths)
            attempt.run()
        forged = forged or attempt.result.forged
        if attempt.killer is None:
            break
        gone[attempt.killer] += attempt.gone
        if attempt.gone and gone[attempt.killer] < ENDS and time.monotonic() < deadline:
            continue  # a cell that did it does it again
        if suspect and attempt.killer == suspect[1]:  # it was not the one
            del deaths[suspect[0]]
            suspect = None
        elif (left := attempt.left_threads()) is not None and suspect is None:
            suspect = (left, attempt.killer)
            attempt.killer = left
        deaths[attempt.killer] = attempt.reason
        if len(deaths) > MOST_DEATHS or time.monotonic() > deadline:
            attempt.give_up()
            break
    result = attempt.result
    result.deaths, result.forged = deaths, forged
    result.seconds = time.monotonic() - started
    return result


class _Attempt:
    """One process, from its start until it has run all cells or has died."""

    def __init__(self, job: Job, process: Process, deadline: float, deaths: dict[int, str]):
        self.job, self.process, self.deadline, self.deaths = job, process, deadline, deaths
        self.child = process.connection
        self.result = Result()
        self.changed: list[str] = []
        self.killer: int | None = None
        self.reason, self.gone = "", False

    def run(self) -> None:
        for position, cell in enumerate(self.job.cells):
            if position in self.deaths:
                self.result.cells.append(_ended(self.deaths[position]))
                continue
            try:
                if time.monotonic() > self.deadline:
                    raise Dead("the time for the whole notebook was over")
                if cell.kind == TEST:
                    self._test(position, cell)
                else:
                    own = cell.kind in (ANSWER, OWN)
                    message = {"do": "run", "own": own, "name": cell.name if own else ""}
                    self.result.cells.append(self._ask({**message, "source": cell.source}))
            except Dead as dead:
                del self.result.cells[position:]
                self.killer, self.reason = position, str(dead)
                self.gone = isinstance(dead, Gone)
                return
        self._again()

    def left_threads(self) -> int | None:
        """The last cell before the one that died after which there were more threads."""
        before, found = 1, None
        for position, ran in enumerate(self.result.cells):
            if ran.threads > before and self.job.cells[position].kind != GIVEN:
                found = position
            before = ran.threads
        return found

    def give_up(self) -> None:
        """Fill in the cells that were not reached."""
        del self.result.cells[self.killer :]
        self.result.cells += [
            _ended(self.deaths.get(position, "it was not reached: cells before it ended Python"))
            for position in range(self.killer, len(self.job.cells))
        ]

    def _test(self, position: int, cell: CodeCell) -> None:
        """A test, and its controls: before or after it as it is drawn, planted ones in a fork."""
        kinds = list(cell.controls)
        if kinds and self.result.cells and self.result.cells[-1].threads > 1:
            kinds.append(ALONE)
        secrets.SystemRandom().shuffle(kinds)
        before = kinds[: secrets.randbelow(len(kinds) + 1)]
        for kind in before:
            self.result.controls[position, kind] = self._control(position, kind)
        self.result.cells.append(self._ask({"do": "test", "source": cell.source}))
        if names := self.changed:
            self.result.changed[position] = names
        for kind in kinds[len(before) :]:
            self.result.controls[position, kind] = self._control(position, kind)

    def _control(self, position: int, kind: str) -> Ran:
        started, cell = time.monotonic(), self.job.cells[position]
        message = {"do": "control", "source": cell.source, "answers": cell.answers}
        message["binds"] = cell.binds
        message |= {"before": [], "forget": kind == STUB, "put": ""}
        if kind == STUB:
            message["before"] = list(self._before(position))
        elif kind in (NONSENSE, SHIFTED):
            message["put"] = kind
        elif kind == WRONG:
            message["before"] = [cell.controls[WRONG]]
        forked = kind in (WRONG, ALONE)  # the child of a fork has none of its parent's threads
        if forked:
            self._tell({"do": "fork", "swap": bool(secrets.randbits(1))})
        ran = self._ask(message)
        if forked:
            self._tell({"do": "over"})
        ran.seconds = time.monotonic() - started  # with the cells that ran before the test
        return ran

    def _again(self) -> None:
        """Run the tests that failed once more: one that passes now is not sure.

        Where nothing was answered there is nothing to be unsure about.
        """
        stubs = {c.name for c in self.job.cells if c.kind == ANSWER and c.source == c.stub}
        for position, cell in enumerate(self.job.cells):
            tried = cell.kind == TEST and cell.controls and position not in self.deaths
            if cell.answers and stubs.issuperset(cell.answers):
                continue
            if tried and _has_error(self.result.cells[position]):
                try:
                    self.result.again[position] = self._control(position, "again")
                except Dead:
                    return

    def _before(self, position: int) -> Iterator[str]:
        """What comes before a test in a notebook that nobody has touched: stubs, given cells.

        Given cells before the last answer stay as they ran.
        """
        cells = self.job.cells[:position]
        answers = [number for number, cell in enumerate(cells) if cell.kind == ANSWER]
        for number, cell in enumerate(cells):
            if cell.kind == ANSWER:
                yield cell.stub
            elif cell.kind == GIVEN and answers and number > answers[-1]:
                yield cell.source

    # --- the conversation -------------------------------------------------------------------------

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            send(self.child, message)
        except OSError as error:
            raise Gone("it ended Python") from error

    def _ask(self, message: dict[str, Any]) -> Ran:
        """Send a request and wait for its answer.

        Raises:
            Dead: there is none, or it has to be ended.
        """
        token = secrets.token_hex(8)
        if select.select([self.child], [], [], 0)[0]:
            self._look_at_what_nobody_asked_for()
        seconds = self.job.limits.cell_seconds * (1 + len(message.get("before", ())))
        limit = min(time.monotonic() + seconds + GRACE_SECONDS, self.deadline + GRACE_SECONDS)
        try:
            send(self.child, {**message, "token": token})
            while not select.select([self.child], [], [], LOOK_SECONDS)[0]:
                self._hold_to_limits(limit)
            self.child.settimeout(GRACE_SECONDS)
            answer = receive(self.child)
        except BadMessage as error:
            self.result.forged = f"the process sent {error}"
            raise Dead("it sent something of its own to the grader") from error
        except OSError as error:
            raise Gone(f"it broke the connection to the grader ({error})") from error
        if answer is None:
            raise Gone("it ended Python")
        return self._checked(answer, token)

    def _checked(self, answer: Any, token: str) -> Ran:
        if not isinstance(answer, dict) or answer.get("token") != token:
            self.result.forged = "the process sent an answer that the grader had not asked for"
            raise Dead("it sent something of its own to the grader")
        try:
            outputs = [_clean(output) for output in answer["outputs"]]
            self.changed = [_text(name) for name in answer.get("changed", ())]
            numbers = int(answer["count"]), float(answer["seconds"]), int(answer["threads"])
            return Ran(outputs, *numbers, tuple(map(_text, answer.get("bound", ()))))
        except (KeyError, TypeError, ValueError) as error:
            self.result.forged = "the process sent outputs that no notebook can hold"
            raise Dead("it sent something of its own to the grader") from error

    def _look_at_what_nobody_asked_for(self) -> None:
        if self.child.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            self.result.forged = "the process sent something that nobody had asked for"
            raise Dead("it sent something of its own to the grader")
        raise Gone("it ended Python")

    # --- limits -----------------------------------------------------------------------------------

    def _hold_to_limits(self, limit: float) -> None:
        if time.monotonic() > limit:
            seconds = self.job.limits.cell_seconds
            raise Dead(f"it did not end within {seconds:g} seconds and could not be interrupted")
        if memory_mb(self.process.pid) > self.job.limits.memory_mb:
            raise Dead(f"it used more than {self.job.limits.memory_mb:,} MB of memory")


class Process:
    """A student's process that a nursery has forked; use it in a ``with`` statement.

    Attributes:
        connection: to its loop (see ``inside``).
        pid: its number.
    """

    def __init__(self, connection: socket.socket, pid: int):
        self.connection, self.pid = connection, pid
        self.handle = os.pidfd_open(pid)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, and with it all that it started."""
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        os.close(self.handle)


def memory_mb(pid: int) -> float:
    """Memory of a process and of all that it started, what they share with others left out."""
    total, waiting = 0.0, [pid]
    while waiting:
        number = waiting.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            tasks = Path(f"/proc/{number}/task")
            for task in tasks.iterdir():
                waiting += map(int, (task / "children").read_text().split())
            total += _private_mb(number)
    return total


def _private_mb(pid: int) -> float:
    """Memory of one process: its part of what it shares, or, where that is secret, all of it."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        values = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        return (values["Pss"] + values.get("SwapPss", 0)) / 1024
    _size, resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[:3])
    return (resident - shared) * PAGE / (1 << 20)


def _has_error(ran: Ran) -> bool:
    return any(output["output_type"] == "error" for output in ran.outputs)


def _ended(why: str) -> Ran:
    error = {"output_type": "error", "ename": "DeadKernelError", "evalue": why, "traceback": []}
    return Ran([error])


def _clean(output: Any) -> dict[str, Any]:
    """One output as a notebook may hold it.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output["name"] == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": _text(output["text"])}
    if kind == "error":
        lines = [_text(line) for line in output["traceback"]]
        named = {name: _text(output[name]) for name in ("ename", "evalue")}
        return {"output_type": kind, "traceback": lines, **named}
    if kind in ("display_data", "execute_result"):
        data = {_text(name): value for name, value in output["data"].items()}
        content = {"output_type": kind, "data": data, "metadata": {}}
        return content | ({"execution_count": None} if kind == "execute_result" else {})
    raise ValueError(kind)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value.encode("utf-8", "replace").decode("utf-8")
