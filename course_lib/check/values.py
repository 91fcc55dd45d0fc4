"""Values: a condition, a number, a tensor, its shape, its entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor


class CheckError(AssertionError):
    """A result is not what the task asks for; the message says in what way."""


def that(condition: object, message: str) -> None:
    """Check a condition; unlike ``assert``, it is never switched off and shows no source code.

    Raises:
        CheckError: the condition is false; with ``message``.
    """
    if not condition:
        raise CheckError(message)


def _present(value: object, name: str) -> None:
    """Recognize what stands for “no answer yet”."""
    if value is None:
        raise CheckError(
            f"{name} is None: does the function return its result, is the answer filled in?"
        )
    if value is ...:
        raise CheckError(f"{name} is still the placeholder ...; put your answer in its place")


def number(value: object, name: str) -> float:
    """Return ``value`` as a ``float`` if it is one finite number.

    Args:
        value: a number of Python or NumPy, or a tensor with one element.
        name: what the number is called in the task.

    Raises:
        CheckError: it is missing, of another type, has several elements, or is NaN or infinite.
    """
    _present(value, name)
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise CheckError(
                f"{name} must be one number, but it is a tensor of shape {tuple(value.shape)}"
            )
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise CheckError(f"{name} must be a number, but it is of type {type(value).__name__}")
    if not math.isfinite(value):
        raise CheckError(
            f"{name} is NaN or infinite: look for log(0), a division by 0 or an overflow"
        )
    return float(value)


def tensor(value: object, name: str) -> Tensor:
    """Return ``value`` if it is a tensor.

    Raises:
        CheckError: it is something else; the message names its type and the usual cause.
    """
    _present(value, name)
    if not isinstance(value, Tensor):
        raise CheckError(f"{name} must be a torch.Tensor, but it is of type {type(value).__name__}")
    return value


def shape(value: Tensor, expected: Sequence[int], name: str = "the result") -> None:
    """Check the shape of a tensor. Shapes are part of a task's text, so the message may name them.

    Args:
        value: any tensor.
        expected: sizes of the axes; ``-1`` stands for any size.
        name: what the tensor is called in the task.

    Raises:
        CheckError: the number of axes or a size differs.
    """
    actual = tuple(tensor(value, name).shape)
    expected = tuple(expected)
    if len(actual) == len(expected) and all(
        e in (-1, a) for a, e in zip(actual, expected, strict=True)
    ):
        return
    hint = ""
    if len(actual) != len(expected):
        hint = f"; the number of axes is {len(actual)} instead of {len(expected)}"
    elif actual == expected[::-1]:
        hint = "; the axes are in the opposite order"
    raise CheckError(f"{name} has the shape {actual}, but the task asks for {expected}{hint}")


def close(
    value: Tensor,
    expected: Tensor,
    name: str = "the result",
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Check that two tensors agree; say in what way they differ, never the expected values.

    Args:
        value: the result to check, of any type and on any device.
        expected: what it should be; the same shape. Infinite entries must be equal.
        name: what the result is called in the task.
        rtol: allowed relative difference.
        atol: allowed absolute difference.

    Raises:
        CheckError: shapes differ, or values do.
    """
    expected = torch.as_tensor(expected).detach().cpu().double()
    shape(value, expected.shape, name)
    value = value.detach().cpu().double()
    if torch.allclose(value, expected, rtol=rtol, atol=atol):
        return
    if (~value.isfinite() & expected.isfinite()).any():
        raise CheckError(
            f"{name} contains NaN or infinity: look for log(0), a division by 0 or an overflow"
        )
    raise CheckError(f"{name} is wrong: {_difference(value, expected, rtol, atol)}")


def _difference(value: Tensor, expected: Tensor, rtol: float, atol: float) -> str:
    """Describe a difference by its form: sign, order, factor, offset, or how many entries."""

    def agree(a: Tensor, b: Tensor, rtol: float = rtol) -> bool:
        return a.shape == b.shape and torch.allclose(a, b, rtol=rtol, atol=atol)

    if agree(value, expected, 0.01):
        return "it is close, but not exact enough"
    if agree(value, -expected):
        return "it has the opposite sign"
    if agree(value, torch.zeros_like(value)):
        return "it is 0; is it computed at all?" if value.numel() == 1 else "every entry is 0"
    if value.numel() == 1:
        return "it is too large" if bool(value > expected) else "it is too small"
    if value.ndim == 2 and agree(value, expected.T):
        return "it is transposed"
    if agree(value.flatten().sort().values, expected.flatten().sort().values):
        return "the numbers are right, but they stand in another order"
    if agree(value, (value * expected).sum() / (expected**2).sum() * expected, 1e-3):
        return "it is off by a constant factor; check sums against means, and factors of 2"
    offset = value - expected
    if agree(offset, offset.mean().expand_as(offset), 1e-3):
        return "every entry is off by the same amount; is a bias or a constant missing?"
    wrong = ~torch.isclose(value, expected, rtol=rtol, atol=atol)
    return f"{int(wrong.sum())} of {value.numel()} entries differ"
