"""Gradients, checked against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.check.values import close


def gradient(
    function: Callable[[Tensor], Tensor], value: Tensor, at: Tensor, name: str = "the gradient"
) -> None:
    """Check a gradient against central finite differences.

    Args:
        function: maps a float64 tensor of the shape of ``at`` to a scalar tensor; should be smooth
            near ``at``.
        value: the gradient to check, of the shape of ``at``.
        at: the point.
        name: what the gradient is called in the task.

    Raises:
        CheckError: as for :func:`course_lib.check.close`.
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
