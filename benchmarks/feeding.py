"""How fast are samples fed? The course's batches against torchvision and a stock DataLoader.

    python benchmarks/feeding.py [--rounds 5] [--samples 20000]

Both feed the same MNIST images, batch 64, shuffled, standardised. The DataLoader runs in this
process and with two workers; the better of the two counts. Rounds are interleaved, so that a slow
minute of the machine hits all alike. Prints medians and the ratio; takes about a minute.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, transforms

from course_lib import data

BATCH, MEAN, STD = 64, 0.1307, 0.3081


def stock_dataset(images: data.LabelledImages) -> Dataset:
    """torchvision's MNIST class on images that are loaded already, with the usual transforms."""
    stock = datasets.MNIST.__new__(datasets.MNIST)
    stock.data, stock.targets = images.images[:, 0], images.labels
    stock.transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))]
    )
    stock.target_transform = None
    return stock


def samples_per_second(batches: Iterable) -> float:
    """Feed one epoch and count; the workers of a DataLoader start inside the measured time."""
    started, count = time.perf_counter(), 0
    for x, _ in batches:
        count += len(x)
    return count / (time.perf_counter() - started)


def check_that_both_feed_the_same(images: data.LabelledImages) -> None:
    """Without shuffling, batch for batch."""
    ours = images[:200].batches(BATCH, mean=MEAN, std=STD)
    theirs = DataLoader(stock_dataset(images[:200]), BATCH)
    for (x, y), (u, v) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, u, atol=1e-6)
        assert torch.equal(y, v)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=20_000)
    options = parser.parse_args()
    images = data.mnist().train[: options.samples]
    check_that_both_feed_the_same(images)
    stock = stock_dataset(images)
    feeds = {
        "course_lib": images.batches(BATCH, shuffle=True, mean=MEAN, std=STD),
        "DataLoader, this process": DataLoader(stock, BATCH, shuffle=True),
        "DataLoader, 2 workers": DataLoader(stock, BATCH, shuffle=True, num_workers=2),
        "DataLoader, 2 workers kept": DataLoader(
            stock, BATCH, shuffle=True, num_workers=2, persistent_workers=True
        ),
    }
    for feed in feeds.values():
        samples_per_second(feed)  # warm up
    measured = {name: [] for name in feeds}
    for _ in range(options.rounds):
        for name, feed in feeds.items():
            measured[name].append(samples_per_second(feed))
    medians = {name: statistics.median(values) for name, values in measured.items()}
    print(f"{torch.get_num_threads()} threads, batch {BATCH}, median of {options.rounds} rounds")
    for name, median in medians.items():
        low, high = min(measured[name]), max(measured[name])
        print(f"{name:28}{median:12,.0f} samples/s   ({low:,.0f} to {high:,.0f})")
    ours = medians.pop("course_lib")
    best = max(medians, key=medians.get)
    print(f"ratio to the best peer ({best}): {ours / medians[best]:.1f}")


if __name__ == "__main__":
    main()
