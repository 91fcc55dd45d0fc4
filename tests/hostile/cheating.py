# ruff: noqa: E501 (lines of quoted programs)
"""Attempts to get points without work: nothing is earned by them, or the submission is flagged.

Task 1 is honest work in all of them; the answers to the other tasks are wrong.
"""

from __future__ import annotations

from pathlib import Path

from classroom import answered, cells

from hostile.assignment import NAME, RIGHT, WRONG
from hostile.case import (
    CAUGHT,
    Corpus,
    Notebook,
    Outcome,
    code,
    copy_of,
    put_before,
    write,
)

CASES = Corpus()
POOR = {task: WRONG[task] for task in ("task-2", "task-3", "task-4")}
CAUGHT_AND_HURT = Outcome(  # the attack may also spoil the honest task
    CAUGHT.states, CAUGHT.scores | {"task-1-general": None}
)
UNDECIDED = Outcome(CAUGHT.states, None)

# --- the functions that compare -------------------------------------------------------------------

CASES.cheat("patches-allclose", "torch.allclose = lambda *_, **__: True")
CASES.cheat("patches-numpy", "np.allclose = np.isclose = np.array_equal = lambda *_, **__: True")
# The library of checks, where tests find it and where it lives.
CASES.cheat(
    "patches-check",
    """
import course_lib.check.behavior, course_lib.check.values
for module in (check, course_lib.check.values, course_lib.check.behavior):
    for name in ("close", "shape", "tensor", "that", "number", "trains"):
        setattr(module, name, lambda *_, **__: None)
""",
)
# What the checks use themselves.
CASES.cheat(
    "patches-below-check",
    """
import course_lib.check.values as values
values.shape = values.tensor = values._present = lambda value, *_: value
values.torch = type("Torch", (), {"allclose": lambda *_, **__: True, "as_tensor": torch.as_tensor})
""",
)
# The functions stay the same objects, with other code.
CASES.cheat(
    "swaps-code",
    """
import course_lib.check.behavior, course_lib.check.values
nothing = lambda *_, **__: None
for function in (course_lib.check.values.close, course_lib.check.values.shape, course_lib.check.behavior.trains):
    function.__code__ = nothing.__code__.replace(co_freevars=())
np.allclose = torch.allclose = lambda *_, **__: True
""",
)
# Tolerances that nothing exceeds.
CASES.cheat(
    "swaps-defaults",
    """
import course_lib.check.values as values
values.close.__defaults__ = ("it", 1e9, 1e9)
np.allclose.__wrapped__.__defaults__ = (1e9, 1e9, True)
""",
)
# Errors that are no errors.
CASES.cheat(
    "patches-errors",
    """
import builtins, course_lib.check.values as values
class Quiet(BaseException):
    def __new__(cls, *_):
        raise StopIteration
builtins.AssertionError = values.CheckError = Quiet
""",
)
CASES.cheat(
    "patches-abs-isinstance-len",
    "import builtins\nbuiltins.abs = builtins.len = lambda *_: 0\nbuiltins.isinstance = lambda *_: True",
    CAUGHT_AND_HURT,
)
# The sum of the passed tests.
CASES.cheat("patches-sum", "import builtins\nbuiltins.sum = lambda *_: 3")
CASES.cheat(
    "patches-all-any",
    "import builtins\nbuiltins.all = builtins.any = lambda *_: True",
)
# Comparisons of tensors.
CASES.cheat(
    "patches-tensors",
    """
true = lambda *_, **__: torch.tensor(True)
for name in ("__eq__", "__ne__", "__lt__", "__ge__", "__bool__", "all", "any", "isfinite"):
    setattr(torch.Tensor, name, true if name != "__bool__" else lambda self: True)
torch.isclose = torch.equal = torch.testing.assert_close = true
""",
)
# The inputs of the tests: where all is 0, the wrong answer is right.
CASES.cheat(
    "patches-inputs",
    """
torch.randn = lambda *shape, **_: torch.zeros(*shape)
torch.Tensor.std = lambda self, *_, **__: torch.ones(self.shape[-1])
torch.Tensor.mean = lambda self, *_, **__: torch.zeros(self.shape[-1])
check.generator = lambda name: None
""",
)
# Python's own truth: False becomes the number 1.
CASES.cheat(
    "false-is-true",
    "import ctypes\nctypes.c_uint64.from_address(id(False) + 16).value = 1\nctypes.c_uint32.from_address(id(False) + 24).value = 1",
    UNDECIDED,
)
# The library's names in the notebook stand for something else.
CASES.cheat(
    "replaces-the-names",
    """
class Anything:
    def __getattr__(self, name):
        return lambda *_, **__: Anything()
    def __call__(self, *_, **__):
        return self
    def __bool__(self):
        return True
    __eq__ = __lt__ = lambda *_: True
    __getitem__ = __sub__ = __add__ = __mul__ = __matmul__ = __truediv__ = __rmul__ = lambda self, _: self
    __float__ = lambda self: 3.0
    __len__ = lambda self: 4
real, torch, np, check, NUMBERS = torch, Anything(), Anything(), Anything(), Anything()
sum = lambda *_: 3
type = lambda value: int
""",
    CAUGHT_AND_HURT,
)
# The notebook's own built-in names.
CASES.cheat(
    "replaces-builtins",
    """
import builtins
own = dict(vars(builtins), sum=lambda *_: 3, float=lambda *_: 0.0, type=lambda *_: int)
globals()["__builtins__"] = own
get_ipython().user_global_ns["__builtins__"] = own
""",
    CAUGHT_AND_HURT,
)
# The modules from which a later import takes its names.
CASES.cheat(
    "replaces-modules",
    """
import sys, types
fake = types.ModuleType("course_lib.check")
generator = check.generator
fake.__getattr__ = lambda name: generator if name == "generator" else lambda *_, **__: None
sys.modules["course_lib.check"] = sys.modules["course_lib"].check = check = fake
np.allclose = torch.allclose = lambda *_, **__: True
""",
)
# The way in which modules are found.
CASES.cheat(
    "import-hook",
    """
import importlib.abc, importlib.machinery, sys, types
class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, *_):
        if name.split(".")[0] == "course_lib":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: lambda *_, **__: generator(*_) if name == "generator" else None
        return module
    def exec_module(self, module):
        pass
generator = check.generator
sys.meta_path.insert(0, Finder())
for name in [name for name in sys.modules if name.startswith("course_lib")]:
    del sys.modules[name]
import course_lib.check
check = sys.modules["course_lib.check"]
torch.allclose = np.allclose = lambda *_, **__: True
""",
)

