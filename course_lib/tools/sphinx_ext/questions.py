"""``question``: a check that the reader answers on the static page."""

from __future__ import annotations

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective

from course_lib.tools.sphinx_ext.elements import details, summary

_ = get_translation("course")


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


def setup(app: Sphinx) -> None:
    app.add_directive("question", Question)
