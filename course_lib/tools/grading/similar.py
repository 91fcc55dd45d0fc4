"""Near-identical answers: the same code, whatever its names, comments and layout.

An answer is compared by its shingles: runs of tokens after names of variables were made equal.
Shingles of the text that students were given do not count. What remains has to be long enough to
say something.
"""

from __future__ import annotations

import ast
import io
import itertools
import math
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LENGTH = 5  # tokens of a shingle
LEAST = 30  # shingles of an answer that says something
ALIKE = 0.9  # share of common shingles from which answers count as near-identical
LARGEST = 100_000  # characters of an answer that is looked at
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)


@dataclass(frozen=True)
class Pair:
    """Two students with near-identical answers.

    Attributes:
        students: their ids.
        answers: names of the answers, each with the share of common shingles.
        compared: how many answers of both are long enough to be compared.
        weight: how rare in the class is what they have in common; for the order of the table.
    """

    students: tuple[str, str]
    answers: tuple[tuple[str, float], ...]
    compared: int
    weight: float


class Answers:
    """The answers of a class; only their shingles are kept.

    Args:
        given: the text of each answer cell as it was handed out, by its name.
    """

    def __init__(self, given: dict[str, str]):
        self._given = {name: shingles(text) for name, text in given.items()}
        self._found: dict[str, dict[str, frozenset[int]]] = {name: {} for name in given}

    def add(self, student: str, name: str, text: str) -> None:
        """Take in one answer, unless it is too short to be evidence."""
        own = shingles(text) - self._given[name]
        if len(own) >= LEAST:
            self._found[name][student] = own

    def pairs(self) -> list[Pair]:
        """All pairs of students with near-identical answers, the most remarkable first."""
        shared: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
        weights: Counter[tuple[str, str]] = Counter()
        for name, answers in self._found.items():
            spread = Counter(itertools.chain.from_iterable(answers.values()))
            for first, second, share in _alike(answers):
                both = (first, second)
                shared[both].append((name, share))
                common = answers[first] & answers[second]
                weights[both] += sum(math.log((1 + len(answers)) / spread[each]) for each in common)
        found = [
            Pair(both, tuple(names), self._compared(*both), weights[both])
            for both, names in shared.items()
        ]
        return sorted(found, key=lambda pair: (-pair.weight, pair.students))

    def _compared(self, first: str, second: str) -> int:
        return sum(first in found and second in found for found in self._found.values())


def _alike(answers: dict[str, frozenset[int]]) -> Iterator[tuple[str, str, float]]:
    """The pairs above the threshold.

    Two sets can only be alike when they share a member of a small part of each: of all members in
    a common order, the rarest first, the first ``1 + (1 − ALIKE) · size``.
    """
    spread = Counter(itertools.chain.from_iterable(answers.values()))
    seen: dict[int, list[str]] = defaultdict(list)
    for student in sorted(answers):
        own = answers[student]
        head = sorted(own, key=lambda each: (spread[each], each))
        head = head[: 1 + len(own) - math.ceil(ALIKE * len(own))]
        candidates = dict.fromkeys(itertools.chain.from_iterable(seen[each] for each in head))
        for other in candidates:
            common = len(own & answers[other])
            share = common / (len(own) + len(answers[other]) - common)
            if share >= ALIKE:
                yield other, student, share
        for each in head:
            seen[each].append(student)


def shingles(text: str) -> frozenset[int]:
    """The runs of tokens of an answer."""
    tokens = list(canonical(text[:LARGEST]))
    return frozenset(
        hash(tuple(tokens[start : start + LENGTH]))
        for start in range(max(0, len(tokens) - LENGTH + 1))
    )


def canonical(text: str) -> Iterable[str]:
    """The tokens of a code whose own names are all equal; the words of a text that is no code."""
    try:
        tree = ast.parse(text)
        plain = ast.unparse(_Plain(_own_names(tree)).visit(tree))
        tokens = tokenize.generate_tokens(io.StringIO(plain).readline)
        return [token.string.strip() or tokenize.tok_name[token.type] for token in tokens]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        lines = (line.partition("#")[0] for line in text.splitlines())
        return re.findall(r"\w+|[^\w\s]", "\n".join(lines).lower())


def _own_names(tree: ast.AST) -> set[str]:
    """The names that a code gives itself: of variables, functions, classes and arguments."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, NAMED) and node.name:
            names.add(node.name)
    return names


class _Plain(ast.NodeTransformer):
    """Makes all own names equal; drops docstrings and the types of arguments and results."""

    def __init__(self, own: set[str]):
        self.own = own

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if hasattr(node, "body") and isinstance(node.body, list) and not node.body:
            node.body = [ast.Pass()] if not isinstance(node, ast.Module) else []
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("v" if node.id in self.own else node.id, node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg("v")

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        node.arg = "v" if node.arg in self.own else node.arg
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.name, node.returns = "v", None
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.name = "v"
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        node.name = "v" if node.name else None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.Assign([node.target], node.value, lineno=0)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None
        return self.generic_visit(node)
