"""The course's data sets: one function for each, one visible line that says where the data came from.

>>> mnist = data.mnist(device=run.device)                                     # doctest: +SKIP
MNIST: 60,000 training and 10,000 test images, 28×28 gray. Source: official download, checksums verified.
>>> for x, y in mnist.train.batches(64, shuffle=True, mean=0.1307, std=0.3081):  # doctest: +SKIP
...     ...                                                                   # x: float32 (64, 1, 28, 28)
"""

from course_lib.data.batches import Batches
from course_lib.data.cards import CARDS, Card, card
from course_lib.data.images import ImageSet, LabelledImages, cifar10, fashion_mnist, mnist
from course_lib.data.sources import DamagedFile, DataError, DataWarning, available

__all__ = [
    "CARDS",
    "Batches",
    "Card",
    "DamagedFile",
    "DataError",
    "DataWarning",
    "ImageSet",
    "LabelledImages",
    "available",
    "card",
    "cifar10",
    "fashion_mnist",
    "mnist",
]
