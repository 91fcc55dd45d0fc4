"""Executes one notebook: papermill with limits on time, memory and output.

:func:`execute` runs in a worker process. Everything it needs comes in a :class:`Task` and all that
the caller needs goes back in a :class:`Result`, so any ``concurrent.futures`` executor with a
shared file system can carry it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.log import logger as papermill_logger

from course_lib.tools.chapters import INJECTED, write_atomic

MB = 1024 * 1024
SAMPLE_SECONDS = 0.1
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Task:
    """A notebook to execute. Paths are absolute.

    Attributes:
        notebook: the notebook as nbformat 4 JSON, without outputs.
        folder: the working directory of the kernel.
        output: where the executed notebook goes.
        state: a small file that says how far the notebook is, for the progress display.
        stop: as soon as this file exists, the kernel is killed.
        timeout: seconds that one cell may take.
        memory_limit, output_limit: MB that the kernel may occupy, and that one cell may print.
        threads: how many threads PyTorch may use.
        python_path: folder that the kernel finds ``course_lib`` in.
        nursery: address of the process that forks warm kernels, or None for ordinary kernels.
    """

    slug: str
    notebook: dict[str, Any]
    kernel: str
    key: str
    profile: str
    folder: Path
    output: Path
    state: Path
    stop: Path
    timeout: int
    memory_limit: float
    output_limit: float = 10
    threads: int = 1
    python_path: Path | None = None
    nursery: str | None = None


@dataclass
class Failure:
    """Why a notebook did not finish.

    ``cell`` counts code cells from 0, ``line`` the lines in it from 1.
    """

    reason: str
    cell: int | None = None
    line: int | None = None
    traceback: str = ""


@dataclass
class Result:
    """What became of a notebook."""

    slug: str
    status: str
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None


def execute(task: Task) -> Result:
    """Run a notebook and save it when it succeeds; failures come back in the result."""
    started = time.monotonic()
    failure = None
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as scratch,
        Monitor(task) as monitor,
    ):
        try:
            notebook = _papermill(task, monitor, Path(scratch))
        except Exception as error:
            failure = _explain(error, task, monitor, Path(scratch))
    if failure and task.nursery and monitor.cell is None and not monitor.verdict:
        return execute(replace(task, nursery=None))
    seconds = round(time.monotonic() - started, 2)
    result = Result(task.slug, "failed", seconds, round(monitor.peak_mb), failure=failure)
    if failure is None:
        _save(notebook, task, result)
    return result


def _papermill(task: Task, monitor: Monitor, scratch: Path) -> Any:
    papermill_logger.setLevel("CRITICAL")
    env = kernel_environment(task.threads, task.python_path)
    env |= {"TMPDIR": str(scratch), "IPYTHONDIR": str(scratch / "ipython")}
    with (scratch / "kernel.log").open("wb") as log:
        return papermill.execute_notebook(
            nbformat.from_dict(task.notebook),
            None,
            parameters={"PROFILE": task.profile},
            engine_name="course",
            kernel_name=task.kernel,
            language="python",
            cwd=task.folder,
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            start_timeout=120,
            execution_timeout=task.timeout,
            monitor=monitor,
            scratch=scratch,
            launch={"env": env, "stdout": log, "stderr": log},
        )


# glibc otherwise gives memory back to the system after each training step and asks for it again in
# the next one, which costs a fifth to a third of the time of small networks.
KEEP_MEMORY = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(512 << 20))


def kernel_environment(threads: int, python_path: Path | None) -> dict[str, str]:
    """The environment of kernels: the caller's, less what makes results differ between machines."""
    env = dict(os.environ)
    for name in ("MPLBACKEND", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP"):
        env.pop(name, None)
    number = str(threads)
    env |= {"OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": "1"}
    env |= {"COURSE_STATIC": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    env |= KEEP_MEMORY
    if python_path:
        paths = [str(python_path), *filter(None, [env.get("PYTHONPATH")])]
        env["PYTHONPATH"] = os.pathsep.join(paths)
    return env


# --- the papermill engine -------------------------------------------------------------------------


class CourseEngine(Engine):
    """papermill's engine, with a client that knows the limits of the task."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man, kernel_name, *, monitor, scratch, launch, start_timeout, execution_timeout, **_
    ):
        client = CourseClient(
            nb_man,
            monitor=monitor,
            scratch=scratch,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            iopub_timeout=60,
            shutdown_kernel="immediate",
            store_widget_state=False,
            coalesce_streams=True,
            log=papermill_logger,
        )
        return client.execute(**launch)


papermill_engines.register("course", CourseEngine)


class CourseClient(PapermillNotebookClient):
    """Reports each cell and each output to the monitor of the task."""

    def __init__(self, nb_man, *, monitor: Monitor, scratch: Path, **kwargs):
        super().__init__(nb_man, **kwargs)
        self.monitor, self.scratch = monitor, scratch
        self.on_cell_start = monitor.cell_start

    def create_kernel_manager(self) -> AsyncKernelManager:
        manager = AsyncKernelManager(kernel_name=self.kernel_name, config=self.config)
        manager.connection_file = str(self.scratch / "kernel.json")
        if sys.platform != "win32" and len(str(self.scratch)) < 80:
            # Ports that were free a moment ago may be taken when many kernels start at once;
            # sockets in a private folder cannot clash. Their path may have about 100 characters.
            manager.transport, manager.ip = "ipc", str(self.scratch / "ipc")
        if self.monitor.task.nursery:
            from course_lib.tools import warm

            warm.use(manager, self.monitor.task.nursery)
        self.km = manager
        return manager

    def start_new_kernel(self, **kwargs) -> None:
        super().start_new_kernel(**kwargs)
        self.monitor.watch(self.km.provisioner.pid)

    def process_message(self, msg, cell, cell_index):
        if self.monitor.output_arrived(msg):
            return super().process_message(msg, cell, cell_index)
        return None


class Monitor(threading.Thread):
    """Watches one kernel: how far it is, what it occupies, and whether it has to be killed."""

    def __init__(self, task: Task):
        super().__init__(daemon=True, name=f"monitor of {task.slug}")
        self.task = task
        self.started = time.time()
        self.kernel: psutil.Process | None = None
        self.descendants: list[psutil.Process] = []
        self.cell: int | None = None
        self.output_mb = 0.0
        self.peak_mb = self.memory_mb = 0.0
        self.verdict: str | None = None
        self._done = threading.Event()

    def __enter__(self) -> Monitor:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self.join()
        self._kill()
        self.task.state.unlink(missing_ok=True)

    def watch(self, pid: int) -> None:
        """The kernel has started."""
        with contextlib.suppress(psutil.Error):
            self.kernel = psutil.Process(pid)
        if self.verdict:
            self._kill()

    def cell_start(self, cell: Any, cell_index: int) -> None:
        """nbclient's hook: a cell is about to run."""
        self.output_mb = 0.0
        if cell.cell_type == "code" and INJECTED not in cell.metadata.get("tags", []):
            self.cell = 0 if self.cell is None else self.cell + 1
            self._write_state()

    def output_arrived(self, msg: dict[str, Any]) -> bool:
        """Count what the cell prints; False once it is more than the limit."""
        content = msg["content"]
        self.output_mb += len(content.get("text", "")) / MB
        self.output_mb += sum(len(str(value)) for value in content.get("data", {}).values()) / MB
        if self.output_mb > self.task.output_limit and self.verdict is None:
            self.condemn(
                f"the cell printed more than {self.task.output_limit:g} MB; print less, "
                "or raise --output-limit"
            )
        return self.verdict is None

    def condemn(self, verdict: str) -> None:
        """Kill the kernel, for a reason that the reader will see."""
        self.verdict = self.verdict or verdict
        self._kill()

    def run(self) -> None:
        tick = 0
        while not self._done.wait(SAMPLE_SECONDS):
            if tick % 5 == 0:
                self._find_descendants()
                self._write_state()
                if self.task.stop.exists():
                    self.condemn("interrupted")
            self._sample()
            tick += 1

    def _find_descendants(self) -> None:
        if self.kernel:
            with contextlib.suppress(psutil.Error):
                self.descendants = self.kernel.children(recursive=True)

    def _sample(self) -> None:
        memory = 0
        for process in [self.kernel, *self.descendants] if self.kernel else []:
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
        self.memory_mb = memory / MB
        self.peak_mb = max(self.peak_mb, self.memory_mb)
        if self.memory_mb > self.task.memory_limit and self.verdict is None:
            self.condemn(
                f"the kernel occupied {self.memory_mb:.0f} MB, more than its limit of "
                f"{self.task.memory_limit:.0f} MB; use less memory, or raise --memory-limit"
            )

    def _kill(self) -> None:
        if self.kernel is None:
            return
        self._find_descendants()
        for process in [self.kernel, *self.descendants]:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _write_state(self) -> None:
        state = {
            "started": self.started,
            "cell": 0 if self.cell is None else self.cell + 1,
            "memory_mb": self.memory_mb,
            "pids": [process.pid for process in [self.kernel, *self.descendants] if process],
        }
        with contextlib.suppress(OSError):
            write_atomic(self.task.state, json.dumps(state))


# --- what came out --------------------------------------------------------------------------------


def _explain(error: Exception, task: Task, monitor: Monitor, scratch: Path) -> Failure:
    """Say what went wrong in the words of the course."""
    if monitor.verdict:
        return Failure(monitor.verdict, monitor.cell)
    if isinstance(error, PapermillExecutionError):
        text = ANSI.sub("", "\n".join(error.traceback))
        numbers = re.findall(rf"Cell In\[{error.exec_count}\], line (\d+)", text)
        line = int(numbers[-1]) if numbers else None
        reason = f"{error.ename}: {error.evalue}".partition("\n")[0]
        return Failure(reason, monitor.cell, line, "\n".join(error.traceback))
    if isinstance(error, CellTimeoutError):
        reason = f"the cell took longer than {task.timeout} s; do less in it, or raise --timeout"
        return Failure(reason, monitor.cell)
    log = (scratch / "kernel.log").read_text("utf-8", "replace")[-2000:]
    if isinstance(error, DeadKernelError):
        return Failure("the kernel died", monitor.cell, traceback=log)
    if isinstance(error, NoSuchKernel):
        return Failure(f"there is no kernel {task.kernel!r}; the front matter should name python3")
    reason = f"the notebook could not be executed: {type(error).__name__}: {error}"
    return Failure(reason, monitor.cell, traceback=log)


def _save(notebook: Any, task: Task, result: Result) -> None:
    """Keep an executed notebook, whole or not at all."""
    result.claims, result.data = records(notebook)
    notebook.metadata["course"] = {
        "key": task.key,
        "profile": task.profile,
        "seconds": result.seconds,
        "peak_memory_mb": result.peak_memory_mb,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": result.data,
        "claims": result.claims,
    }
    try:
        write_atomic(task.output, nbformat.writes(notebook))
        result.status = "executed"
    except OSError as error:
        result.failure = Failure(
            f"executed, but {task.output} could not be written ({error.strerror}); free some space "
            "or change the permissions, then repeat"
        )


def records(notebook: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The claims and the data sources that cells recorded in the metadata of their outputs."""
    claims, data = [], {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get("course", {})
            if "claim" in record:
                claims.append(dict(record["claim"]))
            if "data" in record:
                data[record["data"]["name"]] = record["data"]["source"]
    return claims, data


def start_worker() -> None:
    """Prepare a worker process: Ctrl-C is the parent's business, and nobody outlives the parent."""
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_with, args=(parent.join,), daemon=True).start()


def _exit_with(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)
