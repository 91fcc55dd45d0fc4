"""The instructor's guide shows what its commands really print.

``python tests/test_guide.py`` writes the present outputs into the page.
"""

import contextlib
import os
import pty
import re
import subprocess
import tempfile
from pathlib import Path

from classroom import ROOT, environment
from guide_class import guide_folder

PAGE = ROOT / "book" / "appendix" / "instructor-guide.md"
PRIVATE = ROOT / "book" / "appendix" / "private-solutions.md"
BLOCK = re.compile(r"(?<=```console\n)(.*?)(?=\n```)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)


def run(command: str, folder: Path, **variables: str) -> str:
    """What a person sees in a terminal of 80 columns."""
    plain = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "COURSE_SEED": "1"}
    master, terminal = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env=environment(**plain | variables),
    ):
        os.close(terminal)
        printed = b""
        with contextlib.suppress(OSError):  # how Linux says that the last writer has left
            while chunk := os.read(master, 65536):
                printed += chunk
    os.close(master)
    text = printed.decode().replace(f"{folder}/", "")
    return "\n".join(line.rstrip() for line in text.strip("\r\n").splitlines())


def with_outputs(text: str, folder: Path) -> str:
    """The page with the outputs of all its commands, run in their order."""

    def block(found: re.Match) -> str:
        parts = []
        for command in COMMAND.findall(found[1]):
            parts.append("\n".join(filter(None, [f"$ {command}", run(command, folder)])))
        return "\n".join(parts)

    return BLOCK.sub(block, text)


def test_the_outputs_on_the_page_are_real(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    assert len(COMMAND.findall(text)) >= 7 and "Traceback" not in text
    assert with_outputs(text, guide_folder(tmp_path)) == text, "run: python tests/test_guide.py"


def test_the_repository_for_students_holds_no_answers(tmp_path):
    """The commands on the page about private solutions, run on what is committed."""
    clone = tmp_path / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    (block,) = BLOCK.findall(PRIVATE.read_text(encoding="utf-8"))
    script = "\n".join(["set -e", *COMMAND.findall(block)])
    identity = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        capture_output=True,
        text=True,
        env=environment(**identity),
    )
    assert done.returncode == 0, done.stderr
    students = tmp_path / "for-students"
    assert (students / "exercises" / "perceptron" / "perceptron.ipynb").is_file()
    assert not (students / "solutions").exists() and not (students / "tests" / "answers").exists()
    with_answers = [
        path
        for path in students.rglob("*.ipynb")
        if re.search("BEGIN (SOLUTION|HIDDEN)", path.read_text(encoding="utf-8"))
    ]
    assert not with_answers


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        folder = guide_folder(Path(scratch).resolve())
        PAGE.write_text(with_outputs(PAGE.read_text(encoding="utf-8"), folder), encoding="utf-8")
