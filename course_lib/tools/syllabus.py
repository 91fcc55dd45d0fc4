"""The list of what the course covers, and where the chapters cover it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

MARKER = re.compile(r"^\s*%?\s*covers:\s*(.+)$")
ROW_ID = re.compile(r"[A-Z][A-Z0-9]{2}-\d{2}|E-\d{3}|X-\d{2}")


@dataclass(frozen=True)
class Row:
    """One thing that the course must teach.

    Attributes:
        id: ``PER-01`` for a concept, ``E-016`` for a corrected error, ``X-01`` for an experiment.
        title: a short name, with inline Markdown.
        kind: forms that are asked for: explain, derive, code, demo, exercise; or error, experiment.
        chapters: slugs of the chapters that may teach it; one of them must.
    """

    id: str
    title: str
    kind: tuple[str, ...]
    chapters: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """A planned chapter: its slug, part and title."""

    slug: str
    part: str
    title: str


@dataclass(frozen=True)
class Experiment:
    """An experiment of the source texts, and which of our claims to set beside what they say.

    ``measured`` maps a description to ``claim-name`` or ``claim-name:format``.
    """

    id: str
    data: str
    model: str
    settings: str
    claimed: str
    measured: dict[str, str]


@dataclass(frozen=True)
class Correction:
    """A statement of the source texts that is wrong or out of date, and the correct one."""

    id: str
    says: str
    correct: str


def experiments(path: Path) -> list[Experiment]:
    """The experiments of ``book/syllabus.yml``."""
    return [
        Experiment(
            x["id"], x["data"], x["model"], x["settings"], x["claimed"], x.get("measured", {})
        )
        for x in yaml.safe_load(path.read_text(encoding="utf-8"))["experiments"]
    ]


def corrections(path: Path) -> list[Correction]:
    """The corrected statements of ``book/syllabus.yml``."""
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["errors"]
    return [Correction(error["id"], error["says"], error["correct"]) for error in listed]


def load(path: Path) -> tuple[list[Chapter], list[Row]]:
    """Read ``book/syllabus.yml``.

    Returns:
        The planned chapters in order, and all rows: concepts, errors, experiments.
    """
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    chapters = [Chapter(c["slug"], c["part"], c["title"]) for c in listed["chapters"]]
    rows = [
        Row(row["id"], row["title"], tuple(row["kind"]), (chapter["slug"],))
        for chapter in listed["chapters"]
        for row in chapter["rows"]
    ]
    rows += [
        Row(error["id"], error["correct"], ("error",), (error["chapter"],))
        for error in listed["errors"]
    ]
    rows += [
        Row(x["id"], f"{x['data']}: {x['model']}", ("experiment",), tuple(x["chapters"]))
        for x in listed["experiments"]
    ]
    return chapters, rows


def covered(line: str) -> list[str]:
    """Row ids that a ``% covers: PER-01 E-016`` line names, empty for any other line.

    >>> covered("% covers: PER-01 E-016")
    ['PER-01', 'E-016']

    Raises:
        ValueError: the line holds something that is no row id.
    """
    match = MARKER.match(line)
    if not match:
        return []
    names = match.group(1).replace(",", " ").split()
    for name in names:
        if not ROW_ID.fullmatch(name):
            raise ValueError(
                f"{name!r} in {line.strip()!r} is not a row id such as PER-01, E-016 or X-01"
            )
    return names


def markers(markdown: str) -> list[str]:
    """All row ids that a chapter's source names, in order."""
    return [
        row
        for line in markdown.splitlines()
        if line.lstrip().startswith("%")
        for row in covered(line)
    ]
