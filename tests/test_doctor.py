"""``course doctor``, and what is said on a machine that gives no sandbox."""

import subprocess
import sys

import pytest
from classroom import course, environment
from small_class import release, without_torch

from course_lib.tools.grading.engine import probe

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is one of Linux")
# A user's name space in which no name space of a network can be made.
REFUSING = ["unshare", "--user", "--map-root-user", "bash", "-c"]
REFUSING += ['echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "bash"]


def without_sandbox(root, *command: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*REFUSING, sys.executable, "-m", *command],
        cwd=root,
        capture_output=True,
        text=True,
        env=environment(**variables),
    )


def test_each_thing_has_a_line(tmp_path):
    done = course(tmp_path, "doctor")
    names = [line[8:].partition(":")[0] for line in done.stdout.splitlines()]
    assert {"Python", "packages for grading", "free memory", "GPU", "browser", "sandbox"} <= {
        *names
    }
    states = {line[:8].strip() for line in done.stdout.splitlines()}
    assert states <= {"ok", "none", "missing"} and "torch 2." in done.stdout
    assert done.returncode == ("missing" in states), done.stdout + done.stderr


def test_a_folder_of_data_that_is_not_there_is_named(tmp_path):
    done = course(tmp_path, "doctor", COURSE_DATA=f"{tmp_path}/gone")
    assert done.returncode == 1 and f"{tmp_path}/gone, which is no folder" in done.stdout


@LINUX
def test_the_probe_agrees_with_the_sandbox(tmp_path):
    """A machine that gives one grades; one that refuses is told apart, and says what it refuses."""
    if reason := probe.probe():
        pytest.skip(f"no sandbox on this machine: {reason}")
    done = without_sandbox(tmp_path, "course_lib.tools.grading.engine.probe")
    assert done.returncode == 1 and "the kernel refuses 'unshare'" in done.stderr


@LINUX
def test_without_a_sandbox_nothing_is_graded_unless_asked_for(tmp_path):
    if probe.probe():
        pytest.skip("no sandbox on this machine")
    quick = without_torch(tmp_path / "variables")
    root = release(tmp_path / "class", "sums", **quick)
    cli = "course_lib.tools.cli"
    doctor = without_sandbox(root, cli, "doctor", **quick)
    said = [line for line in doctor.stdout.splitlines() if "sandbox" in line]
    assert doctor.returncode == 1 and "the kernel refuses 'unshare'" in said[0]
    assert "To mend it:" in said[0]
    one = ("grade", "sums", "--student", "ada")
    refused = without_sandbox(root, cli, *one, **quick)
    assert refused.returncode == 2 and "cannot be contained" in refused.stderr
    assert "course doctor" in refused.stderr and "--unsafe-no-sandbox" in refused.stderr
    graded = without_sandbox(root, cli, *one, "--unsafe-no-sandbox", **quick)
    assert graded.returncode == 0 and "ada  3 of 7" in graded.stdout, graded.stdout + graded.stderr


@LINUX
def test_advice_names_the_setting_that_is_in_the_way(tmp_path, monkeypatch):
    for file, value in {"clone": "1", "apparmor": "1\n", "most": "0"}.items():
        (tmp_path / file).write_text(value)
    settings = tuple(
        (str(tmp_path / file), forbids, f"kernel.{file}=X")
        for file, forbids in {"clone": "0", "apparmor": "1", "most": "0", "gone": "0"}.items()
    )
    nowhere = (str(tmp_path / "nowhere"),)
    monkeypatch.setattr(probe.os, "geteuid", lambda: 1000)
    said = probe.advice(settings, nowhere)
    assert "sysctl -w kernel.apparmor=X" in said and "kernel.most=X" in said
    assert "clone" not in said and "gone" not in said
    monkeypatch.setattr(probe.os, "geteuid", lambda: 0)  # whom these settings do not bind
    assert probe.advice(settings, nowhere) == probe.ELSEWHERE
    assert probe.advice(settings, (str(tmp_path / "most"),)) == probe.IN_A_CONTAINER
