"""The course's data sets: a function for each, and one visible line that says the source.

>>> mnist = data.mnist(device=run.device)                                        # doctest: +SKIP
MNIST: 60,000 training and 10,000 test images, 28×28 gray. Source: official download, …
>>> for x, y in mnist.train.batches(64, shuffle=True, mean=0.1307, std=0.3081):  # doctest: +SKIP
...     ...                                                # x: float32 (64, 1, 28, 28)
"""

from course_lib.data.batches import Batches
from course_lib.data.cards import CARDS, Card, card
from course_lib.data.images import ImageSet, LabelledImages, cifar10, fashion_mnist, mnist
from course_lib.data.photographs import (
    TRIMAP_CLASSES,
    Pet,
    Photo,
    Photographs,
    PhotoSet,
    Street,
    Streets,
    hymenoptera,
    oxford_pets,
    penn_fudan,
)
from course_lib.data.sources import DamagedFile, DataError, DataWarning, available
from course_lib.data.tables import MixedTable, NumericTable, adult, german_credit
from course_lib.data.text import SentencePairs, Text, sentence_pairs, time_machine

__all__ = [
    "CARDS",
    "TRIMAP_CLASSES",
    "Batches",
    "Card",
    "DamagedFile",
    "DataError",
    "DataWarning",
    "ImageSet",
    "LabelledImages",
    "MixedTable",
    "NumericTable",
    "Pet",
    "Photo",
    "PhotoSet",
    "Photographs",
    "SentencePairs",
    "Street",
    "Streets",
    "Text",
    "adult",
    "available",
    "card",
    "cifar10",
    "fashion_mnist",
    "german_credit",
    "hymenoptera",
    "mnist",
    "oxford_pets",
    "penn_fudan",
    "sentence_pairs",
    "time_machine",
]
