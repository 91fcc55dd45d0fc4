"""The ``assignment`` directive: what a graded assignment asks, and its notebook to download."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective

_ = get_translation("course")
TITLE = re.compile(r"^#\s+(.+)$", re.MULTILINE)
GUIDE = "appendix/assignments"  # how to work on an assignment
WORD = re.compile(r"^assignment: |: assignment$", re.IGNORECASE)  # the card's head says it already
TASK = re.compile(r"^##\s+(Task \d+.*)$", re.MULTILINE)


class Assignment(SphinxDirective):
    """Tasks, points and download of the assignment whose name is the argument."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        project = Path(self.env.srcdir).parents[1]
        path = project / "exercises" / name / f"{name}.ipynb"
        if not path.is_file():
            raise self.error(f"{path} does not exist; 'course release {name}' makes it")
        self.env.note_dependency(str(path))
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join(
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        )
        points = sum(cell["metadata"].get("nbgrader", {}).get("points", 0) for cell in cells)
        found = TITLE.search(text)
        title = WORD.sub("", found[1] if found else name)
        card = nodes.container(classes=["assignment-card"])
        card += nodes.rubric("", _("Graded assignment"))
        heading = nodes.strong("", title[:1].upper() + title[1:])
        card += nodes.paragraph("", "", heading, nodes.Text(_(", %g points") % points))
        tasks = nodes.bullet_list()
        for task in TASK.findall(text):
            tasks += nodes.list_item("", nodes.paragraph("", task))
        card += tasks
        card += nodes.paragraph("", "", *self._links(path))
        return [card]

    def _links(self, path: Path) -> list[nodes.Node]:
        """The download and the page that explains how to work on an assignment."""
        target = "/" + Path(os.path.relpath(path, self.env.srcdir)).as_posix()
        download = addnodes.download_reference(
            "", "", nodes.literal("", path.name), reftarget=target, refdoc=self.env.docname
        )
        if self.env.docname == GUIDE:
            return [nodes.Text(_("Download ")), download, nodes.Text(".")]
        guide, _messages = self.state.inline_text(
            str(_("{doc}`how to work on it and check it </%s>`")) % GUIDE, self.lineno
        )
        before, between = nodes.Text(_("Download ")), nodes.Text(_(" and read "))
        return [before, download, between, *guide, nodes.Text(".")]


def setup(app: Sphinx) -> None:
    app.add_directive("assignment", Assignment)
