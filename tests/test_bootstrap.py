"""``python -m course_lib``: what is installed when, and how exit codes travel.

Nothing is installed here.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_lib import __main__ as bootstrap

ROOT = Path(bootstrap.__file__).parents[1]


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """A project without environment; programs are recorded, not run, and succeed."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("torch==2.0\n")
    made = []

    def run(*command: object) -> int:
        words = [str(word).replace(str(tmp_path), "PROJECT") for word in command]
        made.append(words)
        if words[1:3] == ["-m", "venv"]:
            for name in ("python", "course"):
                program = bootstrap.program(name)
                program.parent.mkdir(parents=True, exist_ok=True)
                program.touch()
        return run.codes.pop(0) if run.codes else 0

    run.codes = []
    made_by = run
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "run", run)
    monkeypatch.setattr(bootstrap, "has_pip", lambda: bootstrap.program("python").exists())
    return made, made_by.codes


def kinds(calls: list[list[str]]) -> list[str]:
    return [
        next((word for word in ("venv", "pip", "pytest") if word in command), command[1])
        for command in calls
    ]


def test_installs_once(calls, capsys):
    made, _ = calls
    assert bootstrap.main(["install"]) == 0
    assert kinds(made) == ["venv", "pip"]
    assert made[1][-4:] == ["-c", "constraints.txt", "-e", ".[all]"]
    assert "Next: " in capsys.readouterr().out
    assert bootstrap.main(["install"]) == 0
    assert kinds(made) == ["venv", "pip"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_installs_again_when_requirements_change(calls, name):
    made, _ = calls
    bootstrap.main(["install"])
    (bootstrap.ROOT / name).write_text("changed")
    bootstrap.main(["install"])
    assert kinds(made) == ["venv", "pip", "pip"]


def test_failed_installation_is_repeated(calls, capsys):
    made, codes = calls
    codes += [0, 1]
    assert bootstrap.main(["book"]) == 2
    assert "failed (exit code 1)" in capsys.readouterr().err
    assert bootstrap.main(["book"]) == 0
    assert kinds(made) == ["venv", "pip", "pip", "book"]


def test_interrupted_installation_is_repeated(calls, monkeypatch):
    made, _ = calls
    bootstrap.main(["install"])
    (bootstrap.ROOT / "constraints.txt").write_text("changed")

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "run", interrupt)
        assert bootstrap.main(["install"]) == 130
    bootstrap.main(["install"])
    assert kinds(made) == ["venv", "pip", "pip"]


@pytest.mark.parametrize("code", [0, 1, 5])
def test_pytest_gets_arguments_and_gives_its_exit_code(calls, capsys, code):
    made, codes = calls
    codes += [0, 0, code]
    assert bootstrap.main(["test", "-k", "lenet", "-x"]) == code
    assert made[-1][1:] == ["-m", "pytest", "-k", "lenet", "-x"]
    captured = capsys.readouterr()
    assert "Next: " in captured.out + captured.err


def test_all_tests_run_two_at_a_time(calls):
    made, _ = calls
    bootstrap.main(["test"])
    assert made[-1][1:] == ["-m", "pytest", "-n2"]


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_book_gives_the_exit_code_of_the_build(calls, capsys, code):
    made, codes = calls
    codes += [0, 0, code]
    assert bootstrap.main(["book"]) == code
    assert made[-1][1:] == ["book", "--profile", "cpu"]
    captured = capsys.readouterr()
    assert ("serve opens it" in captured.out) == (code == 0)


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14)])
def test_other_pythons_get_advice(monkeypatch, capsys, version):
    monkeypatch.setattr(bootstrap.sys, "version_info", (*version, 0, "final", 0))
    assert bootstrap.main(["book"]) == 2
    message = capsys.readouterr().err
    assert "needs Python 3.11 to 3.13" in message
    assert f"this is {version[0]}.{version[1]}" in message
    assert "3.12" in message


def test_other_pythons_can_read_the_file():
    """Otherwise they would show a syntax error in place of the advice."""
    for name in ("__init__.py", "__main__.py"):
        text = (ROOT / "course_lib" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported_pythons(version):
    bootstrap.check_python(version)


def test_clean(calls, capsys):
    (bootstrap.ROOT / "_build" / "html").mkdir(parents=True)
    assert bootstrap.main(["clean"]) == 0
    assert not (bootstrap.ROOT / "_build").exists()
    assert bootstrap.main(["clean"]) == 0
    assert calls[0] == []


def test_programs_may_write_bytecode(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    code = "import os, sys; sys.exit('PYTHONDONTWRITEBYTECODE' in os.environ)"
    assert bootstrap.run(sys.executable, "-c", code) == 0


def test_needs_the_standard_library_only():
    """``-S`` hides installed packages; the bare interpreter must get as far as the usage."""
    command = [sys.executable, "-S", "-m", "course_lib", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "book" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_interrupt_lets_the_program_end_by_itself(tmp_path):
    """Ctrl-C reaches the whole group; the bootstrap must not kill what is tidying up."""
    child = "import time\ntry:\n    print('on', flush=True); time.sleep(30)\n"
    child += "except KeyboardInterrupt:\n    time.sleep(1); print('tidy', flush=True)"
    code = (
        f"from course_lib import __main__ as b; import sys; b.run(sys.executable, '-c', {child!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "on\n"
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "tidy\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["book", "test", "serve", "install", "clean"])
def test_make_calls_the_bootstrap(target):
    command = ["make", "--dry-run", target, "PYTHON=python3.12", "ARGS=-x"]
    # `make test` runs this test: the inner make must not take itself for a part of the outer one.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == f"python3.12 -m course_lib {target} -x"
