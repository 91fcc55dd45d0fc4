"""Executes chapters in parallel, and only those whose outputs are out of date."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from course_lib.tools import chapters as on_disk
from course_lib.tools.chapters import Chapter, ChapterError, Project, ProjectError, Source
from course_lib.tools.progress import Progress

TIMEOUTS = {"smoke": 120, "cpu": 600, "gpu": 3600}
DEFAULT_PEAK_MB = 1500.0
MB = 1024 * 1024
PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "ipykernel", "papermill", "jupyter-book")


class NoDevice(ProjectError):
    """The gpu profile was asked for on a machine where PyTorch sees no GPU."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; no kernel is left, and what had finished is kept."""


@dataclass(frozen=True)
class Settings:
    """How to execute; None means a default that fits the machine or the profile."""

    profile: str = "cpu"
    jobs: int | None = None
    force: bool = False
    timeout: int | None = None
    memory_limit: float | None = None
    output_limit: float = 10
    warm: bool = True


@dataclass
class Outcome:
    """What became of one chapter.

    ``source`` is the text that was executed, None when it could not be read; ``failure`` is the text to show.
    """

    chapter: Chapter
    status: str
    source: Source | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    failure: str | None = None


def run(
    project: Project,
    chapters: list[Chapter],
    settings: Settings,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Bring the executed notebooks of some chapters up to date.

    Args:
        project: the course.
        chapters: what to execute, see :func:`course_lib.tools.chapters.select_chapters`.
        settings: profile, limits and so on.
        executor: runs the notebooks; a pool of local processes by default. It has to see the same files.
        progress: where to show how far things are.

    Returns:
        One outcome for each chapter, in the order given. Failures are among them, not raised.

    Raises:
        ProjectError: nothing could start: ``_build`` cannot be written, or there is no GPU for the gpu profile.
        Interrupted: Ctrl-C or SIGTERM.
    """
    if settings.profile == "gpu":
        _require_cuda()
    on_disk.check_writable(project.executed(settings.profile))
    progress = progress or Progress(quiet=True)
    outcomes, work = _examine(project, chapters, settings)
    for outcome in outcomes.values():
        progress.finished(outcome)
    try:
        if work:
            session = _Session(project, settings, work, executor, progress)
            for outcome in session.run():
                outcomes[outcome.chapter] = outcome
                progress.finished(outcome)
    finally:
        _write_reports(project, settings.profile, list(outcomes.values()))
    return [outcomes[chapter] for chapter in chapters]


@dataclass(frozen=True)
class _Work:
    """A chapter that has to be executed."""

    chapter: Chapter
    source: Source
    key: str
    seconds: float
    peak_mb: float


def _examine(
    project: Project, chapters: list[Chapter], settings: Settings
) -> tuple[dict[Chapter, Outcome], list[_Work]]:
    """Tell the chapters that are done, or cannot be read, from those to execute."""
    keys = on_disk.Keys(project, settings.profile)
    earlier = read_report(project, settings.profile).get("chapters", {})
    outcomes, work = {}, []
    for chapter in chapters:
        try:
            source = chapter.read()
        except ChapterError as error:
            text = f"{_shown(project, error.path)}: {error.reason}"
            outcomes[chapter] = Outcome(chapter, "failed", failure=text)
            continue
        key = keys.of(source)
        executed = on_disk.load_executed(chapter.executed(settings.profile))
        if not settings.force and on_disk.is_current(executed, key):
            outcomes[chapter] = _from_cache(chapter, source, executed["metadata"]["course"])
            continue
        known = earlier.get(chapter.slug, {})
        seconds = known.get("seconds") or float("inf")
        peak = known.get("peak_memory_mb") or DEFAULT_PEAK_MB
        work.append(_Work(chapter, source, key, seconds, peak))
    return outcomes, sorted(work, key=lambda item: -item.seconds)


def _from_cache(chapter: Chapter, source: Source, record: dict[str, Any]) -> Outcome:
    return Outcome(
        chapter,
        "cached",
        source,
        record["seconds"],
        record["peak_memory_mb"],
        record["claims"],
        record["data"],
    )


def _shown(project: Project, path: Path) -> str:
    """A path as the author would type it."""
    return (
        path.relative_to(project.root).as_posix()
        if path.is_relative_to(project.root)
        else str(path)
    )


# --- running them ---------------------------------------------------------------------------------------------------


class _Session:
    """One run: hands out work as cores and memory allow, and leaves nothing behind."""

    def __init__(
        self,
        project: Project,
        settings: Settings,
        work: list[_Work],
        executor: Executor | None,
        progress: Progress,
    ):
        self.project, self.settings, self.progress = project, settings, progress
        self.waiting = list(work)
        self.running: dict[Future, _Work] = {}
        self.broken: set[Chapter] = set()
        self.given = executor
        cores, memory = available_cores(), total_memory_mb()
        fitting = max(1, int(memory // DEFAULT_PEAK_MB))
        self.jobs = max(1, min(settings.jobs or min(cores, fitting), len(work)))
        self.threads = max(1, cores // self.jobs)
        self.memory_limit = settings.memory_limit or 0.8 * memory / self.jobs
        self.timeout = settings.timeout or TIMEOUTS[settings.profile]

    def run(self) -> Iterator[Outcome]:
        folder = self.project.build / "executed"
        with tempfile.TemporaryDirectory(dir=folder, prefix=".run-") as name:
            self.folder = Path(name)
            with self._kernels() as self.nursery:
                try:
                    yield from self._schedule()
                except BaseException as error:
                    self._stop()
                    if isinstance(error, KeyboardInterrupt):
                        raise Interrupted from None
                    raise
                finally:
                    self._close_pool()

    def _schedule(self) -> Iterator[Outcome]:
        self.pool = self.given or _local_pool(self.jobs)
        while self.waiting or self.running:
            while self.waiting and self._may_start(self.waiting[0]):
                self._start(self.waiting.pop(0))
            done, _ = concurrent.futures.wait(
                self.running, timeout=0.2, return_when=concurrent.futures.FIRST_COMPLETED
            )
            self.progress.show(self._states(), len(self.waiting))
            lost = [future for future in done if isinstance(future.exception(), BrokenProcessPool)]
            for future in done:
                if future not in lost:
                    yield self._collect(self.running.pop(future), future)
            if lost:
                yield from self._recover()

    def _may_start(self, work: _Work) -> bool:
        """Whether a core is free, and memory for what the running notebooks and this one will need."""
        if not self.running:
            return True
        if len(self.running) >= self.jobs:
            return False
        if self.given is not None:
            return True
        states = self._states()
        growth = sum(
            max(0.0, other.peak_mb - states[other.chapter.slug].get("memory_mb", 0.0))
            for other in self.running.values()
        )
        return available_memory_mb() - growth >= work.peak_mb

    def _start(self, work: _Work) -> None:
        from course_lib.tools import worker

        chapter, profile = work.chapter, self.settings.profile
        task = worker.Task(
            slug=chapter.slug,
            notebook=json.loads(json.dumps(work.source.notebook)),
            kernel=work.source.kernel,
            key=work.key,
            profile=profile,
            folder=chapter.source.parent,
            output=chapter.executed(profile),
            state=self.folder / f"{chapter.slug}.json",
            stop=self.folder / "stop",
            timeout=self.timeout,
            memory_limit=self.memory_limit,
            output_limit=self.settings.output_limit,
            threads=self.threads,
            python_path=self.project.library.parent,
            nursery=self.nursery,
        )
        self.progress.started(chapter.slug, len(work.source.code_cells))
        self.running[self.pool.submit(worker.execute, task)] = work

    def _collect(self, work: _Work, future: Future) -> Outcome:
        if (error := future.exception()) is not None:
            text = f"{_shown(self.project, work.chapter.source)}: {type(error).__name__}: {error}"
            return Outcome(work.chapter, "failed", work.source, failure=text)
        result = future.result()
        failure = None
        if result.failure:
            failure = describe_failure(self.project, work.chapter, work.source, result.failure)
        return Outcome(
            work.chapter,
            result.status,
            work.source,
            result.seconds,
            result.peak_memory_mb,
            result.claims,
            result.data,
            failure,
        )

    def _recover(self) -> Iterator[Outcome]:
        """A worker process died and took the pool with it; give its notebooks one more try, one at a time."""
        lost, self.running = list(self.running.values()), {}
        self._close_pool()
        self.pool, self.jobs = _local_pool(1), 1
        for work in lost:
            if work.chapter in self.broken:
                text = "its worker process was killed twice; the machine may be short of memory"
                path = _shown(self.project, work.chapter.source)
                yield Outcome(work.chapter, "failed", work.source, failure=f"{path}: {text}")
            else:
                self.broken.add(work.chapter)
                self.waiting.insert(0, work)

    def _states(self) -> dict[str, dict[str, Any]]:
        """What the monitors of the running notebooks wrote last."""
        states = {}
        for work in self.running.values():
            states[work.chapter.slug] = {}
            with contextlib.suppress(OSError, ValueError):
                text = (self.folder / f"{work.chapter.slug}.json").read_text(encoding="utf-8")
                states[work.chapter.slug] = json.loads(text)
        return states

    def _stop(self) -> None:
        """Have the monitors kill their kernels; after five seconds kill what is left."""
        (self.folder / "stop").touch()
        states = self._states()
        with contextlib.suppress(KeyboardInterrupt):
            concurrent.futures.wait(self.running, timeout=5)
        if not all(future.done() for future in self.running):
            for pid in [pid for state in states.values() for pid in state.get("pids", [])]:
                with contextlib.suppress(psutil.Error):
                    psutil.Process(pid).kill()
            for process in multiprocessing.active_children():
                process.kill()

    def _close_pool(self) -> None:
        if self.given is None and hasattr(self, "pool"):
            self.pool.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def _kernels(self) -> Iterator[str | None]:
        """Yield the address of a nursery of warm kernels, or None."""
        yield None


def _local_pool(jobs: int) -> Executor:
    from course_lib.tools import worker

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["course_lib.tools.worker"])
    return concurrent.futures.ProcessPoolExecutor(
        jobs, mp_context=context, initializer=worker.start_worker
    )


def describe_failure(project: Project, chapter: Chapter, source: Source, failure: Any) -> str:
    """A failure with the place in the Markdown file: ``book/part/slug.md:120, code cell 7: …``."""
    place, where = _shown(project, chapter.source), ""
    if failure.cell is not None:
        first = source.lines[failure.cell]
        place = f"{place}:{first + (failure.line or 1) - 1}"
        where = f" code cell {failure.cell + 1} of {len(source.lines)}:"
    return f"{place}:{where} {failure.reason}\n{failure.traceback}".rstrip()


# --- the machine ----------------------------------------------------------------------------------------------------


def available_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory_mb() -> float:
    """Memory of the machine, or of the container when that has less."""
    limit, _ = _container_memory()
    return min(psutil.virtual_memory().total, limit) / MB


def available_memory_mb() -> float:
    """Memory that more notebooks may occupy now."""
    limit, used = _container_memory()
    return min(psutil.virtual_memory().available, limit - used) / MB


def _container_memory() -> tuple[float, float]:
    """Limit and use of this container in bytes (control groups, version 2 then 1); infinity when there is no limit.

    Cached files that the kernel can drop at any time do not count as used.
    """
    for folder, limit, used, droppable in (
        ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        (
            "/sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    ):
        root = Path(folder)
        with contextlib.suppress(OSError, ValueError, KeyError):
            stat = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
            occupied = float((root / used).read_text()) - float(stat[droppable])
            return float((root / limit).read_text()), occupied
    return float("inf"), 0.0


def _require_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise NoDevice(
            "the gpu profile needs a CUDA device and PyTorch sees none; use --profile cpu, or run this on a "
            "machine with an NVIDIA GPU and a CUDA build of PyTorch"
        )


def device_name() -> str:
    """The GPU if there is one, otherwise the processor."""
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
            return answer.stdout.splitlines()[0].strip()
    with contextlib.suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = [line for line in lines if line.startswith("model name")][0].partition(":")[2]
        return f"{name.strip()}, {available_cores()} cores"
    return f"{platform.processor() or platform.machine()}, {available_cores()} cores"


# --- reports --------------------------------------------------------------------------------------------------------


def read_report(project: Project, profile: str) -> dict[str, Any]:
    """``report.json`` of a profile, empty before the first run."""
    try:
        return json.loads((project.executed(profile) / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_reports(project: Project, profile: str, outcomes: list[Outcome]) -> None:
    """Update ``report.json`` and ``claims.json``; a chapter that was not in this run keeps its entries."""
    report = read_report(project, profile)
    entries = report.get("chapters", {}) | {
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
        versions = {name: on_disk.installed_version(name) for name in PACKAGES}
        report = {
            "profile": profile,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": device_name(),
            "versions": {"python": platform.python_version()} | versions,
            "chapters": dict(sorted(entries.items())),
        }
        _write_json(project.executed(profile) / "report.json", report)
    _write_claims(project.executed(profile) / "claims.json", profile, outcomes)


def _write_claims(path: Path, profile: str, outcomes: list[Outcome]) -> None:
    """All claims of this profile, each with its chapter."""
    old: list[dict[str, Any]] = []
    with contextlib.suppress(OSError, ValueError, KeyError):
        old = json.loads(path.read_text(encoding="utf-8"))["claims"]
    new_slugs = {outcome.chapter.slug for outcome in outcomes}
    claims = [claim for claim in old if claim["chapter"] not in new_slugs]
    for outcome in outcomes:
        claims += [{"chapter": outcome.chapter.slug, **claim} for claim in outcome.claims]
    claims.sort(key=lambda claim: (claim["chapter"], claim["name"]))
    if claims != old or not path.exists():
        _write_json(path, {"profile": profile, "claims": claims})


def _write_json(path: Path, content: Any) -> None:
    on_disk.write_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
