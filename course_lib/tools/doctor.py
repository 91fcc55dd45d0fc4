"""What the course finds on this machine, and what is missing for what."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_lib.tools import machine

FINE, MISSING, ABSENT = "ok", "missing", "none"
DISK_MB = 2_000  # for data sets, executed notebooks and the site
MEMORY_MB = 2_500  # two notebooks at a time
BOOK = ("jupyter_book", "jupytext", "papermill", "bs4")
GRADE = ("nbgrader", "jupytext", "click", "rich")


@dataclass(frozen=True)
class Finding:
    """One line of the answer.

    Attributes:
        name: what was looked for.
        state: ``ok``; ``missing`` when something of the course does not work without it; ``none``
            when all works, slower or with less.
        text: what was found, or what does not work.
        advice: how to get it.
    """

    name: str
    state: str
    text: str
    advice: str = ""


def examine(root: Path | None = None) -> Iterator[Finding]:
    """Look at the machine, one thing after the other.

    Args:
        root: a folder of the course, for the disk that it is on.
    """
    running = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", FINE, f"{running} in {sys.prefix}")
    yield _packages("packages for notebooks", ("torch", "torchvision", "matplotlib"), "")
    yield _packages("packages for the book", BOOK, "[book]")
    yield _packages("packages for grading", GRADE, "[grade]")
    yield from _hardware(root or Path.cwd())
    yield _data()
    yield _browser()
    yield _sandbox()


def _packages(name: str, modules: tuple[str, ...], extra: str) -> Finding:
    gone = [module for module in modules if importlib.util.find_spec(module) is None]
    if gone:
        command = f"pip install -e '.{extra}'"
        return Finding(name, MISSING, f"{', '.join(gone)} cannot be imported", command)
    return Finding(name, FINE, ", ".join(f"{module}{_version(module)}" for module in modules))


def _version(module: str) -> str:
    try:
        return f" {version({'bs4': 'beautifulsoup4'}.get(module, module))}"
    except PackageNotFoundError:
        return ""


def _hardware(root: Path) -> Iterator[Finding]:
    cores = machine.available_cores()
    yield Finding("cores", FINE, str(cores))
    memory, free = machine.available_memory_mb(), shutil.disk_usage(root).free / machine.MB
    yield _enough("free memory", memory, MEMORY_MB, "close other programs, or use --jobs 1")
    yield _enough("free disk", free, DISK_MB, "make room: 'course clean' removes what was built")
    if gpu := machine.gpu():
        yield Finding("GPU", FINE, f"{gpu.name}, {gpu.memory_mb:,.0f} MB")
    else:
        yield Finding("GPU", ABSENT, "the profiles smoke and cpu need none; gpu does")


def _enough(name: str, found: float, needed: float, advice: str) -> Finding:
    text = f"{found:,.0f} MB"
    if found >= needed:
        return Finding(name, FINE, text)
    return Finding(name, MISSING, f"{text}; {needed:,.0f} MB are advisable", advice)


def _data() -> Finding:
    folder = os.environ.get("COURSE_DATA")
    if not folder:
        text = "COURSE_DATA is not set: data sets come from the cache or are downloaded"
        return Finding("data sets", ABSENT, text)
    if not Path(folder).is_dir():
        text = f"COURSE_DATA names {folder}, which is no folder"
        return Finding("data sets", MISSING, text, "correct it, or unset it")
    return Finding("data sets", FINE, folder)


def _browser() -> Finding:
    if path := machine.browser():
        return Finding("browser", FINE, path)
    advice = "install Chromium or Chrome (Debian and Ubuntu: apt install chromium)"
    return Finding("browser", ABSENT, "'course pdf' needs Chromium or Chrome", advice)


def _sandbox() -> Finding:
    from course_lib.tools.grading.engine import probe

    if reason := probe.probe():
        text = f"'course grade' cannot contain students' code: {reason}"
        return Finding("sandbox", MISSING, text, probe.advice())
    return Finding("sandbox", FINE, "students' code can be contained")
