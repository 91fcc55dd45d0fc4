"""``report.json`` and ``claims.json``: what the runs of a profile measured."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from course_lib.tools.chapters import (
    Chapter,
    Project,
    Source,
    installed_version,
    load_json,
    write_atomic,
)
from course_lib.tools.machine import device_name

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "ipykernel", "papermill", "jupyter-book")


@dataclass
class Outcome:
    """What became of one chapter.

    ``source`` is the text that was executed, or None when it could not be read; ``failure`` is the
    text to show.
    """

    chapter: Chapter
    status: str
    source: Source | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    failure: str | None = None


def read_report(project: Project, profile: str) -> dict[str, Any]:
    """``report.json`` of a profile, empty before the first run."""
    return load_json(project.executed(profile) / "report.json")


def write_reports(project: Project, profile: str, outcomes: list[Outcome]) -> None:
    """Update ``report.json`` and ``claims.json``.

    A chapter that was not in this run keeps its entries, as long as its text exists.
    """
    folder = project.executed(profile)
    with FileLock(folder / ".lock"):
        _write_report(project, profile, outcomes)
        _write_claims(project, profile, outcomes)


def _write_report(project: Project, profile: str, outcomes: list[Outcome]) -> None:
    report = read_report(project, profile)
    present = _slugs(project)
    kept = {s: entry for s, entry in report.get("chapters", {}).items() if s in present}
    entries = kept | {
        outcome.chapter.slug: {
            "seconds": outcome.seconds,
            "peak_memory_mb": outcome.peak_memory_mb,
            "status": outcome.status,
            "data": outcome.data,
            "claims": len(outcome.claims),
        }
        for outcome in outcomes
    }
    executed = any(outcome.status == "executed" for outcome in outcomes)
    if report.get("chapters") != entries or executed:
        versions = {name: installed_version(name) for name in PACKAGES}
        report = {
            "profile": profile,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": device_name(),
            "versions": {"python": platform.python_version()} | versions,
            "chapters": dict(sorted(entries.items())),
        }
        _write_json(project.executed(profile) / "report.json", report)


def _slugs(project: Project) -> set[str]:
    return {path.stem for path in project.book.rglob("*.md")}


def _write_claims(project: Project, profile: str, outcomes: list[Outcome]) -> None:
    """All claims of this profile, each with its chapter."""
    path = project.executed(profile) / "claims.json"
    old = load_json(path).get("claims", [])
    kept = _slugs(project) - {outcome.chapter.slug for outcome in outcomes}
    claims = [claim for claim in old if claim["chapter"] in kept]
    for outcome in outcomes:
        claims += [{"chapter": outcome.chapter.slug, **claim} for claim in outcome.claims]
    claims.sort(key=lambda claim: (claim["chapter"], claim["name"]))
    if claims != old or not path.exists():
        _write_json(path, {"profile": profile, "claims": claims})


def _write_json(path: Path, content: Any) -> None:
    write_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
