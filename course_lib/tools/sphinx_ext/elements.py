"""HTML elements that several directives use and docutils does not know."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx


class details(nodes.General, nodes.Element):
    """An HTML ``<details>`` element; its first child is a :class:`summary`."""


class summary(nodes.TextElement):
    """The visible line of a :class:`details` element."""


def inline_markdown(text: str) -> list[nodes.Node]:
    """Text with inline code and formulas, as the syllabus holds it."""
    result: list[nodes.Node] = []
    for piece in re.split(r"(`[^`]*`|\$[^$]*\$)", text):
        if piece.startswith("$"):
            result.append(nodes.math(piece, piece.strip("$")))
        elif piece.startswith("`"):
            result.append(nodes.literal(piece, piece.strip("`")))
        else:
            result.append(nodes.Text(piece))
    return result


def formula_ahead() -> nodes.math:
    """For a placeholder: Sphinx looks for formulas before it is filled in, to load their style."""
    return nodes.math("", "x")


def table(head: list[str], rows: list[list[list[nodes.Node]]]) -> nodes.table:
    """A table whose cells are lists of inline elements; the head's words may be translations."""
    made = nodes.table(classes=["colwidths-auto"])
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _unused in head]
    group += nodes.thead("", _row([[nodes.Text(text)] for text in head]))
    group += nodes.tbody("", *map(_row, rows))
    made += group
    return made


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


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
