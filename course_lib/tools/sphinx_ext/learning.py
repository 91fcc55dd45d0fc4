"""The script behind questions, predictions and definitions, and the words that it shows."""

from __future__ import annotations

import json

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation

_ = get_translation("course")


def _words() -> dict[str, str]:
    """What ``learning.js`` writes; here, so that it is translated like the rest of the book."""
    return {
        "again": _("Start over"),
        "check": _("Check"),
        "explain": _("Show all explanations"),
        "incomplete": _("Right so far, but not all of it."),
        "kept": _("Kept in this browser only."),
        "notKept": _("This browser does not keep your answers."),
        "noAnswer": _("Choose an answer first."),
        "noNumber": _("Type a number, for example 0.25 or 1/4."),
        "number": _("Your answer"),
        "prediction": _("Your prediction"),
        "progress": _("{right} of {all} questions answered right."),
        "right": _("Right."),
        "several": _("Several answers may be right."),
        "show": _("Show the answer"),
        "wrong": _("Not yet. Read the explanation and try again."),
        "wrongNumber": _("Not yet. Try again, or show the answer."),
    }


def add_words(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    """Hand the words and the name of the page to the script."""
    if context.get("body") and document is not None:
        content = json.dumps({"page": pagename, "words": _words()}, default=str)
        context["body"] += f'<script type="application/json" id="course-page">{content}</script>\n'


def setup(app: Sphinx) -> None:
    app.add_js_file("learning.js", loading_method="defer", priority=100)
    app.add_css_file("learning.css")
    app.connect("html-page-context", add_words)
