# ruff: noqa: E501 (lines of quoted programs)
"""Code that stops, fills or breaks its surroundings: the task concerned scores 0, the others count.

What could do harm asks ``contained()`` first: outside a sandbox it prints a canary and does nothing.
"""

from __future__ import annotations

from hostile.assignment import RIGHT
from hostile.case import ANY_3, FULL, NOT_3, Corpus, Outcome

CASES = Corpus()
R3 = RIGHT["task-3"]


def median(*lines: str) -> dict[str, str]:
    """An answer to task 3 with these lines and no result."""
    return {"task-3": "def median(values):\n" + "".join(f"    {line}\n" for line in lines)}


def harm(*lines: str) -> dict[str, str]:
    """The same, where it harms nobody."""
    return median("if not contained():", "    return None", *lines)


# --- without end ----------------------------------------------------------------------------------

# In the function that is tested.
CASES.work("loop", median("while True:", "    pass"), NOT_3)
# When the answer's cell runs.
CASES.work("loop-in-the-cell", {"task-3": "while True:\n    pass"}, NOT_3)
# In a cell of the student's own, which costs nothing.
CASES.work("loop-in-an-own-cell", own={"task-3": "while True:\n    pass"})
# It swallows every interrupt.
CASES.work(
    "loop-swallows-interrupts",
    median(
        "while True:", "    try:", "        while True:", "            pass",
        "    except BaseException:", "        pass",
    ),
    NOT_3,
)  # fmt: skip
# It ignores every signal that can be ignored.
CASES.work(
    "loop-ignores-signals",
    median(
        "import signal",
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:",
        "    signal.signal(number, signal.SIG_IGN)",
        "while True:",
        "    pass",
    ),
    NOT_3,
)
# One operation in C that no signal interrupts.
CASES.work("loop-in-c", median("return 3 ** 10 ** 9"), NOT_3)
# Sleep.
CASES.work("sleeps", median("import time", "time.sleep(1e6)"), NOT_3)
# A lock that nobody opens.
CASES.work(
    "deadlock",
    median("import threading", "lock = threading.Lock()", "lock.acquire()", "lock.acquire()"),
    NOT_3,
)
# A coroutine that never ends.
CASES.work("await-for-ever", {"task-3": "import asyncio\nawait asyncio.sleep(1e6)"}, NOT_3)
# Output without end.
CASES.work("prints-for-ever", median("while True:", "    print('x' * 1000)"), NOT_3)
# Output without end, straight to the file descriptor.
CASES.work(
    "writes-for-ever", median("import os", "while True:", "    os.write(1, b'x' * 65536)"), NOT_3
)
# The text of the result is never ready.
CASES.work(
    "endless-text",
    own={
        "task-3": "class Slow:\n    def __repr__(self):\n        while True:\n            pass\n\nSlow()"
    },
)
# The text of the error is never ready.
CASES.work(
    "endless-error",
    median(
        "class Slow(Exception):", "    def __str__(self):", "        while True: pass", "raise Slow"
    ),
    NOT_3,
)
# The end of the program never comes.
CASES.work(
    "endless-end",
    own={"task-3": "import atexit, threading, time\natexit.register(time.sleep, 1e6)\n"
         "threading._register_atexit(time.sleep, 1e6)"},
)  # fmt: skip
# A program is started that ignores interrupts, and waited for.
CASES.work("shell-without-end", own={"task-3": "!trap '' INT TERM; sleep 100000"})

# --- the end of the process -----------------------------------------------------------------------

# In the answer's cell.
CASES.work("exit-in-the-cell", {"task-3": "import os\nos._exit(0)"}, NOT_3)
# In the function: an end without an error is no passed test.
CASES.work("exit-in-the-function", median("import os", "os._exit(0)"), NOT_3)
# In a cell of the student's own.
CASES.work("exit-in-an-own-cell", own={"task-3": "import os\nos._exit(3)"})
# A thread ends the process while another task is tested.
CASES.work(
    "exit-later",
    {"task-3": "import os, threading\nthreading.Timer(0.2, os._exit, [0]).start()\n\n" + R3},
    ANY_3,
)
# The polite ways, in the answer's cell and in the function.
CASES.work("sys-exit-in-the-cell", {"task-3": "import sys\nsys.exit(0)"}, NOT_3)
CASES.work("sys-exit-in-the-function", median("import sys", "sys.exit(0)"), NOT_3)
CASES.work("quit", median("get_ipython().ask_exit()", "exit()"), NOT_3)
# Exceptions that programs use for other things.
for error in (
    "KeyboardInterrupt",
    "GeneratorExit",
    "StopIteration",
    "BaseException",
    "MemoryError",
):
    CASES.work(f"raises-{error.lower()}", median(f"raise {error}('x')"), NOT_3)
