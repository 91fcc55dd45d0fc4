"""Where the book teaches what a task asks for."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from course_lib.tools.chapters import (
    Chapter,
    Project,
    ProjectError,
    load_yaml,
    select_chapters,
)

SECTIONS = Path("solutions/sections.yml")  # assignment: {task: heading in the chapter}


@dataclass(frozen=True)
class Place:
    """A place in the book: its name in words, its address, empty when the book has none yet."""

    name: str
    address: str = ""


@dataclass(frozen=True)
class Book:
    """The chapter that belongs to an assignment, in a course that has a book or in another one."""

    root: Path
    assignment: str

    def place(self, task: str) -> Place | None:
        """The section that teaches a task, or else the chapter; None in a course without a book."""
        if self._chapter is None:
            return None
        heading = self._sections.get(task)
        if heading is None:
            return Place(self._title, self._address)
        address = f"{self._address}#{anchor(heading)}" if self._address else ""
        return Place(f"{self._title}: {heading}", address)

    @cached_property
    def _chapter(self) -> Chapter | None:
        try:
            (chapter,) = select_chapters(Project(self.root), [self.assignment])
        except ProjectError:
            return None
        return chapter if chapter.source.is_file() else None

    @cached_property
    def _title(self) -> str:
        return next(iter(headings(self._chapter.source)), self.assignment)

    @cached_property
    def _address(self) -> str:
        """The page in the published book; ``COURSE_SITE`` or ``_config.yml`` says where that is."""
        path = self.root / "_config.yml"
        html = load_yaml(path).get("html", {}) if path.is_file() else {}
        site = (os.environ.get("COURSE_SITE") or html.get("baseurl") or "").rstrip("/")
        return f"{site}/{self._chapter.docname}.html" if site.startswith("https://") else ""

    @cached_property
    def _sections(self) -> dict[str, str]:
        path = self.root / SECTIONS
        found = load_yaml(path).get(self.assignment, {}) if path.is_file() else {}
        known = set(headings(self._chapter.source))
        return {task: heading for task, heading in found.items() if heading in known}


def headings(path: Path) -> Iterator[str]:
    """The headings of a chapter, its title first."""
    fence = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = re.match(r"(`{3,}|:{3,}|~{3,})", line)
        if mark and (not fence or line.strip() == fence):
            fence = "" if fence else mark[1]
        elif not fence and (found := re.match(r"#{1,3} +(.+?)\s*$", line)):
            yield found[1]


def anchor(heading: str) -> str:
    """The id that Sphinx gives to a section."""
    plain = unicodedata.normalize("NFKD", heading.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", plain))
