"""Generated scenes whose boxes and masks are exact: colored shapes on a soft, grainy ground."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_lib.data.pictures import boxes_around

SHAPES = ("background", "circle", "square", "triangle")
SMALLEST, LARGEST = 0.2, 0.5  # side of a shape as a part of the picture's side
OVERLAP = 0.1  # a new shape may cover at most this part of what is there or of itself


def shape_scenes(
    count: int, size: int = 64, seed: int = 0, most: int = 3
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Draw scenes with one to ``most`` shapes each; color says nothing about the class.

    Args:
        count: number of scenes.
        size: height and width in pixels, at least 16.
        seed: the same seed gives the same scenes.
        most: the largest number of shapes; there are fewer where no place is left.

    Returns:
        Images ``uint8 (count, 3, size, size)`` and for each a target with ``boxes`` ``float32
        (k, 4)``, left, top, right, bottom in pixels, right and bottom exclusive, around what can be
        seen; ``labels`` ``int64 (k,)``, numbers in :data:`SHAPES`; ``masks`` ``uint8 (k, size,
        size)``, 1 where the shape can be seen.

    Raises:
        ValueError: no scenes, no shapes, or a size below 16.
    """
    if count < 1 or size < 16 or most < 1:
        raise ValueError(
            f"count={count}, size={size}, most={most}: at least one scene of 16 pixels with a shape"
        )
    rng = np.random.default_rng([20_240_605, seed])
    scenes = [_scene(rng, size, most) for _ in range(count)]
    images = torch.stack([image for image, _ in scenes])
    return images, [target for _, target in scenes]


def _scene(rng: np.random.Generator, size: int, most: int) -> tuple[Tensor, dict[str, Tensor]]:
    picture = _ground(rng, size)
    masks: list[np.ndarray] = []
    labels: list[int] = []
    for _ in range(rng.integers(1, most + 1)):
        for _attempt in range(20):
            label, shape = _shape(rng, size)
            if not any(_covers(shape, other) for other in masks):
                break
        else:
            continue
        masks = [mask & ~shape for mask in masks] + [shape]
        labels.append(label)
        ground = picture[:, shape].mean(axis=1, keepdims=True)
        color = rng.uniform(20, 235, (3, 1))
        while np.abs(color - ground).max() < 60:  # so that it can be seen
            color = rng.uniform(20, 235, (3, 1))
        picture[:, shape] = color + rng.normal(0, 6, (3, int(shape.sum())))
    seen = torch.from_numpy(np.stack(masks))
    target = {
        "boxes": boxes_around(seen),
        "labels": torch.tensor(labels, dtype=torch.int64),
        "masks": seen.to(torch.uint8),
    }
    return torch.from_numpy(picture.clip(0, 255)).to(torch.uint8), target


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """A color that changes evenly between the corners, with grain; ``(3, size, size)``."""
    corners = rng.uniform(60, 200, (3, 1, 1)) + rng.normal(0, 25, (3, 2, 2))
    part = np.linspace(0, 1, size)
    across = np.stack([1 - part, part])
    soft = np.einsum("cij,iy,jx->cyx", corners, across, across)
    return soft + rng.normal(0, 8, (3, size, size))


def _shape(rng: np.random.Generator, size: int) -> tuple[int, np.ndarray]:
    """A class number and the pixels of a shape somewhere inside the picture."""
    label = int(rng.integers(1, len(SHAPES)))
    half = rng.uniform(SMALLEST, LARGEST) * size / 2
    x0, y0 = rng.uniform(half, size - half, 2)
    y, x = np.mgrid[:size, :size] + 0.5
    dx, dy = np.abs(x - x0), y - y0
    match SHAPES[label]:
        case "circle":
            inside = dx**2 + dy**2 <= half**2
        case "square":
            inside = np.maximum(dx, np.abs(dy)) <= half * 0.9
        case "triangle":  # the tip is at the top
            inside = (np.abs(dy) <= half) & (dx <= (dy + half) / 2)
    return label, inside


def _covers(shape: np.ndarray, other: np.ndarray) -> bool:
    common = (shape & other).sum()
    return common > OVERLAP * min(shape.sum(), other.sum())
