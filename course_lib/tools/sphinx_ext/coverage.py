"""``syllabus-coverage``: where the chapters teach each row of the syllabus."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from course_lib.tools import syllabus
from course_lib.tools.sphinx_ext.elements import (
    details,
    formula_ahead,
    inline_markdown,
    summary,
    table,
)

_ = get_translation("course")
logger = logging.getLogger(__name__)


class coverage(nodes.General, nodes.Element):
    """Stands for the coverage table until all chapters have been read."""


class SyllabusCoverage(SphinxDirective):
    """A table for each chapter: where the course teaches each row of its syllabus."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        _relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        self.env.course_coverage_pages.add(self.env.docname)
        return [coverage("", formula_ahead(), path=path)]


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


def _purge(app: Sphinx, env, docname: str) -> None:
    env.course_covers.pop(docname, None)
    env.course_coverage_pages.discard(docname)


def _merge(app: Sphinx, env, docnames, other) -> None:
    env.course_covers.update({name: other.course_covers.get(name, {}) for name in docnames})
    env.course_coverage_pages |= other.course_coverage_pages & set(docnames)


def _updated(app: Sphinx, env) -> list[str]:
    """The coverage page is written again whenever any page has changed."""
    return sorted(env.course_coverage_pages)


def places_of_rows(app: Sphinx) -> dict[str, list[tuple[str, str, str]]]:
    """For each row the sections that teach it: page, anchor and title."""
    places = defaultdict(list)
    for name, found in sorted(app.env.course_covers.items()):
        for row, (anchor, title) in found.items():
            places[row].append((name, anchor, title))
    return places


def fill_coverage(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Replace the placeholder by the tables."""
    for placeholder in list(document.findall(coverage)):
        chapters, rows = syllabus.load(Path(placeholder["path"]))
        places = places_of_rows(app)
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
    rows = [
        [
            [nodes.Text(row.id)],
            inline_markdown(row.title),
            [nodes.Text(", ".join(row.kind))],
            links(app, docname, places[row.id]),
        ]
        for row in own
    ]
    head = [_("Row"), _("What"), _("Kind"), _("Taught in")]
    return [details("", summary("", title), table(head, rows), classes=["coverage"])]


def links(app, docname, found) -> list[nodes.Node]:
    if not found:
        return [nodes.emphasis("", _("not yet"))]
    result: list[nodes.Node] = []
    for name, anchor, title in found:
        if result:
            result.append(nodes.Text("; "))
        label = nodes.Text(title or app.env.titles[name].astext())
        result.append(make_refnode(app.builder, docname, name, anchor, label))
    return result


def setup(app: Sphinx) -> None:
    app.add_node(coverage)
    app.add_directive("syllabus-coverage", SyllabusCoverage)
    app.connect("builder-inited", _prepare)
    app.connect("doctree-read", collect_markers)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _updated)
    app.connect("doctree-resolved", fill_coverage)
