"""What a notebook decides once: profile, device and seed.

A *profile* says how much work a notebook does: ``smoke`` takes a few steps and proves that the
code runs, ``cpu`` is what the book shows, ``gpu`` uses the settings of the papers. A notebook
starts with::

    run = runtime.start(PROFILE, seed=0)
    epochs = run.pick(smoke=1, cpu=4, gpu=20)
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

PROFILES = ("smoke", "cpu", "gpu")
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """The settings of a running notebook.

    Attributes:
        profile: one of ``smoke``, ``cpu`` and ``gpu``.
        device: where tensors and models of this notebook live.
        seed: the seed that Python, NumPy and PyTorch started from.
    """

    profile: str
    device: torch.device
    seed: int

    def pick(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """Return the value for the running profile.

        >>> start("smoke").pick(smoke=1, cpu=4, gpu=20)
        1
        """
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]


_current: Run | None = None


def start(profile: str = "cpu", seed: int = 0) -> Run:
    """Seed all random generators, set the figure style and choose the device.

    Args:
        profile: ``smoke``, ``cpu`` or ``gpu``.
        seed: an integer; the same seed gives the same numbers on the same machine.

    Returns:
        The settings, also available from :func:`current`. The device is CUDA where there is one.

    Raises:
        ValueError: the profile has another name.
        RuntimeError: the profile is ``gpu`` and PyTorch sees no CUDA device.
    """
    global _current
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; choose one of {', '.join(PROFILES)}")
    if profile == "gpu" and not torch.cuda.is_available():
        raise RuntimeError(
            "the gpu profile needs a CUDA device and PyTorch sees none; use PROFILE = 'cpu'"
        )
    seed_everything(seed)
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    from course_lib import plot

    plot.use_style()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _current = Run(profile, device, seed)
    return _current


def current() -> Run:
    """Return what :func:`start` returned last; a session that never called it counts as ``cpu``."""
    return _current or Run("cpu", torch.device("cpu"), 0)


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators (on every device)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
