"""Stand-ins: small worlds that take the place of a data set when there is no network.

Each has the shapes and types of the real data and something to learn, is drawn from a generator of its own with a
fixed seed, and so is the same on every machine. A result on a stand-in says nothing about the real data.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.data.images import Split

SEED = 20_240_601


def digits() -> Split:
    """MNIST's stand-in: scikit-learn's 8×8 digits, enlarged, shifted, turned; ``uint8 (n, 1, 28, 28)``.

    The 1,797 digits are divided first, so no test image is a variant of a training digit.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = torch.from_numpy(bunch.images).float().unsqueeze(1) / 16  # (1797, 1, 8, 8)
    large = F.interpolate(small, size=(22, 22), mode="bilinear", align_corners=False)
    bases = F.pad((1.8 * large - 0.4).clamp(0, 1), (3, 3, 3, 3))
    labels = torch.from_numpy(bunch.target).long()
    return _variants(bases, labels, 60_000, 10_000)


def garments() -> Split:
    """Fashion-MNIST's stand-in: outlines of ten kinds of garments, ``uint8 (n, 1, 28, 28)``."""
    generator = _generator()
    drawings, labels = [], []
    for label, outline in enumerate(_OUTLINES):
        for _ in range(60):
            drawings.append(_fill(outline, 28, generator))
            labels.append(label)
    return _variants(torch.stack(drawings), torch.tensor(labels), 60_000, 10_000)


def _generator(seed: int = SEED) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _variants(bases: Tensor, labels: Tensor, train: int, test: int) -> Split:
    """Draw variants of base drawings; one drawing in five is kept for the test set.

    Args:
        bases: ``(n, channels, height, width)`` in [0, 1].
        labels: ``(n,)``.
        train: number of training images.
        test: number of test images.
    """
    generator = _generator()
    order = torch.randperm(len(bases), generator=generator)
    cut = len(bases) // 5
    parts = []
    for chosen, count in ((order[cut:], train), (order[:cut], test)):
        picked = chosen[torch.randint(len(chosen), (count,), generator=generator)]
        images = [_vary(bases[some], generator) for some in picked.split(5_000)]
        parts += [torch.cat(images), labels[picked]]
    return Split(*parts)


def _vary(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, turn and scale every image a little, change its brightness, and return ``uint8``."""
    n = len(images)
    angle = _uniform((n,), -0.2, 0.2, generator)  # radians
    scale = _uniform((n,), 0.9, 1.15, generator)
    shift = _uniform((n, 2), -0.12, 0.12, generator)  # of half the width
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = (torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1))
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    light = _uniform((n, 1, 1, 1), 0.75, 1.0, generator)
    return (moved * light).mul_(255).round_().clamp_(0, 255).to(torch.uint8)


# Outlines in a unit square, y downwards: lists of polygons, one list for each class of Fashion-MNIST.
_BODY = [(0.33, 0.15), (0.67, 0.15), (0.68, 0.85), (0.32, 0.85)]
_OUTLINES = (
    [_BODY, [(0.33, 0.15), (0.12, 0.3), (0.2, 0.42), (0.34, 0.33)], [(0.67, 0.15), (0.88, 0.3), (0.8, 0.42), (0.66, 0.33)]],
    [[(0.35, 0.08), (0.65, 0.08), (0.67, 0.3), (0.33, 0.3)], [(0.33, 0.3), (0.48, 0.3), (0.44, 0.94), (0.33, 0.94)], [(0.52, 0.3), (0.67, 0.3), (0.67, 0.94), (0.56, 0.94)]],
    [_BODY, [(0.33, 0.15), (0.1, 0.8), (0.2, 0.84), (0.36, 0.4)], [(0.67, 0.15), (0.9, 0.8), (0.8, 0.84), (0.64, 0.4)]],
    [[(0.42, 0.06), (0.58, 0.06), (0.57, 0.4), (0.7, 0.95), (0.3, 0.95), (0.43, 0.4)]],
    [[(0.28, 0.1), (0.48, 0.1), (0.48, 0.93), (0.28, 0.93)], [(0.52, 0.1), (0.72, 0.1), (0.72, 0.93), (0.52, 0.93)], [(0.28, 0.1), (0.1, 0.7), (0.18, 0.74), (0.28, 0.45)], [(0.72, 0.1), (0.9, 0.7), (0.82, 0.74), (0.72, 0.45)]],
    [[(0.05, 0.72), (0.95, 0.62), (0.95, 0.68), (0.05, 0.8)], [(0.2, 0.74), (0.5, 0.4), (0.54, 0.44), (0.28, 0.74)], [(0.65, 0.66), (0.85, 0.45), (0.9, 0.48), (0.75, 0.66)]],
    [_BODY, [(0.33, 0.15), (0.16, 0.6), (0.25, 0.63), (0.34, 0.35)], [(0.67, 0.15), (0.84, 0.6), (0.75, 0.63), (0.66, 0.35)], [(0.44, 0.06), (0.56, 0.06), (0.56, 0.15), (0.44, 0.15)]],
    [[(0.05, 0.75), (0.05, 0.6), (0.45, 0.42), (0.6, 0.5), (0.95, 0.5), (0.95, 0.75)]],
    [[(0.15, 0.4), (0.85, 0.4), (0.92, 0.9), (0.08, 0.9)], [(0.32, 0.4), (0.36, 0.15), (0.41, 0.15), (0.38, 0.4)], [(0.62, 0.4), (0.59, 0.15), (0.64, 0.15), (0.68, 0.4)], [(0.36, 0.15), (0.64, 0.15), (0.64, 0.2), (0.36, 0.2)]],
    [[(0.05, 0.85), (0.05, 0.68), (0.5, 0.5), (0.55, 0.12), (0.9, 0.12), (0.93, 0.85)]],
)  # fmt: skip


def _fill(
    outline: list[list[tuple[float, float]]], size: int, generator: torch.Generator
) -> Tensor:
    """Draw polygons whose corners are moved a little, smoothly, with a weave of their own; ``(1, size, size)``."""
    import numpy as np
    from PIL import Image, ImageDraw

    wide = 4 * size
    picture = Image.new("L", (wide, wide), 0)
    brush = ImageDraw.Draw(picture)
    shade = int(_uniform((1,), 120, 255, generator))
    for polygon in outline:
        corners = torch.tensor(polygon) + 0.025 * torch.randn(len(polygon), 2, generator=generator)
        brush.polygon([tuple(corner) for corner in (corners * wide).tolist()], fill=shade)
    small = np.asarray(picture.resize((size, size), Image.Resampling.BOX), dtype=np.float32)
    weave = _uniform((size, size), 0.75, 1.0, generator)
    return (torch.from_numpy(small) / 255 * weave).unsqueeze(0)
