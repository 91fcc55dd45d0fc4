"""Mini-batches cut from tensors that fit into memory.

A ``torch.utils.data.DataLoader`` fetches one sample at a time and glues the samples together. When
all samples lie in one tensor already, a batch is a single selection of rows, and scaling it is
three operations on the whole batch. That is why the course's small data sets are fed this way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

Channels = float | Sequence[float] | Tensor | None


class Batches:
    """Re-iterable mini-batches of inputs and targets.

    Every iteration is one epoch: each sample comes exactly once. With ``shuffle`` each epoch has a
    new order, drawn from a generator of this object's own, so other random numbers are neither used
    nor disturbed. Make the object once, before the first epoch: a new one with the same seed starts
    again with the same order.

    Args:
        x: inputs, ``(samples, …)``. ``uint8`` counts as pixels and becomes ``float32`` in [0, 1];
            other types stay.
        y: targets, ``(samples, …)``, of any type, on the same device.
        batch_size: samples in a batch; the last batch of an epoch may be smaller.
        shuffle: draw a new order for every epoch.
        mean: subtracted from the (scaled) inputs, one number for all or one for each channel
            (dimension 1).
        std: the inputs are divided by it after the subtraction, likewise.
        seed: start of the generator. Default: the seed that PyTorch started from
            (``torch.initial_seed()``), which ``runtime.start(seed=…)`` sets.
        drop_last: leave out a last batch that is smaller than ``batch_size``.

    Yields:
        ``(inputs, targets)``: ``(batch, …)`` each, fresh copies on the device of ``x``. Changing a
        batch changes neither the data set nor another batch.

    Raises:
        ValueError: lengths or devices differ, ``batch_size`` is not positive, or a standard
            deviation is zero.
        TypeError: ``mean`` or ``std`` for inputs that are neither pixels nor floating-point
            numbers.

    >>> batches = Batches(torch.arange(5.0), torch.arange(5), batch_size=2)
    >>> [y.tolist() for x, y in batches]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        shuffle: bool = False,
        mean: Channels = None,
        std: Channels = None,
        seed: int | None = None,
        drop_last: bool = False,
    ) -> None:
        _check(x, y, batch_size)
        self.x, self.y = x, y
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self.mean = _per_channel(mean, x, "mean")
        self.std = _per_channel(std, x, "std")
        if self.std is not None and not bool((self.std != 0).all()):
            raise ValueError(f"std must not be zero, got {std}; leave constant channels alone")
        self._generator = torch.Generator().manual_seed(
            torch.initial_seed() if seed is None else seed
        )

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        full, rest = divmod(len(self.x), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        samples = len(self.x)
        if self.shuffle:
            order = torch.randperm(samples, generator=self._generator)
        else:
            order = torch.arange(samples)
        if self.drop_last:
            order = order[: samples - samples % self.batch_size]
        if len(order) == 0:
            return
        for chosen in order.to(self.x.device).split(self.batch_size):
            # both ways of choosing rows copy, so a batch never shares memory with the data set
            yield self._inputs(chosen), self.y.index_select(0, chosen)

    def _inputs(self, chosen: Tensor) -> Tensor:
        """Pixels to [0, 1], then (x − mean) / std, exactly as torchvision computes them."""
        if self.x.dtype == torch.uint8 and self.x.device.type == "cpu":
            return self._pixels_by_numpy(chosen)
        return self._by_torch(chosen)

    def _by_torch(self, chosen: Tensor) -> Tensor:
        x = self.x.index_select(0, chosen)
        if x.dtype == torch.uint8:
            x = x.to(torch.float32).div_(255)
        if self.mean is not None:
            x.sub_(self.mean)
        if self.std is not None:
            x.div_(self.std)
        return x

    def _pixels_by_numpy(self, chosen: Tensor) -> Tensor:
        """The same by NumPy, which works in one thread.

        PyTorch would share each of these short operations among all cores and wait for the slowest:
        on a computer that does something else besides, a hundred times slower.
        """
        x = self.x.numpy().take(chosen.numpy(), axis=0).astype(np.float32)
        x /= 255
        if self.mean is not None:
            x -= self.mean.numpy()
        if self.std is not None:
            x /= self.std.numpy()
        return torch.from_numpy(x)


def _check(x: Tensor, y: Tensor, batch_size: int) -> None:
    if x.dim() == 0 or y.dim() == 0 or len(x) != len(y):
        raise ValueError(
            "x and y need one row for each sample, got shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    if x.device != y.device:
        raise ValueError(
            f"x is on {x.device} and y on {y.device}: move both to one device with .to(…)"
        )
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size!r}")


def _per_channel(value: Channels, x: Tensor, name: str) -> Tensor | None:
    """Shape one number, or one for each channel, to broadcast with ``(batch, channels, …)``."""
    if value is None:
        return None
    if not (x.dtype == torch.uint8 or x.is_floating_point()):
        raise TypeError(
            f"{name} is for pixels (uint8) and floating-point inputs, not for {x.dtype}"
        )
    dtype = torch.float32 if x.dtype == torch.uint8 else x.dtype
    tensor = torch.as_tensor(value, dtype=dtype, device=x.device).flatten()
    if tensor.numel() == 1:
        return tensor.reshape([1] * x.dim())
    channels = x.shape[1] if x.dim() > 1 else 1
    if tensor.numel() != channels:
        raise ValueError(
            f"{name} has {tensor.numel()} numbers for {channels} channels; "
            f"give one number or {channels}"
        )
    return tensor.reshape([1, channels] + [1] * (x.dim() - 2))
