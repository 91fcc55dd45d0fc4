# ruff: noqa: E501 (lines of quoted programs)
"""Honest code that a grader may stumble over: no points are lost."""

from __future__ import annotations

from hostile.assignment import NAME, RIGHT
from hostile.case import ANY_3, FULL, NOT_3, Corpus, Outcome, said

CASES = Corpus()
R1, R2, R3, R4 = (RIGHT[f"task-{n}"] for n in (1, 2, 3, 4))


def in_median(*lines: str) -> dict[str, str]:
    """The answer to task 3 with lines that run whenever it is called."""
    body = "".join(f"    {line}\n" for line in lines)
    return {"task-3": R3.replace("    return", body + "    return")}


# --- output ---------------------------------------------------------------------------------------

# Warnings and log lines on stderr, when the cell runs and when the tests do.
CASES.work(
    "warnings",
    {
        "task-2": "import warnings, logging\n\n"
        + R2.replace("    return", "    warnings.warn('slow')\n    return")
    }
    | in_median("import sys", "print('thinking', file=sys.stderr)"),
    own={"task-1": "logging = __import__('logging')\nlogging.warning('careful')"},
)
# A progress bar on stderr during the test.
CASES.work(
    "progress-bar",
    {"task-4": R4.replace("for _ in range(3)", "for _ in tqdm(range(3))")},
    own={"task-4": "from tqdm import tqdm"},
)
# Much more output than anybody reads: cut, and the points kept.
CASES.work("prints-50-mb", own={"task-2": "print('x' * 50_000_000)"}, required=said("output"))
# The same in short lines.
CASES.work("prints-many-lines", own={"task-2": "for n in range(300_000):\n    print(n)"})
# The same while a test runs.
CASES.work("prints-in-a-test", in_median("print('x' * 20_000_000)"))
# Straight to the file descriptors, past IPython.
CASES.work(
    "prints-past-python", own={"task-2": "import os\nos.write(1, b'one')\nos.write(2, b'two')"}
)
# Bytes that are no UTF-8, on the way of a program.
CASES.work(
    "prints-bytes", own={"task-2": "import os\nos.write(1, bytes(range(256)))\n!printf '\\377'"}
)
# Control characters, which must not reach the instructor's terminal.
CASES.work(
    "terminal-codes",
    in_median("print('\\x1b]0;mine\\x07\\x1b[2J')"),
    Outcome("graded", FULL.scores, leaks=("\x1b",)),
)
# A lone surrogate on stdout.
CASES.work(
    "prints-half-an-emoji",
    own={"task-2": "try:\n    print('\\ud83d')\nfinally:\n    print('done')"},
)
# Figures, shown and left open.
CASES.work(
    "figures",
    in_median("import matplotlib.pyplot as plt", "plt.figure()", "plt.plot(values)"),
    own={
        "task-2": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    },
)
# Rich output and IPython's own names.
CASES.work(
    "displays",
    own={
        "task-2": "from IPython.display import HTML, display\ndisplay(HTML('<b>b</b>'))\nprint(In[-1], Out, _)"
    },
)
# A setting that many have: show every expression of a cell, not only the last.
CASES.work(
    "shows-every-expression",
    own={
        "task-1": "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.ast_node_interactivity = 'all'"
    },
)
# Shorter tracebacks, all warnings as errors in an own cell, other print options.
CASES.work(
    "settings",
    own={
        "task-1": "%xmode Minimal\ntorch.set_printoptions(precision=2)\nnp.random.seed(1)\n%precision 3"
    },
)
# Settings for older code, tensors that show their shapes, a module loaded again.
CASES.work(
    "habits",
    own={
        "task-1": "import functools\nnp.bool = bool\ntorch.load = functools.partial(torch.load, weights_only=False)",
        "task-2": "torch.Tensor.__repr__ = lambda self: f'tensor {tuple(self.shape)}'\nNUMBERS",
        "task-3": "import importlib\nimportlib.reload(check)\nimportlib.reload(torch.nn.functional)",
    },
)
# Numbers of double precision, as long as they are wanted.
CASES.work(
    "default-dtype",
    own={
        "task-1": "torch.set_default_dtype(torch.float64)\ntorch.ones(2)",
        "task-2": "torch.set_default_dtype(torch.float32)",
        "task-4": "torch.set_default_dtype(torch.float64)",
    },
)

