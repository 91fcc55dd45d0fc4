"""What students handed in, kept byte for byte, and what nbgrader gets of it.

``received/<student>/<assignment>/<time>-<contents>/`` holds one submission: its files, read-only,
and ``receipt.json``, which says where they came from. Nothing in it is ever changed or removed.
``submitted/<student>/<assignment>/``, which nbgrader grades, is made from the submission that
counts, and can be made again at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from nbgrader.utils import parse_utc

from course_lib.tools.grading.collecting.layouts import TIMESTAMP
from course_lib.tools.grading.collecting.names import safe_name
from course_lib.tools.grading.course import Course

# How far the source of a time is trusted. A better one corrects the time of the same contents.
TRUST = {"--time": 3, "timestamp.txt": 2, "worksheet": 2, "canvas": 1, "zip": 0, "file": 0}
RECEIPT = "receipt.json"
SCRATCH = ".new-"
TIMES = ("time", "seen", "collected")


@dataclass(frozen=True)
class File:
    """One file of a submission, as the student handed it in.

    Attributes:
        name: its path in the submission.
        data: its contents.
        time: when it was last changed, in UTC, if known.
        upload: Canvas's number of the upload; higher is later.
        label: what a report calls it.
    """

    name: PurePosixPath
    data: bytes
    time: datetime | None = None
    upload: int = 0
    label: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Receipt:
    """Where a submission came from and when.

    Attributes:
        student: the id in nbgrader.
        source: ``moodle``, ``canvas``, ``folder``, ``nbgrader`` (its own folders) or ``submitted``
            (what lay in the submitted folder before).
        number: Moodle's participant or Canvas's user.
        time: when it was handed in, in UTC; nbgrader counts lateness from it.
        time_from: who says so: a key of ``TRUST``.
        seen: the newest time of its files, in UTC; decides when two were handed in at one time.
        collected: when the course received it, in UTC.
        digest: of names and contents.
        files: for each file its name, the name under which it is kept, its time and upload number.
        folder: where it is kept.
    """

    student: str
    source: str
    number: str
    time: datetime
    time_from: str
    seen: datetime
    collected: datetime
    digest: str = ""
    files: list[dict] = field(default_factory=list)
    folder: Path = Path()

    def read(self) -> list[File]:
        """The files, from where they are kept."""
        return [
            File(
                PurePosixPath(entry["name"]),
                (self.folder / entry["kept"]).read_bytes(),
                _from_json(entry["time"]),
                entry["upload"],
            )
            for entry in self.files
        ]


def _from_json(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def digest(files: Iterable[File]) -> str:
    """A digest of names and contents, whatever their order."""
    lines = sorted(f"{file.name}\0{file.digest}" for file in files)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


class Received:
    """The submissions of one assignment."""

    def __init__(self, course: Course, assignment: str):
        self.course, self.assignment = course, assignment
        step = Path(course.directory.submitted_directory).with_name("received")
        self._step = str(step)
        self.root = Path(os.path.commonpath([self.folder("a"), self.folder("b")]))

    def folder(self, student: str) -> Path:
        """Where the submissions of one student are kept."""
        return Path(self.course.directory.format_path(self._step, student, self.assignment))

    def receipts(self, student: str) -> list[Receipt]:
        """All submissions of a student, in the order in which they count."""
        found = [
            self._read(path) for path in sorted(self.folder(student).glob(f"[0-9]*/{RECEIPT}"))
        ]
        return sorted(_trusted(found), key=lambda each: (each.time, each.seen, each.folder.name))

    def _read(self, path: Path) -> Receipt:
        values = json.loads(path.read_text(encoding="utf-8"))
        values |= {key: datetime.fromisoformat(values[key]) for key in TIMES}
        return Receipt(**values, folder=path.parent)

    def keep(self, receipt: Receipt, files: list[File]) -> tuple[Receipt, bool]:
        """Keep a submission, unless it is kept already.

        Returns:
            The receipt under which it is kept, and whether it is new.
        """
        contents = digest(files)
        before = self.receipts(receipt.student)
        for old in reversed(before):
            if old.digest == contents and _covers(old, receipt, latest=old is before[-1]):
                return old, False
        parent = self.folder(receipt.student)
        parent.mkdir(parents=True, exist_ok=True)
        name = f"{receipt.time:%Y%m%dT%H%M%SZ}-{contents[:12]}"
        while (parent / name).exists():  # the same again, with a better source of its time
            name += "x"
        with self._scratch() as scratch:
            new = scratch / "new"
            entries = [_write(new, number, file) for number, file in enumerate(files)]
            values = asdict(receipt) | {"digest": contents, "files": entries}
            values |= {key: values[key].isoformat() for key in TIMES}
            values.pop("folder")
            (new / RECEIPT).write_text(json.dumps(values, indent=1), encoding="utf-8")
            (new / RECEIPT).chmod(0o444)
            new.rename(parent / name)
        return self._read(parent / name / RECEIPT), True

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder beside the others, so that finished work is moved into place at once."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.root, prefix=SCRATCH))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Remove what a killed process left behind; call it under the lock only."""
        for folder in self.root.glob(f"{SCRATCH}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def students(self) -> list[str]:
        """All of whom something has been received."""
        pattern = self.folder("*")
        position = pattern.parts.index("*")
        root = self.course.root
        base = root if pattern.is_relative_to(root) else Path(pattern.anchor)
        found = base.glob(str(pattern.relative_to(base)))
        return sorted({path.parts[position] for path in found})

    # --- nbgrader's folder ------------------------------------------------------------------------

    def submitted(self, student: str) -> Path:
        return self.course.path("submitted", self.assignment, student)

    def present(self, student: str) -> list[File]:
        """What lies in the submitted folder now, without the timestamp."""
        folder = self.submitted(student)
        return [
            File(
                PurePosixPath(path.relative_to(folder).as_posix()),
                path.read_bytes(),
                datetime.fromtimestamp(path.stat().st_mtime, UTC),
            )
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and path != folder / TIMESTAMP
        ]

    def timestamp(self, student: str) -> datetime | None:
        """The time in the submitted folder, in UTC, if there is a readable one."""
        try:
            text = (self.submitted(student) / TIMESTAMP).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return parse_timestamp(text)

    def submit(self, student: str, files: list[File], time: datetime) -> bool:
        """Put a submission where nbgrader looks for it, all of it or nothing.

        Returns:
            Whether anything had to be changed.
        """
        target = self.submitted(student)
        same = target.is_dir() and digest(self.present(student)) == digest(files)
        if same and self.timestamp(student) == time:
            return False
        with self._scratch() as scratch:
            new, old = scratch / "new", scratch / "old"
            for file in files:
                path = new / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.data)
            (new / TIMESTAMP).write_text(f"{time:%Y-%m-%d %H:%M:%S.%f} UTC", encoding="utf-8")
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(old)
            new.rename(target)
        return True


