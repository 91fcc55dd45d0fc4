"""The course's data sets: a function for each, and one visible line that says the source.

>>> mnist = data.mnist(device=run.device)                                        # doctest: +SKIP
MNIST: 60,000 training and 10,000 test images, 28×28 gray. Source: official download, …
>>> for x, y in mnist.train.batches(64, shuffle=True, mean=0.1307, std=0.3081):  # doctest: +SKIP
...     ...                                                # x: float32 (64, 1, 28, 28)

Names are imported when they are first used: the tools ask :func:`available` without PyTorch.
"""

from importlib import import_module

_MODULES = {
    "batches": ("Batches",),
    "cards": ("CARDS", "Card", "card"),
    "images": ("ImageSet", "cifar10", "fashion_mnist", "mnist"),
    "photographs": (
        *("PhotoSet", "StylePictures", "hymenoptera", "oxford_pets", "penn_fudan"),
        "style_pictures",
    ),
    "pictures": (
        *("TRIMAP_CLASSES", "LabelledImages", "Photo", "Photographs", "Pet", "Street", "Streets"),
    ),
    "scenes": ("SHAPES", "shape_scenes"),
    "sources": ("DamagedFile", "DataError", "DataWarning", "available"),
    "tables": ("MixedTable", "NumericTable", "adult", "german_credit"),
    "text": ("SentencePairs", "Text", "number_pairs", "sentence_pairs", "time_machine"),
    "tokens": ("Vocabulary", "windows"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"course_lib.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'course_lib.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
