"""The Sphinx extension of the book, one module for each family of directives.

All of them render to plain HTML elements, so that a page works without JavaScript.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from course_lib.tools.sphinx_ext import (
    assignment,
    card,
    coverage,
    elements,
    learning,
    measurements,
    notebooks,
    outputs,
    questions,
    site,
    terms,
)

STATIC = Path(__file__).parents[1] / "static"


def _add_static_files(app: Sphinx) -> None:
    app.config.html_static_path.append(str(STATIC))


def drop_thebe(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Leave out the scripts of Thebe, which Jupyter Book always adds and this book does not use."""

    def is_thebe(asset) -> bool:
        return (
            "thebe"
            in f"{asset.filename} {getattr(asset, 'attributes', {}).get('body', '')}".lower()
        )

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context.get(kind, []) if not is_thebe(asset)]


def setup(app: Sphinx) -> dict:
    directives = (card, assignment, questions, coverage, measurements)
    pages = (learning, terms, outputs, site, notebooks)
    for module in (elements, *directives, *pages):
        module.setup(app)
    app.connect("builder-inited", _add_static_files)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.add_css_file("course.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
