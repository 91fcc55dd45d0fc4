"""The nursery: a process that has imported what notebooks import, and forks one for each job.

It is started by who wants jobs run (:class:`Nursery`), with an environment that holds no secrets,
and imports, goes into its own file system (:func:`sandbox.build`) and then only forks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from course_lib.tools import forking
from course_lib.tools.grading.engine import keeper, sandbox, shell
from course_lib.tools.grading.engine.job import Job, Result
from course_lib.tools.grading.engine.messages import BadMessage, receive, send

PRELOADED = (
    *forking.PRELOADED,
    *("matplotlib_inline.backend_inline", "comm"),
    *("course_lib.check.values", "course_lib.check.gradients", "course_lib.check.behavior"),
    *("course_lib.check.models", "course_lib.data", "course_lib.train"),
)
START_SECONDS = 120
KEPT = ("PATH", "LANG", "LC_ALL", "COURSE_DATA", "HOME", "MPLCONFIGDIR", "LD_LIBRARY_PATH")
KEPT += ("PYTHONPATH",)
CREDENTIALS = struct.Struct("3i")  # process, user, group
READY = b"ready\n"


class Lost(Exception):
    """The worker that had a job is gone; somebody else can run it."""


def environment() -> dict[str, str]:
    """The variables that a nursery starts with, and the student's process can see."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**kept, **threads, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


class Nursery:
    """A running nursery; it starts at once, and the first job waits until it is ready.

    Args:
        contained: run jobs in the sandbox.
    """

    def __init__(self, contained: bool = True):
        self.contained = contained
        self._starting, self._ready = threading.Lock(), False
        self._refusal: Exception | None = None
        # Connections go over a socket that has no name: nobody else can use it, and nothing is
        # left of it when this process is killed.
        self.door, there = socket.socketpair()
        how = "contained" if contained else "open"
        with there:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, how],
                env=environment(),
                stdin=there,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        with self._starting:
            if not self._ready and self._refusal is None:
                self._ready = self.process.stdout.readline() == READY
                if not self._ready:
                    said = self.process.stderr.read().decode(errors="replace").strip().splitlines()
                    self._end()  # for sure, so that nobody takes it for a living one
                    killed = Lost("it was killed while it started")
                    self._refusal = sandbox.NoSandbox(said[-1]) if said else killed
            if self._refusal:
                raise self._refusal

    def run(self, job: Job) -> Result:
        """Run a job and wait for its result.

        Raises:
            Lost: the nursery was killed.
            sandbox.NoSandbox: the sandbox cannot be had on this machine.
        """
        self._wait_until_ready()
        folder = "" if self.contained else tempfile.mkdtemp(prefix="course-grade-")
        try:
            return keeper.run_job(job, lambda: self._start(job, folder))
        except (OSError, BadMessage) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)  # a process that is being killed closes its files first
            raise Lost(str(error)) from error
        finally:
            if folder:
                shutil.rmtree(folder, ignore_errors=True)

    def _start(self, job: Job, folder: str) -> keeper.Process:
        """A new process for a job, which has its limits, its files and its environment."""
        connection, there = socket.socketpair()
        connection.settimeout(START_SECONDS)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            with there:
                socket.send_fds(self.door, [b"!"], [there.fileno()])
            pid = _sender(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
            about = {"files": job.files, "environment": job.environment, "folder": folder}
            send(connection, {**about, "limits": asdict(job.limits)})
            said = receive(connection)
        except BaseException:
            connection.close()
            raise
        process = keeper.Process(connection, pid)
        if said != "ready":
            with process:
                if said is None:
                    raise OSError("the worker has ended")
                raise sandbox.NoSandbox(str(said))
        return process

    def close(self) -> None:
        self.door.close()
        self._end()
        self.process.stdout.close()
        self.process.stderr.close()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _sender(connection: socket.socket) -> int:
    """The number of the process that sends the first byte, which the kernel vouches for.

    The process itself is in a name space with other numbers.
    """
    said, about, *_ = connection.recvmsg(1, socket.CMSG_SPACE(CREDENTIALS.size))
    if not said or not about:
        raise OSError("the nursery has ended")
    return CREDENTIALS.unpack(about[0][2])[0]


# --- the process ----------------------------------------------------------------------------------


def main(how: str) -> None:
    """Serve jobs until the process that started this one is gone."""
    door = socket.socket(fileno=os.dup(0))
    gc.disable()  # imports are faster without
    for name in PRELOADED:
        with contextlib.suppress(Exception):  # fails again where a notebook imports it
            importlib.import_module(name)
    importlib.import_module(f"{__package__}.inside")  # only here: it imports PyTorch
    ipython = shell.prepare()
    if how == "contained":
        try:
            sandbox.build(sandbox.needed_paths())
        except (sandbox.NoSandbox, OSError) as error:
            sys.exit(str(error))
    gc.collect()
    gc.freeze()
    gc.enable()
    os.write(1, READY)
    connection = _serve(door, sandbox.Spaces().fork if how == "contained" else os.fork)
    if connection:
        _become_student(connection, ipython)
    os._exit(0)


def _serve(door: socket.socket, fork: Callable[[], int]) -> socket.socket | None:
    """Fork for each connection; the connection in the child, None when nobody needs any more."""
    nursery = os.getpid()
    while True:
        ready, _, _ = select.select([door], [], [], 0.2)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not ready:
            continue
        _said, descriptors, _flags, _address = socket.recv_fds(door, 1, 1)
        if not descriptors:
            return None
        with socket.socket(fileno=descriptors[0]) as connection:
            if not fork():
                sandbox.die_with_parent(nursery)
                door.close()
                return connection.dup()


def _become_student(connection: socket.socket, ipython: shell.Shell) -> None:
    """In a fork: become the process that runs the student's code; never returns."""
    from course_lib.tools.grading.engine import inside

    try:
        connection.sendall(b"!")
        about = receive(connection, largest=1 << 30)
        limits = sandbox.Limits(**about["limits"])
        inside.reset_signals()
        os.environ.clear()
        os.environ.update(about["environment"])
        room = int(limits.output_mb * (1 << 20))
        shell.open_streams(room)
        if about["folder"]:
            os.setsid()
            os.chdir(about["folder"])
        else:
            sandbox.enter(limits)
        tempfile.tempdir = None
        sys.path.insert(0, "")  # helper modules beside the notebook
        inside.write_files(about["files"])
        forking.seed_generators()
        send(connection, "ready")
    except BaseException as error:
        with contextlib.suppress(OSError):
            send(connection, f"{error}")
        os._exit(1)
    try:
        inside.serve(connection, ipython, limits.cell_seconds, room)
    finally:
        os._exit(1)


if __name__ == "__main__":
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    main(*sys.argv[1:])
