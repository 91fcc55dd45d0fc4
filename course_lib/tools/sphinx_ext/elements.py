"""HTML elements that several directives use and docutils does not know."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx


class details(nodes.General, nodes.Element):
    """An HTML ``<details>`` element; its first child is a :class:`summary`."""


class summary(nodes.TextElement):
    """The visible line of a :class:`details` element."""


def _visit(tag: str):
    def visit(self, node):
        self.body.append(self.starttag(node, tag, ""))

    def depart(self, node):
        self.body.append(f"</{tag}>\n")

    return visit, depart


def _visit_summary_latex(self, node):
    self.body.append("\n\n")


def _pass(self, node):
    pass


def setup(app: Sphinx) -> None:
    app.add_node(details, html=_visit("details"), latex=(_pass, _pass), text=(_pass, _pass))
    app.add_node(
        summary,
        html=_visit("summary"),
        latex=(_visit_summary_latex, _visit_summary_latex),
        text=(_pass, _pass),
    )
