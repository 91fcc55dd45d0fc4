"""Run cells as a Jupyter kernel does, without a kernel: an IPython shell that records outputs.

This code runs in the student's process. Whatever it says may have been forged by the code that it
ran; who believes it is decided elsewhere (see ``controls``).
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import signal
import sys
import time
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

CUT = "\n… the rest of the output was cut …\n"
NO_INPUT = "raw_input was called, but this frontend does not support input requests."
AGAIN_SECONDS = 0.5  # between two tries to stop a cell
TOO_LATE = {
    "output_type": "error",
    "ename": "CellTimeoutError",
    "evalue": "",
    "traceback": ["\x1b[0;31mCellTimeoutError\x1b[0m: No reply from kernel before timeout"],
}

Output = dict[str, Any]


class Recorder:
    """The outputs of the cell that runs, in the form of a notebook's."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.room = 0

    def begin(self, room: int) -> None:
        self.outputs, self.room = [], room

    def stream(self, name: str, text: str) -> None:
        if self.room <= 0 or not text:
            return
        if len(text) > self.room:
            text = text[: self.room] + CUT
        self.room -= len(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") == name:
            last["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def add(self, output: Output) -> None:
        size = len(repr(output))
        if size > max(self.room, 100_000):
            self.stream("stdout", CUT)
            self.room = 0
            return
        self.room -= size
        self.outputs.append(output)


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr``: text for the recorder; its descriptor is the real one."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, recorder: Recorder, name: str, descriptor: int):
        self.recorder, self.name, self.descriptor = recorder, name, descriptor

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self.recorder.stream(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self.descriptor


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, *, transient=None, update=False, **_others):
        if not update:
            content = {"data": _texts(data), "metadata": metadata or {}}
            RECORDER.add({"output_type": "display_data", **content})

    def clear_output(self, wait=False):
        RECORDER.outputs.clear()


class _Hook(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        content = {"data": _texts(format_dict), "metadata": md_dict or {}}
        count = self.prompt_count
        RECORDER.add({"output_type": "execute_result", "execution_count": count, **content})


def _texts(data: dict[str, Any]) -> dict[str, Any]:
    from base64 import b64encode

    return {
        kind: b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


class Shell(InteractiveShell):
    """IPython's shell, which hands errors to the recorder instead of printing them."""

    brief = False  # errors without the lines they came through, which are slow to put together

    def showtraceback(self, *arguments, **options):
        if not self.brief:
            return super().showtraceback(*arguments, **options)
        kind, error = sys.exc_info()[:2]
        self._showtraceback(kind, error, [])

    def _showtraceback(self, etype, evalue, stb):
        name = getattr(etype, "__name__", str(etype))
        error = {"output_type": "error", "ename": name, "evalue": _said(evalue), "traceback": stb}
        RECORDER.add(error)

    system = InteractiveShell.system_raw  # the other one needs a terminal


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


RECORDER = Recorder()
STREAMS = (Stream(RECORDER, "stdout", 1), Stream(RECORDER, "stderr", 2))


def prepare() -> Shell:
    """Make the shell, once, in the process that the workers are forked from."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    shell = Shell.instance(
        config=config, displayhook_class=_Hook, display_pub_class=_Publisher, user_ns={}
    )
    shell.InteractiveTB.set_mode("Plain")  # with the context of each line it takes 50 times as long
    shell.enable_gui = lambda gui=None: None
    from matplotlib_inline import backend_inline

    backend_inline._enable_matplotlib_integration()  # which an import does only inside a shell
    shell.run_cell("raise ValueError", silent=True)  # imports what shows errors, once for all
    shell.reset(new_session=True)
    return shell


def open_streams(limit: int) -> None:
    """Have everything that is printed, also by other programs, end up in the recorder."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.memfd_create(name)
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = STREAMS
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    builtins.input = _no_input
    RECORDER.room = limit


def _no_input(prompt: object = "") -> str:
    from IPython.core.error import StdinNotImplementedError

    raise StdinNotImplementedError(NO_INPUT)


def _written_below_python() -> None:
    """What programs wrote on the descriptors themselves."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        with contextlib.suppress(OSError):
            size = os.lseek(number, 0, os.SEEK_END)
            if size:
                start = os.pread(number, min(size, RECORDER.room + 1), 0)
                RECORDER.stream(name, start.decode("utf-8", "replace"))
                os.ftruncate(number, 0)
                os.lseek(number, 0, os.SEEK_SET)


def run(shell: Shell, source: str, seconds: float, room: int) -> dict[str, Any]:
    """Run one cell.

    Args:
        shell: the shell.
        source: of the cell.
        seconds: after which it is interrupted, and again and again until it ends.
        room: characters of output that are kept.

    Returns:
        ``outputs``, the number of the execution as ``count``, and ``seconds``.
    """
    RECORDER.begin(room)
    sys.stdout, sys.stderr = STREAMS
    started, late = time.perf_counter(), False

    def interrupt(_signal, _frame):
        nonlocal late
        late = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        try:
            result = shell.run_cell(source, store_history=not shell.brief)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:  # just after the end of the cell
        result = None
    except BaseException as error:
        RECORDER.add(
            {
                "output_type": "error",
                "ename": type(error).__name__,
                "evalue": _said(error),
                "traceback": [],
            }
        )
        result = None
    _written_below_python()
    outputs = RECORDER.outputs
    if late:
        outputs = [*outputs, TOO_LATE]
    elif _failed_unseen(result, outputs):
        outputs = [*outputs, _unseen(result)]
    return {
        "outputs": outputs,
        "count": shell.execution_count - 1,
        "seconds": time.perf_counter() - started,
    }


def _failed_unseen(result: Any, outputs: list[Output]) -> bool:
    """Whether a cell failed and showed nothing of it: somebody has switched tracebacks off."""
    failed = result is None or not result.success
    return failed and not any(output["output_type"] == "error" for output in outputs)


def _unseen(result: Any) -> Output:
    error = result and (result.error_before_exec or result.error_in_exec)
    name = type(error).__name__ if error else "Error"
    text = ["ERROR: An error occurred while showtraceback was disabled"]
    return {"output_type": "error", "ename": name, "evalue": _said(error), "traceback": text}
