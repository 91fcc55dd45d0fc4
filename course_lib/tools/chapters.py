"""The project on disk: where things are, which chapters there are, and which are out of date."""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PROFILES = ("smoke", "cpu", "gpu")
EXECUTION_TAGS = ("parameters", "raises-exception", "skip-execution")
INJECTED = "injected-parameters"


class ProjectError(Exception):
    """The project cannot be used as it is; the message says what to do."""


class UnknownChapter(ProjectError):
    """A name on the command line is no chapter."""


class ChapterError(Exception):
    """One chapter cannot be read."""

    def __init__(self, path: Path, reason: str):
        super().__init__(reason)
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Project:
    """The folders of one copy of the course, all below ``root``."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project around a folder (the current one by default).

        Raises:
            ProjectError: neither the folder nor one above it has a ``_toc.yml``.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "_toc.yml").is_file():
                return cls(folder)
        raise ProjectError(
            f"no _toc.yml in {start} or above it; change to the folder of the course and try again"
        )

    @property
    def book(self) -> Path:
        return self.root / "book"

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def stage(self) -> Path:
        return self.build / "stage"

    @property
    def html(self) -> Path:
        return self.build / "html"

    @property
    def toc(self) -> Path:
        return self.root / "_toc.yml"

    @property
    def config(self) -> Path:
        return self.root / "_config.yml"

    @property
    def library(self) -> Path:
        """The source of ``course_lib``: this copy's own, otherwise the installed one."""
        own = self.root / "course_lib"
        return own if own.is_dir() else Path(__file__).parents[1]

    def executed(self, profile: str) -> Path:
        return self.build / "executed" / profile


@dataclass(frozen=True)
class Chapter:
    """One MyST notebook; ``docname`` is its path below ``book/`` without the suffix."""

    project: Project
    docname: str

    @property
    def slug(self) -> str:
        return self.docname.rpartition("/")[2]

    @property
    def source(self) -> Path:
        return self.project.book / f"{self.docname}.md"

    def executed(self, profile: str) -> Path:
        return self.project.executed(profile) / f"{self.docname}.ipynb"

    def read(self) -> Source:
        """Read the Markdown file.

        Raises:
            ChapterError: there is no such file, or it is not text.
        """
        return Source(self.source, _read_text(self.source))


