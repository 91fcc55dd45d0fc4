"""A chapter's Markdown source, taken apart for the tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(?P<ticks>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<argument>.*)$")


@dataclass(frozen=True)
class Directive:
    """A fenced directive: its name, its argument and the lines inside the fence."""

    name: str
    argument: str
    body: str
    line: int


@dataclass(frozen=True)
class Cell:
    """A code cell: its options and its source without them."""

    options: dict
    source: str
    line: int


class Chapter:
    """One notebook of the book."""

    def __init__(self, path: Path):
        self.path = path
        self.slug = path.stem
        self.text = path.read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return self.slug

    @cached_property
    def directives(self) -> list[Directive]:
        """All directives, nested ones included."""
        found, lines = [], self.text.splitlines()
        for number, line in enumerate(lines):
            match = FENCE.match(line)
            if match:
                end = next(
                    i for i in range(number + 1, len(lines)) if lines[i].rstrip() == match["ticks"]
                )
                body = "\n".join(lines[number + 1 : end])
                found.append(Directive(match["name"], match["argument"], body, number + 1))
        return found

    def named(self, *names: str) -> list[Directive]:
        return [directive for directive in self.directives if directive.name in names]

    @cached_property
    def cells(self) -> list[Cell]:
        """The code cells in order."""
        cells = []
        for directive in self.named("code-cell"):
            options, source = {}, directive.body
            if source.startswith("---\n"):
                head, source = source[4:].split("\n---", 1)
                options = yaml.safe_load(head)
            else:
                pairs = re.match(r"(?::[\w-]+:.*\n?)*", source).group()
                source = source[len(pairs) :]
                for key, value in re.findall(r"^:([\w-]+):[ ]*(.*)$", pairs, re.M):
                    options[key] = yaml.safe_load(value)
            cells.append(Cell(options, source.strip("\n"), directive.line))
        return cells

    def definitions(
        self, constants: Collection[str] = (), names: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Execute imports, functions, classes and the constants asked for, but nothing else.

        Args:
            constants: names whose assignments are executed as well.
            names: what the notebook's code finds already.
        """
        names = {} if names is None else names
        kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        for cell in self.cells:
            for node in ast.parse(cell.source).body:
                targets = getattr(node, "targets", []) + [getattr(node, "target", None)]
                parts = [part for target in targets if target for part in ast.walk(target)]
                assigned = {
                    p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)
                }
                assigns = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
                if isinstance(node, kinds) or assigns and assigned & set(constants):
                    exec(compile(ast.Module([node], []), str(cell.line), "exec"), names)
        return names

    @cached_property
    def prose(self) -> str:
        """The Markdown outside code cells and other literal blocks."""
        text = re.sub(r"^---\n.*?\n---\n", "", self.text, count=1, flags=re.S)
        kept, directives, literal = [], [], None
        for line in text.splitlines():
            fence = re.match(r"(`{3,}|:{3,})(\{[\w:-]+\})?", line)
            if literal:
                literal = None if line.rstrip() == literal else literal
                continue
            if directives and line.rstrip() == directives[-1]:
                directives.pop()
            elif fence and fence[2] and fence[2] != "{code-cell}":
                directives.append(fence[1])
            elif fence:
                literal = fence[1]
                continue
            kept.append(line)
        return "\n".join(kept) + "\n"

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        return [(len(m[1]), m[2]) for m in re.finditer(r"^(#+) (.+)$", self.prose, re.M)]


def chapters() -> list[Chapter]:
    """The notebooks that the table of contents lists."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    found = [Chapter(ROOT / f"{name}.md") for name in files if (ROOT / f"{name}.md").exists()]
    return [chapter for chapter in found if chapter.text.startswith("---\njupytext:")]
