"""``question``: a check that the reader answers on the static page; and folded solutions.

Without JavaScript every choice is a folded element that explains itself. ``learning.js`` turns
them into a form that checks the answer and keeps it in the reader's browser.
"""

from __future__ import annotations

import hashlib
import math

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx_exercise.nodes import is_exercise_node, is_solution_node

from course_lib.tools.sphinx_ext.elements import details, summary

_ = get_translation("course")


class question(nodes.General, nodes.Element):
    """A question; ``kind`` is ``one``, ``many`` or ``number``, the latter with its answer."""


class Question(SphinxDirective):
    """A question that the reader can answer on the static page.

    With ``:answer:`` and ``:tolerance:`` (the largest error that still counts as right) it is
    numeric and its content explains the answer. Otherwise its content is a list of choices, each
    marked ``(x)`` right or ``( )`` wrong and followed by a paragraph that says why.
    """

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"answer": directives.unchanged, "tolerance": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        children, _messages = self.state.inline_text(self.arguments[0], self.lineno)
        content = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, content)
        box = question(classes=["question"], ids=[self._identifier()])
        box += nodes.paragraph("", "", *children, classes=["question-prompt"])
        if "answer" in self.options:
            box["kind"] = "number"
            box["answer"], box["tolerance"] = self._number("answer"), self._number("tolerance")
            box += self._numeric(content)
        else:
            choices = self._choices(content)
            right = sum("right" in choice["classes"] for choice in choices)
            if not right:
                raise self.error("no choice of this question is marked (x)")
            box["kind"] = "one" if right == 1 else "many"
            box += choices
        return [box]

    def _identifier(self) -> str:
        """Changes with the question, so that an answer to its old form is not taken for one."""
        text = "\n".join([*self.arguments, *map(str, self.options.items()), *self.content])
        return f"question-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _number(self, option: str) -> float:
        try:
            number = float(self.options[option])
        except KeyError:
            raise self.error(
                "a numeric question needs :tolerance:, the largest error that counts as right"
            ) from None
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (option == "tolerance" and number < 0):
            raise self.error(f":{option}: {self.options[option]!r} must be a number such as 0.25")
        return number

    def _numeric(self, content: nodes.container) -> details:
        text = _("The answer is %s.") % self.options["answer"]
        answer = nodes.paragraph("", "", nodes.strong("", text))
        return details("", summary("", _("Show the answer")), answer, *content.children)

    def _choices(self, content: nodes.container) -> list[details]:
        lists = [child for child in content.children if isinstance(child, nodes.bullet_list)]
        if not lists:
            raise self.error("a question needs :answer: or a list of choices marked (x) and ( )")
        return [self._choice(item) for item in lists[0].children]

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


def _visit_question(self, node: question) -> None:
    data = {
        f"data-{name}": str(node[name]) for name in ("kind", "answer", "tolerance") if name in node
    }
    self.body.append(self.starttag(node, "div", **data))


def _depart_question(self, node: question) -> None:
    self.body.append("</div>\n")


class FoldSolutions(SphinxPostTransform):
    """Solutions that ask for ``:class: dropdown`` become folded elements that need no script."""

    default_priority = 900  # after sphinx-exercise has written the titles

    def run(self, **_options) -> None:
        boxes = [
            node
            for node in self.document.findall(nodes.Admonition)
            if is_exercise_node(node) or is_solution_node(node)
        ]
        for box in boxes:
            for body in box.findall(nodes.section):
                body["ids"] = []  # sphinx-exercise gives all of them the same one
            if is_solution_node(box) and "dropdown" in box["classes"]:
                box.parent.replace(box, _folded(box))


def _folded(box: nodes.Admonition) -> details:
    title, *content = box.children
    words = []
    for child in title.children:  # no link to the exercise above: a summary is a button
        if isinstance(child, nodes.reference):
            words.append(nodes.Text(" "))
            first = next(child.findall(nodes.Text))
            first.parent.replace(first, nodes.Text(first.lstrip()))
            words += child.children
        else:
            words.append(child)
    head = summary("", "", *words, classes=["admonition-title"])
    classes = [name for name in box["classes"] if name != "dropdown"]
    return details("", head, *content, ids=box["ids"], classes=[*classes, "admonition"])


def _pass(self, node):
    pass


def setup(app: Sphinx) -> None:
    app.add_node(
        question,
        html=(_visit_question, _depart_question),
        latex=(_pass, _pass),
        text=(_pass, _pass),
    )
    app.add_directive("question", Question)
    app.add_post_transform(FoldSolutions)
