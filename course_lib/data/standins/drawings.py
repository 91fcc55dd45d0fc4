"""Stand-ins for MNIST, Fashion-MNIST and CIFAR-10: drawings, shifted and turned."""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.data.pictures import LabelledImages, Parts
from course_lib.data.standins.outlines import GARMENTS, OBJECTS, Outline

SEED = 20_240_601


def digits() -> Parts:
    """MNIST's stand-in: scikit-learn's 8×8 digits, enlarged; ``uint8 (n, 1, 28, 28)``.

    The 1,797 digits are divided first, so no test image is a variant of a training digit.
    """
    state = random.getstate()
    from sklearn.datasets import load_digits

    random.setstate(state)  # the import draws from Python's global generator
    bunch = load_digits()
    small = torch.from_numpy(bunch.images).float().unsqueeze(1) / 16  # (1797, 1, 8, 8)
    large = F.interpolate(small, size=(22, 22), mode="bilinear", align_corners=False)
    bases = F.pad((1.8 * large - 0.4).clamp(0, 1), (3, 3, 3, 3))
    return _gray(bases, torch.from_numpy(bunch.target).long())


def garments() -> Parts:
    """Fashion-MNIST's stand-in: outlines of ten kinds of garments; ``uint8 (n, 1, 28, 28)``."""
    bases, labels = _draw(GARMENTS, 28, copies=60)
    weave = _uniform(tuple(bases.shape), 0.75, 1.0, _generator())
    return _gray(bases * weave, labels)


def objects() -> Parts:
    """CIFAR-10's stand-in: ten silhouettes in color on color; ``uint8 (n, 3, 32, 32)``.

    5,000 training and 1,000 test images, a tenth of the official number. A class has a favorite
    color, so that color alone tells a little and the outline tells more.
    """
    generator = _generator()
    bases, labels = _draw(OBJECTS, 32, copies=100)
    colors = _uniform((10, 3), 0.1, 0.9, generator)
    parts = []
    for masks, kinds in _variants(bases, labels, (5_000, 1_000), generator):
        n = len(masks)
        ink = (colors[kinds] + 0.25 * torch.randn(n, 3, generator=generator)).view(n, 3, 1, 1)
        patches = 0.35 + 0.3 * torch.rand(n, 3, 3, 3, generator=generator)
        ground = F.interpolate(patches, size=32, mode="bilinear", align_corners=False)
        grain = 0.04 * torch.randn(n, 3, 32, 32, generator=generator)
        pixels = _bytes(masks * ink + (1 - masks) * ground + grain)
        parts.append(LabelledImages(pixels, kinds))
    return tuple(parts)


def _gray(bases: Tensor, labels: Tensor) -> Parts:
    """60,000 training and 10,000 test variants of gray drawings, each with a brightness."""
    generator = _generator()
    parts = []
    for moved, kinds in _variants(bases, labels, (60_000, 10_000), generator):
        light = _uniform((len(moved), 1, 1, 1), 0.75, 1.0, generator)
        parts.append(LabelledImages(_bytes(moved.mul_(light)), kinds))
    return tuple(parts)


def _variants(
    bases: Tensor, labels: Tensor, counts: tuple[int, int], generator: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """Draw variants of base drawings; a fifth of the drawings is kept for the test images.

    Args:
        bases: ``(n, 1, height, width)`` in [0, 1].
        labels: ``(n,)``.
        counts: numbers of training and of test images.
        generator: source of the random numbers.

    Returns:
        Two pairs of ``float32`` images and ``int64`` labels.
    """
    order = torch.randperm(len(bases), generator=generator)
    cut = len(bases) // 5
    parts = []
    for chosen, count in zip((order[cut:], order[:cut]), counts, strict=True):
        picked = chosen[torch.randint(len(chosen), (count,), generator=generator)]
        moved = torch.cat([_move(bases[some], generator) for some in picked.split(2_000)])
        parts.append((moved, labels[picked]))
    return parts


def _move(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, turn and scale every image a little."""
    n = len(images)
    angle = _uniform((n,), -0.2, 0.2, generator)  # radians
    scale = _uniform((n,), 0.9, 1.15, generator)
    shift = _uniform((n, 2), -0.12, 0.12, generator)  # of half the width
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = (torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1))
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _draw(outlines: tuple[Outline, ...], size: int, copies: int) -> tuple[Tensor, Tensor]:
    """Fill every outline several times, its corners moved a little.

    Returns:
        Drawings ``float32 (n, 1, size, size)`` in [0, 1] and labels ``(n,)``.
    """
    generator = _generator()
    drawings = [_fill(outline, size, generator) for outline in outlines for _ in range(copies)]
    labels = torch.arange(len(outlines)).repeat_interleave(copies)
    return torch.stack(drawings).unsqueeze(1), labels


def _fill(outline: Outline, size: int, generator: torch.Generator) -> Tensor:
    """Draw the polygons of one outline, four times too large and then smaller: smooth edges."""
    import numpy as np
    from PIL import Image, ImageDraw

    wide = 4 * size
    picture = Image.new("L", (wide, wide), 0)
    brush = ImageDraw.Draw(picture)
    for polygon in outline:
        corners = torch.tensor(polygon) + 0.02 * torch.randn(len(polygon), 2, generator=generator)
        brush.polygon([tuple(corner) for corner in (corners * wide).tolist()], fill=255)
    small = picture.resize((size, size), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small, dtype=np.float32)) / 255


def _bytes(images: Tensor) -> Tensor:
    return images.mul_(255).round_().clamp_(0, 255).to(torch.uint8)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)