@dataclass(frozen=True)
class Source:
    """The present Markdown of a chapter; its notebook is parsed when it is first asked for.

    All attributes but ``path``, ``text`` and ``digest`` raise :class:`ChapterError` when the text
    is not a MyST notebook.
    """

    path: Path
    text: str

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def _parsed(self) -> tuple[Any, list[int]]:
        from jupytext.myst import myst_to_notebook

        try:
            notebook = myst_to_notebook(self.text, add_source_map=True)
        except Exception as error:
            reason = f"not a valid MyST notebook: {_one_line(error)}"
            raise ChapterError(self.path, reason) from error
        starts = notebook.metadata.pop("source_map")
        for cell in notebook.cells:
            if not isinstance(cell.metadata.get("tags", []), list):
                raise ChapterError(self.path, f"the tags {cell.metadata['tags']!r} are not a list")
        return notebook, starts

    @property
    def notebook(self) -> Any:
        """The notebook without outputs."""
        return self._parsed[0]

    @property
    def starts(self) -> list[int]:
        """For each cell the line of the file, counted from 0, where it begins."""
        return self._parsed[1]

    @property
    def kernel(self) -> str:
        return _kernel_name(self.path, self.notebook.metadata)

    @property
    def code_cells(self) -> list:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @cached_property
    def lines(self) -> list[int]:
        """For each code cell the line of the file, counted from 1, where its code begins."""
        lines = self.text.splitlines()
        pairs = zip(self.starts, self.notebook.cells, strict=True)
        return [
            _skip_options(lines, start) + 1 for start, cell in pairs if cell.cell_type == "code"
        ]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChapterError(
            path, "listed in _toc.yml, but there is no such file; create it or remove the entry"
        ) from None
    except UnicodeDecodeError as error:
        raise ChapterError(path, f"not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _kernel_name(path: Path, metadata: dict) -> str:
    kernelspec = metadata.get("kernelspec")
    name = kernelspec.get("name") if isinstance(kernelspec, dict) else None
    if not isinstance(name, str):
        raise ChapterError(
            path,
            "the front matter names no kernel; it must begin in line 1 with '---', end with '---' "
            "and hold 'kernelspec:' with 'name: python3'",
        )
    return name


def _skip_options(lines: list[str], start: int) -> int:
    """The first line after the option block of a code cell, as jupytext reads it."""
    if lines[start].startswith("---"):
        ends = (n for n in range(start + 1, len(lines)) if lines[n].startswith("---"))
        return next(ends, start) + 1
    while start < len(lines) and lines[start].lstrip().startswith(":"):
        start += 1
    return start


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# --- which chapters there are ---------------------------------------------------------------------


def all_chapters(project: Project) -> list[Chapter]:
    """The notebooks of the table of contents, in reading order.

    Raises:
        ProjectError: ``_toc.yml`` cannot be read, or two chapters have the same file name.
    """
    chapters: dict[str, Chapter] = {}
    for docname in _documents(project):
        chapter = Chapter(project, docname)
        if not _claims_to_be_a_notebook(chapter.source):
            continue
        if chapter.slug in chapters and chapter.source.is_file():
            other = chapters[chapter.slug].docname
            raise ProjectError(f"two chapters are called {chapter.slug}: {other} and {docname}")
        chapters[chapter.slug] = chapter
    return list(chapters.values())


def select_chapters(project: Project, names: Iterable[str] = ()) -> list[Chapter]:
    """The chapters with these names, or all of them.

    A name is ``perceptron`` or ``linear-models/perceptron``; it may be a file below ``book/`` that
    ``_toc.yml`` does not list yet.

    Raises:
        UnknownChapter: a name fits no chapter; the message lists the nearest ones.
    """
    known = all_chapters(project)
    if not (names := list(names)):
        return known
    by_name = {chapter.slug: chapter for chapter in known}
    by_name |= {chapter.docname: chapter for chapter in known}
    return list(dict.fromkeys(_named(project, name, by_name) for name in names))


def _named(project: Project, name: str, by_name: dict[str, Chapter]) -> Chapter:
    wanted = name.removeprefix("book/").removesuffix(".md")
    if wanted in by_name:
        return by_name[wanted]
    for path in sorted(project.book.glob("**/*.md")):
        docname = path.relative_to(project.book).with_suffix("").as_posix()
        if wanted in (docname, path.stem) and _claims_to_be_a_notebook(path):
            return Chapter(project, docname)
    slugs = sorted({chapter.slug for chapter in by_name.values()})
    near = difflib.get_close_matches(wanted.rpartition("/")[2], slugs, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(slugs)}"
    raise UnknownChapter(f"no chapter is called {name!r}; {hint}")


def _documents(project: Project) -> Iterator[str]:
    for docname in toc_entries(load_yaml(project.toc)):
        if docname.startswith("book/"):
            yield docname.removeprefix("book/").removesuffix(".md")


def toc_entries(node: Any) -> Iterator[str]:
    """Every ``root`` and ``file`` of a parsed ``_toc.yml``, in reading order."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("root", "file") and isinstance(value, str):
                yield value
            else:
                yield from toc_entries(value)
    elif isinstance(node, list):
        for item in node:
            yield from toc_entries(item)


def load_yaml(path: Path) -> Any:
    """Read a YAML file of the project.

    Raises:
        ProjectError: the file is missing or is not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProjectError(f"cannot read {path}: {_one_line(error)}") from error


def _claims_to_be_a_notebook(path: Path) -> bool:
    """Whether the front matter mentions a kernel; a missing file counts, so that it is reported."""
    if not path.is_file():
        return True
    head = path.read_bytes()[:4000].decode("utf-8", "replace")
    matter = re.match(r"---\s*\n(.*?)(\n---\s*\n|\Z)", head, re.DOTALL)
    return bool(matter and re.search(r"^\s*(kernelspec|jupytext)\s*:", matter[1], re.MULTILINE))


# --- when an executed chapter is out of date ------------------------------------------------------


class Keys:
    """Computes the cache key of a chapter: all that can change its outputs, and nothing else.

    Parsing a chapter takes 50 ms, so what was found in a text is kept in ``_build`` by its hash.
    """

    def __init__(self, project: Project, profile: str):
        self.profile = profile
        self.common = {
            "format": 1,
            "profile": profile,
            "python": platform.python_version(),
            "torch": installed_version("torch"),
            "library": _library_digest(project.library),
            "constraints": _constraints(project.root / "constraints.txt"),
        }
        self._path = project.build / "executed" / ".parsed.json"
        self._parsed = load_json(self._path)
        self._size = len(self._parsed)

    def of(self, source: Source) -> str:
        """The key of a chapter's present code; its prose does not count.

        Raises:
            ChapterError: the text is not a MyST notebook.
        """
        if source.digest not in self._parsed:
            cells = [
                [cell.source, [t for t in EXECUTION_TAGS if t in cell.metadata.get("tags", [])]]
                for cell in source.code_cells
            ]
            self._parsed[source.digest] = _digest({"kernel": source.kernel, "cells": cells})
        return _digest(self.common | {"code": self._parsed[source.digest]})

    def save(self) -> None:
        """Keep what was parsed for the next time."""
        if len(self._parsed) != self._size:
            newest = dict(list(self._parsed.items())[-1000:])
            write_atomic(self._path, json.dumps(newest))


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def load_json(path: Path) -> dict[str, Any]:
    """A JSON file of the build folder, empty when it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return {}


def installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _library_digest(library: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(library.rglob("*")):
        parts = path.relative_to(library).parts
        if parts[0] == "tools" or "__pycache__" in parts or not path.is_file():
            continue
        digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _constraints(path: Path) -> list[str]:
    if not path.is_file():
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return sorted(line for line in lines if line)


def load_executed(path: Path) -> dict[str, Any] | None:
    """An executed notebook as plain JSON, or None when there is none that can be used."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return notebook if "key" in notebook["metadata"]["course"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_current(executed: dict[str, Any] | None, key: str) -> bool:
    """Whether an executed notebook can be used in place of running the chapter again."""
    if executed is None or executed["metadata"]["course"]["key"] != key:
        return False
    return not any(
        source == "stand-in" and _available(name)
        for name, source in executed["metadata"]["course"].get("data", {}).items()
    )


def _available(name: str) -> bool:
    """Whether the real data set can be had by now, so that outputs from the stand-in are stale."""
    from course_lib.data.sources import available

    try:
        return available(name)
    except (KeyError, OSError):
        return False


# --- files ----------------------------------------------------------------------------------------


def write_atomic(path: Path, text: str) -> None:
    """Write a whole file or nothing: a reader never sees half of it.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(folder: Path) -> None:
    """Find out before the work starts whether its results can be kept.

    Raises:
        ProjectError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(64 * 1024))
            file.flush()
    except OSError as error:
        raise ProjectError(
            f"cannot write to {folder} ({error.strerror}); free some space or change its "
            "permissions, then repeat"
        ) from error
