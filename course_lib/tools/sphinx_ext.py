"""Sphinx directives of the book: ``chapter-card``, ``question`` and ``syllabus-coverage``.

All of them render to plain HTML elements, so that a page works without JavaScript.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from course_lib.tools import syllabus

_ = get_translation("course")
logger = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"


class details(nodes.General, nodes.Element):
    """An HTML ``<details>`` element; its first child is a :class:`summary`."""


class summary(nodes.TextElement):
    """The visible line of a :class:`details` element."""


class coverage(nodes.General, nodes.Element):
    """Stands for the coverage table until all chapters have been read."""


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


class Question(SphinxDirective):
    """A question that the reader can answer on the static page.

    With ``:answer:`` it is numeric and its content explains the answer. Otherwise its content is a
    list of choices, each marked ``(x)`` right or ``( )`` wrong and followed by a paragraph that
    says why.
    """

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"answer": directives.unchanged, "tolerance": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        children, _messages = self.state.inline_text(self.arguments[0], self.lineno)
        content = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, content)
        box = nodes.container(classes=["question"])
        box += nodes.paragraph("", "", *children, classes=["question-prompt"])
        box += self._numeric(content) if "answer" in self.options else self._choices(content)
        return [box]

    def _numeric(self, content: nodes.container) -> list[nodes.Node]:
        float(self.options["answer"])
        text = _("The answer is %s.") % self.options["answer"]
        answer = nodes.paragraph("", "", nodes.strong("", text))
        return [details("", summary("", _("Show the answer")), answer, *content.children)]

    def _choices(self, content: nodes.container) -> list[nodes.Node]:
        lists = [child for child in content.children if isinstance(child, nodes.bullet_list)]
        if not lists:
            raise self.error("a question needs :answer: or a list of choices marked (x) and ( )")
        choices = [self._choice(item) for item in lists[0].children]
        if not any("right" in choice["classes"] for choice in choices):
            raise self.error("no choice of this question is marked (x)")
        return choices

    def _choice(self, item: nodes.list_item) -> details:
        prompt, *explanation = item.children
        marker = prompt.astext()[:3]
        if marker not in ("(x)", "( )"):
            raise self.error(f"a choice starts with (x) or ( ), not with {prompt.astext()[:12]!r}")
        if not explanation:
            raise self.error(f"the choice {prompt.astext()!r} has no explanation below it")
        first = next(prompt.findall(nodes.Text))
        first.parent.replace(first, nodes.Text(str(first)[3:].lstrip()))
        verdict = _("Right.") if marker == "(x)" else _("Not this one.")
        explanation[0].insert(0, nodes.strong("", verdict + " "))
        kind = "right" if marker == "(x)" else "wrong"
        return details(
            "", summary("", "", *prompt.children), *explanation, classes=["choice", kind]
        )


class SyllabusCoverage(SphinxDirective):
    """A table for each chapter: where the course teaches each row of its syllabus."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        _relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        self.env.course_coverage_pages.add(self.env.docname)
        return [coverage(path=path)]


def collect_markers(app: Sphinx, document: nodes.document) -> None:
    """Remember for each ``% covers:`` comment the section in which it stands."""
    found = app.env.course_covers[app.env.docname] = {}
    for comment in document.findall(nodes.comment):
        section = comment.parent
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        for line in comment.astext().splitlines():
            for row in syllabus.covered(line):
                found.setdefault(
                    row, (section["ids"][0], section[0].astext()) if section else ("", "")
                )


def _prepare(app: Sphinx) -> None:
    if not hasattr(app.env, "course_covers"):
        app.env.course_covers = {}
        app.env.course_coverage_pages = set()
    app.config.html_static_path.append(str(STATIC))


def _purge(app: Sphinx, env, docname: str) -> None:
    env.course_covers.pop(docname, None)
    env.course_coverage_pages.discard(docname)


def _merge(app: Sphinx, env, docnames, other) -> None:
    env.course_covers.update({name: other.course_covers.get(name, {}) for name in docnames})
    env.course_coverage_pages |= other.course_coverage_pages & set(docnames)


