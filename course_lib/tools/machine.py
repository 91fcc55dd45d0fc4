"""What the machine has: cores, memory, a GPU, a browser."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import psutil

from course_lib.tools.chapters import ProjectError

MB = 1024 * 1024
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class NoDevice(ProjectError):
    """The gpu profile was asked for on a machine where PyTorch sees no GPU."""


def available_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory_mb() -> float:
    """Memory of the machine, or of the container when that has less."""
    limit, _ = _container_memory()
    return min(psutil.virtual_memory().total, limit) / MB


def available_memory_mb() -> float:
    """Memory that more notebooks may occupy now."""
    limit, used = _container_memory()
    return min(psutil.virtual_memory().available, limit - used) / MB


def _container_memory() -> tuple[float, float]:
    """Limit and use of this container in bytes; infinity when there is no limit.

    Control groups of version 2, then 1. Cached files that can be dropped do not count as used.
    """
    for folder, limit, used, droppable in (
        ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        (
            "/sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    ):
        root = Path(folder)
        with contextlib.suppress(OSError, ValueError, KeyError):
            stat = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
            occupied = float((root / used).read_text()) - float(stat[droppable])
            return float((root / limit).read_text()), occupied
    return float("inf"), 0.0


def require_cuda() -> None:
    """Raise :class:`NoDevice` when there is no GPU."""
    import torch

    if not torch.cuda.is_available():
        raise NoDevice(
            "the gpu profile needs a CUDA device and PyTorch sees none; use --profile cpu, or run "
            "this on a machine with an NVIDIA GPU and a CUDA build of PyTorch"
        )


class Gpu(NamedTuple):
    """The first GPU of the machine."""

    name: str
    memory_mb: float


def gpu() -> Gpu | None:
    """The first GPU, asked from its driver: PyTorch would take seconds and some of its memory."""
    if not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError, IndexError):
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
        name, memory = answer.stdout.splitlines()[0].rsplit(",", 1)
        return Gpu(name.strip(), float(memory))
    return None


def browser() -> str | None:
    """The first Chromium or Chrome on the path."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def device_name() -> str:
    """The GPU if there is one, otherwise the processor."""
    if found := gpu():
        return found.name
    with contextlib.suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = [line for line in lines if line.startswith("model name")][0].partition(":")[2]
        return f"{name.strip()}, {available_cores()} cores"
    return f"{platform.processor() or platform.machine()}, {available_cores()} cores"
