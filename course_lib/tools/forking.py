"""What processes need that are forked from one which has imported PyTorch already."""

from __future__ import annotations

import random
import sys

PRELOADED = (  # what nearly every notebook imports; the first optimizer needs torch._dynamo
    *("numpy", "torch", "torch._dynamo", "torchvision", "matplotlib.pyplot", "pandas"),
    "matplotlib.backends.backend_agg",
)


def seed_generators() -> None:
    """Give a process random numbers of its own, until its notebook sets seeds."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()
