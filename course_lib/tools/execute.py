"""Executes chapters in parallel, and only those whose outputs are out of date."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from course_lib.tools import chapters as on_disk
from course_lib.tools import machine, report
from course_lib.tools.chapters import Chapter, ChapterError, Project, Source
from course_lib.tools.progress import Progress
from course_lib.tools.report import Outcome

TIMEOUTS = {"smoke": 120, "cpu": 600, "gpu": 3600}
DEFAULT_PEAK_MB = 1500.0
GPU_SHARE_MB = 8000.0


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
        executor: runs the notebooks; a pool of local processes by default. Another one has to see
            the same files.
        progress: where to show how far things are.

    Returns:
        One outcome for each chapter, in the order given. Failures are among them, not raised.

    Raises:
        ProjectError: nothing could start: ``_build`` cannot be written, or the profile is gpu and
            there is no GPU.
        KeyboardInterrupt: Ctrl-C; no kernel is left, and what had finished is kept.
    """
    if settings.profile == "gpu":
        machine.require_cuda()
    on_disk.check_writable(project.executed(settings.profile))
    progress = progress or Progress(quiet=True)
    outcomes, work = _examine(project, chapters, settings)
    for outcome in outcomes.values():
        progress.finished(outcome)
    try:
        if work:
            session = _Session(project, settings, work, executor, progress)
            with contextlib.closing(session.run()) as finished:
                for outcome in finished:
                    outcomes[outcome.chapter] = outcome
                    progress.finished(outcome)
    finally:
        report.write_reports(project, settings.profile, list(outcomes.values()))
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
    earlier = report.read_report(project, settings.profile).get("chapters", {})
    outcomes, work = {}, []
    for chapter in chapters:
        try:
            source = chapter.read()
            key = keys.of(source)
        except ChapterError as error:
            text = f"{_shown(project, error.path)}: {error.reason}"
            outcomes[chapter] = Outcome(chapter, "failed", failure=text)
            continue
        executed = on_disk.load_executed(chapter.executed(settings.profile))
        if not settings.force and on_disk.is_current(executed, key):
            outcomes[chapter] = _from_cache(chapter, source, executed["metadata"]["course"])
            continue
        known = earlier.get(chapter.slug, {})
        seconds = known.get("seconds") or float("inf")
        peak = known.get("peak_memory_mb") or DEFAULT_PEAK_MB
        work.append(_Work(chapter, source, key, seconds, peak))
    keys.save()
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


# --- running them ---------------------------------------------------------------------------------


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
        self.given, self.pool = executor, executor
        cores, memory = machine.available_cores(), machine.total_memory_mb()
        self.jobs = min(settings.jobs or default_jobs(settings.profile), len(work))
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
                except BaseException:
                    self._stop()
                    raise
                finally:
                    self._close_pool()

    def _schedule(self) -> Iterator[Outcome]:
        self.pool = self.pool or _local_pool(self.jobs)
        while self.waiting or self.running:
            while self.waiting and self._may_start(self.waiting[0]):
                self._start(self.waiting.pop(0))
            self.progress.show(self._states(), len(self.waiting))
            done, _ = concurrent.futures.wait(
                self.running, timeout=0.2, return_when=concurrent.futures.FIRST_COMPLETED
            )
            lost = {future for future in done if self._is_lost(future)}
            for future in done - lost:
                yield self._collect(self.running.pop(future), future)
            if lost:
                yield from self._recover()

    def _is_lost(self, future: Future) -> bool:
        return self.given is None and isinstance(future.exception(), BrokenProcessPool)

    def _may_start(self, work: _Work) -> bool:
        """Whether a core is free, and memory for this notebook and the growth of the others."""
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
        return machine.available_memory_mb() - growth >= work.peak_mb

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
        """A worker process died and broke the pool; try its notebooks again, one at a time."""
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
        if self.given is None and self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def _kernels(self) -> contextlib.AbstractContextManager[str | None]:
        """A nursery of warm kernels where it helps; its value is the address, or None."""
        from course_lib.tools import warm, worker

        possible = sys.platform.startswith("linux") and self.given is None
        if not (self.settings.warm and possible and len(self.waiting) > 1):
            return contextlib.nullcontext()
        return warm.nursery(worker.kernel_environment(self.threads, self.project.library.parent))


def default_jobs(profile: str) -> int:
    """Notebooks at a time: one for each core, as far as memory and, for gpu, the GPU's allow."""
    fitting = [machine.available_cores(), int(machine.total_memory_mb() // DEFAULT_PEAK_MB)]
    if profile == "gpu" and (gpu := machine.gpu()):
        fitting.append(int(gpu.memory_mb // GPU_SHARE_MB))
    return max(1, min(fitting))


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
