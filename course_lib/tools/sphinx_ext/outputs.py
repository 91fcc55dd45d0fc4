"""Folds the lines in which a cell says that its claims hold: the prose shows the numbers."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation

from course_lib.tools.sphinx_ext.elements import details, summary

_ = get_translation("course")
CLAIM = re.compile(r"✓ [\w-]+ = ")  # as course_lib.claims prints it


def fold_claims(app: Sphinx, document: nodes.document) -> None:
    """Move claims out of what a cell prints into a closed element below it."""
    for block in list(document.findall(nodes.literal_block)):
        if "stream" not in block["classes"]:
            continue
        lines = block.astext().rstrip("\n").split("\n")
        claims = [line for line in lines if CLAIM.match(line)]
        if not claims:
            continue
        title = _("1 number checked") if len(claims) == 1 else _("%d numbers checked")
        fold = details(
            "",
            summary("", "✓ " + title.replace("%d", str(len(claims)))),
            _literal(claims, block),
            classes=["claims"],
        )
        rest = [line for line in lines if not CLAIM.match(line)]
        # not replace_self, which would hand the classes on: the theme makes an element of the class
        # "output" unreachable by keyboard
        block.parent.replace(block, ([_literal(rest, block)] if rest else []) + [fold])


def _literal(lines: list[str], like: nodes.literal_block) -> nodes.literal_block:
    text = "\n".join(lines) + "\n"
    return nodes.literal_block(text, text, **like.non_default_attributes())


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", fold_claims)
