"""Honest work in odd files: nothing is lost, and at most the damaged cell costs its task."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from classroom import answered, cells

from hostile.assignment import NAME, RIGHT, WRONG
from hostile.case import (
    ANY_3,
    FULL,
    NOT_2,
    NOT_3,
    Corpus,
    Notebook,
    Outcome,
    code,
    copy_of,
    put_before,
    said,
    text,
    write,
)

CASES = Corpus()
GRADED_OR_NOT = Outcome(("graded", "failed"), FULL.scores)  # it takes a guess to repair it
DAMAGED = "metadata|settings|damaged|mark|mended|repaired"
STUB = "def median(values):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def meta(notebook: Notebook, grade_id: str) -> dict:
    return cells(notebook)[grade_id]["metadata"]["nbgrader"]


# --- the file -------------------------------------------------------------------------------------


@CASES.edit()
def all_right(notebook):
    """Nothing is odd."""


@CASES.edit(said("BOM|byte-order"))
def byte_order_mark(notebook):
    """Some Windows editors write one."""
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()


@CASES.edit(Outcome(("graded", "failed"), FULL.scores, "(?i)utf-16"))
def utf_16(notebook):
    """With a byte-order mark, so that no guess is needed."""
    return json.dumps(notebook).encode("utf-16")


@CASES.edit(said("utf-8"))
def latin_1_in_a_remark(notebook):
    """One byte that is no UTF-8, in a Markdown cell of the student's."""
    put_before(notebook, "task-2", text("caf@ au lait"))
    return json.dumps(notebook).replace("caf@", "café").encode("latin-1")


@CASES.edit()
def windows_line_ends(notebook):
    """In the file and inside the cells."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    return json.dumps(notebook, indent=1).replace("\n", "\r\n").encode()


@CASES.edit()
def lists_of_lines(notebook):
    """Jupyter saves the lines of a cell as a list."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


@CASES.edit(said("format"))
def format_3(notebook):
    """The format of IPython 2, with worksheets."""
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    old = nbformat.convert(nbformat.from_dict(notebook), 3)
    return nbformat.writes(old, version=3).encode()


@CASES.edit()
def newer_minor_format(notebook):
    """A later version of format 4."""
    notebook["nbformat_minor"] = 99


@CASES.edit(GRADED_OR_NOT)
def format_5(notebook):
    """A format that does not exist yet."""
    notebook["nbformat"] = 5


@CASES.edit()
def not_a_number(notebook):
    """Python writes NaN, which is no JSON."""
    notebook["metadata"]["learning_rate"] = float("nan")


@CASES.edit()
def indented_and_sorted(notebook):
    """As a formatter leaves it, with blank lines at the end."""
    return json.dumps(notebook, indent=8, sort_keys=True).encode() + b"\n\n\n"


@CASES.edit()
def huge_attachment(notebook):
    """A photo of 20 MB in a Markdown cell."""
    photo = text("![](attachment:photo.png)")
    photo["attachments"] = {"photo.png": {"image/png": "iVBORw0KGgo" + "A" * 20_000_000}}
    put_before(notebook, "task-3", photo)


def deep(levels: int) -> list:
    nested: list = []
    for _ in range(levels):
        nested = [nested]
    return nested


@CASES.edit()
def deep_metadata(notebook):
    """Python reads JSON of 600 levels but does not copy it."""
    notebook["metadata"]["tree"] = deep(600)
    put_before(notebook, "task-1", code("1 + 1", tree=deep(600)))


