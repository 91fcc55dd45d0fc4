"""The class of the instructor's guide, as Moodle exports its work on one assignment."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from classroom import Assignment, answered, course, course_folder

NAME = "perceptron"
TIMES = {"101": (2026, 3, 1, 18, 5, 0), "102": (2026, 3, 2, 9, 30, 0), "103": (2026, 3, 4, 8, 0, 0)}


def moodle_zip(path: Path, planted: Assignment) -> None:
    """Five students: all right, partly right, late and misnamed, damaged, no notebook."""
    right = {task: next(iter(answers.values())) for task, answers in planted.correct.items()}
    wrong = {task: next(iter(answers.values())) for task, answers in planted.wrong.items()}
    partly = right | {task: wrong[task] for task in list(wrong)[1:4:2]}
    started = dict(list(right.items())[:3])
    files: list[tuple[str, str, str, Any]] = [
        ("Student One", "101", f"{NAME}.ipynb", answered(planted.release, right)),
        ("Student Two", "102", f"{NAME}.ipynb", answered(planted.release, partly)),
        ("Student Three", "103", "my perceptron (1).ipynb", answered(planted.release, started)),
        ("Student Four", "104", f"{NAME}.ipynb", answered(planted.release, right)),
        ("Student Five", "105", "notes.txt", None),
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, number, name, notebook in files:
            text = "Only notes." if notebook is None else json.dumps(notebook)
            entry = zipfile.ZipInfo(
                f"{student}_{number}_assignsubmission_file_/{name}",
                TIMES.get(number, (2026, 3, 2, 12, 0, 0)),
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text[:-500] if number == "104" else text)


def guide_folder(root: Path) -> Path:
    """A fresh course with the assignment's source, and the download beside it."""
    folder = course_folder(root / "course", NAME)
    scratch = course_folder(root / "scratch", NAME)
    done = course(scratch, "release")
    assert done.returncode == 0, done.stderr
    moodle_zip(folder / "moodle.zip", Assignment(NAME, scratch))
    return folder


if __name__ == "__main__":
    print(guide_folder(Path(sys.argv[1])))
