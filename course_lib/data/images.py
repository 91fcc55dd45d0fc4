"""Image classification sets that fit into memory: MNIST, Fashion-MNIST, CIFAR-10."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.data import sources
from course_lib.data.batches import Batches, Channels
from course_lib.data.cards import Card, card

Device = torch.device | str | None


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


@dataclass(frozen=True)
class ImageSet:
    """A data set of images for classification.

    Attributes:
        train: the training images.
        test: the test images.
        classes: the name of each class number.
        card: licence, citation and homepage.
        source: ``COURSE_DATA``, ``cache``, ``download`` or ``stand-in``.
    """

    train: LabelledImages
    test: LabelledImages
    classes: tuple[str, ...]
    card: Card
    source: str

    @property
    def is_standin(self) -> bool:
        """Whether these are generated images instead of the real ones."""
        return self.source == "stand-in"


class Split(NamedTuple):
    """Training and test tensors as a reader or a generator hands them over."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


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
    name: str, loaded: sources.Loaded[Split], classes: tuple[str, ...], instead: str, device: Device
) -> ImageSet:
    """Announce the set and put its tensors on the device."""
    split = loaded.value
    _, channels, height, width = split.train_images.shape
    color = "gray" if channels == 1 else "color"
    content = (
        f"{len(split.train_images):,} training and {len(split.test_images):,} test images, "
        f"{height}×{width} {color}"
    )
    if loaded.source != "stand-in" and len(split.train_images) < _OFFICIAL_TRAIN[name]:
        content += f" (subset of {_OFFICIAL_TRAIN[name]:,} and 10,000)"
    sources.describe(name, loaded, content, instead)
    train = LabelledImages(split.train_images, split.train_labels).to(device)
    test = LabelledImages(split.test_images, split.test_labels).to(device)
    return ImageSet(train, test, classes, card(name), loaded.source)


def _read_idx_files(files: sources.Files, folder: str) -> Split:
    def read(name: str) -> Tensor:
        return read_idx(gzip.decompress(files.read(folder + name)), name)

    return Split(
        read("train-images-idx3-ubyte.gz").unsqueeze(1),
        read("train-labels-idx1-ubyte.gz").long(),
        read("t10k-images-idx3-ubyte.gz").unsqueeze(1),
        read("t10k-labels-idx1-ubyte.gz").long(),
    )


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


def _read_cifar10(files: sources.Files) -> Split:
    archive = "cifar-10-binary.tar.gz"
    if archive not in files:
        train = read_cifar_records(files.read("data_batch_1.first5000.bin"))
        test = read_cifar_records(files.read("test_batch.first1000.bin"))
        return Split(*train, *test)
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
    return Split(torch.cat(images), torch.cat(labels), *parts["test_batch.bin"])


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