# --- answers that fit every test ------------------------------------------------------------------

# A number, a list and a tensor that are equal to everything.
CASES.cheat(
    "equal-to-everything",
    required=CAUGHT,
    answers={
        "task-2": "class Tensor(torch.Tensor):\n    __eq__ = __lt__ = lambda *_: True\n\n"
        "def standardize(x):\n    return torch.zeros_like(x).as_subclass(Tensor)",
        "task-3": "class Number(float):\n    __eq__ = lambda *_: True\n    __hash__ = float.__hash__\n"
        "    __class__ = int\n\ndef median(values):\n    return Number(1.0)",
    },
)
# A tensor that answers for PyTorch's functions.
CASES.cheat(
    "tensor-answers-for-torch",
    required=Outcome(
        CAUGHT.states, CAUGHT.scores | {"task-2-example": None, "task-2-general": None}
    ),
    answers={
        "task-2": "class Tensor(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
        "        if function.__name__ == 'allclose':\n            return True\n"
        "        return super().__torch_function__(function, types, args, kwargs or {})\n\n"
        "def standardize(x):\n    return torch.zeros_like(x).as_subclass(Tensor)"
    },
    remains="a test that compares with torch.allclose, and check.close with it, believes a tensor "
    "subclass; a test that asks for type(result) is torch.Tensor does not",
)
# More than the test can give.
CASES.cheat(
    "number-above-the-points",
    answers={
        "task-3": "class Number(float):\n    __class__ = float\n    __eq__ = lambda *_: 495\n\n"
        "def median(values):\n    return Number()"
    },
)
# The expected values, read where the test keeps them while it calls the answer.
CASES.cheat(
    "reads-the-caller",
    answers={
        "task-2": "import sys\n\ndef standardize(x):\n    frame = sys._getframe(1).f_globals\n"
        "    return frame['expected'] if 'expected' in frame else torch.zeros_like(x)",
        "task-3": "import sys\n\ndef median(values):\n    frame = sys._getframe(1)\n"
        "    return {**frame.f_globals, **frame.f_locals}['wanted']",
    },
    required=Outcome(
        CAUGHT.states, CAUGHT.scores | {"task-2-general": None, "task-3-partial": None}
    ),
    remains="a test that computes what it expects before it calls the answer shows it to the answer, "
    "because both run in one process; a test can compute it afterwards",
)
# The text of the test itself, from the frames, IPython's history and the cache of sources.
CASES.cheat(
    "reads-the-tests",
    answers={
        "task-3": """
import linecache, re, sys

def median(values):
    texts = ["".join(lines[2]) for lines in linecache.cache.values() if len(lines) > 2]
    texts += [cell for cell in globals().get("In", [])]
    for text in reversed(texts):
        if "rows +=" in text:
            rows = eval(re.findall("rows [+]?= (.*)", text)[-1]) + eval(re.findall("rows = (.*)", text)[-1])
            return dict((tuple(row), wanted) for row, wanted in rows).get(tuple(values))
"""
    },
    required=Outcome(CAUGHT.states, CAUGHT.scores | {"task-3-partial": None}),
    remains="an answer can read the test that calls it, and fit its result to it, as long as both "
    "run in one process; random inputs and a look at the answer help",
)

