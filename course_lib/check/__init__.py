"""Checks with messages that teach, for assignments and for the reader's own experiments.

A check says what is wrong in terms of the idea (“the gradient has the opposite sign”), and never
prints the value that was expected.

>>> from course_lib import check
>>> check.number(0.25, "rate")
0.25
>>> check.that(0.25 > 0.5, "the rate is too small")
Traceback (most recent call last):
    ...
course_lib.check.values.CheckError: the rate is too small

Names are imported when they are first used.
"""

from importlib import import_module

_MODULES = {
    "values": ("CheckError", "close", "number", "shape", "tensor", "that"),
    "gradients": ("finite_differences", "gradient"),
    "behavior": ("generator", "not_called", "raises", "trains", "unchanged"),
    "models": ("layers", "parameters"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"course_lib.check.{_HOME[name]}"), name)
    raise AttributeError(f"module 'course_lib.check' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
