"""Every chapter as a notebook to download, or to open on Colab, Binder and JupyterHub.

The site carries them in ``notebooks/``. ``_build/notebooks/`` holds the same files with what Binder
needs; the workflow publishes that folder as a branch of its own.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx
from sphinx.locale import get_translation

from course_lib.tools.chapters import write_atomic
from course_lib.tools.sphinx_ext.markdown import Markdown

_ = get_translation("course")
FOLDER = "notebooks"
BRANCH = "notebooks"


def is_chapter(app: Sphinx, pagename: str) -> bool:
    """Whether a page was made from a notebook."""
    return pagename in app.env.found_docs and "kernelspec" in app.env.metadata[pagename]


def write_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    """Write the notebook of a page that is being written."""
    if app.builder.name != "html" or document is None or not is_chapter(app, pagename):
        return
    site = app.config.html_baseurl
    address = urljoin(site, f"{pagename}.html") if site else ""
    writer = Markdown(address, _numbers(app, pagename))
    notebook = new_notebook(
        cells=_number(_set_up(app) + _cells(document, writer)),
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    path = Path(app.outdir, FOLDER, f"{pagename}.ipynb")
    write_atomic(path, nbformat.writes(notebook) + "\n")


def _numbers(app: Sphinx, pagename: str) -> dict[str, str]:
    """What the book calls its numbered elements, by their ids."""
    formats = app.config.numfig_format
    return {
        name: _capital(formats.get(kind, f"{kind} %s") % ".".join(map(str, number)))
        for kind, found in app.env.toc_fignumbers.get(pagename, {}).items()
        for name, number in found.items()
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(cells: list) -> list:
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return cells


def _set_up(app: Sphinx) -> list:
    """What a machine without the course needs before the first cell."""
    repository, branch = app.config.course_repository, app.config.course_branch
    if not repository:
        text = _("To run this notebook, install the course first; its README says how.")
        return [new_markdown_cell(str(text))]
    text = _("**Set-up.** On Colab and on a JupyterHub this installs the package of the course.")
    code = (
        "import importlib.util\n"
        'if importlib.util.find_spec("course_lib") is None:\n'
        f"    %pip install -q git+{repository}@{branch}"
    )
    return [new_markdown_cell(str(text)), new_code_cell(code)]


def _cells(document: nodes.document, writer: Markdown) -> list:
    cells: list = []
    _walk(document.children, 1, writer, cells)
    return cells


def _walk(children: list[nodes.Node], level: int, writer: Markdown, cells: list) -> None:
    """Split a page at its code cells; the text between two of them is one Markdown cell."""
    for child in children:
        if isinstance(child, nodes.section):
            _walk(child.children, level + 1, writer, cells)
        elif isinstance(child, nodes.Element) and child.get("nb_element") == "cell_code":
            cells += _code(child, writer)
        elif isinstance(child, nodes.container) and any(child.findall(_is_cell)):
            _walk(child.children, level, writer, cells)
        elif text := writer.block(child, level).strip("\n"):
            # a title begins a new cell, so that Jupyter can fold its section
            if cells and cells[-1].cell_type == "markdown" and not isinstance(child, nodes.title):
                cells[-1].source += f"\n\n{text}"
            else:
                cells.append(new_markdown_cell(text))


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code"


def _code(cell: nodes.Element, writer: Markdown) -> list:
    """The code cell; the caption of its figure follows as text."""
    source = next(
        node for node in cell.findall(nodes.container) if node["nb_element"] == "cell_code_source"
    )
    metadata = cell.get("cell_metadata", {})
    tags = metadata.get("tags", []) if isinstance(metadata, dict) else []
    shown = {"tags": tags} if tags else {}
    if "hide-input" in tags:
        shown["jupyter"] = {"source_hidden": True}
    made = [new_code_cell(source.astext().strip("\n"), metadata=shown)]
    captions = [writer.caption(figure) for figure in cell.findall(nodes.figure)]
    return made + [new_markdown_cell(caption) for caption in captions if caption]


def publish(app: Sphinx, error: Exception | None) -> None:
    """Bring ``_build/notebooks/`` in line with the pages and add what Binder reads."""
    if error or app.builder.name != "html":
        return
    made, published = Path(app.outdir, FOLDER), Path(app.outdir).parent / FOLDER
    wanted = {
        f"{name}.ipynb": (made / f"{name}.ipynb").read_text(encoding="utf-8")
        for name in app.env.found_docs
        if is_chapter(app, name)
    }
    for path in [*made.rglob("*.ipynb"), *published.rglob("*.ipynb")]:
        folder = made if path.is_relative_to(made) else published
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    if not wanted:
        return
    repository, branch = app.config.course_repository, app.config.course_branch
    wanted["README.md"] = (
        f"# {app.config.project}\n\nThese notebooks are generated from the chapters of the course; "
        "change them there.\n"
    )
    if repository:
        wanted["requirements.txt"] = f"course-lib[lab] @ git+{repository}@{branch}\n"
        wanted["runtime.txt"] = "python-3.12\n"
    for name, text in wanted.items():
        write_atomic(published / name, text)


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", write_notebook)
    app.connect("build-finished", publish)
