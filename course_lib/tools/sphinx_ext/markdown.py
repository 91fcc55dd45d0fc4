"""A resolved page as plain Markdown, for notebooks that open where MyST is not known.

References stand as text, with a link where the site's address is known; numbers of figures,
formulas and sections are those of the book.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

from docutils import nodes

DROPPED = (nodes.comment, nodes.target, nodes.raw, nodes.substitution_definition, nodes.colspec)


class Markdown:
    """Writes nodes as Markdown.

    Args:
        address: the page's own address on the published site, or "" when there is none.
        numbers: "Fig. 1.2" and the like for the ids of numbered elements.
    """

    def __init__(self, address: str = "", numbers: dict[str, str] | None = None):
        self.address, self.numbers = address, numbers or {}

    def blocks(self, children: list[nodes.Node], level: int = 1) -> str:
        """Block elements, one blank line between them."""
        written = (self.block(child, level) for child in children)
        return "\n\n".join(text.strip("\n") for text in written if text.strip())

    def block(self, node: nodes.Node, level: int = 1) -> str:
        if isinstance(node, DROPPED):
            return ""
        write = getattr(self, f"_{type(node).__name__}", None)
        if write:
            return write(node, level)
        if isinstance(node, nodes.Admonition):
            return self._quoted(node, level)
        if isinstance(node, nodes.TextElement):
            return self.inline(node)
        return self.blocks(node.children, level)

    def inline(self, node: nodes.Node) -> str:
        """Inline elements; a line break in the source is a space."""
        if isinstance(node, nodes.Text):
            return re.sub(r"\s*\n\s*", " ", node.astext())
        if isinstance(node, DROPPED):
            return ""
        text = "".join(map(self.inline, node.children))
        if isinstance(node, nodes.math):
            return f"${node.astext()}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.strong | nodes.emphasis) and text.strip():
            mark = "**" if isinstance(node, nodes.strong) else "*"
            tail = text[len(text.rstrip()) :]
            return f"{mark}{text.strip()}{mark}{tail}"
        if isinstance(node, nodes.reference):
            target = self._target(node)
            return f"[{text}]({target})" if target else text
        return text

    def _target(self, node: nodes.reference) -> str:
        address = node.get("refuri", "")
        if address.startswith(("http:", "https:", "mailto:")):
            return address
        if not self.address:
            return ""
        return urljoin(self.address, address or f"#{node.get('refid', '')}")

    # --- blocks, by the name of their node -------------------------------------------------------

    def _section(self, node, level) -> str:
        return self.blocks(node.children, level + 1)

    def _title(self, node, level) -> str:
        return f"{'#' * max(1, level - 1)} {self.inline(node)}"

    def _rubric(self, node, level) -> str:
        return f"**{self.inline(node)}**"

    def _literal_block(self, node, level) -> str:
        language = node.get("language", "")
        return f"```{language if language.isalpha() else ''}\n{node.astext()}\n```"

    def _math_block(self, node, level) -> str:
        text = node.astext().strip()
        if not text.startswith("\\begin{align"):
            number = f" \\tag{{{node['number']}}}" if node.get("number") else ""
            text = f"{text}{number}"
        return f"$$\n{text}\n$$"

    def _bullet_list(self, node, level) -> str:
        return self._items(node, level, lambda number: "- ")

    def _enumerated_list(self, node, level) -> str:
        start = int(node.get("start", 1))
        return self._items(node, level, lambda number: f"{start + number}. ")

    def _items(self, node, level, mark) -> str:
        lines = []
        for number, item in enumerate(node.children):
            first = mark(number)
            lines.append(first + _indent(self.blocks(item.children, level), " " * len(first)))
        return "\n".join(lines)

    def _field_list(self, node, level) -> str:
        return "\n".join(
            f"- **{self.inline(field[0])}:** {self.blocks(field[1].children, level)}"
            for field in node.children
        )

    def _definition_list(self, node, level) -> str:
        return "\n".join(
            f"- **{self.inline(item[0])}:** "
            + _indent(self.blocks(item.children[1:], level).removeprefix(": "), "  ")
            for item in node.children
        )

    def _definition(self, node, level) -> str:
        return self.blocks(node.children, level)

    def _block_quote(self, node, level) -> str:
        return _indent("> " + self.blocks(node.children, level), "> ")

    def _quoted(self, node, level) -> str:
        """An admonition, theorem, exercise: its title in bold, all of it set off."""
        title = node[0] if isinstance(node[0], nodes.title) else None
        body = self.blocks(node.children[1:] if title else node.children, level)
        number = self.numbers.get(node["ids"][0], "") if node["ids"] else ""
        head = f"{number} {self.inline(title).strip()}".strip() if title else number
        return _indent("> " + (f"**{head}**\n\n" if head else "") + body, "> ")

    def _question(self, node, level) -> str:
        prompt, *answers = node.children
        return self.blocks([nodes.strong("", "", *prompt.children), *answers], level)

    def _details(self, node, level) -> str:
        head, *body = node.children
        content = self.blocks(body, level)
        return f"<details><summary>{_html(head)}</summary>\n\n{content}\n\n</details>"

    def _figure(self, node, level) -> str:
        return self.caption(node)

    def caption(self, figure: nodes.Element) -> str:
        """The caption of a figure with its number."""
        words = [self.inline(node) for node in figure.findall(nodes.caption)]
        number = self.numbers.get(figure["ids"][0], "") if figure["ids"] else ""
        return f"*{': '.join(filter(None, [number, *words]))}*" if words else ""

    def _image(self, node, level) -> str:
        return f"*{node['alt']}*" if node.get("alt") else ""

    def _table(self, node, level) -> str:
        titles = [self.inline(child) for child in node.children if isinstance(child, nodes.title)]
        rows = [
            [self.blocks(cell.children, level).replace("\n", " ") for cell in row.children]
            for row in node.findall(nodes.row)
        ]
        if not any(True for _head in node.findall(nodes.thead)):
            rows.insert(0, [""] * len(rows[0]))
        rows.insert(1, ["---"] * len(rows[0]))
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n\n".join([*(f"*{title}*" for title in titles), "\n".join(lines)])


def _html(node: nodes.Node) -> str:
    """Inline elements where Markdown is not read; formulas are."""
    if isinstance(node, nodes.math):
        return f"${node.astext()}$"
    if isinstance(node, nodes.Text):
        return html.escape(node.astext(), quote=False)
    text = "".join(map(_html, node.children))
    return f"<code>{text}</code>" if isinstance(node, nodes.literal) else text


def _indent(text: str, prefix: str) -> str:
    """Prefix every line but the first."""
    first, *others = text.split("\n")
    return "\n".join([first, *(f"{prefix}{line}".rstrip() for line in others)])