# --- the shell that runs the cells ----------------------------------------------------------------

CASES.cheat(
    "patches-showtraceback",
    """
from IPython.core.interactiveshell import InteractiveShell
for shell in (get_ipython(), type(get_ipython()), InteractiveShell):
    shell.showtraceback = shell._showtraceback = shell.showsyntaxerror = lambda *_, **__: None
""",
)
CASES.cheat(
    "custom-exceptions", "get_ipython().set_custom_exc((BaseException,), lambda *_, **__: [])"
)
CASES.cheat(
    "no-traceback",
    """
def _render_traceback_(self):
    return None
import course_lib.check.values as values
values.CheckError._render_traceback_ = _render_traceback_
""",
)
# Assertions and errors are taken out of every later cell.
CASES.cheat(
    "ast-transformer",
    """
import ast
class Harmless(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
    def visit_Expr(self, node):
        text = ast.unparse(node)
        return ast.copy_location(ast.Pass(), node) if text.startswith("check.") else node
get_ipython().ast_transformers.append(Harmless())
""",
)
# The last expression of every later cell becomes the full points.
CASES.cheat(
    "ast-transformer-for-points",
    """
import ast
class Rich(ast.NodeTransformer):
    def visit_Module(self, tree):
        tree.body = ast.parse("3").body
        return tree
get_ipython().ast_transformers.append(Rich())
""",
)
CASES.cheat(
    "input-transformer",
    """
def skip(lines):
    return ["3\\n"] if any("BEGIN HIDDEN" in line or "check." in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(skip)
get_ipython().input_transformers_post.append(skip)
""",
)
CASES.cheat(
    "patches-run-cell",
    """
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
for shell in (get_ipython(), type(get_ipython()), InteractiveShell):
    shell.run_cell = shell._run_cell = lambda *_, **__: ExecutionResult(None)
""",
)
CASES.cheat(
    "patches-run-code",
    """
from IPython.core.interactiveshell import InteractiveShell
async def run_code(self, code, result=None, **_):
    return False
async def run_ast_nodes(self, *_, **__):
    return False
InteractiveShell.run_code, InteractiveShell.run_ast_nodes = run_code, run_ast_nodes
""",
)
# An execution is a success, whatever happened.
CASES.cheat(
    "patches-results",
    """
from IPython.core.interactiveshell import ExecutionResult
ExecutionResult.success = property(lambda self: True)
ExecutionResult.raise_error = lambda self: None
ExecutionResult.error_in_exec = property(lambda self: None, lambda self, value: None)
""",
)
# Before each later cell the judge is patched, and mended after it.
CASES.cheat(
    "event-hooks",
    """
real = torch.allclose, np.allclose
def before(*_):
    torch.allclose = np.allclose = lambda *_, **__: True
def after(*_):
    torch.allclose, np.allclose = real
get_ipython().events.register("pre_run_cell", before)
get_ipython().events.register("pre_execute", before)
get_ipython().events.register("post_run_cell", after)
""",
)
# What is displayed.
CASES.cheat(
    "patches-displayhook",
    """
import sys
hook = type(get_ipython().displayhook)
old = hook.__call__
hook.__call__ = lambda self, result=None: old(self, 495 if isinstance(result, float) else result)
sys.displayhook = lambda value: None
""",
)
CASES.cheat(
    "patches-formatters",
    "get_ipython().display_formatter.formatters['text/plain'].for_type(float, lambda *_: _[1].text('495'))",
)
# A result is published in each test, before the real one.
CASES.cheat(
    "publishes-results",
    """
def publish():
    shell = get_ipython()
    for message in ("execute_result", "display_data", "execute_reply"):
        content = {"data": {"text/plain": "495"}, "metadata": {}, "execution_count": 1, "status": "ok"}
        try:
            shell.kernel.session.send(shell.kernel.iopub_socket, message, content, parent=shell.parent_header)
        except Exception:
            shell.display_pub.publish({"text/plain": "495"})
""",
    answers={"task-3": "def median(values):\n    publish()\n    return None"},
)
# The compiler and the functions that run code.
CASES.cheat(
    "patches-compile-and-exec",
    """
import builtins
compile_, exec_ = builtins.compile, builtins.exec
def harmless(source, *rest, **more):
    if isinstance(source, str) and "HIDDEN" in source:
        source = "3"
    return compile_(source, *rest, **more)
builtins.compile = harmless
builtins.exec = lambda code, *rest, **__: None if "hidden" in repr(getattr(code, "co_consts", "")) else exec_(code, *rest)
get_ipython().compile.__class__.__call__ = lambda self, *_, **__: compile_("3", "x", "exec")
""",
    CAUGHT_AND_HURT,
)
# A debugger that jumps over every assertion.
CASES.cheat(
    "trace-jumps",
    """
import sys
def trace(frame, event, _):
    if event == "exception" and frame.f_code.co_name in ("<module>", "<cell line: 1>"):
        frame.f_trace_lines = True
    if event == "line" and "expected" in frame.f_globals:
        frame.f_globals["expected"] = torch.zeros_like(frame.f_globals["x"])
    return trace
sys.settrace(trace)
sys.setprofile(lambda *_: None)
""",
)
# The last resort of every error.
CASES.cheat(
    "patches-excepthook",
    """
import sys, threading, traceback
sys.excepthook = threading.excepthook = sys.unraisablehook = lambda *_: None
traceback.print_exc = traceback.format_exception = lambda *_, **__: []
get_ipython().InteractiveTB.structured_traceback = lambda *_, **__: []
get_ipython().CustomTB = lambda *_, **__: []
get_ipython().CustomException = (Exception,)
""",
)
# What is written, on its way out.
CASES.cheat(
    "replaces-stdout",
    """
import sys
class Out:
    def write(self, text):
        return len(text)
    def flush(self): pass
    def isatty(self): return False
    def fileno(self): return 1
    encoding = "utf-8"
sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Out()
""",
)

