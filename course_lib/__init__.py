"""Helper package of the course *Deep Learning with PyTorch: Principles and Practice*.

A notebook needs one line::

    from course_lib import claim, data, explore, plot, runtime, train

Importing the package itself loads nothing: each name below is imported when it is first used, so
that ``python -m course_lib`` runs before anything has been installed.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = ("check", "claims", "data", "demo", "plot", "runtime", "train")
_FUNCTIONS = {"claim": "claims", "explore": "demo"}

__all__ = [*_MODULES, *_FUNCTIONS]


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f"course_lib.{name}")
    if name in _FUNCTIONS:
        return getattr(import_module(f"course_lib.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module 'course_lib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
