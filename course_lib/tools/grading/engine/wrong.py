"""Wrong answers that need no author: nonsense, and a student's own results, shifted.

A test that still passes with one of them does not test any more. Both run in the student's process.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy

try:
    import torch
except ImportError:  # the notebooks of other courses may do without
    torch = None

ARRAYS = (numpy.ndarray, torch.Tensor) if torch else (numpy.ndarray,)


class Nonsense:
    """Whatever a test does with it works and gives nonsense; no comparison holds."""

    def _itself(self, *_arguments: Any, **_options: Any) -> Nonsense:
        return self

    def _no(self, *_arguments: Any) -> bool:
        return False

    __call__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = _itself
    __rmul__ = __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = __neg__ = __abs__ = _itself
    __pow__ = __rpow__ = __enter__ = _itself
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _no
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Nonsense:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __float__(self) -> float:
        return float("nan")

    def __int__(self) -> int:
        return -1

    __index__ = __int__

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Any:
        return iter(())

    def __exit__(self, *_error: Any) -> None:
        return None


Change = Callable[[Any], Any]


class CannotShift(Exception):
    """A value of a kind of which no wrong one of the same kind is known."""


def nonsense(names: set[str], namespace: dict[str, Any]) -> None:
    """Put nonsense in the place of what an answer binds, also where it has not bound it."""
    namespace.update(dict.fromkeys(names, Nonsense()))


def raised(names: set[str], namespace: dict[str, Any]) -> None:
    """Have the functions and values that an answer has bound give larger results.

    Raises:
        CannotShift: it has bound something else, such as a class.
    """
    _put(names, namespace, lambda number: number + 1 + abs(number) / 2)


def turned(names: set[str], namespace: dict[str, Any]) -> None:
    """As :func:`raised`, with results of the other sign."""
    _put(names, namespace, lambda number: -3 - 2 * number)


def _put(names: set[str], namespace: dict[str, Any], change: Change) -> None:
    found = {name: namespace[name] for name in names & set(namespace) if name[:1] != "_"}
    if not found:
        raise CannotShift("nothing was bound")
    for name, value in found.items():
        if isinstance(value, types.FunctionType):
            namespace[name] = _shifting(value, change)
        elif not isinstance(value, types.ModuleType):
            namespace[name] = shift(value, change)


def _shifting(function: types.FunctionType, change: Change) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return shift(function(*arguments, **options), change)

    return wrapper


def shift(value: Any, change: Change) -> Any:
    """Another value of the same kind.

    Args:
        value: a number, a text, a tensor, or lists, tuples and dictionaries of them.
        change: what becomes of a number.

    Raises:
        CannotShift: the kind is not known.
    """
    if isinstance(value, (bool, numpy.bool_)):
        return not value
    if isinstance(value, (int, float, complex, numpy.number)):
        return type(value)(change(value))
    if isinstance(value, str):
        return value + "~"
    if type(value) in ARRAYS and "object" not in str(value.dtype):
        if "bool" in str(value.dtype):
            return ~value
        changed = change(value)
        return changed if type(value) is numpy.ndarray else changed.to(value.dtype)
    if type(value) in (list, tuple) and value:
        return type(value)(shift(item, change) for item in value)
    if type(value) is dict and value:
        return {key: shift(item, change) for key, item in value.items()}
    raise CannotShift(type(value).__name__)
