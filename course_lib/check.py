"""Checks with messages that teach, for assignments and for the reader's own experiments.

A check says what is wrong in terms of the idea (“the gradient has the opposite sign”), and never
prints the value that was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class CheckError(AssertionError):
    """A result is not what the task asks for; the message says in what way."""


def tensor(value: object, name: str) -> Tensor:
    """Return ``value`` if it is a tensor.

    Raises:
        CheckError: it is something else; the message names its type and the usual cause.
    """
    if value is None:
        raise CheckError(f"{name} is None: does the function return its result?")
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
    fits = len(actual) == len(expected) and all(
        e in (-1, a) for a, e in zip(actual, expected, strict=True)
    )
    if not fits:
        hint = ""
        if actual == tuple(reversed(expected)):
            hint = "; the axes are in the opposite order"
        elif len(actual) != len(expected):
            hint = f"; it has {len(actual)} axes instead of {len(expected)}"
        raise CheckError(
            f"{name} has the shape {actual}, but the task asks for {tuple(expected)}{hint}"
        )


def close(
    value: Tensor,
    expected: Tensor,
    name: str = "the result",
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Check that two tensors agree; say in what way they differ, never the expected values.

    Args:
        value: the result to check.
        expected: what it should be; the same shape.
        name: what the result is called in the task.
        rtol: allowed relative difference.
        atol: allowed absolute difference.

    Raises:
        CheckError: shapes differ, or values do.
    """
    expected = torch.as_tensor(expected)
    shape(value, expected.shape, name)
    value = value.detach().to(expected.dtype)
    if not torch.isfinite(value).all():
        raise CheckError(
            f"{name} contains NaN or infinity: look for log(0), a division by 0 or an overflow"
        )
    if torch.allclose(value, expected, rtol=rtol, atol=atol):
        return
    raise CheckError(f"{name} is wrong: {_difference(value, expected, rtol, atol)}")


def _difference(value: Tensor, expected: Tensor, rtol: float, atol: float) -> str:
    """Describe a difference by its form: sign, factor, offset, or how many entries it touches."""
    if torch.allclose(value, -expected, rtol=rtol, atol=atol):
        return "it has the opposite sign"
    significant = expected.abs() > 1e3 * atol
    if significant.any():
        ratio = value[significant] / expected[significant]
        if torch.allclose(ratio, ratio.mean(), rtol=1e-3) and torch.allclose(
            value, ratio.mean() * expected, rtol=1e-3, atol=atol
        ):
            return "it is off by a constant factor; check sums against means, and factors of 2"
    offset = value - expected
    if value.numel() > 1 and torch.allclose(offset, offset.mean(), rtol=1e-3, atol=atol):
        return "every entry is off by the same amount; is a bias or a constant missing?"
    wrong = ~torch.isclose(value, expected, rtol=rtol, atol=atol)
    return f"{int(wrong.sum())} of {value.numel()} entries differ"


def gradient(
    function: Callable[[Tensor], Tensor], value: Tensor, at: Tensor, name: str = "the gradient"
) -> None:
    """Check a gradient against central finite differences.

    Args:
        function: maps a tensor of the shape of ``at`` to a scalar tensor; should be smooth near
            ``at``.
        value: the gradient to check, of the shape of ``at``.
        at: the point, best in float64.
        name: what the gradient is called in the task.

    Raises:
        CheckError: as for :func:`close`.
    """
    close(value, finite_differences(function, at), name, rtol=1e-3, atol=1e-5)


def finite_differences(
    function: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-5
) -> Tensor:
    """Approximate a gradient by :math:`(f(x + h e_i) - f(x - h e_i)) / 2h`, in float64.

    >>> finite_differences(lambda x: (x**2).sum(), torch.tensor([1.0, -2.0])).round(decimals=6)
    tensor([ 2., -4.], dtype=torch.float64)
    """
    point = at.detach().double()
    result = torch.zeros_like(point)
    for index in range(point.numel()):
        shift = torch.zeros_like(point)
        shift.view(-1)[index] = step
        difference = function(point + shift) - function(point - shift)
        result.view(-1)[index] = float(difference) / (2 * step)
    return result