@CASES.edit()
def deep_output(notebook):
    """The same in a saved output."""
    own = code("'a tree'")
    data = {"application/json": deep(600), "text/plain": "'a tree'"}
    own["outputs"] = [
        {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
    ]
    put_before(notebook, "task-1", own)


@CASES.edit()
def three_thousand_empty_cells(notebook):
    """Somebody slept on the key B."""
    put_before(notebook, "task-3", *(code("") | {"id": f"empty-{n}"} for n in range(3000)))


@CASES.edit()
def very_long_line(notebook):
    """A comment of five million characters."""
    cells(notebook)["task-3"]["source"] += "  # " + "x" * 5_000_000


@CASES.edit()
def other_kernel(notebook):
    """Saved with a kernel that the grader does not have."""
    notebook["metadata"]["kernelspec"] = {"name": "my-env", "display_name": "R", "language": "R"}
    notebook["metadata"]["language_info"] = {"name": "R", "version": "4.3"}


@CASES.edit()
def no_kernel(notebook):
    """The notebook's own metadata is gone."""
    notebook["metadata"] = {}


@CASES.edit()
def notebook_metadata_is_a_list(notebook):
    """The notebook's own metadata is of another type."""
    notebook["metadata"] = ["kernelspec", "python3"]


@CASES.edit()
def broken_widgets(notebook):
    """The state of widgets is damaged, which stops nbconvert."""
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": 1}}


# --- nbgrader's metadata --------------------------------------------------------------------------


@CASES.edit(said(DAMAGED))
def metadata_lost_in_one_cell(notebook):
    """The cell's own id still says which it is."""
    del cells(notebook)["task-2"]["metadata"]["nbgrader"]


@CASES.edit(GRADED_OR_NOT)
def metadata_lost_everywhere(notebook):
    """A cleaning program took all metadata, but left the ids of the cells."""
    for cell in notebook["cells"]:
        cell["metadata"] = {}


@CASES.edit(Outcome(("graded", "failed"), None))
def metadata_and_ids_lost(notebook):
    """All cells were copied into a new notebook."""
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"], cell["id"] = {}, f"cell-{number}"


@CASES.edit(said(DAMAGED))
def metadata_null(notebook):
    """Of one cell."""
    cells(notebook)["task-3"]["metadata"]["nbgrader"] = None


@CASES.edit(said(DAMAGED))
def metadata_is_a_list(notebook):
    """Of one cell."""
    cells(notebook)["task-3-partial"]["metadata"]["nbgrader"] = ["task-3-partial", 3]


@CASES.edit(said(DAMAGED))
def cell_metadata_is_text(notebook):
    """All metadata of one cell."""
    cells(notebook)["task-4"]["metadata"] = "none"


@CASES.edit()
def metadata_of_wrong_types(notebook):
    """Numbers and truth values became text."""
    for cell in cells(notebook).values():
        own = cell["metadata"]["nbgrader"]
        cell["metadata"]["nbgrader"] = own | {k: str(v) for k, v in own.items()}


@CASES.edit()
def grade_id_is_a_number(notebook):
    """Of one cell; the cell's own id still says which it is."""
    meta(notebook, "task-2")["grade_id"] = 2


@CASES.edit()
def metadata_half_empty(notebook):
    """Only the ids are left."""
    for cell in cells(notebook).values():
        cell["metadata"]["nbgrader"] = {"grade_id": cell["metadata"]["nbgrader"]["grade_id"]}


@CASES.edit()
def older_schema(notebook):
    """nbgrader's metadata in its first version."""
    for cell in cells(notebook).values():
        own = cell["metadata"]["nbgrader"]
        own["schema_version"] = 1
        own.pop("task", None)
        own.pop("cell_type", None)


@CASES.edit()
def newer_schema(notebook):
    """nbgrader's metadata in a version that does not exist yet."""
    for cell in cells(notebook).values():
        cell["metadata"]["nbgrader"]["schema_version"] = 99


@CASES.edit()
def roles_exchanged(notebook):
    """Answers say that they are tests, and tests that they are answers."""
    for grade_id in ("task-2", "task-2-general", "task-3", "task-3-partial"):
        own = meta(notebook, grade_id)
        own["solution"], own["grade"] = own["grade"], own["solution"]
        own["locked"] = not own["locked"]


@CASES.edit()
def tags_on_everything(notebook):
    """Tags that tell a program to skip a cell, to expect an error or to remove it."""
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell", "hide"]


# --- cells ----------------------------------------------------------------------------------------


@CASES.edit(said("twice|times|more than once|duplicate|cop(y|ies)"))
def answer_twice(notebook):
    """A cell was copied, with its id."""
    put_before(notebook, "task-3", copy_of(cells(notebook)["task-3"]))


@CASES.edit()
def stub_below_the_answer(notebook):
    """The untouched cell was kept as a copy; what the student wrote is graded."""
    put_before(notebook, "task-3-partial", copy_of(cells(notebook)["task-3"], source=STUB))


@CASES.edit()
def stub_above_the_answer(notebook):
    """The untouched cell was kept as a copy; what the student wrote is graded."""
    put_before(notebook, "task-3", copy_of(cells(notebook)["task-3"], source=STUB))


@CASES.edit(said("twice|times|more than once|duplicate|cop(y|ies)"))
def second_attempt_below_the_first(notebook):
    """Two answers with one id: run from the top, the last one counts."""
    first = copy_of(cells(notebook)["task-3"], source=WRONG["task-3"], id="first")
    put_before(notebook, "task-3", first)


@CASES.edit()
def test_twice(notebook):
    """A test cell was copied, with its id."""
    put_before(notebook, "task-3", copy_of(cells(notebook)["task-2-general"]))


@CASES.edit()
def upside_down(notebook):
    """All cells in the opposite order."""
    notebook["cells"].reverse()


@CASES.edit()
def answers_below_their_tests(notebook):
    """Cells were moved with the arrow keys."""
    for grade_id in ("task-1", "task-4"):
        cell = cells(notebook)[grade_id]
        notebook["cells"].remove(cell)
        notebook["cells"].append(cell)


@CASES.edit(said("deleted|missing|lack|removed|lost"))
def tests_deleted(notebook):
    """All of them, and the given cells as well."""
    keep = {"task-1", "task-2", "task-3", "task-4", "essay"}
    known = [cell for grade_id, cell in cells(notebook).items() if grade_id not in keep]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in known]


