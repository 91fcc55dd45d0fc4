"""Containers of pictures: images of one size, and photographs of many sizes.

Photographs are read and decoded when they are asked for. ``resized`` reads them all once and
returns tensors of one size, which is what training wants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.data.batches import Batches, Channels

if TYPE_CHECKING:
    from PIL.Image import Image

Device = torch.device | str | None
TRIMAP_CLASSES = ("pet", "background", "border")


class LabelledImages:
    """Images of one size and a label for each.

    Args:
        images: ``uint8``, ``(n, channels, height, width)``, values 0 to 255.
        labels: ``int64``, ``(n,)`` class numbers (or ``(n, height, width)``, a class for each
            pixel).

    Raises:
        ValueError: there is not one label for each image.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images and {len(labels)} labels do not go together")
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int | slice | Sequence[int] | Tensor):
        """One ``(image, label)`` pair for a number, a smaller set for a slice, list or tensor."""
        if isinstance(index, int | np.integer):
            label = self.labels[index]
            return self.images[index], int(label) if label.dim() == 0 else label
        return LabelledImages(self.images[index], self.labels[index])

    def __repr__(self) -> str:
        return (
            f"LabelledImages(images={tuple(self.images.shape)}, labels={tuple(self.labels.shape)})"
        )

    def to(self, device: Device) -> LabelledImages:
        """The same set with its tensors on another device."""
        return LabelledImages(self.images.to(device), self.labels.to(device))

    def mean_and_std(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, of pixels scaled to [0, 1].

        These are the ``mean`` and ``std`` that ``batches`` takes.

        Returns:
            Two lists of ``channels`` numbers.
        """
        counts = torch.stack(
            [
                self.images[:, c].flatten().bincount(minlength=256)
                for c in range(self.images.shape[1])
            ]
        ).double()
        values = torch.arange(256, device=counts.device).double() / 255
        shares = counts / counts.sum(dim=1, keepdim=True)
        mean = (shares * values).sum(dim=1)
        variance = (shares * values**2).sum(dim=1) - mean**2
        return mean.tolist(), variance.clamp(min=0).sqrt().tolist()

    def batches(
        self,
        batch_size: int,
        shuffle: bool = False,
        mean: Channels = None,
        std: Channels = None,
        seed: int | None = None,
        drop_last: bool = False,
    ) -> Batches:
        """Mini-batches of ``float32`` images in [0, 1], or standardised with ``mean`` and ``std``.

        The arguments are those of :class:`~course_lib.data.batches.Batches`.
        """
        return Batches(self.images, self.labels, batch_size, shuffle, mean, std, seed, drop_last)


Parts = tuple[LabelledImages, LabelledImages]  # for training and for testing


class Photo(NamedTuple):
    """A photograph, ``uint8 (3, height, width)``, and its class number."""

    image: Tensor
    label: int


class Pet(NamedTuple):
    """A photograph, its class number, and a class for each pixel (see ``TRIMAP_CLASSES``).

    The trimap is ``uint8 (height, width)``: 0 pet, 1 background, 2 border. The official files say
    1, 2 and 3.
    """

    image: Tensor
    label: int
    trimap: Tensor


class Street(NamedTuple):
    """A photograph and the people in it, in the form that torchvision's detectors expect.

    ``target`` has ``boxes``, ``float32 (people, 4)``: left, top, right and bottom edge in pixels,
    so the width is right − left; ``masks``, ``uint8 (people, height, width)``; ``labels``,
    ``int64 (people,)``, all 1.
    """

    image: Tensor
    target: dict[str, Tensor]


class Photographs(Sequence):
    """Photographs with a class for each; decoded when asked for.

    Args:
        names: a name for each photograph.
        labels: a class number for each.
        open_image: returns the RGB picture of a name.
        open_trimap: returns the trimap of a name, gray values 0, 1 and 2; ``None`` without trimaps.

    ``photographs[i]`` is a :class:`Photo`, or a :class:`Pet` where there are trimaps.
    """

    def __init__(
        self,
        names: Sequence[str],
        labels: Sequence[int],
        open_image: Callable[[str], Image],
        open_trimap: Callable[[str], Image] | None = None,
    ) -> None:
        self.names = list(names)
        self.labels = torch.as_tensor(labels, dtype=torch.int64)
        self._open_image, self._open_trimap = open_image, open_trimap

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int | slice):
        names, labels = self.names[index], self.labels[index]
        if isinstance(index, slice):
            return Photographs(names, labels, self._open_image, self._open_trimap)
        image = to_tensor(self._open_image(names))
        if self._open_trimap is None:
            return Photo(image, int(labels))
        return Pet(image, int(labels), to_tensor(self._open_trimap(names)))

    def resized(self, size: int, target: str = "label") -> LabelledImages:
        """Cut the largest centered square out of every photograph and scale it.

        Args:
            size: height and width in pixels.
            target: ``label`` for class numbers ``(n,)``, ``trimap`` for a class for each pixel,
                ``(n, size, size)``.

        Returns:
            Images ``uint8 (n, 3, size, size)`` and ``int64`` targets.

        Raises:
            ValueError: an unknown target, or trimaps where there are none.
            DamagedFile: a photograph is damaged; the message names it.
        """
        if target not in ("label", "trimap") or (target == "trimap" and not self._open_trimap):
            raise ValueError(f"there is no target {target!r} in this set")
        from PIL.Image import Resampling

        images = torch.empty(len(self), 3, size, size, dtype=torch.uint8)
        maps = torch.empty(len(self), size, size, dtype=torch.int64)
        for i, name in enumerate(_progress(self.names)):
            picture = _square(self._open_image(name), size, Resampling.BILINEAR)
            images[i] = to_tensor(picture)
            if target == "trimap":
                trimap = _square(self._open_trimap(name), size, Resampling.NEAREST)
                maps[i] = to_tensor(trimap)
        return LabelledImages(images, self.labels.clone() if target == "label" else maps)


class Streets(Sequence):
    """Street photographs with boxes and masks of people; decoded when asked for.

    Args:
        names: a name for each photograph.
        open_image: returns the RGB picture of a name.
        open_mask: returns the mask of a name: 0 is background, 1, 2, … are the people.

    ``streets[i]`` is a :class:`Street`.
    """

    def __init__(
        self,
        names: Sequence[str],
        open_image: Callable[[str], Image],
        open_mask: Callable[[str], Image],
    ) -> None:
        self.names = list(names)
        self._open_image, self._open_mask = open_image, open_mask

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int | slice):
        if isinstance(index, slice):
            return Streets(self.names[index], self._open_image, self._open_mask)
        name = self.names[index]
        mask = to_tensor(self._open_mask(name))
        return Street(to_tensor(self._open_image(name)), _people(mask))

    def resized(self, size: int) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """Stretch every photograph to a square, boxes and masks with it.

        Args:
            size: height and width in pixels.

        Returns:
            Images ``uint8 (n, 3, size, size)`` and a target for each, as in :class:`Street`.
        """
        from PIL.Image import Resampling

        images = torch.empty(len(self), 3, size, size, dtype=torch.uint8)
        targets = []
        for i, name in enumerate(_progress(self.names)):
            images[i] = to_tensor(self._open_image(name).resize((size, size), Resampling.BILINEAR))
            mask = self._open_mask(name)
            full, small = to_tensor(mask), to_tensor(mask.resize((size, size), Resampling.NEAREST))
            target = _people(full)
            target["boxes"] *= torch.tensor([size / mask.width, size / mask.height] * 2)
            target["masks"] = (small == _numbers(full)).to(torch.uint8)
            targets.append(target)
        return images, targets


def to_tensor(picture: Image) -> Tensor:
    """A Pillow picture as ``uint8``: ``(3, height, width)`` in color, ``(height, width)`` else."""
    pixels = torch.from_numpy(np.array(picture, dtype=np.uint8))
    return pixels.permute(2, 0, 1).contiguous() if pixels.dim() == 3 else pixels


def _square(picture: Image, size: int, resample: int) -> Image:
    """The largest centered square, scaled to ``size``."""
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return picture.resize((size, size), resample, box=(left, top, left + side, top + side))


def boxes_around(masks: Tensor) -> Tensor:
    """Left, top, right and bottom (exclusive) of masks ``bool (n, h, w)``: ``float32 (n, 4)``."""
    boxes = []
    for mask in masks:
        rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)


def _people(mask: Tensor) -> dict[str, Tensor]:
    """Boxes, masks and labels from a mask ``(height, width)`` of numbered people."""
    masks = mask == _numbers(mask)
    return {
        "boxes": boxes_around(masks),
        "masks": masks.to(torch.uint8),
        "labels": torch.ones(len(masks), dtype=torch.int64),
    }


def _numbers(mask: Tensor) -> Tensor:
    """The numbers of the people in a mask, ``(people, 1, 1)``."""
    numbers = mask.unique()
    return numbers[numbers > 0].view(-1, 1, 1)


def _progress(names: list[str]) -> Sequence[str]:
    """Show a progress bar where reading takes more than a few seconds."""
    if len(names) < 1_000:
        return names
    from tqdm.auto import tqdm

    return tqdm(names, desc="resizing", leave=False)
