"""Pictures of many sizes: ants and bees, pets with trimaps, pedestrians with masks, a painting."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from course_lib.data import sources
from course_lib.data.cards import card
from course_lib.data.dataset import DataSet
from course_lib.data.pictures import Photographs, Streets, to_tensor

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

S = TypeVar("S")


@dataclass(frozen=True)
class PhotoSet(DataSet, Generic[S]):
    """A data set of photographs.

    Attributes:
        train: the training photographs.
        test: the test photographs.
        classes: the name of each class number.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    train: S
    test: S
    classes: tuple[str, ...]


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
    whole = loaded.source == "stand-in" or len(loaded.value[0]) >= 3_680
    subset = "" if whole else " (subset of 3,680 and 3,669)"
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
    whole = loaded.source == "stand-in" or sum(len(part) for part in loaded.value) >= 170
    subset = "" if whole else " (subset of 170)"
    classes = ("background", "person")
    return _photo_set("penn-fudan", loaded, classes, "generated street scenes", subset)


@dataclass(frozen=True)
class StylePictures(DataSet):
    """The two pictures of a style transfer.

    Attributes:
        content: a photograph, ``uint8 (3, height, width)``.
        style: a painting, ``uint8 (3, height, width)``.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    content: Tensor
    style: Tensor


def style_pictures() -> StylePictures:
    """A photograph of Tübingen, 768 × 1024, and The Starry Night by van Gogh, 768 × 970 pixels.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Gatys et al. (2016); see ``card("style-transfer")``.
    """
    from course_lib.data.standins import photographs

    def read(files: sources.Files) -> list[Image]:
        names = ("Tuebingen_Neckarfront.jpg", "vangogh_starry_night.jpg")
        return [open_image(files, name) for name in names]

    loaded = sources.load("style-transfer", read, photographs.style_pictures)
    name, pictures = "style-transfer", [to_tensor(picture) for picture in loaded.value]
    sources.describe(name, loaded, "a photograph and a painting", "a street and a field of strokes")
    return StylePictures(*pictures, card=card(name), source=loaded.source)


def _photo_set(
    name: str, loaded: sources.Loaded, classes: tuple[str, ...], instead: str, remark: str
) -> PhotoSet:
    train, test = loaded.value
    content = f"{len(train):,} training and {len(test):,} test pictures{remark}"
    sources.describe(name, loaded, content, instead)
    return PhotoSet(train, test, classes, card=card(name), source=loaded.source)


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