# An error whose text cannot be written.
CASES.work(
    "error-with-half-an-emoji", median("raise ValueError('\\ud83d \\0 ' + 'x' * 10_000_000)"), NOT_3
)
# An error that is raised while its own text is made.
CASES.work(
    "error-in-the-error",
    median(
        "class Bad(Exception):",
        "    def __str__(self):",
        "        raise Bad",
        "    __repr__ = __str__",
        "raise Bad",
    ),
    NOT_3,
)
# Errors that refer to each other in a circle.
CASES.work(
    "circle-of-errors",
    median(
        "one, two = ValueError(1), ValueError(2)",
        "one.__cause__, two.__cause__ = two, one",
        "raise one",
    ),
    NOT_3,
)
# Recursion without end.
CASES.work("recursion", median("return median(values)"), NOT_3)
# The same without Python's limit: the stack overflows.
CASES.work(
    "stack-overflow",
    median("import sys", "sys.setrecursionlimit(10**9)", "return median(values)"),
    NOT_3,
)
# Memory that is not there.
CASES.work("segmentation-fault", median("import ctypes", "ctypes.string_at(0)"), NOT_3)
CASES.work("abort", median("import os", "os.abort()"), NOT_3)

# --- other processes ------------------------------------------------------------------------------

CASES.work(
    "kills-its-parent",
    harm("import signal", "os.kill(os.getppid(), signal.SIGKILL)"),
    NOT_3,
    look=True,
)
CASES.work(
    "kills-everything", harm("import signal", "os.kill(-1, signal.SIGKILL)"), NOT_3, look=True
)
CASES.work(
    "kills-its-group", harm("import signal", "os.killpg(0, signal.SIGKILL)"), NOT_3, look=True
)
CASES.work(
    "stops-itself", harm("import signal", "os.kill(os.getpid(), signal.SIGSTOP)"), NOT_3, look=True
)
CASES.work(
    "stops-its-parent",
    harm("import signal", "os.kill(os.getppid(), signal.SIGSTOP)"),
    ANY_3,
    look=True,
)
# Signals to all ids that there may be.
CASES.work(
    "kills-by-number",
    harm(
        "import signal", "for number in range(1, 70_000):", "    if number != os.getpid():", "        try:",
        "            os.kill(number, signal.SIGTERM)", "        except OSError:", "            pass",
    ),
    ANY_3,
    look=True,
)  # fmt: skip

# --- too much of everything -----------------------------------------------------------------------

# Memory in pieces, at most 12 GB where nothing stops it.
CASES.work(
    "memory-bomb",
    harm("hoard = [bytearray(b'x' * 2**26) for _ in range(190)]", "return None"),
    NOT_3,
    look=True,
)
# All at once, and touched.
CASES.work("memory-at-once", harm("return torch.ones(3 * 2**30).sum()"), NOT_3, look=True)
# Memory that is shared, or a file in memory.
CASES.work(
    "shared-memory-bomb",
    harm(
        "with open(os.memfd_create('hoard'), 'wb') as file:", "    for _ in range(190):",
        "        file.write(b'x' * 2**26)", "return None",
    ),
    NOT_3,
    look=True,
)  # fmt: skip
# Processes, at most 3,000 where nothing stops them.
CASES.work(
    "fork-bomb",
    harm(
        "for _ in range(3000):", "    try:", "        if os.fork() == 0:", "            time.sleep(60)",
        "            os._exit(0)", "    except OSError:", "        pass", "return None",
    ),
    NOT_3,
    look=True,
)  # fmt: skip
# Processes that start processes: at most 2**11.
CASES.work(
    "fork-tree",
    harm("for _ in range(11):", "    os.fork()", "time.sleep(60)", "return None"),
    NOT_3,
    look=True,
)
# Threads, at most 5,000 where nothing stops them.
CASES.work(
    "thread-bomb",
    harm(
        "import threading",
        "for _ in range(5000):",
        "    threading.Thread(target=time.sleep, args=(60,)).start()",
    ),
    NOT_3,
    look=True,
)
# A child that goes on with the rest of the notebook beside its parent.
CASES.work("fork-goes-on", {"task-3": "import os\nos.fork()\n\n" + R3}, ANY_3)
# A child of the function that is tested comes back into the test.
CASES.work("fork-in-the-function", median("import os", "os.fork()", "return None"), NOT_3)
# Disk space, at most 4 GB in each place where nothing stops it.
CASES.work(
    "fills-the-disk",
    harm(
        "for place in ('.', '/tmp', '/var/tmp', '/dev/shm', str(Path.home())):", "    try:",
        "        with open(f'{place}/hostile-was-here.bin', 'wb') as file:", "            for _ in range(256):",
        "                file.write(b'x' * 2**24)", "    except OSError:", "        pass", "return None",
    ),
    NOT_3,
    look=True,
)  # fmt: skip
# Files and folders without number.
CASES.work(
    "fills-the-folder",
    harm(
        "for number in range(200_000):", "    open(f'{number}.txt', 'w').close()",
        "    if number % 1000 == 0:", "        os.mkdir('in'); os.chdir('in')", "return None",
    ),
    NOT_3,
    look=True,
)  # fmt: skip
# Open files without number.
CASES.work("opens-everything", median("hoard = [open('/dev/null') for _ in range(10**6)]"), NOT_3)

