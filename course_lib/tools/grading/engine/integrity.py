"""Whether what tests judge with is still what it was: functions, classes, the shell itself.

A student's code runs beside the tests and can replace any of it. Each worker remembers
what was there before the first cell ran, and compares before and after every test.
"""

from __future__ import annotations

import operator
import sys
import types
from typing import Any

MODULES = (
    *("builtins", "math", "operator", "random", "traceback", "unittest", "unittest.mock"),
    *("numpy", "numpy.testing", "torch", "torch.testing", "torch.nn.functional", "torch.nn"),
    *("torch.overrides", "torch.linalg", "torch.nn.init", "torch.optim"),
    *("course_lib.check", "course_lib.check.values", "course_lib.check.gradients"),
    *("course_lib.check.behavior", "course_lib.check.models"),
)
CLASSES = {
    "torch": ("Tensor", "Generator"),
    "IPython.core.interactiveshell": ("InteractiveShell",),
    "IPython.core.displayhook": ("DisplayHook",),
    "IPython.core.compilerop": ("CachingCompiler",),
    "course_lib.tools.grading.engine.shell": ("Shell", "Recorder", "_Hook", "_Publisher"),
}
OF_THE_SHELL = ("ast_transformers", "custom_exceptions", "input_transformers_post")
STUDENTS = "__main__"
# IPython takes these away and puts them back.
FLEETING = ("builtins.exit", "builtins.quit", "builtins.get_ipython", "builtins.display")


class Watch:
    """Remembers what is there now, the objects themselves, so that none can take another's place.

    Args:
        shell: the shell that runs the cells.
    """

    def __init__(self, shell: Any):
        self.shell = shell
        self.modules = [(name, sys.modules[name]) for name in MODULES if name in sys.modules]
        places = [(name, vars(module)) for name, module in self.modules]
        for name, classes in CLASSES.items():
            for kind in classes if name in sys.modules else ():
                places.append((f"{name}.{kind}", vars(vars(sys.modules[name])[kind])))
        members = [
            (f"{name}.{key}", place, key, value)
            for name, place in places
            for key, value in list(place.items())
            if _is_callable(value) and f"{name}.{key}" not in FLEETING
        ]
        self.others = [entry for entry in members if not isinstance(entry[3], types.FunctionType)]
        self.functions = [
            (*entry, entry[3].__code__, entry[3].__defaults__, entry[3].__kwdefaults__)
            for entry in members
            if isinstance(entry[3], types.FunctionType)
        ]
        self.about_shell = _about(shell)

    def changed(self) -> list[str]:
        """The names of what was replaced or removed; what was added replaces nothing."""
        found = [
            f"module {name}" for name, known in self.modules if sys.modules.get(name) is not known
        ]
        found += [name for name, place, key, known in self.others if place.get(key) is not known]
        found += [
            name
            for name, place, key, known, code, defaults, options in self.functions
            if place.get(key) is not known
            or known.__code__ is not code
            or known.__defaults__ is not defaults
            or known.__kwdefaults__ is not options
        ]
        now = _about(self.shell)
        for name, known in self.about_shell.items():
            same = len(known) == len(now.get(name, ()))
            if not (same and all(map(operator.is_, known, now[name]))):
                found.append(name)
        return sorted(found)


def _about(shell: Any) -> dict[str, tuple[Any, ...]]:
    """What the shell and the interpreter do with a cell, by name."""
    own = {name for name, value in vars(shell).items() if _is_callable(value)}
    found = {"get_ipython()": (sys.intern(" ".join(sorted(own - {"sys_excepthook"}))),)}
    for name in ("display_formatter", "displayhook", "display_pub", "compile"):
        found[f"get_ipython().{name}"] = (getattr(shell, name, None),)
    for name in OF_THE_SHELL:
        found[f"get_ipython().{name}"] = tuple(getattr(shell, name, ()))
    for event, functions in shell.events.callbacks.items():
        strange = [f for f in functions if getattr(f, "__module__", "") == STUDENTS]
        found[f"get_ipython().events of {event}"] = tuple(strange)
    found["sys.settrace"] = (sys.gettrace(),)
    found["sys.setprofile"] = (sys.getprofile(),)
    return found


def _is_callable(value: Any) -> bool:
    return callable(value) or isinstance(value, (property, staticmethod, classmethod))