@CASES.edit(said("deleted|missing|lack|removed|lost", NOT_3))
def answer_deleted(notebook):
    """The task costs its points, no other one does."""
    notebook["cells"].remove(cells(notebook)["task-3"])


@CASES.edit()
def answer_in_an_own_cell(notebook):
    """The answer's cell was deleted and its text written into a new one at the same place."""
    cell = cells(notebook)["task-3"]
    put_before(notebook, "task-3", code(cell["source"]))
    notebook["cells"].remove(cell)


@CASES.edit(said("markdown|type|turned"))
def answer_is_markdown(notebook):
    """The key M in command mode."""
    cell = cells(notebook)["task-1"]
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


@CASES.edit()
def tests_are_raw(notebook):
    """The key R in command mode."""
    for grade_id in ("task-2-example", "task-4-train"):
        cell = cells(notebook)[grade_id]
        cell["cell_type"] = "raw"
        del cell["outputs"], cell["execution_count"]


@CASES.edit()
def essay_is_code(notebook):
    """The key Y in command mode."""
    cells(notebook)["essay"].update(cell_type="code", outputs=[], execution_count=None)


@CASES.edit(said("edited|changed|original"))
def test_edited(notebook):
    """A print was left in a test."""
    cells(notebook)["task-1-general"]["source"] = "print(clip([1], 2, 3))\nassert False, 'mine'"


@CASES.edit()
def given_cells_edited(notebook):
    """The originals are restored."""
    cells(notebook)["setup"]["source"] = "import torch"
    cells(notebook)["numbers"]["source"] = "NUMBERS = torch.zeros(1)"


@CASES.edit(ANY_3)
def half_an_emoji(notebook):
    """A lone surrogate, which cannot be written as UTF-8, costs no other task."""
    cells(notebook)["task-3"]["source"] += "\nnote = '\ud83d'"


@CASES.edit()
def half_an_emoji_in_a_remark(notebook):
    """In cells that are not graded."""
    put_before(notebook, "task-2", text("so close \ud83d"), code("'\udc0d'"))


@CASES.edit(ANY_3)
def null_byte(notebook):
    """Python refuses the cell."""
    cells(notebook)["task-3"]["source"] += "\nnote = 'a\0b'"


@CASES.edit(NOT_2)
def syntax_error(notebook):
    """In one answer."""
    cells(notebook)["task-2"]["source"] = "def standardize(x:\n    return x"


@CASES.edit(NOT_3)
def source_is_a_number(notebook):
    """Of one answer."""
    cells(notebook)["task-3"]["source"] = 5


