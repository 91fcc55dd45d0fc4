"""A temporary copy of the project, so that a benchmark leaves the real one alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from course_lib.tools.chapters import Project

ROOT = Path(__file__).resolve().parents[1]


def copy_project(folder: Path) -> Project:
    """Copy the book, the library and the settings, without chapters that are not written yet."""
    ignored = shutil.ignore_patterns("*.ipynb", "__pycache__", ".*")
    for name in ("book", "course_lib"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("_config.yml", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc.get("parts", []):
        written = [c for c in part["chapters"] if (folder / f"{c['file']}.md").is_file()]
        part["chapters"] = written
    toc["parts"] = [part for part in toc.get("parts", []) if part["chapters"]]
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return Project(folder)


def course(project: Project, *arguments: str) -> None:
    """Run the ``course`` command of this checkout on a copy.

    Raises:
        RuntimeError: the command failed; the message ends with what it printed.
    """
    command = [sys.executable, "-m", "course_lib.tools.cli", *arguments]
    env = os.environ | {"PYTHONPATH": str(project.root)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
