"""Assembles the book from the present text and the executed notebooks, and builds it.

``_build/stage/`` is what Sphinx reads: the files of ``book/``, with every chapter replaced by an
``.ipynb`` that has the present Markdown and the outputs of the executed notebook. A file is only
written when its content changed, so Sphinx reads again only what changed.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import yaml
from filelock import FileLock, Timeout

from course_lib.tools import chapters as on_disk
from course_lib.tools.chapters import INJECTED, Project, ProjectError, Source

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SKIPPED_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}


class BuildError(Exception):
    """Sphinx did not build the book; it has said why."""


@dataclass(frozen=True)
class Page:
    """The text of a chapter and the notebook that was executed for it, or None when that failed."""

    docname: str
    source: Source
    executed: Path | None

    @property
    def name(self) -> str:
        """The staged file."""
        return f"{self.docname}.ipynb"

    def fingerprint(self) -> list:
        """Says whether the staged file is still the right one, without making it."""
        stat = self.executed.stat() if self.executed else None
        made = [stat.st_mtime_ns, stat.st_size] if stat else None
        return [self.source.digest, made, Path(__file__).stat().st_mtime_ns]

    def content(self) -> bytes:
        """The staged file."""
        executed = on_disk.load_executed(self.executed) if self.executed else None
        notebook = merge(self.source, executed)
        return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True).encode()


def render(
    project: Project, pages: Iterable[Page], builder: str = "html", strict: bool = False
) -> Path:
    """Bring the stage up to date and build it, one process at a time; see :func:`build`."""
    lock = FileLock(project.build / "book.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print("Waiting for another build of this book to end ...", flush=True)
        lock.acquire()
    try:
        changed = len(assemble(project, pages))
        print(f"{changed} file{'s' * (changed != 1)} of the book changed.", flush=True)
        return build(project, builder, strict)
    finally:
        lock.release()


def assemble(project: Project, pages: Iterable[Page]) -> list[Path]:
    """Bring ``_build/stage/`` up to date.

    Returns:
        The staged files that changed, appeared or disappeared.

    Raises:
        ProjectError: ``_toc.yml`` or ``_config.yml`` cannot be read.
    """
    pages = list(pages)
    record = project.build / "stage.json"
    known, found = on_disk.load_json(record), {page.name: page.fingerprint() for page in pages}
    wanted: dict[str, bytes | None] = {}
    for page in pages:
        done = known.get(page.name) == found[page.name] and (project.stage / page.name).is_file()
        wanted[page.name] = None if done else page.content()
    for path in _book_files(project.book):
        name = path.relative_to(project.book).as_posix()
        if path.suffix != ".md" or f"{name.removesuffix('.md')}.ipynb" not in wanted:
            wanted[name] = path.read_bytes()
    for source in (project.toc, project.config):
        wanted[source.name] = _without_book_prefix(on_disk.load_yaml(source))
    changed = _synchronize(project.stage, wanted)
    if found != known:
        on_disk.write_atomic(record, json.dumps(found))
    return changed


def merge(source: Source, executed: dict[str, Any] | None) -> dict[str, Any]:
    """The present text of a chapter with the outputs of its executed code cells, in their order.

    The cell that papermill injects is left out, and so is the state of widgets: the page has no
    kernel. With the source map, Sphinx names lines of the Markdown file in its warnings.
    """
    notebook = json.loads(json.dumps(source.notebook))
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"]["source_map"] = source.starts
    if executed is None:
        return notebook
    done = [
        cell
        for cell in executed["cells"]
        if cell["cell_type"] == "code" and INJECTED not in cell["metadata"].get("tags", [])
    ]
    present = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, old) in enumerate(zip(present, done, strict=True), start=1):
        cell["outputs"] = [_without_widget(output) for output in old["outputs"]]
        cell["execution_count"] = number
    language = executed["metadata"].get("language_info")
    if language:
        notebook["metadata"]["language_info"] = language
    record = executed["metadata"]["course"]
    notebook["metadata"]["course"] = {
        name: record[name] for name in ("seconds", "peak_memory_mb", "profile", "date", "data")
    }
    return notebook


def _without_widget(output: dict[str, Any]) -> dict[str, Any]:
    output = copy.deepcopy(output)
    if "data" in output:
        output["data"].pop(WIDGET_VIEW, None)
    if "execution_count" in output:
        output["execution_count"] = None
    return output


def _book_files(book: Path) -> Iterable[Path]:
    """The files to copy; notebooks are the authors' paired copies and stay out."""
    for folder, folders, names in os.walk(book):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for name in sorted(names):
            if not name.endswith(".ipynb") and not name.startswith("."):
                yield Path(folder, name)