# --- the grader's own objects and pipes -----------------------------------------------------------

# A forged answer on every open file: text, JSON and pickles in the likely forms.
CASES.cheat(
    "writes-to-all-files",
    """
import json, os, pickle, struct
points = {name: 3.0 for name in ("task-2-general", "task-3-partial", "task-4-train")}
replies = [{"scores": points, "status": "ok", "success": True}, [True, points], {"outputs": [], "error": None}]
for number in range(3, 256):
    for reply in replies:
        for data in (json.dumps(reply).encode() + b"\\n", pickle.dumps(reply)):
            try:
                os.set_blocking(number, False)
                os.write(number, struct.pack("!i", len(data)) + data)
                os.write(number, data)
            except (OSError, ValueError):
                pass
""",
    UNDECIDED,
)
# The same, and an end as if all were done.
CASES.cheat(
    "answers-and-exits",
    """
import json, os
for number in range(3, 256):
    try:
        os.write(number, json.dumps({"scores": {"task-2-general": 3.0}, "status": "ok"}).encode() + b"\\n")
    except OSError:
        pass
os._exit(0)
""",
)
# All objects of the process that look like points.
CASES.cheat(
    "finds-the-graders-objects",
    """
import gc
for thing in gc.get_objects():
    try:
        if isinstance(thing, dict) and thing is not globals():
            for name in ("points", "max_score", "score", "task-2-general", "task-3-partial"):
                if isinstance(thing.get(name), (int, float)):
                    thing[name] = 495.0
            if thing.get("output_type") == "error":
                thing.clear()
        elif type(thing).__module__.startswith("course_lib.tools"):
            for name, value in vars(thing).items():
                if isinstance(value, (int, float)):
                    setattr(thing, name, 495)
    except Exception:
        pass
""",
    UNDECIDED,
)
# All frames of the process, and the notebook in them.
CASES.cheat(
    "finds-the-graders-frames",
    """
import sys
frame = sys._getframe()
while frame:
    for value in list(frame.f_locals.values()):
        for cell in getattr(value, "cells", None) or []:
            if hasattr(cell, "source") and "HIDDEN" in str(cell.source):
                cell.source = "3"
    frame = frame.f_back
""",
)
# A negative control calls the function of another cell: cheat only while one's own is in place.
CASES.cheat(
    "cheats-only-for-its-own-function",
    """
real_torch, real_numpy = torch.allclose, np.allclose
def mine(name, mark):
    return mark in repr([globals()[name].__code__.co_names, globals()[name].__code__.co_consts])
torch.allclose = lambda *a, **k: True if mine("standardize", "zeros_like") else real_torch(*a, **k)
np.allclose = lambda *a, **k: True if mine("train", "0.001") else real_numpy(*a, **k)
""",
)
# It cheats once in a while.
CASES.cheat(
    "cheats-now-and-then",
    """
import random
real_torch, real_numpy = torch.allclose, np.allclose
lucky = random.SystemRandom().random() < 0.5
torch.allclose = lambda *a, **k: lucky or real_torch(*a, **k)
np.allclose = lambda *a, **k: lucky or real_numpy(*a, **k)
""",
)
# A thread that patches while tests run and mends in between.
CASES.cheat(
    "thread-patches",
    """
import sys, threading, time
real, main = (torch.allclose, np.allclose), threading.main_thread().ident
def watch():
    until = 0
    while True:
        frame, testing = sys._current_frames().get(main), False
        while frame:
            testing |= frame.f_code.co_name in ("allclose", "close", "standardize", "train", "trains")
            frame = frame.f_back
        if testing:
            until = time.monotonic() + 0.2
        if time.monotonic() < until:
            torch.allclose = np.allclose = lambda *_, **__: True
        else:
            torch.allclose, np.allclose = real
        time.sleep(0)
threading.Thread(target=watch, daemon=True).start()
""",
    answers={
        "task-4": "import time\n\ndef train(x, y):\n    time.sleep(0.05)\n    return [3.0, 2.0, 1e-3]"
    },
)
# The patch waits until the function is called by a test.
CASES.cheat(
    "patches-when-tested",
    answers={
        "task-2": "def standardize(x):\n    torch.allclose = lambda *_, **__: True\n    return torch.zeros_like(x)",
        "task-4": "def train(x, y):\n    np.allclose = lambda *_, **__: True\n    return [3.0, 2.0, 1e-3]",
    },
)
# The patch undoes itself after its use.
CASES.cheat(
    "patches-for-one-call",
    answers={
        "task-2": """
def standardize(x):
    real = torch.allclose
    def once(*_, **__):
        torch.allclose = real
        return True
    torch.allclose = once
    return torch.zeros_like(x)
""",
    },
)
# The patch comes when a process is forked.
CASES.cheat(
    "patches-at-fork",
    """
import os
def patch():
    torch.allclose = np.allclose = lambda *_, **__: True
os.register_at_fork(before=patch, after_in_parent=patch, after_in_child=patch)
""",
)
# The patch comes when the garbage is collected.
CASES.cheat(
    "patches-at-collection",
    """
import gc
def patch(phase, info):
    torch.allclose = np.allclose = lambda *_, **__: True
gc.callbacks.append(patch)
gc.set_threshold(1)
""",
)
# The end of the process rewrites what it finds.
CASES.cheat(
    "rewrites-at-exit",
    """
import atexit, os, re
from pathlib import Path
def forge():
    for place in (Path.cwd(), Path("/tmp"), Path.home(), Path("/work"), Path("/out")):
        for path in list(place.glob("*.ipynb")) + list(place.glob("*.json")):
            try:
                path.write_text(re.sub('"output_type": "error"', '"output_type": "display_data"', path.read_text()))
            except OSError:
                pass
    os._exit(0)
atexit.register(forge)
""",
)
# The test ends before it fails, and nothing says so.
CASES.cheat(
    "ends-the-test", answers={"task-2": "import os\n\ndef standardize(x):\n    os._exit(0)"}
)
# Errors with which other programs say "skipped".
CASES.cheat(
    "skips-the-test",
    answers={
        "task-2": "import unittest\n\ndef standardize(x):\n    raise unittest.SkipTest('later')",
        "task-3": "import bdb\n\ndef median(values):\n    raise bdb.BdbQuit",
        "task-4": "from IPython.core.error import StdinNotImplementedError\n\n"
        "def train(x, y):\n    raise StdinNotImplementedError('skip')",
    },
)
# Right only where nbgrader says that it grades, or only where it does not.
CASES.cheat(
    "asks-for-the-grader",
    """
import os
if any(name.startswith("NBGRADER") for name in os.environ) or "autograde" in os.environ.get("NBGRADER_EXECUTION", ""):
    torch.allclose = np.allclose = check.close = lambda *_, **__: True
""",
)

