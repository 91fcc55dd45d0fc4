"""Many jobs at once: on this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from course_lib.tools.grading.course import GradingError
from course_lib.tools.grading.engine.job import Job, Result
from course_lib.tools.grading.engine.nursery import Lost, Nursery

TRIES = 5  # of a job whose worker is lost
PATIENCE = 10  # seconds, for a cluster to answer

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
        try:
            return _nursery(contained).run(job).to_json()
        except Lost:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("not reached")


def _nursery(contained: bool) -> Nursery:
    """The nursery of this process; a new one where there is none, or somebody has killed it."""
    with _lock:
        if _ended.is_set():
            raise Lost("grading was ended")
        nursery = _nurseries.get(contained)
        if nursery is not None and nursery.process.poll() is not None:
            _nurseries.pop(contained).close()
            nursery = None
        if nursery is None:
            nursery = _nurseries[contained] = Nursery(contained)
        return nursery


def close() -> None:
    """End the nurseries of this process; jobs that still run are lost."""
    with _lock:
        _ended.set()
        while _nurseries:
            _nurseries.popitem()[1].close()


class Pool:
    """Takes jobs and gives futures of results.

    Attributes:
        size: how many jobs it runs at a time.
    """

    def __init__(self, executor: Executor, contained: bool, size: int):
        self.executor, self.contained, self.size = executor, contained, size

    def submit(self, job: Job) -> Future:
        return self.executor.submit(execute, job.to_json(), self.contained)

    @staticmethod
    def result(future: Future) -> Result:
        return Result.from_json(future.result())


@contextlib.contextmanager
def local(jobs: int, contained: bool) -> Iterator[Pool]:
    """So many jobs at a time on this machine."""
    _ended.clear()
    _nursery(contained)  # starts while the first jobs are prepared
    executor = ThreadPoolExecutor(jobs)
    try:
        yield Pool(executor, contained, jobs)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        close()


@contextlib.contextmanager
def cluster(address: str, contained: bool) -> Iterator[Pool]:
    """Jobs on the workers of a Dask scheduler.

    A worker that is lost has its jobs run again by others; that is Dask's doing.

    Raises:
        GradingError: Dask is not installed, nobody answers at the address, or there are no workers.
    """
    try:
        from distributed import Client
        from distributed.comm import resolve_address
    except ModuleNotFoundError as error:
        raise GradingError(
            f"{error.name} is not installed, which --scheduler needs; install it with: "
            "pip install -e '.[cluster]'"
        ) from error
    try:
        resolve_address(address)  # a client that fails at this leaves a traceback
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise GradingError(
            f"no Dask scheduler answers at {address!r}; start one with 'dask scheduler', and give "
            "the address that it prints, such as tcp://192.168.1.5:8786"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise GradingError(
                f"the Dask scheduler at {address} has no workers; start some, on machines with "
                f"this course installed: dask worker {address}"
            ) from error
        size = sum(client.nthreads().values())
        yield Pool(client.get_executor(pure=False, retries=TRIES), contained, size)