# --- the grader's own tools -----------------------------------------------------------------------

CASES.work("closes-all-files", median("import os", "os.closerange(0, 65536)"), NOT_3)
CASES.work(
    "closes-all-files-in-the-cell", {"task-3": "import os\nos.closerange(0, 65536)\n\n" + R3}, ANY_3
)
# Every open file becomes /dev/null.
CASES.work(
    "redirects-all-files",
    median(
        "import os", "null = os.open('/dev/null', os.O_RDWR)", "for number in range(256):",
        "    if number != null:", "        try:", "            os.fstat(number); os.dup2(null, number)",
        "        except OSError:", "            pass",
    ),
    NOT_3,
)  # fmt: skip
CASES.work(
    "closes-stdout",
    {"task-3": "import sys\nsys.stdout.close()\nsys.stderr.close()\n\n" + R3},
    ANY_3,
)
CASES.work(
    "removes-stdout", {"task-3": "import sys\nsys.stdout = sys.stderr = None\n\n" + R3}, ANY_3
)
# An alarm that ends the process while another task is tested.
CASES.work(
    "alarm",
    {
        "task-3": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.setitimer(signal.ITIMER_REAL, 0.2)\n\n"
        + R3
    },
    ANY_3,
)
# One that raises an error every 10 ms, wherever Python is.
CASES.work(
    "alarm-without-end",
    {
        "task-3": "import signal\n\ndef ring(*_):\n    raise KeyboardInterrupt\n\n"
        "signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\n\n"
        + R3
    },
    ANY_3,
)
# The grader's alarm is switched off, then time is wasted.
CASES.work(
    "alarm-switched-off",
    median(
        "import signal", "signal.setitimer(signal.ITIMER_REAL, 0)", "signal.alarm(0)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))", "while True:", "    pass",
    ),
    NOT_3,
)  # fmt: skip
# Python's own parts are taken away; the tests of the other tasks may suffer, no other student does.
for name, line in {
    "no-imports": "import builtins\nbuiltins.__import__ = None",
    "no-modules": "import sys\nsys.modules.clear()",
    "no-builtins": "import builtins\nvars(builtins).clear()",
    "no-path": "import sys\nsys.path.clear()\nsys.meta_path.clear()",
}.items():
    CASES.work(name, {"task-4": line}, Outcome(("graded", "flagged"), None))
# The shell is taken apart; so are its namespaces.
CASES.work(
    "no-shell",
    {"task-4": "get_ipython().__dict__.clear()\nglobals().clear()"},
    Outcome(("graded", "flagged"), None),
)
# The working folder disappears, and so does what is in it.
CASES.work(
    "removes-its-folder",
    {
        "task-3": "import os, shutil\nif contained():\n    shutil.rmtree(os.getcwd(), ignore_errors=True)\n\n"
        + R3
    },
    FULL,
    look=True,
)
# Everything of the class is removed, where it can be seen.
CASES.work(
    "removes-the-course",
    {
        "task-3": "import shutil\nfor place in (ROOT, HOME, OUTSIDE):\n    shutil.rmtree(place, ignore_errors=True)\n\n"
        + R3
    },
    FULL,
    look=True,
)
# A process that survives its parents and writes three seconds later.
CASES.work(
    "daemon",
    {
        "task-3": "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(3)\n"
        "        for place in (ROOT, ROOT / 'grading', HOME, OUTSIDE, '/tmp', '/dev/shm', '/var/tmp'):\n"
        "            try:\n                (Path(place) / 'hostile-was-here.daemon').write_text('x')\n"
        "            except OSError:\n                pass\n        time.sleep(60)\n    os._exit(0)\n\n"
        + R3
    },
    FULL,
    look=True,
)
