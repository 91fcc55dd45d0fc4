"""How long ``course run`` takes, compared with plain papermill, two notebooks at a time.

    python benchmarks/execution.py                     # every chapter, smoke profile, twice each
    python benchmarks/execution.py --repeat 1 perceptron

Both run the same chapters of a temporary copy of the project, in turns, so that other work on the
machine hits both. Printed are seconds and the ratio of the medians (below 1: ``course run`` wins).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project_copy import ROOT, copy_project, course

from course_lib.tools.chapters import Chapter, Project, select_chapters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapters", nargs="*")
    parser.add_argument("--profile", default="smoke", choices=["smoke", "cpu", "gpu"])
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        chapters = [c for c in select_chapters(project, options.chapters) if c.source.is_file()]
        print(f"{len(chapters)} chapters, profile {options.profile}")
        compare(project, chapters, options.profile, options.repeat)


def compare(project: Project, chapters: list[Chapter], profile: str, repeat: int) -> None:
    """Run both in turns and print their times."""
    names = [chapter.slug for chapter in chapters]
    times: dict[str, list[float]] = {"course run": [], "papermill": [], "course run, cached": []}
    for _ in range(repeat):
        cold = ["run", "--force", "--profile", profile, *names]
        times["course run"].append(timed(lambda cold=cold: course(project, *cold)))
        cached = ["run", "--profile", profile, *names]
        times["course run, cached"].append(timed(lambda cached=cached: course(project, *cached)))
        times["papermill"].append(timed(lambda: papermill(project, chapters, profile)))
    for name, seconds in times.items():
        print(f"{name:20}", "  ".join(f"{value:7.1f} s" for value in seconds))
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name in ("course run", "course run, cached"):
        print(f"{name} / papermill = {medians[name] / medians['papermill']:.3f}")


def timed(action) -> float:
    """Seconds that an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def papermill(project: Project, chapters: list[Chapter], profile: str) -> None:
    """jupytext and papermill, each a program of its own for each notebook, as by ``xargs -P2``."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda chapter: one(chapter, Path(folder), profile), chapters))


def one(chapter: Chapter, folder: Path, profile: str) -> None:
    """Convert and execute one notebook."""
    programs = Path(sys.executable).parent
    source, result = folder / f"{chapter.slug}.ipynb", folder / f"{chapter.slug}-executed.ipynb"
    env = os.environ | {"COURSE_STATIC": "1", "PYTHONPATH": str(ROOT)}
    for command in (
        [programs / "jupytext", "--to", "ipynb", "--output", source, chapter.source],
        [programs / "papermill", source, result, "-p", "PROFILE", profile],
    ):
        subprocess.run(command, check=True, capture_output=True, env=env, cwd=chapter.source.parent)


if __name__ == "__main__":
    main()
