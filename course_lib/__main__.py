"""Set up the course and build it: ``python -m course_lib book``.

This file runs before anything is installed, so it uses the standard library only. It makes an
environment in ``.venv``, installs the course into it and calls the course's own commands there.
Every command can be repeated: what is done already is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)
WINDOWS = os.name == "nt"


class Stop(Exception):
    """Something that the reader has to mend; the message says how."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m course_lib", description=__doc__)
    commands = {
        "book": book,
        "pdf": pdf,
        "test": test,
        "serve": serve,
        "install": install_only,
        "clean": clean,
    }
    parser.add_argument("command", choices=commands)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on, for example to pytest")
    chosen = parser.parse_args(arguments)
    try:
        return commands[chosen.command](chosen.rest)
    except Stop as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; repeat the command to go on.", file=sys.stderr)
        return 130


def book(rest: list[str]) -> int:
    """Execute the notebooks that are out of date in the cpu profile and render the book."""
    install()
    code = run(program("course"), "book", "--profile", "cpu", *rest)
    if code == 0:
        print(f"\nThe book is in _build/html. Next: {hint('serve')} opens it.")
    else:
        print(f"\nMend what the messages above say and repeat {hint('book')}.", file=sys.stderr)
    return code


def pdf(rest: list[str]) -> int:
    """Print the book into one PDF, after building it; needs Chromium or Chrome."""
    install()
    return run(program("course"), "pdf", "--profile", "cpu", *rest)


def test(rest: list[str]) -> int:
    """Run all tests, two at a time, or what the arguments for pytest say."""
    install()
    code = run(program("python"), "-m", "pytest", *(rest or ["-n2"]))
    if code == 0:
        print(f"\nAll tests passed. Next: {hint('book')} builds the book.")
    else:
        again = hint("test") + (" --last-failed" if WINDOWS else " ARGS=--last-failed")
        print(f"\nTests failed (exit code {code}). Next: mend them, then {again}", file=sys.stderr)
    return code


def serve(rest: list[str]) -> int:
    """Open the built book in the browser."""
    install()
    return run(program("course"), "serve", *rest)


def install_only(_: list[str]) -> int:
    """Make the environment and install the course into it."""
    install()
    print(f"The course is installed in .venv. Next: {hint('book')} builds the book.")
    return 0


def clean(_: list[str]) -> int:
    """Remove everything generated except the environment."""
    if (ROOT / "_build").exists():
        shutil.rmtree(ROOT / "_build")
    print(f"_build is gone. Next: {hint('book')} makes it anew; remove .venv to install anew, too.")
    return 0


# --- the environment ------------------------------------------------------------------------------


def install() -> None:
    """Install the course into ``.venv`` unless that has been done for the present requirements.

    Raises:
        Stop: this Python is too old or too new, or the installation failed.
    """
    check_python(sys.version_info[:2])
    stamp = ROOT / ".venv" / "course-installed"
    if stamp.is_file() and stamp.read_text() == fingerprint() and program("course").exists():
        return
    stamp.unlink(missing_ok=True)
    if not has_pip():
        print("Making an environment in .venv ...", flush=True)
        succeed(sys.executable, "-m", "venv", ROOT / ".venv")
    print("Installing the course; the first time this downloads PyTorch (minutes) ...", flush=True)
    succeed(program("python"), "-m", "pip", "install", "-c", "constraints.txt", "-e", ".[all]")
    stamp.write_text(fingerprint())


def has_pip() -> bool:
    """Whether there is a complete environment; an interrupted one has no pip."""
    if not program("python").exists():
        return False
    ask = [str(program("python")), "-m", "pip", "--version"]
    return subprocess.run(ask, capture_output=True).returncode == 0


def check_python(version: tuple[int, int]) -> None:
    """Stop with advice when PyTorch has no packages for this Python."""
    if OLDEST <= version <= NEWEST:
        return
    advice = "py -3.12 -m course_lib book" if WINDOWS else "make book PYTHON=python3.12"
    raise Stop(
        f"The course needs Python {show(OLDEST)} to {show(NEWEST)}, and this is {show(version)}.\n"
        f"If you have another one, name it, for example: {advice}\n"
        "Otherwise install one from your system's packages or from python.org."
    )


def show(version: tuple[int, int]) -> str:
    """Python version as people write it."""
    return ".".join(map(str, version))


def fingerprint() -> str:
    """A hash over the files that say what has to be installed."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update(b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def program(name: str) -> Path:
    """A program of the environment."""
    return ROOT / ".venv" / (f"Scripts/{name}.exe" if WINDOWS else f"bin/{name}")


def run(*command: object) -> int:
    """Run a program in the project's folder, its output visible, and return its exit code."""
    # Some machines forbid bytecode files, which doubles the start of every later command.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([str(word) for word in command], cwd=ROOT, env=env)
    try:
        return process.wait()
    except KeyboardInterrupt:
        stop(process)
        raise


def stop(process: subprocess.Popen) -> None:
    """Let a program end by itself, as Ctrl-C has reached it, too; after ten seconds ask it to."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def succeed(*command: object) -> None:
    """Run a program that has to succeed."""
    code = run(*command)
    if code:
        words = " ".join(str(word) for word in command)
        raise Stop(f"This failed (exit code {code}): {words}\nMend what it says above and repeat.")


def hint(command: str) -> str:
    """How the reader calls a command on this machine."""
    return f"python -m course_lib {command}" if WINDOWS else f"make {command}"


if __name__ == "__main__":
    sys.exit(main())
