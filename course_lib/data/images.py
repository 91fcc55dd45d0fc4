"""Image classification sets that fit into memory: MNIST, Fashion-MNIST, CIFAR-10."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.data import sources
from course_lib.data.cards import card
from course_lib.data.dataset import DataSet
from course_lib.data.pictures import Device, LabelledImages, Parts


@dataclass(frozen=True)
class ImageSet(DataSet):
    """A data set of images for classification.

    Attributes:
        train: the training images.
        test: the test images.
        classes: the name of each class number.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    train: LabelledImages
    test: LabelledImages
    classes: tuple[str, ...]


DIGITS = tuple("0123456789")
GARMENTS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
OBJECTS = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


def mnist(device: Device = None) -> ImageSet:
    """Handwritten digits: 60,000 training and 10,000 test images, ``uint8 (n, 1, 28, 28)``.

    Args:
        device: where the tensors live; default the CPU.

    Returns:
        The data set. Its stand-in has the same shapes: scikit-learn's 1,797 digits, enlarged,
        shifted and turned.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: LeCun et al. (1998); see ``card("mnist")``.
    """
    from course_lib.data.standins import drawings

    loaded = sources.load(
        "mnist", lambda files: _read_idx_files(files, "MNIST/raw/"), drawings.digits
    )
    instead = "scikit-learn's 1,797 digits of 8×8 pixels, enlarged, shifted and turned"
    return _image_set("mnist", loaded, DIGITS, instead, device)


def fashion_mnist(device: Device = None) -> ImageSet:
    """Garments: 60,000 training and 10,000 test images, ``uint8 (n, 1, 28, 28)``.

    Used like :func:`mnist`.

    Source: Xiao et al. (2017); see ``card("fashion-mnist")``.
    """
    from course_lib.data.standins import drawings

    loaded = sources.load(
        "fashion-mnist",
        lambda files: _read_idx_files(files, "FashionMNIST/raw/"),
        drawings.garments,
    )
    return _image_set("fashion-mnist", loaded, GARMENTS, "generated outlines of garments", device)


def cifar10(device: Device = None) -> ImageSet:
    """Small color photographs: 50,000 training and 10,000 test images, ``uint8 (n, 3, 32, 32)``.

    ``COURSE_DATA`` may hold the first 5,000 and 1,000 only; the visible line says so. Used like
    :func:`mnist`.

    Source: Krizhevsky (2009); see ``card("cifar10")``.
    """
    from course_lib.data.standins import drawings

    loaded = sources.load("cifar10", _read_cifar10, drawings.objects)
    instead = "generated silhouettes in color, one for each class name"
    return _image_set("cifar10", loaded, OBJECTS, instead, device)


_OFFICIAL_TRAIN = {"mnist": 60_000, "fashion-mnist": 60_000, "cifar10": 50_000}


def _image_set(
    name: str, loaded: sources.Loaded[Parts], classes: tuple[str, ...], instead: str, device: Device
) -> ImageSet:
    """Announce the set and put its tensors on the device."""
    train, test = loaded.value
    _, channels, height, width = train.images.shape
    color = "gray" if channels == 1 else "color"
    content = f"{len(train):,} training and {len(test):,} test images, {height}×{width} {color}"
    if loaded.source != "stand-in" and len(train) < _OFFICIAL_TRAIN[name]:
        content += f" (subset of {_OFFICIAL_TRAIN[name]:,} and 10,000)"
    sources.describe(name, loaded, content, instead)
    train, test = train.to(device), test.to(device)
    return ImageSet(train, test, classes, card=card(name), source=loaded.source)


def _read_idx_files(files: sources.Files, folder: str) -> Parts:
    def read(name: str) -> Tensor:
        return read_idx(gzip.decompress(files.read(folder + name)), name)

    def part(start: str) -> LabelledImages:
        images = read(f"{start}-images-idx3-ubyte.gz").unsqueeze(1)
        return LabelledImages(images, read(f"{start}-labels-idx1-ubyte.gz").long())

    return part("train"), part("t10k")


def read_idx(content: bytes, name: str = "the file") -> Tensor:
    """Read a tensor in the IDX format of MNIST: two zero bytes, type, dimensions, sizes, values.

    Args:
        content: the unpacked file.
        name: what an error message calls it.

    Returns:
        A ``uint8`` tensor.

    Raises:
        DamagedFile: the content is no IDX file of unsigned bytes, or has the wrong length.

    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])).tolist()
    [7, 9]
    """
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:3] != b"\x00\x00\x08" or len(content) < start:
        raise sources.DamagedFile(f"{name} is no IDX file of unsigned bytes")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if values.size != np.prod(shape):
        raise sources.DamagedFile(f"{name} holds {values.size:,} values, its header says {shape}")
    return torch.from_numpy(values.reshape(shape).copy())


def _read_cifar10(files: sources.Files) -> Parts:
    archive = "cifar-10-binary.tar.gz"
    if archive not in files:
        train = read_cifar_records(files.read("data_batch_1.first5000.bin"))
        test = read_cifar_records(files.read("test_batch.first1000.bin"))
        return LabelledImages(*train), LabelledImages(*test)
    with tarfile.open(fileobj=io.BytesIO(files.read(archive))) as tar:
        parts = {
            member.name.split("/")[-1]: read_cifar_records(tar.extractfile(member).read())
            for member in tar
            if member.isfile() and member.name.endswith(".bin")
        }
    names = [f"data_batch_{i}.bin" for i in range(1, 6)]
    missing = set(names + ["test_batch.bin"]) - set(parts)
    if missing:
        raise sources.DamagedFile(f"{archive} does not hold {', '.join(sorted(missing))}")
    images, labels = zip(*(parts[name] for name in names), strict=True)
    train = LabelledImages(torch.cat(images), torch.cat(labels))
    return train, LabelledImages(*parts["test_batch.bin"])


def read_cifar_records(content: bytes) -> tuple[Tensor, Tensor]:
    """Read CIFAR-10's binary records of 3,073 bytes: a label, then the red, green and blue plane.

    Returns:
        Images ``uint8 (n, 3, 32, 32)`` and labels ``int64 (n,)``.

    Raises:
        DamagedFile: the content does not divide into records, or a label is above 9.
    """
    if not content or len(content) % 3073:
        raise sources.DamagedFile(f"{len(content):,} bytes do not divide into records of 3,073")
    records = torch.from_numpy(np.frombuffer(content, dtype=np.uint8).reshape(-1, 3073).copy())
    labels = records[:, 0].long()
    if int(labels.max()) > 9:
        raise sources.DamagedFile(f"a label is {int(labels.max())}; CIFAR-10 has classes 0 to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32).contiguous(), labels
