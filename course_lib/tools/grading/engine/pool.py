"""Many jobs at once: on this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from course_lib.tools.grading.engine.job import Job, Result
from course_lib.tools.grading.engine.nursery import Lost, Nursery

TRIES = 3

_lock = threading.Lock()
_nurseries: dict[bool, Nursery] = {}  # of this process
_ended = threading.Event()  # nobody wants jobs any more


def execute(data: dict[str, Any], contained: bool) -> dict[str, Any]:
    """Run a job on the machine that this is called on; it keeps a nursery for the next one.

    Raises:
        Lost: the worker was killed again and again.
        NoSandbox: the sandbox cannot be had there.
    """
    job = Job.from_json(data)
    for attempt in range(TRIES):
        nursery = _nursery(contained)
        try:
            return nursery.run(job).to_json()
        except Lost:
            if attempt == TRIES - 1:
                raise
            _discard(contained, nursery)
    raise AssertionError("not reached")


def _nursery(contained: bool) -> Nursery:
    with _lock:
        if _ended.is_set():
            raise Lost("grading was ended")
        nursery = _nurseries.get(contained)
        if nursery is None or nursery.process.poll() is not None:
            nursery = _nurseries[contained] = Nursery(contained)
        return nursery


def _discard(contained: bool, nursery: Nursery) -> None:
    """Forget a nursery that has ended; one that has lost a single job goes on."""
    with _lock:
        if nursery.process.poll() is not None and _nurseries.get(contained) is nursery:
            del _nurseries[contained]
            nursery.close()


def close() -> None:
    """End the nurseries of this process; jobs that still run are lost."""
    with _lock:
        _ended.set()
        while _nurseries:
            _nurseries.popitem()[1].close()


class Pool:
    """Takes jobs and gives futures of results."""

    def __init__(self, executor: Executor, contained: bool):
        self.executor, self.contained = executor, contained

    def submit(self, job: Job) -> Future:
        return self.executor.submit(execute, job.to_json(), self.contained)

    @staticmethod
    def result(future: Future) -> Result:
        return Result.from_json(future.result())


@contextlib.contextmanager
def local(jobs: int, contained: bool) -> Iterator[Pool]:
    """So many jobs at a time on this machine.

    Raises:
        NoSandbox: the sandbox cannot be had here.
    """
    _ended.clear()
    _nursery(contained)
    executor = ThreadPoolExecutor(jobs)
    try:
        yield Pool(executor, contained)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        close()


@contextlib.contextmanager
def cluster(address: str, contained: bool) -> Iterator[Pool]:
    """Jobs on the workers of a Dask scheduler.

    A worker that is lost has its jobs run again by others; that is Dask's doing.

    Raises:
        OSError: nobody answers at the address.
    """
    from distributed import Client

    with Client(address, timeout=10, set_as_default=False) as client:
        yield Pool(client.get_executor(pure=False, retries=TRIES), contained)
