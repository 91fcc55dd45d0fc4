"""Makes small projects in a temporary folder, for the tests of the tools."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from course_lib.tools.chapters import Project

FRONT_MATTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---
"""


def notebook(*cells: str, title: str = "A chapter", front_matter: str = FRONT_MATTER) -> str:
    """A MyST notebook with a parameters cell and these code cells."""
    parts = [front_matter, f"# {title}\n", cell('PROFILE = "cpu"', ":tags: [parameters]\n")]
    return "\n".join([*parts, *(cell(code) for code in cells)])


def cell(code: str, options: str = "") -> str:
    """A code cell with a line of prose before it."""
    return f"Some prose.\n\n```{{code-cell}} ipython3\n{options}{code}\n```\n"


def claim(name: str, value: float, ok: bool = True) -> str:
    """Code that records a claim as ``course_lib.claim`` does, without importing PyTorch."""
    record = {"name": name, "value": value, "low": 0, "high": None, "setting": "smoke"}
    record |= {"profile": "smoke", "source": None, "ok": ok}
    return _display({"claim": record})


def used_data(name: str, source: str) -> str:
    """Code that records a data set as ``course_lib.data`` does."""
    return _display({"data": {"name": name, "source": source}})


def _display(record: dict) -> str:
    return (
        "from IPython.display import display\n"
        f"display({{'text/plain': 'recorded'}}, raw=True, metadata={{'course': {record!r}}})"
    )


def make_project(root: Path, chapters: dict[str, str], toc: Iterable[str] | None = None) -> Project:
    """Write a project whose chapters are given by their path below ``book/``."""
    for name, text in {"index": "# The book\n", **chapters}.items():
        path = root / "book" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "course_lib").mkdir(exist_ok=True)
    (root / "course_lib" / "__init__.py").touch()
    (root / "constraints.txt").write_text("torch==2.0\n")
    entries = "".join(f"- file: book/{name}\n" for name in toc or chapters)
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{entries}")
    (root / "_config.yml").write_text("title: A book\nexecute: {execute_notebooks: 'off'}\n")
    return Project(root)
