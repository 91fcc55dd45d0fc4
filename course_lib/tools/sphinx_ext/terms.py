"""Definitions of glossary terms on the pages that link to them, shown without leaving the page.

A page carries the definitions of its own terms, so nothing is fetched and it works from a file.
``learning.js`` shows them on hover, focus and touch; without it the links lead to the glossary.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def note_users(app: Sphinx, document: nodes.document) -> None:
    """Remember which pages link to terms: they are written again when the glossary changes."""
    if any(node.get("reftype") == "term" for node in document.findall(addnodes.pending_xref)):
        app.env.course_term_users.add(app.env.docname)


def add_definitions(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    """Append the definitions of the terms that a page links to."""
    if document is None or app.builder.name == "singlehtml":
        return
    wanted = {}
    for reference in document.findall(nodes.reference):
        address, _hash, anchor = reference.get("refuri", "").partition("#")
        if anchor.startswith("term-") and not address.startswith("http"):
            wanted[anchor] = reference
    known = _definitions(app) if wanted else {}
    for anchor in sorted(wanted.keys() & known.keys()):
        html = app.builder.render_partial(known[anchor].deepcopy())["fragment"]
        context["body"] += (
            f'<div class="course-definition" id="definition-{anchor}" role="tooltip" '
            f'popover="manual">{html}</div>\n'
        )


def _definitions(app: Sphinx) -> dict[str, nodes.Element]:
    """All definitions by the anchor of their term; links in them become plain text."""
    env = app.env
    if getattr(app.builder, "course_definitions", None) is None:
        found: dict[str, nodes.Element] = {}
        for docname in _glossaries(env):
            tree = env.get_doctree(docname)
            for item in tree.findall(nodes.definition_list_item):
                terms = list(item.findall(nodes.term))
                body = nodes.container()
                head = nodes.strong("", terms[0].astext())
                body += nodes.paragraph("", "", head, classes=["course-definition-term"])
                body += [child.deepcopy() for child in item.children[-1].children]
                for link in list(body.findall(addnodes.pending_xref)):
                    link.replace_self(link.children)
                for term in terms:
                    found.update(dict.fromkeys(term["ids"], body))
        app.builder.course_definitions = found
    return app.builder.course_definitions


def _glossaries(env: BuildEnvironment) -> list[str]:
    objects = env.get_domain("std").get_objects()
    return sorted({entry[3] for entry in objects if entry[2] == "term"})


def _prepare(app: Sphinx) -> None:
    if not hasattr(app.env, "course_term_users"):
        app.env.course_term_users = set()


def _outdated(app: Sphinx, env: BuildEnvironment, added, changed, removed) -> list[str]:
    env.course_glossary_changed = bool((added | changed) & set(_glossaries(env)))
    return []


def _updated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    return sorted(env.course_term_users) if env.course_glossary_changed else []


def _purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    env.course_term_users.discard(docname)


def _merge(app: Sphinx, env: BuildEnvironment, docnames, other: BuildEnvironment) -> None:
    env.course_term_users |= other.course_term_users & set(docnames)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _prepare)
    app.connect("doctree-read", note_users)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-updated", _updated)
    # before the formulas of the page are counted
    app.connect("html-page-context", add_definitions, priority=400)