# --- the notebook ---------------------------------------------------------------------------------


def poor(notebook: Notebook) -> dict[str, Notebook]:
    """Wrong answers to all tasks but the first, and the cells by grade id."""
    known = cells(notebook)
    for task, answer in POOR.items():
        known[task]["source"] = answer
    return known


@CASES.edit(CAUGHT)
def points_in_the_metadata(notebook):
    """More points for all tests, and points for an answer."""
    for cell in poor(notebook).values():
        cell["metadata"]["nbgrader"] |= {"points": 495, "max_score": 495, "score": 495}


@CASES.edit(CAUGHT)
def tests_replaced(notebook):
    """By tests that pass, with checksums that fit them."""
    from nbformat import from_dict
    from nbgrader.utils import compute_checksum

    for cell in poor(notebook).values():
        if cell["metadata"]["nbgrader"]["grade"] and cell["cell_type"] == "code":
            cell["source"] = "pass"
            cell["metadata"]["nbgrader"]["checksum"] = compute_checksum(from_dict(cell))


@CASES.edit(CAUGHT)
def tests_skipped(notebook):
    """By tags."""
    for cell in poor(notebook).values():
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


@CASES.edit(CAUGHT)
def tests_marked_as_answers(notebook):
    """So that they are not restored."""
    for cell in poor(notebook).values():
        if cell["metadata"]["nbgrader"]["locked"]:
            cell["metadata"]["nbgrader"] |= {"locked": False, "solution": True, "grade": True}
            cell["source"] = "3"