def _trusted(receipts: list[Receipt]) -> list[Receipt]:
    """Without those whose time has been corrected: by a better source, or by hand once more."""
    by_digest: dict[str, list[Receipt]] = {}
    for each in receipts:
        by_digest.setdefault(each.digest, []).append(each)
    kept = []
    for same in by_digest.values():
        best = max(TRUST[each.time_from] for each in same)
        trusted = [each for each in same if TRUST[each.time_from] == best]
        kept += trusted if best < 2 else [max(trusted, key=lambda each: each.collected)]
    return kept


def _covers(old: Receipt, new: Receipt, latest: bool) -> bool:
    """Whether a kept submission with the same contents is the one that comes in again."""
    if old.time == new.time:
        return TRUST[old.time_from] >= TRUST[new.time_from]
    return latest and TRUST[old.time_from] >= TRUST[new.time_from] and new.time_from != "--time"


def _write(folder: Path, number: int, file: File) -> dict:
    """Keep one file, read-only, under a name that every file system takes."""
    parts = [safe_name(part) for part in file.name.parts]
    kept = Path("files", *parts)
    taken = (folder / kept).exists() or any((folder / up).is_file() for up in kept.parents)
    if taken:  # one name twice, or a file where another file needs a folder
        kept = Path("files", f"{number}-{parts[-1]}")
    path = folder / kept
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    path.chmod(0o444)
    time = file.time.isoformat() if file.time else None
    return {"name": str(file.name), "kept": kept.as_posix(), "time": time, "upload": file.upload}


def parse_timestamp(text: str) -> datetime | None:
    """A time as nbgrader writes it into ``timestamp.txt``, in UTC; None when it is none."""
    try:
        return parse_utc(text.strip()).replace(tzinfo=UTC) if text.strip() else None
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None