@CASES.edit(NOT_3)
def source_is_null(notebook):
    """Of one answer."""
    cells(notebook)["task-3"]["source"] = None


@CASES.edit(NOT_3)
def source_is_missing(notebook):
    """Of one answer."""
    del cells(notebook)["task-3"]["source"]


@CASES.edit()
def no_cells_at_all(notebook):
    """Among the cells there are things that are none."""
    notebook["cells"][3:3] = [None, 7, "text", [], {}, {"cell_type": "sql", "source": "SELECT 1"}]


@CASES.edit()
def fields_missing(notebook):
    """Cells without outputs, ids and execution counts."""
    for cell in notebook["cells"]:
        for name in ("outputs", "execution_count", "id"):
            cell.pop(name, None)


@CASES.edit()
def ids_damaged(notebook):
    """The same id for all cells, and one that is not allowed."""
    for cell in notebook["cells"]:
        cell["id"] = "the same"
    notebook["cells"][0]["id"] = "x" * 200


@CASES.edit()
def outputs_damaged(notebook):
    """Saved outputs of every wrong kind."""
    damaged = [None, 3, [None], [{"output_type": "hologram"}], [{"output_type": "stream"}], {}]
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code_cells):
        cell["outputs"] = damaged[number % len(damaged)]
        cell["execution_count"] = "many"


@CASES.edit()
def saved_errors(notebook):
    """The notebook was saved while all tests failed."""
    error = {"output_type": "error", "ename": "AssertionError", "evalue": "", "traceback": []}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [error]


# --- the folder -----------------------------------------------------------------------------------


@CASES.build()
def data_file_changed(folder: Path, release: Notebook) -> None:
    """The tests read the instructor's file."""
    write(folder, answered(release, RIGHT))
    (folder / "numbers.csv").write_text("no numbers\n")


@CASES.build()
def data_file_is_a_folder(folder: Path, release: Notebook) -> None:
    """The tests read the instructor's file."""
    write(folder, answered(release, RIGHT))
    (folder / "numbers.csv").mkdir()


@CASES.build(GRADED_OR_NOT)
def renamed(folder: Path, release: Notebook) -> None:
    """A browser adds a number when the file exists."""
    write(folder, answered(release, RIGHT), f"{NAME} (1).ipynb")


@CASES.build()
def older_copy_beside(folder: Path, release: Notebook) -> None:
    """The file with the right name counts."""
    write(folder, answered(release, RIGHT))
    write(folder, answered(release, WRONG), f"{NAME}-Copy1.ipynb")
    (folder / ".ipynb_checkpoints").mkdir()
    write(folder / ".ipynb_checkpoints", release, f"{NAME}-checkpoint.ipynb")


@CASES.build()
def helper_module(folder: Path, release: Notebook) -> None:
    """An answer imports a module from beside the notebook, and a package."""
    answer = "from helper import median\nfrom parts import one"
    write(folder, answered(release, RIGHT | {"task-3": answer}))
    (folder / "helper.py").write_text(RIGHT["task-3"])
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("one = 1\n")


@CASES.build()
def module_named_random(folder: Path, release: Notebook) -> None:
    """Own experiments with names from the standard library; innocent, and in nobody's way."""
    write(folder, answered(release, RIGHT))
    for name in ("random", "json", "types", "test", "data", "numbers"):
        (folder / f"{name}.py").write_text("print('an experiment')\nraise RuntimeError('oops')\n")


@CASES.build()
def odd_files_beside(folder: Path, release: Notebook) -> None:
    """A deep folder, names of all kinds, an empty file, a file of 5 MB."""
    write(folder, answered(release, RIGHT))
    inner = folder.joinpath(*("deep" for _ in range(20)))
    inner.mkdir(parents=True)
    for name in ("-rf", "two\nlines", "star*", "schüler 学.txt", "x" * 200, ".hidden", "'\"$(x)"):
        (folder / name).write_text("")
    (inner / "large.bin").write_bytes(b"\0" * 5_000_000)


@CASES.build()
def read_only(folder: Path, release: Notebook) -> None:
    """A file that cannot be written."""
    write(folder, answered(release, RIGHT))
    (folder / f"{NAME}.ipynb").chmod(0o400)
