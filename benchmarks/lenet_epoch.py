"""How long does an epoch of LeNet take? Fed by the course's batches and by a stock DataLoader.

    python benchmarks/lenet_epoch.py [--rounds 3] [--samples 20000]

The model, the optimizer and the arithmetic are the same; only the feeding differs. The stock side
is the better of a DataLoader in this process and one with two kept workers. Rounds are interleaved.
Prints medians and the ratio; takes about two minutes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable

import torch
from feeding import BATCH, MEAN, STD, stock_dataset
from torch import nn
from torch.utils.data import DataLoader

from course_lib import data


def lenet() -> nn.Module:
    """LeNet-5 for 28×28 images, 61,706 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)),
    )


def seconds_per_epoch(batches: Iterable) -> float:
    """Train a new LeNet for one epoch."""
    torch.manual_seed(0)
    model = lenet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    started = time.perf_counter()
    for x, y in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=20_000)
    options = parser.parse_args()
    images = data.mnist().train[: options.samples]
    stock = stock_dataset(images)
    feeds = {
        "course_lib": images.batches(BATCH, shuffle=True, mean=MEAN, std=STD),
        "DataLoader, this process": DataLoader(stock, BATCH, shuffle=True),
        "DataLoader, 2 workers kept": DataLoader(
            stock, BATCH, shuffle=True, num_workers=2, persistent_workers=True
        ),
    }
    measured = {name: [] for name in feeds}
    for round_number in range(options.rounds + 1):
        for name, feed in feeds.items():
            seconds = seconds_per_epoch(feed)
            if round_number > 0:  # the first round warms up
                measured[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in measured.items()}
    print(f"{torch.get_num_threads()} threads, batch {BATCH}, {len(images):,} images,", end=" ")
    print(f"median of {options.rounds} rounds")
    for name, median in medians.items():
        print(f"{name:28}{median:8.2f} s")
    ours = medians.pop("course_lib")
    best = min(medians, key=medians.get)
    print(f"ratio to the best peer ({best}): {medians[best] / ours:.2f}")


if __name__ == "__main__":
    main()
