"""Warm kernels: on Linux, fork each kernel from a process that has imported PyTorch already.

A *nursery* is a process that imports what every notebook imports and then waits at a Unix socket.
For each request it forks a child, which becomes an ordinary IPython kernel with its own
environment. That costs 30 ms where a new process takes two seconds for the imports. The connection
of a request stays open as long as the kernel lives: the nursery reports the exit of the kernel on
it, and kills the kernel when the other side is gone.

The nursery never computes anything, so it has one thread and no state of random generators that
children could share unseen; :func:`_become_kernel` seeds what an ordinary process seeds itself.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from course_lib.tools import forking

PRELOADED = (
    *forking.PRELOADED,
    *("ipykernel.kernelapp", "ipykernel.ipkernel"),
    *("course_lib.check", "course_lib.claims", "course_lib.data", "course_lib.demo"),
    *("course_lib.train",),
)
LAUNCHER = "ipykernel_launcher"
PROVISIONER = "course-warm"
CONNECT_SECONDS = 5
REPLY_SECONDS = 60
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1


# --- the side of the runner -----------------------------------------------------------------------


@contextlib.contextmanager
def nursery(env: dict[str, str]) -> Iterator[str]:
    """Start a nursery and yield its address.

    Args:
        env: the environment in which the modules are imported; thread settings take effect here.
    """
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        address = str(Path(folder) / "nursery")
        process = subprocess.Popen(
            [sys.executable, "-m", "course_lib.tools.warm", address],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield address
        finally:
            process.stdin.close()
            process.kill()
            process.wait()


def use(manager: KernelManager, address: str) -> None:
    """Have a kernel manager take its kernel from the nursery at this address."""
    _factory()
    spec = copy.deepcopy(manager.kernel_spec)
    provisioner = {"provisioner_name": PROVISIONER, "config": {"address": address}}
    spec.metadata = {**spec.metadata, "kernel_provisioner": provisioner}
    manager._kernel_spec = spec


def _factory() -> KernelProvisionerFactory:
    """jupyter_client's list of ways to start a kernel, with this one in it."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[PROVISIONER] = EntryPoint(
        PROVISIONER, f"{__name__}:WarmProvisioner", KernelProvisionerFactory.GROUP_NAME
    )
    return factory


class WarmProvisioner(LocalProvisioner):
    """Asks the nursery for a kernel, and starts an ordinary process when that does not work."""

    def __init__(self, *, address: str = "", **kwargs: Any):
        super().__init__(**kwargs)
        self.address = address

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if cmd[0] != sys.executable or LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            self.process = ForkedKernel(
                self.address,
                arguments=cmd[cmd.index(LAUNCHER) + 1 :],
                env=kwargs["env"],
                folder=str(kwargs.get("cwd") or Path.cwd()),
                log=getattr(kwargs.get("stdout"), "name", os.devnull),
            )
        except (OSError, ValueError):
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class ForkedKernel:
    """A kernel that the nursery forked, with the methods of ``subprocess.Popen`` that are needed.

    Raises:
        OSError: the nursery does not answer.
        ValueError: it answers something else than a process id.
    """

    stdin = stdout = stderr = None

    def __init__(self, address: str, **request: Any):
        self.returncode: int | None = None
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(REPLY_SECONDS)
        try:
            _connect(self.connection, address)
            self.connection.sendall(json.dumps(request).encode() + b"\n")
            self.pid = int(self.connection.recv(64))
        except (OSError, ValueError):
            self.connection.close()
            raise

    def poll(self) -> int | None:
        """The exit code, or None while the kernel runs."""
        if self.returncode is None:
            self.connection.setblocking(False)
            self._receive()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the exit code."""
        if self.returncode is None:
            self.connection.settimeout(timeout)
            self._receive()
        return self.returncode

    def _receive(self) -> None:
        try:
            self.returncode = int(self.connection.recv(64) or -signal.SIGKILL)
            self.connection.close()
        except (BlockingIOError, TimeoutError):
            pass
        except OSError:
            self.returncode = -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    terminate = kill


def _connect(connection: socket.socket, address: str) -> None:
    """Connect, allowing the nursery a few seconds to open its socket."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


# --- the nursery ----------------------------------------------------------------------------------


def main(address: str) -> None:
    """Serve forks until the runner is gone; in a forked child, become the kernel."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    for name in PRELOADED:
        # A module with a fault will fail again in the notebook, where the author sees it.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    request = _serve(listener)
    if request is not None:
        _become_kernel(request)


def _serve(listener: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; return the request in the child and None when the runner has gone."""
    kernels: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([sys.stdin, listener, *kernels.values()], [], [], POLL_SECONDS)
        _reap(kernels)
        if sys.stdin in ready:
            return None
        for pid, connection in list(kernels.items()):
            if connection in ready:
                _kill(pid)
        if listener in ready:
            connection, _ = listener.accept()
            request = _read_request(connection)
            if request is None:
                connection.close()
            elif pid := os.fork():
                kernels[pid] = connection
                with contextlib.suppress(OSError):
                    connection.sendall(str(pid).encode())
            else:
                for open_socket in (listener, connection, *kernels.values()):
                    open_socket.close()
                return request


def _read_request(connection: socket.socket) -> dict[str, Any] | None:
    connection.settimeout(5)
    data = b""
    with contextlib.suppress(OSError, ValueError):
        while not data.endswith(b"\n") and (part := connection.recv(65536)):
            data += part
        return json.loads(data)
    return None


def _reap(kernels: dict[int, socket.socket]) -> None:
    """Tell the runner about the kernels that have ended."""
    while kernels:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        if connection := kernels.pop(pid, None):
            with contextlib.suppress(OSError):
                connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
            connection.close()


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _become_kernel(request: dict[str, Any]) -> None:
    """Turn a fresh child of the nursery into the kernel that an ordinary start would have given."""
    nursery_pid = os.getppid()
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nursery_pid:
        os._exit(1)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    _redirect(request["log"])
    tempfile.tempdir = None
    forking.seed_generators()
    gc.unfreeze()
    sys.argv = [LAUNCHER, *request["arguments"], f"--IPKernelApp.parent_handle={nursery_pid}"]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


def _redirect(log: str) -> None:
    """Give the kernel an empty standard input, and its log as standard output and error."""
    for number, (path, flags) in enumerate(
        [
            (os.devnull, os.O_RDONLY),
            (log, os.O_WRONLY | os.O_APPEND),
            (log, os.O_WRONLY | os.O_APPEND),
        ]
    ):
        descriptor = os.open(path, flags)
        os.dup2(descriptor, number)
        os.close(descriptor)


if __name__ == "__main__":
    del sys.path[0]  # the current folder, which ipykernel's launcher removes as well
    main(sys.argv[1])
