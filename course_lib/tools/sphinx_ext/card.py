"""``chapter-card``: what a chapter needs, teaches and costs."""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective

_ = get_translation("course")


class ChapterCard(SphinxDirective):
    """What a chapter needs, teaches and costs; the content is the list of objectives."""

    has_content = True
    option_spec = {
        "prerequisites": directives.unchanged,
        "reading-time": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        card = nodes.container(classes=["chapter-card"])
        card += nodes.rubric("", _("After this chapter you can"))
        self.state.nested_parse(self.content, self.content_offset, card)
        facts = nodes.field_list(classes=["chapter-facts"])
        if "prerequisites" in self.options:
            children, _messages = self.state.inline_text(self.options["prerequisites"], self.lineno)
            facts += _fact(_("You need"), children)
        if "reading-time" in self.options:
            minutes = self.options["reading-time"]
            facts += _fact(_("Reading time"), [nodes.Text(_("about %d minutes") % minutes)])
        if measured := self._measured():
            facts += _fact(_("Run time"), [nodes.Text(measured)])
        card += facts
        return [card]

    def _measured(self) -> str:
        """The run time that the runner measured, from the metadata of the executed notebook."""
        source = Path(self.env.doc2path(self.env.docname))
        if source.suffix != ".ipynb":
            return ""
        self.env.note_dependency(str(source))
        course = json.loads(source.read_text(encoding="utf-8"))["metadata"].get("course", {})
        if "seconds" not in course:
            return ""
        device = _("a GPU") if course.get("profile") == "gpu" else _("a CPU")
        return _("%d seconds on %s, measured in the last build") % (
            round(course["seconds"]),
            device,
        )


def _fact(name: str, body: list[nodes.Node]) -> nodes.field:
    content = nodes.field_body("", nodes.paragraph("", "", *body))
    return nodes.field("", nodes.field_name("", name), content)


def setup(app: Sphinx) -> None:
    app.add_directive("chapter-card", ChapterCard)
