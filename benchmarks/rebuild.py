"""How long ``course book`` takes after a small change to one chapter.

    python benchmarks/rebuild.py                       # the first chapter, smoke profile, 3 times
    python benchmarks/rebuild.py perceptron --repeat 5

Works on a temporary copy of the project. Printed are the seconds of the first build, of a build
after one more line of prose, and after one more line of code, with ratios to the first.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from project_copy import copy_project, course

from course_lib.tools.chapters import Chapter, select_chapters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapter", nargs="?")
    parser.add_argument("--profile", default="smoke", choices=["smoke", "cpu", "gpu"])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        chapter = select_chapters(project, [options.chapter] if options.chapter else [])[0]
        book = ["book", "--profile", options.profile]

        def build() -> float:
            started = time.perf_counter()
            course(project, *book)
            return time.perf_counter() - started

        first = build()
        prose, code = [], []
        for number in range(options.repeat):
            append(chapter, f"\nOne more sentence, number {number}.\n")
            prose.append(build())
        for number in range(options.repeat):
            append(chapter, f"\n```{{code-cell}} ipython3\n{number}\n```\n")
            code.append(build())
    print(f"chapter {chapter.slug}, profile {options.profile}")
    print(f"first build   {first:6.1f} s")
    for name, seconds in (("prose", prose), ("code", code)):
        median = statistics.median(seconds)
        times = "  ".join(f"{value:.1f}" for value in seconds)
        print(f"one line of {name:6}{median:6.1f} s  ({times})  {median / first:.3f} of the first")


def append(chapter: Chapter, text: str) -> None:
    """Add something to the end of a chapter."""
    with chapter.source.open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
