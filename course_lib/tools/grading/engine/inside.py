"""The loop in the student's process: run what the keeper sends, one cell after the other.

Next to each test runs its *control*: the same test after the stub, which must fail. It runs in the
same process, before or after the test as it is drawn, and what it bound is put back; so do those
with wrong results that need no author (``wrong``). Controls with planted wrong answers, which do
more, run in a fork; which half of it goes on with the notebook is drawn too, so that code cannot
tell by its process whether it is being controlled.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from course_lib.tools.grading.engine import integrity, wrong
from course_lib.tools.grading.engine.messages import receive, send
from course_lib.tools.grading.engine.shell import Shell, run

# A test that passes with one shift may be weak, or the answer was off by just that: two are tried.
PUT = {"nonsense": (wrong.nonsense,), "shifted": (wrong.raised, wrong.turned)}


def write_files(files: dict[str, str]) -> None:
    """Put the files that belong to the notebook into the current folder."""
    for name, data in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))


def serve(keeper: socket.socket, shell: Shell, seconds: float, room: int) -> None:
    """Answer the keeper until it closes the connection; never returns."""
    Loop(keeper, shell, seconds, room).forever()


class Loop:
    """The student's side of the conversation with the keeper."""

    def __init__(self, keeper: socket.socket, shell: Shell, seconds: float, room: int):
        self.keeper, self.shell, self.seconds, self.room = keeper, shell, seconds, room
        self.own_names: set[str] = set()  # what the student's cells have bound
        self.bound: dict[str, set[str]] = {}  # what each answer has bound
        self.watch = integrity.Watch(shell)

    def forever(self) -> None:
        while message := receive(self.keeper):
            if message["do"] == "run":
                self._answer(message, self._run(message["source"], message["own"], message["name"]))
            elif message["do"] == "test":
                self._answer(message, self._test(message["source"]))
            elif message["do"] == "control":
                self._answer(message, self._control(message))
            elif message["do"] == "fork":
                self._fork(message["swap"])
        os._exit(0)

    def _test(self, source: str) -> dict[str, Any]:
        """A test, and what had been replaced that it judges with, before it or after it."""
        changed = set(self.watch.changed())
        result = self._run(source)
        changed |= set(self.watch.changed())
        return result | {"changed": sorted(changed)[:20]}

    def _run(self, source: str, own: bool = False, name: str = "") -> dict[str, Any]:
        process, before = os.getpid(), dict(self.shell.user_ns) if own else {}
        result = run(self.shell, source, self.seconds, self.room)
        if os.getpid() != process:  # the cell forked, and this is its child
            os._exit(0)
        result["threads"] = threads()
        if own:
            now = self.shell.user_ns
            bound = {k for k, value in now.items() if before.get(k, self) is not value}
            self.own_names |= bound
            if name:
                self.bound[name] = {k for k in bound if k[:1] != "_" and k not in ("In", "Out")}
                result["bound"] = sorted(self.bound[name])
        return result

    def _answer(self, message: dict[str, Any], result: dict[str, Any]) -> None:
        send(self.keeper, {"token": message["token"], **result})

    def _control(self, message: dict[str, Any]) -> dict[str, Any]:
        """Run a test after other cells, and leave everything bound as it was."""
        namespace, generators = dict(self.shell.user_ns), generator_states()
        self.shell.brief = True
        try:
            if message["forget"]:
                for name in self.own_names & set(namespace):
                    del self.shell.user_ns[name]
            for source in message["before"]:
                self._run(source)
            own = {name for answer in message["answers"] for name in self.bound.get(answer, ())}
            names = set(message["binds"]) or own
            result: dict[str, Any] = {}
            for put in PUT.get(message["put"], (_nothing,)):
                bound = dict(self.shell.user_ns)
                try:
                    put(names, self.shell.user_ns)
                except wrong.CannotShift:
                    return self._run("raise NotImplementedError('no control')")
                result = self._run(message["source"])
                if any(output["output_type"] == "error" for output in result["outputs"]):
                    break
                self.shell.user_ns.update(bound)
            return result
        finally:
            self.shell.brief = False
            self.shell.user_ns.clear()
            self.shell.user_ns.update(namespace)
            set_generators(generators)

    def _fork(self, swap: bool) -> None:
        """Split; one half answers the keeper until it says ``over``, and then the other goes on."""
        here, there = socket.socketpair()
        swap = swap and threads() == 1
        child = os.fork()
        goes_on = (child == 0) == swap
        baton = here if child else there
        (there if child else here).close()
        if goes_on:
            if not baton.recv(1):  # somebody has killed the other half
                os._exit(1)
            baton.close()
            if child:
                os.waitpid(child, 0)
            return
        while (message := receive(self.keeper)) and message["do"] != "over":
            self._answer(message, self._control(message))
        baton.sendall(b"!")
        baton.close()
        if child:
            _pid, status = os.waitpid(child, 0)
            os._exit(max(os.waitstatus_to_exitcode(status), 0))
        os._exit(0)


def generator_states() -> dict[str, Any]:
    """The states of the random generators that have a global one."""
    states = {"random": random.getstate()}
    if numpy := sys.modules.get("numpy"):
        states["numpy"] = numpy.random.get_state()
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.default_generator.get_state()
    return states


def set_generators(states: dict[str, Any]) -> None:
    """Put back what :func:`generator_states` gave."""
    random.setstate(states["random"])
    if "numpy" in states:
        sys.modules["numpy"].random.set_state(states["numpy"])
    if "torch" in states:
        sys.modules["torch"].default_generator.set_state(states["torch"])


def _nothing(_names: set[str], _namespace: dict[str, Any]) -> None:
    """Put nothing in the place of the answers."""


def threads() -> int:
    """Threads of this process, those of libraries included."""
    return len(list(Path("/proc/self/task").iterdir()))


def reset_signals() -> None:
    """Python's own handling of Ctrl-C, whatever the forking process had."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