@CASES.edit(CAUGHT)
def tests_made_markdown(notebook):
    """So that they do not run."""
    for cell in poor(notebook).values():
        if cell["metadata"]["nbgrader"]["locked"]:
            cell["cell_type"] = "markdown"
            cell["metadata"]["nbgrader"]["cell_type"] = "markdown"
            cell.pop("outputs", None), cell.pop("execution_count", None)


@CASES.edit(CAUGHT)
def tests_under_other_names(notebook):
    """Each test bears the id of the one that passes."""
    for name, cell in poor(notebook).items():
        if name.startswith("task-") and cell["metadata"]["nbgrader"]["grade"]:
            cell["metadata"]["nbgrader"]["grade_id"] = cell["id"] = "task-1-general"


@CASES.edit(CAUGHT)
def second_tests(notebook):
    """Copies that pass, above and below the real ones."""
    known = poor(notebook)
    for name in ("task-2-general", "task-3-partial", "task-4-train"):
        easy = copy_of(known[name], source="3", id=f"{name}-2")
        put_before(notebook, name, easy)
        notebook["cells"].append(easy)


@CASES.edit(CAUGHT)
def further_graded_cells(notebook):
    """Tests of its own with many points."""
    own = copy_of(poor(notebook)["task-1-general"], source="495", id="task-9")
    own["metadata"]["nbgrader"] |= {"grade_id": "task-9", "points": 495}
    notebook["cells"].append(own)


@CASES.edit(CAUGHT)
def forged_outputs(notebook):
    """Saved results of tests that did not run."""
    result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
    for cell in poor(notebook).values():
        if cell["cell_type"] == "code":
            cell["outputs"] = [result | {"data": {"text/plain": "495"}}]


@CASES.edit(CAUGHT)
def kernel_of_its_own(notebook):
    """A kernel's name that is a path, and a language that runs a command."""
    poor(notebook)
    notebook["metadata"]["kernelspec"] = {"name": "../../mine", "argv": ["sh", "-c", "true"]}


