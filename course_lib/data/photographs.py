"""Photographs of many sizes: ants and bees, pets with trimaps, pedestrians with boxes and masks.

The files are read and decoded when a photograph is asked for. ``resized`` reads them all once and
returns tensors of one size, which is what training wants.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from course_lib.data import sources
from course_lib.data.cards import Card, card
from course_lib.data.images import LabelledImages

if TYPE_CHECKING:
    from PIL.Image import Image

TRIMAP_CLASSES = ("pet", "background", "border")
S = TypeVar("S")


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


@dataclass(frozen=True)
class PhotoSet(Generic[S]):
    """A data set of photographs.

    Attributes:
        train: the training photographs.
        test: the test photographs.
        classes: the name of each class number.
        card: licence, citation and homepage.
        source: ``COURSE_DATA``, ``cache``, ``download`` or ``stand-in``.
    """

    train: S
    test: S
    classes: tuple[str, ...]
    card: Card
    source: str

    @property
    def is_standin(self) -> bool:
        """Whether these pictures are generated instead of photographs."""
        return self.source == "stand-in"


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


def hymenoptera() -> PhotoSet[Photographs]:
    """Ants (0) and bees (1): 244 training and 153 test photographs in color.

    The copy in ``COURSE_DATA`` has all photographs, made smaller (shorter side at most 256 pixels).

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: PyTorch's transfer learning tutorial, from ImageNet; see ``card("hymenoptera")``.
    """
    from course_lib.data.standins import photographs

    loaded = sources.load("hymenoptera", _read_hymenoptera, photographs.hymenoptera)
    small = ", made smaller" if loaded.source == "COURSE_DATA" else ""
    return _photo_set("hymenoptera", loaded, ("ants", "bees"), "generated insects", small)


def oxford_pets() -> PhotoSet[Photographs]:
    """Cats (0) and dogs (1) with trimaps: 3,680 training and 3,669 test photographs.

    ``names`` tells the breed: ``Abyssinian_10``. ``COURSE_DATA`` may hold a subset of 220; the
    visible line says so. The download has 811 MB.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Parkhi et al. (2012); see ``card("oxford-pets")``.
    """
    from course_lib.data.standins import photographs

    loaded = sources.load("oxford-pets", _read_pets, photographs.pets)
    subset = " (subset of 3,680 and 3,669)" if len(loaded.value[0]) < 3_680 else ""
    subset = "" if loaded.source == "stand-in" else subset
    return _photo_set("oxford-pets", loaded, ("cat", "dog"), "generated cats and dogs", subset)


def penn_fudan() -> PhotoSet[Streets]:
    """Pedestrians with boxes and masks: 170 street photographs.

    There is no official division: every fourth photograph, by name, belongs to the test set.
    ``COURSE_DATA`` may hold a subset of 60; the visible line says so.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Wang et al. (2007); see ``card("penn-fudan")``.
    """
    from course_lib.data.standins import photographs

    loaded = sources.load("penn-fudan", _read_streets, photographs.streets)
    count = sum(len(part) for part in loaded.value)
    subset = " (subset of 170)" if loaded.source != "stand-in" and count < 170 else ""
    classes = ("background", "person")
    return _photo_set("penn-fudan", loaded, classes, "generated street scenes", subset)


def _photo_set(
    name: str, loaded: sources.Loaded, classes: tuple[str, ...], instead: str, remark: str
) -> PhotoSet:
    train, test = loaded.value
    content = f"{len(train):,} training and {len(test):,} test pictures{remark}"
    sources.describe(name, loaded, content, instead)
    return PhotoSet(train, test, classes, card(name), loaded.source)


def _read_hymenoptera(files: sources.Files) -> tuple[Photographs, Photographs]:
    parts = []
    for part in ("train", "val"):
        names, labels = [], []
        for label, kind in enumerate(("ants", "bees")):
            found = files.names(f"hymenoptera_data/{part}/{kind}/", (".jpg", ".jpeg"))
            if not found:
                raise sources.DamagedFile(f"there are no photographs of {kind} in {part}")
            names += found
            labels += [label] * len(found)
        parts.append(Photographs(names, labels, lambda name: open_image(files, name)))
    return parts[0], parts[1]


def _read_pets(files: sources.Files) -> tuple[Photographs, Photographs]:
    root = "oxford-iiit-pet/"

    def image(name: str) -> Image:
        return open_image(files, f"{root}images/{name}.jpg")

    def trimap(name: str) -> Image:
        official = open_image(files, f"{root}annotations/trimaps/{name}.png", "L")
        return official.point(lambda value: max(value - 1, 0))

    parts = []
    for part in ("trainval", "test"):
        content = files.read(f"{root}annotations/{part}.txt").decode()
        # a line has: name, breed number, species (1 cat, 2 dog), number within the species
        rows = [line.split() for line in content.splitlines() if line and line[0] != "#"]
        names, labels = [row[0] for row in rows], [int(row[2]) - 1 for row in rows]
        parts.append(Photographs(names, labels, image, trimap))
    return parts[0], parts[1]


def _read_streets(files: sources.Files) -> tuple[Streets, Streets]:
    root = "PennFudanPed/"
    names = [path.split("/")[-1][:-4] for path in files.names(root + "PNGImages/", ".png")]
    if not names:
        raise sources.DamagedFile("there are no photographs in PennFudanPed/PNGImages")

    def image(name: str) -> Image:
        return open_image(files, f"{root}PNGImages/{name}.png")

    def mask(name: str) -> Image:
        return open_image(files, f"{root}PedMasks/{name}_mask.png", None)

    test = names[3::4]
    train = [name for name in names if name not in test]
    return Streets(train, image, mask), Streets(test, image, mask)


def open_image(files: sources.Files, name: str, mode: str | None = "RGB") -> Image:
    """Read, check and decode a picture.

    Args:
        files: the files of the data set.
        name: the relative path of the picture.
        mode: convert to this mode of Pillow; ``None`` keeps the values as they are stored.

    Raises:
        DamagedFile: the file has a wrong checksum or cannot be decoded; the message names it.
    """
    from PIL import Image

    content = files.read(name)
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return picture.copy() if mode is None else picture.convert(mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise sources.DamagedFile(f"{name} cannot be decoded: {error}") from error


def to_tensor(picture: Image) -> Tensor:
    """A Pillow picture as ``uint8``: ``(3, height, width)`` in color, ``(height, width)`` else."""
    pixels = torch.from_numpy(np.array(picture, dtype=np.uint8))
    return pixels.permute(2, 0, 1).contiguous() if pixels.dim() == 3 else pixels


def _square(picture: Image, size: int, resample: int) -> Image:
    """The largest centered square, scaled to ``size``."""
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return picture.resize((size, size), resample, box=(left, top, left + side, top + side))


def _people(mask: Tensor) -> dict[str, Tensor]:
    """Boxes, masks and labels from a mask ``(height, width)`` of numbered people."""
    masks = mask == _numbers(mask)
    boxes = []
    for person in masks:
        rows, columns = person.any(dim=1).nonzero(), person.any(dim=0).nonzero()
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "masks": masks.to(torch.uint8),
        "labels": torch.ones(len(boxes), dtype=torch.int64),
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
