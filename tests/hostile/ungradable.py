"""Files from which no work can be graded: a row with a reason, never the end of the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from classroom import answered, cells

from hostile.assignment import NAME, RIGHT
from hostile.canaries import Facts
from hostile.case import FULL, Corpus, Notebook, Outcome, code, put_before, write

CASES = Corpus()
OTHER = "sums"  # a second assignment of the class
NEIGHBOR = "ann"


def failed(pattern: str) -> Outcome:
    """The reason says this, and names no class of Python."""
    return Outcome("failed", says=rf"(?i)not graded: (?!\w*(Error|Exception)\b).*({pattern})")


def neighbor(folder: Path) -> Path:
    return folder.parents[1] / NEIGHBOR / NAME


# --- no notebook ----------------------------------------------------------------------------------


@CASES.edit(failed("no notebook|not a notebook"))
def no_json(notebook):
    """Prose."""
    return b"Dear professor, my answers are in the other file.\n"


@CASES.edit(failed("cut off|ends|truncated"))
def cut_off(notebook):
    """The upload ended early."""
    return json.dumps(notebook).encode()[:-500]


@CASES.edit(failed("empty"))
def empty(notebook):
    """No byte."""
    return b""


@CASES.edit(failed("empty"))
def blank(notebook):
    """Nothing but blanks."""
    return b" \n\t\n"


@CASES.edit(failed("zip"))
def zipped(notebook):
    """A zip file with the name of the notebook."""
    return b"PK\x03\x04" + bytes(range(256)) * 20


@CASES.edit(failed("web page"))
def web_page(notebook):
    """Saved from the browser instead of downloaded."""
    return b"<!DOCTYPE html><html><body>JupyterHub: log in</body></html>"


@CASES.edit(failed("notebook|UTF-8|binary|damaged"))
def null_bytes(notebook):
    """What a crashed disk leaves."""
    return b"\0" * 40_000


@CASES.edit(failed("cells|no notebook"))
def json_without_cells(notebook):
    """Valid JSON, no notebook."""
    return b'[{"nbformat": 4}, 1, 2]'


@CASES.edit(failed("cells|structure|damaged|notebook"))
def cells_are_text(notebook):
    """Valid JSON, no list of cells."""
    notebook["cells"] = "print(1)"


@CASES.edit(failed("nested|deep"))
def nested_100_000_deep(notebook):
    """Reading it must not end the grader."""
    start = json.dumps(notebook).removesuffix("}")
    return (start + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}").encode()


@CASES.edit(failed("number|damaged"))
def number_without_end(notebook):
    """Reading it must not take hours."""
    return b'{"cells": [], "nbformat": ' + b"9" * 2_000_000 + b"}"


@CASES.edit(failed("conflict"))
def version_conflict(notebook):
    """git wrote both versions into the file."""
    lines = json.dumps(notebook, indent=1).splitlines()
    lines[3:3] = ["<<<<<<< HEAD", lines[3], "=======", lines[3], ">>>>>>> mine"]
    return "\n".join(lines).encode()


@CASES.edit(failed("large|big|MB"))
def sixty_megabytes(notebook):
    """More than a notebook can reasonably have."""
    cells(notebook)["essay"]["source"] = "x" * 60_000_000


# --- not the student's notebook -------------------------------------------------------------------


@CASES.build(failed(OTHER))
def other_assignment(folder: Path, release: Notebook) -> None:
    """The notebook of another assignment under this one's name."""
    other = folder.parents[3] / "exercises" / OTHER / f"{OTHER}.ipynb"
    write(folder, other.read_bytes())


@CASES.edit(failed("cells|nothing to grade"))
def unknown_notebook(notebook):
    """A notebook of no assignment."""
    for number, cell in enumerate(notebook["cells"]):
        cell.update(metadata={}, id=f"cell-{number}", source=f"print({number})")


@CASES.build(failed("no file|missing|no notebook"))
def nothing(folder: Path, release: Notebook) -> None:
    """An empty folder."""


@CASES.build(failed("no file|missing|no notebook"))
def text_file_only(folder: Path, release: Notebook) -> None:
    """A file, but no notebook."""
    (folder / "answers.txt").write_text("see mail")


@CASES.build(failed("link|no file|not a file"))
def link_to_a_neighbor(folder: Path, release: Notebook) -> None:
    """Somebody else's work."""
    (folder / f"{NAME}.ipynb").symlink_to(neighbor(folder) / f"{NAME}.ipynb")


@CASES.build(failed("link|no file|not a file"))
def link_to_the_source(folder: Path, release: Notebook) -> None:
    """The instructor's notebook, with all answers and hidden tests."""
    source = folder.parents[3] / "_build" / "nbgrader" / "source" / NAME / f"{NAME}.ipynb"
    (folder / f"{NAME}.ipynb").symlink_to(source)


@CASES.build(failed("link|no file|not a file"))
def link_to_nothing(folder: Path, release: Notebook) -> None:
    """A link that leads nowhere."""
    (folder / f"{NAME}.ipynb").symlink_to("gone.ipynb")


@CASES.build(failed("link|no file|not a file"))
def link_to_itself(folder: Path, release: Notebook) -> None:
    """A link that goes in circles."""
    (folder / f"{NAME}.ipynb").symlink_to(f"{NAME}.ipynb")


@CASES.build(failed("link|no file|not a file"))
def link_to_a_device(folder: Path, release: Notebook) -> None:
    """Reading it never ends."""
    (folder / f"{NAME}.ipynb").symlink_to("/dev/zero")


@CASES.build(failed("link|not a folder"))
def folder_is_a_link(folder: Path, release: Notebook) -> None:
    """The whole folder is a neighbor's."""
    folder.rmdir()
    folder.symlink_to(neighbor(folder))


@CASES.build(failed("folder|not a file"))
def notebook_is_a_folder(folder: Path, release: Notebook) -> None:
    """An unpacked archive."""
    (folder / f"{NAME}.ipynb").mkdir()
    write(folder / f"{NAME}.ipynb", answered(release, RIGHT))


@CASES.build(failed("pipe|not a file|no file"))
def notebook_is_a_pipe(folder: Path, release: Notebook) -> None:
    """Opening it waits for ever."""
    os.mkfifo(folder / f"{NAME}.ipynb")


@CASES.build(Outcome(("failed", "graded"), FULL.scores, "(?i)link"))
def links_beside(folder: Path, release: Notebook) -> None:
    """Links to a neighbor, to secrets, to the root and in circles; a cell prints what is there."""
    facts = Facts.around(folder)
    links = {
        "neighbor.ipynb": neighbor(folder) / f"{NAME}.ipynb",
        "numbers.csv": f"{facts.home}/precious.txt",
        "notes.txt": f"{facts.outside}/precious.txt",
        "everything": facts.root,
        "circle": ".",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    notebook = answered(release, RIGHT)
    paths = f"read('notes.txt', 'numbers.csv', 'neighbor.ipynb', 'everything/{NAME}.md')"
    put_before(notebook, "task-1", code(facts.look()), code(paths))
    write(folder, notebook)


@CASES.build(Outcome(("failed", "graded"), FULL.scores, "(?i)large|big|MB|many|files"))
def huge_file_beside(folder: Path, release: Notebook) -> None:
    """A sparse file of 8 GB, which must not be copied."""
    write(folder, answered(release, RIGHT))
    with (folder / "model.bin").open("wb") as file:
        file.truncate(8 * 2**30)