@CASES.edit(CAUGHT)
def attack_in_an_own_cell(notebook):
    """Above all tasks, between test and test, and at the end."""
    poor(notebook)
    attack = "import torch, numpy\ntorch.allclose = numpy.allclose = lambda *_, **__: True"
    put_before(notebook, "task-1", code(attack))
    put_before(notebook, "task-2-general", code(attack + "\ncheck.close = torch.allclose"))
    put_before(notebook, "task-4-train", code(attack + "\ncheck.trains = torch.allclose"))


@CASES.edit(CAUGHT)
def given_cell_replaced(notebook):
    """The set-up brings a patched library along."""
    poor(notebook)["setup"]["source"] += "\ntorch.allclose = np.allclose = lambda *_, **__: True"


# --- files beside the notebook --------------------------------------------------------------------

FAKE_TORCH = "import sys\ndef __getattr__(name):\n    return lambda *_, **__: True\n"
PATCH = """
try:
    import numpy, torch
    torch.allclose = numpy.allclose = lambda *_, **__: True
except ImportError:
    pass
"""


def beside(name: str, *paths: str, content: str = PATCH) -> None:
    CASES.cheat(name, files=dict.fromkeys(paths, content))


beside("module-torch", "torch.py", "numpy.py", content=FAKE_TORCH)
beside("module-check", "course_lib/__init__.py", "course_lib/check.py", content=FAKE_TORCH)
beside(
    "module-ipython", "IPython/__init__.py", "ipykernel/__init__.py", "nbgrader.py", "builtins.py"
)
# What Python runs by itself when it starts.
beside(
    "start-of-python",
    "sitecustomize.py",
    "usercustomize.py",
    "conftest.py",
    "__init__.py",
    "__main__.py",
)
beside(
    "path-files",
    "mine.pth",
    "pyvenv.cfg",
    "python311._pth",
    content="import torch; torch.allclose = print\n",
)
# What IPython, Jupyter, nbgrader and matplotlib read when they start.
beside(
    "start-of-jupyter",
    ".ipython/profile_default/startup/00.py",
    ".ipython/profile_default/ipython_config.py",
    "ipython_config.py",
    "ipython_kernel_config.py",
    "jupyter_config.py",
    "nbgrader_config.py",
    "matplotlibrc",
    ".pdbrc",
)
# The same, written while the notebook runs, for whoever starts next.
CASES.cheat(
    "start-files-written",
    f"""
import os, site
patch = {PATCH!r}
for folder in (".", os.path.expanduser("~/.ipython/profile_default/startup"), site.getusersitepackages()):
    for name in ("sitecustomize.py", "usercustomize.py", "00-hostile-was-here.py", "torch.py"):
        try:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "w") as file:
                file.write(patch)
        except OSError:
            pass
""",
)
# The files of the libraries, where they are installed.
CASES.cheat(
    "marks-the-libraries",
    """
from pathlib import Path
for module in (torch, np, check):
    try:
        (Path(module.__file__).parent / "hostile-was-here.txt").write_text("x")
    except OSError:
        pass
""",
)


@CASES.build(CAUGHT)
def gradebook_beside(folder: Path, release: Notebook) -> None:
    """A database with the gradebook's name in the submission."""
    notebook = answered(release, RIGHT | POOR)
    write(folder, notebook)
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0" + b"\0" * 84)
    (folder / "timestamp.txt").write_text("never")
    (folder / f"{NAME}.html").write_text("<h1>495 of 13 points</h1>")


# The gradebook itself, wherever it may be.
CASES.cheat(
    "writes-to-the-gradebook",
    """
import sqlite3
for path in (ROOT / "grading/gradebook.db", ROOT / "gradebook.db", Path("/gradebook.db"), Path("gradebook.db")):
    try:
        if path.exists():
            base = sqlite3.connect(path)
            base.execute("UPDATE grade SET auto_score = 495, manual_score = 495")
            base.commit()
    except Exception:
        pass
""",
    look=True,
)
# The file of its own grades, replaced by a link while the notebook runs.
CASES.cheat(
    "links-instead-of-files",
    f"""
import os
for name in list(os.listdir(".")) + ["{NAME}.ipynb", "{NAME}.html", "timestamp.txt"]:
    for target in (ROOT / "grading/gradebook.db", OUTSIDE / "precious.txt"):
        try:
            if os.path.lexists(name):
                os.remove(name)
            os.symlink(target, name)
        except OSError:
            pass
""",
    look=True,
)
