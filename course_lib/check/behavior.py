"""Behavior: fresh random inputs, errors, side effects, forbidden calls, training."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_lib.check.values import CheckError, _present


def generator(name: str) -> torch.Generator:
    """A random generator for the inputs of a test, so that memorized results do not pass.

    The environment variable ``COURSE_SEED``, which the grader may set to any text, and ``name``
    decide the seed. Without the variable the numbers are the same on every run.

    >>> torch.randn(2, generator=generator("task-1")).shape
    torch.Size([2])
    """
    text = f"{os.environ.get('COURSE_SEED', '0')}/{name}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])
    return torch.Generator().manual_seed(seed)


def raises(error: type[Exception], function: Callable, *args: Any, when: str) -> None:
    """Check that ``function(*args)`` raises ``error``.

    Args:
        error: the class that the task names.
        function: the student's function.
        args: what it is called with.
        when: the case, in words: ``"the shapes differ"``.

    Raises:
        CheckError: no error was raised, or one of another class.
        NotImplementedError: the function is not written yet.
    """
    task = (
        f"{getattr(function, '__name__', 'the function')} must raise {error.__name__} when {when}"
    )
    try:
        function(*args)
    except NotImplementedError:
        # A subclass of RuntimeError: an unsolved task must not pass for a careful one.
        raise
    except error:
        return
    except Exception as other:
        raise CheckError(f"{task}, but it raised {type(other).__name__}: {other}") from other
    raise CheckError(f"{task}, but it returned without an error")


@contextmanager
def unchanged(**tensors: Tensor) -> Iterator[None]:
    """Check that the code of a ``with`` block does not change tensors in place.

    >>> w = torch.ones(2)
    >>> with unchanged(w=w):
    ...     w = w - 0.1

    Raises:
        CheckError: the shape or a value of a tensor is another one after the block.
    """
    before = {name: value.detach().clone() for name, value in tensors.items()}
    yield
    for name, value in tensors.items():
        same = value.shape == before[name].shape and torch.allclose(
            value, before[name], rtol=0, atol=0, equal_nan=True
        )
        if not same:
            raise CheckError(
                f"{name} was changed in place; leave the argument as it is and make a new tensor "
                f"({name} = {name} - … instead of {name} -= …)"
            )


@contextmanager
def not_called(*forbidden: Callable | type, because: str) -> Iterator[None]:
    """Check that the code of a ``with`` block does without some functions and classes of PyTorch.

    A function of PyTorch counts by its name, however it was imported: ``torch.softmax`` stands for
    ``Tensor.softmax`` and ``functional.softmax`` too, ``torch.matmul`` for ``@``, ``torch.relu``
    for ``Tensor.relu_``. It also counts when a layer calls it for the student. A class counts when
    one of its objects, or of a subclass, is made.

    Args:
        forbidden: functions of PyTorch that work on tensors, methods of ``Tensor``, and classes.
        because: why, as the end of a sentence: ``"this task asks you to write it"``.

    Raises:
        CheckError: one of them was called, even where the code caught that error.
        TypeError: a function is not one of PyTorch.
    """
    calls: list[CheckError] = []

    def refuse(name: str) -> None:
        calls.append(CheckError(f"{name} is called, but {because}"))
        raise calls[-1]

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if _plain_name(function) in names:
                refuse(names[_plain_name(function)])
            return function(*args, **(kwargs or {}))

    with ExitStack() as stack:
        names = {}
        for item in forbidden:
            if isinstance(item, type):
                guard = _guard(item, refuse)
                stack.enter_context(patch.object(item, "__init__", guard))
            else:
                names[_plain_name(item)] = _torch_name(item)
        stack.enter_context(Watch())
        yield
    if calls:
        raise calls[0]


def _guard(item: type, refuse: Callable[[str], None]) -> Callable:
    def __init__(self, *args, **kwargs):
        refuse(type(self).__name__)

    return __init__


def _plain_name(function: Callable) -> str:
    """``softmax`` for ``special.softmax``, ``relu`` for ``relu_``, ``mul`` for ``__mul__``."""
    return getattr(function, "__name__", "").strip("_").removeprefix("special_")


def _torch_name(function: Callable) -> str:
    owner = getattr(function, "__objclass__", None) or getattr(function, "__self__", None)
    home = getattr(function, "__module__", None) or getattr(owner, "__module__", None) or ""
    if not home.startswith("torch"):
        raise TypeError(f"not_called can watch functions of PyTorch and classes, not {function!r}")
    return function.__name__


def trains(losses: Sequence[float] | Tensor, below: float, name: str = "the loss") -> None:
    """Check that training worked: the losses are finite, fall, and the last is below a bound.

    Args:
        losses: one loss for each epoch or step, at least two.
        below: the bound; it is part of the task's text, so the message names it.
        name: what the losses are called in the task.

    Raises:
        CheckError: the message says how training failed: it diverged, never moved, rose, or fell
            too little.
    """
    values = torch.tensor(_floats(losses, name), dtype=torch.float64)
    if len(values) < 2:
        raise CheckError(f"{name} must have at least two values, but it has {len(values)}")
    first, last = float(values[0]), float(values[-1])
    broken = (~values.isfinite()).nonzero()
    if len(broken):
        raise CheckError(
            f"{name} diverged: value {int(broken[0]) + 1} of {len(values)} is NaN or infinite; "
            "is the learning rate too large, or the step taken with the wrong sign?"
        )
    if float(values.max() - values.min()) <= 1e-6 * abs(first):
        raise CheckError(
            f"{name} never moved: are gradients computed, and do the steps reach the parameters?"
        )
    if last >= first:
        raise CheckError(
            f"{name} rose from {first:.3g} to {last:.3g}: does a step go against the gradient, are "
            "old gradients cleared, is the learning rate small enough?"
        )
    if last >= below:
        raise CheckError(
            f"{name} falls from {first:.3g} to {last:.3g}, but it should end below {below:g}: too "
            "few steps, too small a learning rate, or a part of the model that does not learn?"
        )


def _floats(losses: object, name: str) -> list[float]:
    _present(losses, name)
    try:
        return [float(v.detach() if isinstance(v, Tensor) else v) for v in losses]
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckError(
            f"{name} must be a sequence of numbers, one for each epoch or step"
        ) from error
