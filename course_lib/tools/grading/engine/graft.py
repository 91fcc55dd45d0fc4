"""Put a student's answers into the instructor's own notebook.

What is graded is the instructor's notebook: its cells, their order, their metadata and tags. Of a
submission only the text of the answers counts, and the student's own cells between them. Deleted,
doubled, reordered, retyped and edited cells, damaged metadata and old formats therefore cost
nothing, and nothing that was written into them reaches the grader.

Nothing is guessed: an answer is known by its grade id; if that is lost, by the id of its cell; if
that is lost too, by being the only unknown cell where exactly one answer is missing.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from course_lib.tools.grading.notebooks import Problem

LARGEST_CELL = 2_000_000  # characters
LARGEST_ATTACHMENTS = 20_000_000
MOST_OWN_CELLS = 2_000


class NothingKnown(Exception):
    """A notebook that has nothing to do with the assignment."""


@dataclass
class Piece:
    """A cell of a submission, read without trust.

    Attributes:
        kind: ``code`` or ``markdown``.
        source: its text.
        grade_id: as nbgrader wrote it, or empty.
        cell_id: as Jupyter wrote it, or empty.
        attachments: pictures in a Markdown cell.
        known: the name of the instructor's cell that it is; empty for the student's own.
    """

    kind: str
    source: str
    grade_id: str = ""
    cell_id: str = ""
    attachments: dict[str, Any] = field(default_factory=dict)
    known: str = ""


def graft(submitted: dict[str, Any], release: Any) -> tuple[Any, list[Problem]]:
    """The instructor's notebook with a student's answers.

    Args:
        submitted: the JSON of the submission; nothing about it is taken for granted.
        release: the notebook that students were given.

    Returns:
        A new notebook and what had to be repaired.

    Raises:
        NothingKnown: none of the assignment's cells is in the submission.
    """
    pieces, problems = _pieces(submitted)
    names = {_name(cell): cell for cell in release.cells if _name(cell)}
    problems += _recognize(pieces, release, names)
    if not any(piece.known for piece in pieces):
        raise NothingKnown
    pieces = list(_without_given(pieces, release))
    problems += _copies(pieces, names)
    answers, before = _arrange(pieces, names)
    notebook = copy.deepcopy(release)
    notebook.cells = []
    for cell in release.cells:
        name = _name(cell)
        notebook.cells += [_own_cell(piece) for piece in before.get(name, ()) if name]
        cell = copy.deepcopy(cell)
        if name in answers and not is_locked(cell):
            cell.source = answers[name].source
            if cell.cell_type == "markdown" and answers[name].attachments:
                cell.attachments = answers[name].attachments
        notebook.cells.append(cell)
    notebook.cells += [_own_cell(piece) for piece in before.get("", ())]
    return notebook, problems


def _without_given(pieces: list[Piece], release: Any) -> Iterator[Piece]:
    """The pieces without the instructor's unmarked cells, which are in the release already."""
    given = Counter(cell.source.strip() for cell in release.cells if not _name(cell))
    for piece in pieces:
        text = piece.source.strip()
        if not piece.known and given[text] > 0:
            given[text] -= 1
        else:
            yield piece


def _name(cell: Any) -> str:
    """The grade id of a cell that nbgrader knows."""
    known = is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell)
    return cell.metadata.nbgrader.get("grade_id", "") if known else ""


# --- reading --------------------------------------------------------------------------------------


def _pieces(submitted: dict[str, Any]) -> tuple[list[Piece], list[Problem]]:
    pieces, problems, cut = [], [], 0
    for raw in _raw_cells(submitted):
        piece, said = _piece(raw)
        if len(pieces) >= MOST_OWN_CELLS and not piece.grade_id:
            cut += 1
            continue
        if piece.source.strip() or piece.grade_id or piece.cell_id:
            pieces.append(piece)
        if said:
            problems.append(Problem("note", "repaired", piece.grade_id, said))
    if cut:
        said = f"{cut:,} cells were left out: more than {MOST_OWN_CELLS:,} cells."
        problems.append(Problem("warning", "repaired", "", said))
    return pieces, problems


