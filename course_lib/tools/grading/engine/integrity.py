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
NOT_JUDGES = {  # honest code replaces them, and no test judges with them
    # IPython takes these away and puts them back.
    *("builtins.exit", "builtins.quit", "builtins.get_ipython", "builtins.display"),
    # How tensors are shown, what torch.set_default_dtype sets, and names for older code.
    *("torch.Tensor.__repr__", "torch.Tensor.__str__", "torch.Tensor.__format__"),
    *("torch.Storage", "torch.load", "torch.save", "numpy.bool", "numpy.long"),
}


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
            if _is_callable(value) and f"{name}.{key}" not in NOT_JUDGES
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
            if ((there := place.get(key)) is not known and not _same(there, known))
            or known.__code__ is not code
            or known.__defaults__ is not defaults
            or known.__kwdefaults__ is not options
        ]
        now = _about(self.shell)
        for name in self.about_shell.keys() | now.keys():
            known, there = self.about_shell.get(name, ()), now.get(name, ())
            if len(known) != len(there) or not all(map(operator.is_, known, there)):
                found.append(name)
        return sorted(found)


def _about(shell: Any) -> dict[str, tuple[Any, ...]]:
    """What the shell and the interpreter do with a cell, by name."""
    found = {
        f"get_ipython().{name}": (True,)  # it is there; a setting may replace it
        for name, value in vars(shell).items()
        if _is_callable(value) and name != "sys_excepthook"
    }
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


def _same(value: Any, known: types.FunctionType) -> bool:
    """Whether a function is one that is known, after a reload of its module."""
    return (
        type(value) is types.FunctionType
        and value.__globals__ is known.__globals__
        and (value.__code__, value.__defaults__) == (known.__code__, known.__defaults__)
        and (value.__kwdefaults__, value.__closure__) == (known.__kwdefaults__, None)
    )


def _is_callable(value: Any) -> bool:
    return callable(value) or isinstance(value, (property, staticmethod, classmethod))
