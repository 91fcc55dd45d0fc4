"""The files in a folder or a zip file that somebody else made, read without trusting it.

Nothing is ever unpacked to disk by the names that an archive asks for. Each file comes with its
cleaned path inside the input, or with the reason why it is not read.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

MOST_ENTRIES = 100_000  # in one input
MOST_COMPRESSED = 200  # times smaller than its contents: what no honest file reaches
SMALL = 20_000_000  # bytes; below this high compression harms nobody and long outputs reach it
ARCHIVES = (".zip",)
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
SYSTEM_FILES = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini", ".ipynb_checkpoints")
EPOCH = (1980, 1, 1, 0, 0, 0)  # what zip programs write when they know no time


class Unreadable(Exception):
    """A file or archive cannot be read; the message says why, in words."""


@dataclass(frozen=True)
class Entry:
    """One file of an input.

    Attributes:
        path: where it lies in the input, without ``..``, drives or absolute parts.
        size: its bytes, as far as the archive tells the truth.
        time: when it was last changed, in UTC; None when nobody knows.
        fault: why it is not read, in words; empty when it can be.
    """

    path: PurePosixPath
    size: int = 0
    time: datetime | None = None
    fault: str = ""
    _open: Callable[[], IO[bytes]] | None = None

    def read(self, limit: int) -> bytes:
        """The contents.

        Args:
            limit: bytes that it may have at most.

        Raises:
            Unreadable: it is larger, damaged, encrypted, or not to be trusted.
        """
        if self.fault or self._open is None:
            raise Unreadable(self.fault)
        if self.size > limit:
            raise Unreadable(_too_large(limit))
        try:
            with self._open() as file:
                data = file.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise Unreadable("is damaged inside the zip file; download it again") from error
        except NotImplementedError as error:
            raise Unreadable("is compressed in a way that cannot be read") from error
        except (OSError, RuntimeError) as error:
            raise Unreadable(f"cannot be read: {error}") from error
        if len(data) > limit:
            raise Unreadable(_too_large(limit))
        return data


def _too_large(limit: int) -> str:
    return f"is larger than the {limit / 1_000_000:g} MB that nbgrader's settings allow"


def is_system_file(path: PurePosixPath) -> bool:
    """Whether an operating system or Jupyter made this file by itself."""
    names = [part.lower() for part in path.parts]
    return any(name in SYSTEM_FILES or name.startswith("._") for name in names)


def clean_path(name: str) -> tuple[PurePosixPath, str]:
    """A path from an archive without the parts that lead out of it, and what is wrong with it.

    ``\\`` separates folders as ``/`` does: Windows programs write it.
    """
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    drive = bool(re.match(r"[A-Za-z]:/", name))
    fault = ""
    if name.startswith("/") or drive:
        fault = "has an absolute path in the archive"
    elif ".." in name.split("/"):
        fault = "has a path with '..' that leads out of its folder"
    elif not parts:
        fault = "has no name"
    return PurePosixPath(*(parts[drive:] or ["unnamed"])), fault


# --- folders --------------------------------------------------------------------------------------


def folder_entries(root: Path) -> Iterator[Entry]:
    """The files below a folder, or the one file that ``root`` is, in the order of their names."""
    if not root.is_dir():
        yield _file_entry(root, PurePosixPath(root.name))
        return
    for parent, folders, files in os.walk(root):
        folders.sort()
        for name in sorted([*files, *(f for f in folders if (Path(parent) / f).is_symlink())]):
            path = Path(parent) / name
            yield _file_entry(path, PurePosixPath(path.relative_to(root).as_posix()))


def _file_entry(path: Path, name: PurePosixPath) -> Entry:
    try:
        status = path.lstat()
    except OSError as error:
        return Entry(name, fault=f"cannot be read: {error.strerror}")
    if stat.S_ISLNK(status.st_mode):
        return Entry(name, fault="is a link to another file, which is not followed")
    if not stat.S_ISREG(status.st_mode):
        return Entry(name, fault="is a device or a pipe, not a file")
    time = datetime.fromtimestamp(status.st_mtime, UTC)
    return Entry(name, status.st_size, time, _open=lambda: path.open("rb"))


# --- zip files ------------------------------------------------------------------------------------


def zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    """The files of a zip file, in its order."""
    members = archive.infolist()
    names = _names(members)
    for member, name in zip(members, names, strict=True):
        if not name.endswith("/"):
            yield _member_entry(archive, member, name)


def _member_entry(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Entry:
    path, fault = clean_path(name)
    fault = fault or _fault(member)
    return Entry(path, member.file_size, _time(member), fault, lambda: archive.open(member))


def _fault(member: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link to another file, which is not followed"
    if kind not in (0, stat.S_IFREG):
        return "is a device or a pipe, not a file"
    if member.flag_bits & 0x1:
        return "is encrypted with a password"
    if member.file_size > SMALL and member.file_size > MOST_COMPRESSED * member.compress_size:
        return "unpacks to a suspiciously large file (a zip bomb)"
    return ""


def open_zip(data: bytes | Path) -> zipfile.ZipFile:
    """Open a zip file.

    Raises:
        Unreadable: it is no zip file, or incomplete.
    """
    try:
        return zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable("is no zip file, or an incomplete one; download it again") from error


def _names(members: list[zipfile.ZipInfo]) -> list[str]:
    """The names of a zip file's members.

    Old programs write names in the encoding of their machine and do not say so. UTF-8 is recognized
    by itself, GBK (Chinese Windows) by its pairs of bytes; cp437 is the zip format's own.
    """
    raw = {member: _raw_name(member) for member in members}
    old = [name for name in raw.values() if name is not None]
    encoding = next((e for e in ("utf-8", "gbk") if all(_fits(name, e) for name in old)), "cp437")
    return [
        member.filename if name is None else name.decode(encoding) for member, name in raw.items()
    ]


def _raw_name(member: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name; None when the archive says what it means."""
    if member.flag_bits & 0x800:
        return None
    try:
        return member.filename.encode("cp437")
    except UnicodeEncodeError:  # the Unicode name came as an extra field
        return None


def _fits(name: bytes, encoding: str) -> bool:
    if encoding == "gbk" and not re.fullmatch(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*", name):
        return False
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _time(member: zipfile.ZipInfo) -> datetime | None:
    """The time of a member in UTC.

    Some programs add it as seconds since 1970; the zip format's own field is the local time of the
    machine that made the archive, which is taken for this machine's.
    """
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == 0x5455 and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return datetime.fromtimestamp(struct.unpack("<i", extra[5:9])[0], UTC)
        extra = extra[4 + length :]
    if member.date_time <= EPOCH:
        return None
    try:
        return datetime(*member.date_time).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
