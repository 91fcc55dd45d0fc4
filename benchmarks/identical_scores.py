"""Are the scores of ``course grade`` those of stock ``nbgrader autograde``?

    python benchmarks/identical_scores.py                 # every assignment; about half an hour
    python benchmarks/identical_scores.py history losses

Every planted answer of every assignment, the reference solution and the untouched release are
graded by both, on copies of the same course folder. Compared are the points of each graded cell
and what the failed tests said. Everything that differs is printed; exit code 1 if scores do, but
for where a test wrote a warning on stderr, which takes the points in stock nbgrader only.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from classroom import ASSIGNMENTS, Assignment, course, course_folder, nbgrader, results, submit

ADDRESS = re.compile(r"0x[0-9a-f]+")
SEED = {"COURSE_SEED": "1"}


def compare(name: str, folder: Path) -> tuple[int, int, list[str]]:
    """Grade one assignment by both; how many cells and messages there are, and what differs."""
    root = course_folder(folder / "course", name)
    succeeded(course(root, "release", **SEED))
    assignment = Assignment(name, root)
    for student, notebook in assignment.submissions().items():
        submit(root, student, name, notebook)
    other = shutil.copytree(root, folder / "stock")
    course(root, "grade", name, "--jobs", "1", **SEED)
    succeeded(nbgrader(other, "autograde", name, "--create", **SEED))
    ours, stock = results(root, name), results(other, name)
    different = [] if ours.keys() == stock.keys() else [f"{name}: other students"]
    cells = messages = 0
    for student in stock:
        mine, theirs = ours[student], stock[student]
        cells += len(theirs.scores)
        messages += len(theirs.messages)
        for cell, points in theirs.scores.items():
            if mine.scores.get(cell) != points:
                said = f"{mine.messages.get(cell)!r} and {theirs.messages.get(cell)!r}"
                why = "WARNING" if cell in warned(other, student, name) else "SCORE"
                different.append(f"{why} {student} {cell}: {mine.scores[cell]}, {points}: {said}")
        for cell in mine.messages.keys() | theirs.messages.keys():
            said = [plain(each.messages.get(cell, "")) for each in (mine, theirs)]
            if said[0] != said[1]:
                different.append(f"MESSAGE {student} {cell}: {said[0]!r}, {said[1]!r}")
    return cells, messages, different


def warned(root: Path, student: str, name: str) -> set[str]:
    """The test cells that raised nothing and wrote on stderr."""
    path = root / "grading" / "autograded" / student / name / f"{name}.ipynb"
    found = {
        cell.metadata.nbgrader.grade_id: {o.get("name", o.output_type) for o in cell.outputs}
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }
    return {cell for cell, kinds in found.items() if "stderr" in kinds and "error" not in kinds}


def plain(message: str) -> str:
    """A message without addresses of objects."""
    return ADDRESS.sub("0x…", message)


def succeeded(done: subprocess.CompletedProcess) -> None:
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("assignments", nargs="*")
    parser.add_argument("--jobs", type=int, default=2, help="assignments at a time")
    options = parser.parse_args()
    names = options.assignments or ASSIGNMENTS
    failed = False
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        found = pool.map(lambda name: compare(name, Path(folder) / name), names)
        for name, (cells, messages, different) in zip(names, found, strict=True):
            print(
                f"{name}: {cells} cells, {messages} messages, {len(different)} differ", flush=True
            )
            print(*(f"    {line[:400]}" for line in different), sep="\n", flush=True)
            failed |= any(line.startswith("SCORE") for line in different)
    sys.exit(failed)


if __name__ == "__main__":
    main()
