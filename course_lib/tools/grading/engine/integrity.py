"""Whether what tests judge with is still what it was: functions, classes, the shell itself.

A student's code runs beside the tests and can replace any of it. The process that workers are
forked from remembers what is there; each worker compares before and after every test.
"""

from __future__ import annotations

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

Facts = dict[str, tuple[Any, ...]]


def facts(shell: Any) -> Facts:
    """What is there now, by name; the objects themselves, so that none can take another's place."""
    found: Facts = {}
    for name in MODULES:
        if module := sys.modules.get(name):  # the notebooks of other courses may do without
            found[f"module {name}"] = (module,)
            found |= _members(name, vars(module))
    for name, classes in CLASSES.items():
        for kind in classes if name in sys.modules else ():
            found |= _members(f"{name}.{kind}", vars(vars(sys.modules[name])[kind]))
    own = {name for name, value in vars(shell).items() if _is_callable(value)}
    found["get_ipython()"] = (sys.intern(" ".join(sorted(own - {"sys_excepthook"}))),)
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


def _members(name: str, members: dict[str, Any]) -> Facts:
    found = {f"{name}.{key}": v for key, v in list(members.items()) if _is_callable(v)}
    return {key: _signature(value) for key, value in found.items() if key not in FLEETING}


def _is_callable(value: Any) -> bool:
    return callable(value) or isinstance(value, (property, staticmethod, classmethod))


def _signature(value: Any) -> tuple[Any, ...]:
    if isinstance(value, types.FunctionType):
        return (value, value.__code__, value.__defaults__, value.__kwdefaults__)
    return (value,)


def changed(before: Facts, now: Facts) -> list[str]:
    """The names of what was replaced or removed; what was added replaces nothing."""
    return sorted(
        name
        for name, known in before.items()
        if len(known) != len(now.get(name, ()))
        or any(one is not other for one, other in zip(known, now[name], strict=True))
    )
