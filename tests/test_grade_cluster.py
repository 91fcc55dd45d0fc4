"""``course grade`` past one machine and one process: a Dask cluster, and shared gradebooks."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from classroom import course, environment
from small_class import SUMMARY, Run, left_over, release, rows, state, url, without_torch, workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is one of Linux")


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> dict[str, str]:
    return without_torch(tmp_path_factory.mktemp("variables"))


@pytest.fixture(scope="module")
def class_(tmp_path_factory, quick) -> Path:
    """Two assignments of eight submissions each, not graded yet."""
    return release(tmp_path_factory.mktemp("shared"), "sums", "more", **quick)


@pytest.fixture(scope="module")
def alone(class_, quick, tmp_path_factory) -> Path:
    """The class after one assignment was graded, and then the other."""
    root = shutil.copytree(class_, tmp_path_factory.mktemp("alone") / "class")
    for name in ("sums", "more"):
        done = course(root, "grade", name, **quick)
        assert SUMMARY in done.stdout, done.stdout + done.stderr
    return root


# --- Dask -----------------------------------------------------------------------------------------


class Cluster:
    """A Dask scheduler and two workers, which run one notebook at a time each."""

    def __init__(self, folder: Path, variables: dict[str, str]):
        self.folder, self.environment = folder, environment(**variables)
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        self.address = self._address()
        self.workers = [self.worker(), self.worker()]

    def worker(self) -> subprocess.Popen:
        options = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
        return self._start("worker", self.address, *options)

    def _start(self, kind: str, *options: str) -> subprocess.Popen:
        module = f"distributed.cli.dask_{kind}"
        with (self.folder / f"{kind}.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *options, "--no-dashboard"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def _address(self) -> str:
        for _try in range(300):
            said = (self.folder / "scheduler.log").read_text()
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", said):
                return found[1]
            time.sleep(0.1)
        raise AssertionError(said)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, quick):
    pytest.importorskip("distributed", reason="pip install -e '.[cluster]' to test it")
    started = Cluster(tmp_path_factory.mktemp("cluster"), quick)
    yield started
    started.close()


def test_a_cluster_gives_the_same_results_and_a_lost_worker_costs_nothing(
    class_, alone, quick, cluster, tmp_path
):
    root = shutil.copytree(class_, tmp_path / "class")
    run = Run(root, "--scheduler", cluster.address, **quick)
    victim = None
    while victim is None and run.process.poll() is None:
        graded = len(list((root / "grading").glob("autograded/*/sums/sums.ipynb")))
        busy = [worker for worker in cluster.workers if workers(worker.pid)]
        victim = busy[0] if busy and graded else None
        time.sleep(0.01)
    assert victim, run.end()
    os.kill(victim.pid, signal.SIGKILL)
    said = run.end()
    assert SUMMARY in said, said
    assert run.process.returncode == 1
    lines = [line.split()[0] for line in said.splitlines() if "of 7" in line]
    assert len(lines) == len(set(lines)) == 7, said
    assert rows(url(root)) == rows(url(alone))
    assert state(root)[1].keys() == {k for k in state(alone)[1] if "/sums/" in k}


def test_nobody_at_the_address_is_said_at_once(class_, quick):
    for address in ("tcp://127.0.0.1:9", "nonsense://nowhere"):
        done = course(class_, "grade", "sums", "--scheduler", address, **quick)
        assert done.returncode == 2
        assert f"no Dask scheduler answers at '{address}'" in done.stderr, done.stderr
        assert "dask scheduler" in done.stderr and "Traceback" not in done.stderr


def test_without_dask_the_message_says_how_to_get_it(class_, quick, tmp_path):
    (tmp_path / "distributed.py").write_text(
        "raise ModuleNotFoundError('no distributed', name='distributed')"
    )
    paths = os.pathsep.join([str(tmp_path), quick["PYTHONPATH"]])
    variables = {**quick, "PYTHONPATH": paths}
    done = course(class_, "grade", "sums", "--scheduler", "tcp://127.0.0.1:9", **variables)
    assert done.returncode == 2
    assert "distributed is not installed" in done.stderr and "[cluster]" in done.stderr


# --- one gradebook, two instructors ---------------------------------------------------------------


def at_the_same_time(root: Path, variables: dict[str, str]) -> None:
    """Grade both assignments, by a process each."""
    runs = [Run(root, assignment=name, **variables) for name in ("sums", "more")]
    for said in [run.end() for run in runs]:
        assert SUMMARY in said, said
    assert left_over(variables) == []


def test_two_processes_share_a_gradebook_in_sqlite(class_, alone, quick, tmp_path):
    root = shutil.copytree(class_, tmp_path / "class")
    variables = {**quick, "TMPDIR": str(tmp_path)}
    at_the_same_time(root, variables)
    for name in ("sums", "more"):
        assert rows(url(root), name) == rows(url(alone), name)
    assert state(root)[1].keys() == state(alone)[1].keys()
    assert not list((root / "grading").glob(".*"))


@pytest.fixture(scope="module")
def postgresql():
    """The URL of an empty database on a server that runs for these tests only."""
    found = [shutil.which("pg_ctl"), *Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    programs = [Path(path).resolve().parent for path in found if path]
    if not programs:
        pytest.skip("there is no PostgreSQL on this machine: apt install postgresql")
    pytest.importorskip("psycopg", reason="pip install -e '.[grade]' to test it")
    # A path that another user may enter and that is short enough for the name of a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        user = {"user": "nobody", "extra_groups": []}
        shutil.chown(folder, "nobody")

    def call(program: str, *arguments: str) -> None:
        command = [str(programs[0] / program), *arguments]
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # the server keeps
        subprocess.run(command, cwd=folder, check=True, **nowhere, **user)  # what it inherits

    data, socket = str(folder / "data"), str(folder)
    call("initdb", "-D", data, "-U", "course", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {socket} -c listen_addresses='' -c fsync=off"
    call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        call("createdb", "-h", socket, "-U", "course", "grades")
        yield f"postgresql+psycopg://course@/grades?host={socket}"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_two_processes_share_a_gradebook_in_postgresql(postgresql, alone, quick, tmp_path):
    variables = {**quick, "COURSE_GRADEBOOK": postgresql, "TMPDIR": str(tmp_path)}
    root = release(tmp_path / "class", "sums", "more", **variables)
    at_the_same_time(root, variables)
    for name in ("sums", "more"):
        assert rows(postgresql, name) == rows(url(alone), name)