# --- IPython --------------------------------------------------------------------------------------

# Nobody answers; the cell fails, and the answer above it counts.
CASES.work("asks-for-input", {"task-3": R3 + "\n\nname = input('Your name? ')"})
# In an own cell, and a password.
CASES.work("asks-in-an-own-cell", own={"task-3": "import getpass\ngetpass.getpass('Password: ')"})
# Waits for standard input.
CASES.work("reads-standard-input", own={"task-3": "import sys\nsys.stdin.read()"})
# Magics, also one that times the whole answer.
CASES.work(
    "magics",
    {"task-2": "%%time\n" + R2, "task-3": R3 + "\n\n%timeit -n 1 -r 1 median([1, 2])"},
    own={
        "task-1": "%load_ext autoreload\n%autoreload 2\n%who",
        "task-4": "%%writefile own.py\nx = 1",
    },
)
# Commands of the shell.
CASES.work(
    "shell", own={"task-2": "!echo one\nfiles = !ls\nprint(files)", "task-3": "%%bash\necho two"}
)
# There is no network and no pip; it costs nothing.
CASES.work("pip-install", own={"task-1": "%pip install no-such-package-of-this-course"})
# A coroutine at the top of a cell.
CASES.work("await", own={"task-2": "import asyncio\nawait asyncio.sleep(0.01)\nprint('awake')"})
# The function of task 3 in a cell that waits.
CASES.work("await-in-an-answer", {"task-3": "import asyncio\nawait asyncio.sleep(0)\n\n" + R3})
# A help window.
CASES.work("help", own={"task-2": "torch.nn.Linear?"})

# --- threads, processes, files --------------------------------------------------------------------

# One that ends with the program and one that does not.
CASES.work(
    "threads-left-running",
    own={
        "task-2": "import threading, time\n"
        "for daemon in (True, False):\n"
        "    threading.Thread(target=time.sleep, args=(300,), daemon=daemon).start()"
    },
)
# Files left open and files written beside the notebook.
CASES.work(
    "files-left-open",
    own={
        "task-2": "handles = [open(f'out-{n}.txt', 'w') for n in range(20)]\n"
        "handles[0].write('x')\ntorch.save(torch.ones(3), 'model.pt')\ntorch.load('model.pt')\n"
        "Path('runs/one').mkdir(parents=True)"
    },
)
# The data file is overwritten after it was read.
CASES.work("overwrites-the-data", own={"task-1": "Path('numbers.csv').write_text('nothing')"})
# Temporary files and another folder.
CASES.work(
    "changes-the-folder",
    own={"task-2": "import os, tempfile\nos.chdir(tempfile.mkdtemp())\nPath('x').write_text('y')"},
)
# A program of its own.
CASES.work(
    "starts-a-program",
    own={
        "task-2": "import subprocess, sys\n"
        "print(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True))"
    },
)
# A program that goes on in the background.
CASES.work(
    "leaves-a-program", own={"task-2": "import subprocess\nsubprocess.Popen(['sleep', '300'])"}
)
# Workers of a data loader, which need shared memory.
CASES.work(
    "data-loader-workers",
    own={
        "task-4": "from torch.utils.data import DataLoader\n"
        "print(len(list(DataLoader(torch.arange(64.0), 16, num_workers=1))))"
    },
)
# 400 MB of numbers.
CASES.work("much-memory", own={"task-4": "big = torch.ones(100_000_000)\nprint(big.sum())"})
# Long, but not too long.
CASES.work("slow", in_median("import time", "time.sleep(0.4)"))