def _without_book_prefix(content: Any) -> bytes:
    """In the stage, ``book/`` is the top, so that no address begins with ``book/``."""

    def strip(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: strip(value) for key, value in node.items()}
        if isinstance(node, list):
            return [strip(value) for value in node]
        return node.removeprefix("book/") if isinstance(node, str) else node

    return yaml.safe_dump(strip(content), sort_keys=False, allow_unicode=True).encode()


def _synchronize(folder: Path, wanted: dict[str, bytes | None]) -> list[Path]:
    """Make a folder hold exactly these files; write only those that differ (None: is right)."""
    changed = []
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
            changed.append(path)
    for name, content in wanted.items():
        path = folder / name
        if content is not None and not (path.is_file() and path.read_bytes() == content):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    return changed


def build(project: Project, builder: str = "html", strict: bool = False) -> Path:
    """Run Jupyter Book on the stage.

    Args:
        project: the course; its stage has been assembled.
        builder: a builder of Sphinx: html, linkcheck, latex …
        strict: read everything again and fail on any warning, unresolved references among them.

    Returns:
        The folder that holds the result.

    Raises:
        BuildError: Sphinx failed, or there was a warning in a strict build.
    """
    from jupyter_book.sphinx import build_sphinx
    from sphinx.util.console import nocolor

    if not sys.stdout.isatty():
        nocolor()
    overrides = {
        "latex_individualpages": False,
        "external_toc_path": str(project.stage / "_toc.yml"),
    }
    output = project.build / builder
    # Sphinx makes millions of objects that live until it ends; looking for garbage among them takes
    # a fifth of its time.
    gc.set_threshold(200_000, 50, 100)
    # In one process: sphinx-proof and others cannot merge what parallel readers found.
    with contextlib.redirect_stderr(_SourcePaths(project, sys.stderr)):
        result = build_sphinx(
            project.stage,
            output,
            noconfig=True,
            path_config=project.stage / "_config.yml",
            confoverrides=overrides | ({"nitpicky": True} if strict else {}),
            builder=builder,
            warningiserror=strict,
            keep_going=strict,
            freshenv=strict,
            force_all=strict,
            quiet=not sys.stdout.isatty(),
        )
    if isinstance(result, KeyboardInterrupt):
        raise result
    if result != 0:
        reason = f": {result}" if isinstance(result, BaseException) else ""
        raise BuildError(f"the book was not built{reason}; the messages above say what to mend")
    return output


class _SourcePaths(io.TextIOBase):
    """Passes on what Sphinx warns about, with the files that authors edit for the staged ones."""

    def __init__(self, project: Project, stream: TextIO):
        self.staged = re.compile(
            re.escape(f"{project.stage}{os.sep}") + r"([^:\n]*?)(\.ipynb)?(?=:)"
        )
        self.book, self.stream = project.book, stream

    def write(self, text: str) -> int:
        return self.stream.write(self.staged.sub(self._source, text))

    def _source(self, match: re.Match) -> str:
        return f"{self.book}{os.sep}{match[1]}{'.md' if match[2] else ''}"

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


def clean(project: Project) -> bool:
    """Remove everything generated; False when there was nothing."""
    import shutil

    if not project.build.exists():
        return False
    if project.build.is_symlink():
        raise ProjectError(f"{project.build} is a link; remove it yourself")
    shutil.rmtree(project.build)
    return True