def _updated(app: Sphinx, env) -> list[str]:
    """The coverage page is written again whenever any page has changed."""
    return sorted(env.course_coverage_pages)


def fill_coverage(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Replace the placeholder by the tables."""
    for placeholder in list(document.findall(coverage)):
        chapters, rows = syllabus.load(Path(placeholder["path"]))
        places = defaultdict(list)
        for name, found in sorted(app.env.course_covers.items()):
            for row, (anchor, title) in found.items():
                places[row].append((name, anchor, title))
        unknown = set(places) - {row.id for row in rows}
        if unknown:
            logger.warning("covers: no such row in the syllabus: %s", ", ".join(sorted(unknown)))
        placeholder.replace_self(
            [
                element
                for chapter in chapters
                for element in _chapter_table(app, docname, chapter, rows, places)
            ]
        )


def _chapter_table(app, docname, chapter, rows, places) -> list[nodes.Node]:
    own = [row for row in rows if chapter.slug in row.chapters]
    taught = sum(bool(places[row.id]) for row in own)
    title = _("%(title)s: %(taught)d of %(all)d rows") % {
        "title": chapter.title,
        "taught": taught,
        "all": len(own),
    }
    table = nodes.table(classes=["colwidths-auto"])
    group = nodes.tgroup(cols=4)
    group += [nodes.colspec(colwidth=1) for _unused in range(4)]
    head = [nodes.Text(text) for text in (_("Row"), _("What"), _("Kind"), _("Taught in"))]
    group += nodes.thead("", _table_row([[cell] for cell in head]))
    body = nodes.tbody()
    for row in own:
        body += _table_row(
            [
                [nodes.Text(row.id)],
                _markdown(row.title),
                [nodes.Text(", ".join(row.kind))],
                _links(app, docname, places[row.id]),
            ]
        )
    group += body
    table += group
    return [details("", summary("", title), table, classes=["coverage"])]


def _markdown(text: str) -> list[nodes.Node]:
    """Inline code and formulas of a row's title."""
    result: list[nodes.Node] = []
    for piece in re.split(r"(`[^`]*`|\$[^$]*\$)", text):
        if piece.startswith("$"):
            result.append(nodes.math(piece, piece.strip("$")))
        elif piece.startswith("`"):
            result.append(nodes.literal(piece, piece.strip("`")))
        else:
            result.append(nodes.Text(piece))
    return result


def _links(app, docname, found) -> list[nodes.Node]:
    if not found:
        return [nodes.emphasis("", _("not yet"))]
    result: list[nodes.Node] = []
    for name, anchor, title in found:
        if result:
            result.append(nodes.Text("; "))
        label = nodes.Text(title or app.env.titles[name].astext())
        result.append(make_refnode(app.builder, docname, name, anchor, label))
    return result


def _table_row(cells: list[list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", *cell))
    return row


def drop_thebe(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Leave out the scripts of Thebe, which Jupyter Book always adds and this book does not use."""

    def is_thebe(asset) -> bool:
        return (
            "thebe"
            in f"{asset.filename} {getattr(asset, 'attributes', {}).get('body', '')}".lower()
        )

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context.get(kind, []) if not is_thebe(asset)]


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


def setup(app: Sphinx) -> dict:
    app.add_node(details, html=_visit("details"), latex=(_pass, _pass), text=(_pass, _pass))
    app.add_node(
        summary,
        html=_visit("summary"),
        latex=(_visit_summary_latex, _visit_summary_latex),
        text=(_pass, _pass),
    )
    app.add_node(coverage)
    app.add_directive("chapter-card", ChapterCard)
    app.add_directive("question", Question)
    app.add_directive("syllabus-coverage", SyllabusCoverage)
    app.connect("builder-inited", _prepare)
    app.connect("doctree-read", collect_markers)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _updated)
    app.connect("doctree-resolved", fill_coverage)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.add_css_file("course.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