def _raw_cells(submitted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sheets = submitted.get("worksheets")
    holders = [submitted, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in cells or () if isinstance(cell, dict))


def _piece(raw: dict[str, Any]) -> tuple[Piece, str]:
    """One cell of any format, and what was damaged in it."""
    said = ""
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        source, said = "", "A cell whose text was damaged is empty now."
    if len(source) > LARGEST_CELL:
        source, said = source[:LARGEST_CELL], f"A cell was cut after {LARGEST_CELL:,} characters."
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:
        source = source.encode("utf-8", "replace").decode("utf-8")
        said = "A broken character in a cell, half of an emoji for example, was replaced."
    metadata = raw.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    cell_id, kind = raw.get("id"), raw.get("cell_type")
    piece = Piece(
        "code" if kind == "code" else "markdown",
        source.replace("\r\n", "\n").replace("\r", "\n"),
        grade_id if isinstance(grade_id, str) else "",
        cell_id if isinstance(cell_id, str) else "",
        _attachments(raw.get("attachments")),
    )
    return piece, said


def _attachments(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict) or len(repr(raw)) > LARGEST_ATTACHMENTS:
        return {}
    good = {
        name: {kind: data for kind, data in bundle.items() if isinstance(data, str)}
        for name, bundle in raw.items()
        if isinstance(name, str) and isinstance(bundle, dict)
    }
    return {name: bundle for name, bundle in good.items() if bundle}


# --- which cell is it? ----------------------------------------------------------------------------


def _recognize(pieces: list[Piece], release: Any, names: dict[str, Any]) -> list[Problem]:
    """Give each piece the name of the instructor's cell that it is."""
    problems = []
    for piece in pieces:
        piece.known = piece.grade_id if piece.grade_id in names else ""
    seen = {piece.known for piece in pieces}
    by_id = {cell.get("id"): name for name, cell in names.items() if cell.get("id")}
    for piece in pieces:
        name = by_id.get(piece.cell_id, "")
        if not piece.known and name and name not in seen:
            piece.known = name
            seen.add(name)
            problems.append(_found(name, "by the id of its cell"))
    for piece in pieces:
        for name, cell in names.items():
            same = is_locked(cell) and piece.source.strip() == cell.source.strip() != ""
            if not piece.known and name not in seen and same:
                piece.known = name
                seen.add(name)
    problems += _between_neighbors(pieces, list(names), names, seen)
    return problems


def _between_neighbors(
    pieces: list[Piece], order: list[str], names: dict[str, Any], seen: set[str]
) -> list[Problem]:
    """Where one answer is missing between two known cells, the only unknown one there is it."""
    problems = []
    anchors = [-1, *(k for k, piece in enumerate(pieces) if piece.known), len(pieces)]
    for left, right in zip(anchors, anchors[1:], strict=False):
        first = order.index(pieces[left].known) + 1 if left >= 0 else 0
        last = order.index(pieces[right].known) if right < len(pieces) else len(order)
        missing = [
            name for name in order[first:last] if name not in seen and not is_locked(names[name])
        ]
        if len(missing) != 1:
            continue
        kind = names[missing[0]].cell_type
        unknown = [p for p in pieces[left + 1 : right] if p.kind == kind and p.source.strip()]
        if len(unknown) == 1:
            unknown[0].known = missing[0]
            seen.add(missing[0])
            problems.append(_found(missing[0], "by its place"))
    return problems


def _found(name: str, how: str) -> Problem:
    text = f"The hidden settings of {name} were lost; the cell was recognized {how}."
    return Problem("note", "repaired", name, text)


def _copies(pieces: list[Piece], names: dict[str, Any]) -> Iterator[Problem]:
    for name, count in Counter(piece.known for piece in pieces if piece.known).items():
        if count > 1 and not is_locked(names[name]):
            text = f"The answer {name} occurs {count} times; the last one that was edited counts."
            yield Problem("note", "repaired", name, text)


def _arrange(
    pieces: list[Piece], names: dict[str, Any]
) -> tuple[dict[str, Piece], dict[str, list[Piece]]]:
    """The piece that counts for each known cell, and the student's own cells before each.

    Of several copies of an answer the last one counts that is not the untouched one; the others
    run before it. The key of cells after the last known one is empty.
    """
    copies: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.known:
            copies.setdefault(piece.known, []).append(piece)
    answers = {}
    for name, found in copies.items():
        stub = code_of(names[name].source)
        edited = [piece for piece in found if code_of(piece.source) != stub]
        answers[name] = (edited or found)[-1]
    before: dict[str, list[Piece]] = {}
    waiting: list[Piece] = []
    for piece in pieces:
        chosen = piece.known and answers[piece.known] is piece
        if not piece.known:
            waiting.append(piece)
        elif not chosen and not is_locked(names[piece.known]):
            before.setdefault(piece.known, []).append(piece)
        elif chosen:
            before.setdefault(piece.known, []).extend(waiting)
            waiting = []
    before[""] = waiting
    return answers, before


def code_of(source: str) -> str:
    """A text without docstrings' and comments' lines, to tell whether somebody has answered."""
    try:
        return ast.unparse(_Bare().visit(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return source.strip()


class _Bare(ast.NodeTransformer):
    """Removes texts that stand alone."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node


def _own_cell(piece: Piece) -> Any:
    if piece.kind == "code":
        return new_code_cell(piece.source)
    return new_markdown_cell(piece.source)