# --- the student's own cells ----------------------------------------------------------------------

# A function in an own cell, which an answer needs.
CASES.work(
    "helper-in-an-own-cell",
    {"task-3": "def median(values):\n    return middle(sorted(values))"},
    own={"task-3": R3.replace("def median", "def middle")},
)
# The helper stands below the answer, but above its test.
CASES.work(
    "helper-below-the-answer",
    {"task-3": "def median(values):\n    return middle(sorted(values))"},
    own={"task-3-partial": R3.replace("def median", "def middle")},
)
# The function stands in an own cell, and nothing but a remark in the answer's.
CASES.work("answer-below", {"task-3": "# see below"}, own={"task-3-partial": R3})
CASES.work("answer-above", {"task-3": "pass  # see above"}, own={"task-3": R3})
# The answer to another task, by mistake.
CASES.work("answer-of-another-task", {"task-3": R2}, NOT_3)
# One answer uses the function of another.
CASES.work(
    "answer-uses-an-answer",
    {
        "task-3": R3
        + "\n\nassert median(clip([1, 5, 9], 2, 7)) == 5\nassert standardize(NUMBERS).ndim"
    },
)
# Experiments that fail, between the tasks and at the end.
CASES.work(
    "experiments-fail", own={"task-2": "1 / 0", "task-3": "undefined", "": "raise ValueError"}
)
# The answer defines what is asked, then a last line fails.
CASES.work("answer-fails-at-the-end", {"task-3": R3 + "\n\nprint(median([1, 2]) + undefined)"})
# A stop sign between the tasks.
CASES.work("stop-sign", own={"task-3": "import sys\nsys.exit('continue here tomorrow')"})
# Own names equal to those of the tests.
CASES.work(
    "names-of-the-tests", own={"task-2": "x = expected = results = rows = a = w = error = None"}
)
# Letters from all over the world.
CASES.work(
    "letters",
    in_median("größe, 中值 = len(values), 'Δ🐍'", "print(größe, 中值)"),
    own={"task-1": "ℝ = float('inf')\nprint('عربى', ℝ)"},
)
# A generator of random numbers of one's own; the tests draw theirs independently.
CASES.work(
    "own-seed", own={"task-1": "torch.manual_seed(0)\ntorch.use_deterministic_algorithms(True)"}
)
# The environment is emptied.
CASES.work("empties-the-environment", own={"task-1": "import os\nos.environ.clear()"})
# Annotations, a class, a decorator, a cache.
CASES.work(
    "modern-python",
    {
        "task-3": "from functools import cache\nfrom dataclasses import dataclass\nimport statistics\n\n"
        "@dataclass\nclass Middle:\n    value: float\n\n"
        "@cache\ndef _median(values: tuple) -> Middle:\n    return Middle(statistics.median(values))\n\n"
        "def median(values: list) -> float:\n    return _median(tuple(values)).value"
    },
)
# Right every second time: the task is worth whatever the run gave, and no other one changes.
CASES.work(
    "flaky", in_median("import random", "assert random.SystemRandom().random() < 0.5"), ANY_3
)
# A wrong idea, not an attack: the parameters of a function of PyTorch are changed for one's own use.
CASES.work(
    "wraps-a-function-of-its-own",
    own={
        "task-2": "torch.Tensor.spread = lambda self: self.max() - self.min()\nprint(NUMBERS.spread())"
    },
    required=Outcome(("graded",), FULL.scores),
)
# Not an answer: an empty cell costs its own task.
CASES.work("answer-emptied", {"task-3": ""}, NOT_3)
# The notebook's own file is read and rewritten.
CASES.work(
    "rewrites-itself",
    own={
        "task-2": f"me = Path('{NAME}.ipynb')\nif me.exists():\n    me.read_text()\nme.write_text('{{}}')"
    },
)
