"""Find a data set, fetch it, and check it: the same four steps for every set.

1. The folder that the environment variable ``COURSE_DATA`` names.
2. The cache of earlier downloads: the platform's cache folder, or the one that ``COURSE_CACHE``
names.
3. The official download. ``COURSE_OFFLINE=1`` skips this step.
4. A stand-in that needs no network. It is announced in a line that begins with ``STAND-IN``.

Every file is compared with its checksum each time it is read. A damaged file is named in a warning
and the next step is tried, so nothing is ever trained on a damaged file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tarfile
import tempfile
import threading
import urllib.request
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from course_lib.data.cards import card
from course_lib.data.origins import ORIGINS, Origin, Remote

T = TypeVar("T")
SUMS = "SHA256SUMS"
_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; course-lib)", "Accept-Encoding": "identity"}


class DataError(Exception):
    """A source of a data set cannot be used; the message says why and what to do."""


class DamagedFile(DataError):
    """A file is missing, does not have its checksum, or does not hold what it should."""


class Unreachable(DataError):
    """No address answered, or downloads are switched off."""


class DataWarning(UserWarning):
    """A source was skipped; the data set comes from the next one."""


class Loaded(NamedTuple, Generic[T]):
    """What :func:`load` returns: the data, the name of the source, the reason for a stand-in."""

    value: T
    source: str
    reason: str


class Files:
    """The checked files of one data set.

    Args:
        root: their folder.
        checksums: relative path → ``"sha256:…"`` (or ``sha1``, ``md5``).
        place: how messages call the folder.
        remedy: what to do about a damaged file.
        stamp: a file to delete when damage is found, so that the next load fetches the set again.
    """

    def __init__(
        self,
        root: Path,
        checksums: dict[str, str],
        place: str,
        remedy: str,
        stamp: Path | None = None,
    ) -> None:
        self.root, self.checksums = root, checksums
        self.place, self.remedy, self.stamp = place, remedy, stamp
        for name in checksums:
            if not (root / name).is_file():
                raise DamagedFile(f"{name} is missing in {place}. {remedy}")

    def __contains__(self, name: str) -> bool:
        return name in self.checksums

    def names(self, start: str = "", end: str | tuple[str, ...] = "") -> list[str]:
        """Sorted paths that start and end with the given texts."""
        return sorted(
            name for name in self.checksums if name.startswith(start) and name.endswith(end)
        )

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            DamagedFile: the file does not have its checksum; the message names both.
        """
        expected = self.checksums.get(name)
        if expected is None:
            raise DamagedFile(f"{name} is missing in {self.place}. {self.remedy}")
        try:
            content = (self.root / name).read_bytes()
        except OSError as error:
            raise DamagedFile(
                f"{name} in {self.place} cannot be read: {error.strerror}. {self.remedy}"
            ) from error
        found = checksum(content, expected.split(":")[0])
        if found != expected:
            if self.stamp is not None:
                with contextlib.suppress(OSError):  # a read-only cache cannot forget
                    self.stamp.unlink()
            raise DamagedFile(
                f"{name} in {self.place} is damaged: expected {expected}, found {found} "
                f"({len(content):,} bytes). {self.remedy}"
            )
        return content


def checksum(content: bytes, algorithm: str = "sha256") -> str:
    """Return ``"<algorithm>:<hexadecimal digest>"``.

    >>> checksum(b"", "md5")
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"


def load(name: str, read: Callable[[Files], T], stand_in: Callable[[], T]) -> Loaded[T]:
    """Return a data set from the first source that has it.

    Args:
        name: a key of ``ORIGINS``.
        read: makes the data from checked files; raises :class:`DamagedFile` when they do not hold
            what they should.
        stand_in: makes the stand-in.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Warns:
        DataWarning: a source is damaged or the cache cannot be written to.
    """
    origin, reason = ORIGINS[name], ""
    steps = (
        ("COURSE_DATA", _from_course_data),
        ("cache", _from_cache),
        ("download", _from_download),
    )
    for source, find in steps:
        try:
            files = find(name, origin)
            if files is not None:
                return Loaded(read(files), source, "")
        except Unreachable as error:
            reason = str(error)
        except DataError as error:
            reason = "the files found are damaged or the cache cannot be used (see the warning)"
            warnings.warn(f"{card(name).title}: {error}", DataWarning, stacklevel=4)
    return Loaded(stand_in(), "stand-in", reason)


def available(name: str) -> bool:
    """Tell whether the real data can be had now, without loading them.

    They can when a local copy exists or the first official address answers within 3 s.

    Args:
        name: the name of a data set, for example ``mnist``.

    Raises:
        KeyError: there is no such data set.
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.
    """
    origin = ORIGINS[card(name).name]
    folder = _course_data_folder(origin)
    if folder is not None and all((folder / path).is_file() for path in origin.local):
        return True
    with contextlib.suppress(DataError):
        if _from_cache(name, origin) is not None:
            return True
    return not _offline() and _answers(origin.remotes[0].urls[0])


def announce(name: str, source: str, line: str) -> None:
    """Show the one visible line of a data set, with the source as metadata for the runner."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        metadata = {"course": {"data": {"name": name, "source": source}}}
        display({"text/plain": line}, raw=True, metadata=metadata)
    else:
        print(line)


def describe(name: str, loaded: Loaded, content: str, instead: str) -> None:
    """Announce a loaded set.

    Args:
        name: the name of the data set.
        loaded: what :func:`load` returned.
        content: what was loaded, for example ``60,000 training and 10,000 test images``.
        instead: what the stand-in is, for example ``generated shapes``.
    """
    title, unpublished = card(name).title, any(r.checksum is None for r in ORIGINS[name].remotes)
    checked = "same as the first download" if unpublished else "checksums verified"
    if loaded.source == "stand-in":
        line = (
            f"STAND-IN for {title}: {instead}; {content}. Not the real data, because "
            f"{loaded.reason}. To get them, run again with a network and without COURSE_OFFLINE, "
            "or set COURSE_DATA to a folder that has them."
        )
    else:
        place = {
            "COURSE_DATA": "local copy in COURSE_DATA, checksums verified",
            "cache": f"cache of an earlier download, {checked}",
            "download": f"official download, {checked}",
        }[loaded.source]
        line = f"{title}: {content}. Source: {place}."
    announce(name, loaded.source, line)


# --- $COURSE_DATA ---------------------------------------------------------------------------------


def _course_data_folder(origin: Origin) -> Path | None:
    """Folder of the set below ``$COURSE_DATA``, or None when there is none."""
    value = os.environ.get("COURSE_DATA")
    if not value:
        return None
    root = Path(value).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f"COURSE_DATA is set to {value!r}, and there is no such folder: correct it or unset it"
        )
    return root / origin.folder if (root / origin.folder).is_dir() else None


def _from_course_data(name: str, origin: Origin) -> Files | None:
    folder = _course_data_folder(origin)
    if folder is None:
        return None
    place = f"COURSE_DATA ({origin.folder}/)"
    remedy = "Copy it there again, or unset COURSE_DATA; the next source is tried now."
    if origin.tree is None:
        return Files(folder, origin.local, place, remedy)
    sums = tree_checksums(folder)
    found = tree_checksum(sums)
    if found != origin.tree:
        raise DamagedFile(
            f"{_suspects(folder, sums)} in {place}: the checksum of the folder should be "
            f"{origin.tree}, it is {found}. {remedy}"
        )
    return Files(folder, sums, place, remedy)


def tree_checksums(folder: Path) -> dict[str, str]:
    """Checksums of the files of a folder by relative path."""
    return {path: checksum((folder / path).read_bytes()) for path in _paths(folder)}


def _paths(folder: Path) -> list[str]:
    """Sorted relative paths of the files of a folder, without hidden files and the list of sums."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    return sorted({path.relative_to(folder).as_posix() for path in found} - {SUMS})


def tree_checksum(sums: dict[str, str]) -> str:
    """One SHA256 for a whole folder: that of its ``hash  path`` lines, sorted by path."""
    return checksum(_lines(sums).encode())


def _lines(sums: dict[str, str]) -> str:
    return "".join(f"{sums[path].removeprefix('sha256:')}  {path}\n" for path in sorted(sums))


def _suspects(folder: Path, sums: dict[str, str]) -> str:
    """Name the damaged photographs, if there is a list of checksums beside the folder."""
    listed = _read_sums(folder.parent / SUMS)
    start = f"{folder.name}/"
    expected = {
        path.removeprefix(start): sha for path, sha in listed.items() if path.startswith(start)
    }
    differ = sorted(path for path, sha in expected.items() if sums.get(path) != sha)
    if differ:
        return f"{', '.join(differ[:5])} (of {len(differ)} files) missing or damaged"
    return f"something among the {len(sums)} files missing, damaged or added"


def _read_sums(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (line.partition("  ") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: f"sha256:{sha}" for sha, _, name in pairs}


# --- the cache ------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Folder of the downloads: ``$COURSE_CACHE``, or the platform's cache folder."""
    value = os.environ.get("COURSE_CACHE")
    if value:
        return Path(value).expanduser()
    import pooch

    return Path(pooch.os_cache("course-lib"))


def _from_cache(name: str, origin: Origin) -> Files | None:
    """Files of an earlier download; None when it is not there or not complete."""
    folder = cache_folder() / name
    remedy = "It is fetched again when the set is loaded the next time with a network."
    if origin.unpack is not None:
        sums = _read_sums(folder / SUMS)
        if sums and not set(_paths(folder)) <= set(sums):
            raise DamagedFile(f"the list of files in the cache is not complete. {remedy}")
        return Files(folder, sums, "the cache", remedy, stamp=folder / SUMS) if sums else None
    checksums = {remote.path: _known_checksum(remote, folder) for remote in origin.remotes}
    if None in checksums.values() or not all((folder / path).is_file() for path in checksums):
        return None
    return Files(folder, checksums, "the cache", remedy)


def _known_checksum(remote: Remote, folder: Path) -> str | None:
    """The published checksum, or the one written down at the first download."""
    record = _record(folder / remote.path)
    if remote.checksum is None and record.is_file():
        return record.read_text(encoding="ascii").strip()
    return remote.checksum


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


# --- the download ---------------------------------------------------------------------------------


def _offline() -> bool:
    return os.environ.get("COURSE_OFFLINE", "") not in ("", "0")


def _from_download(name: str, origin: Origin) -> Files | None:
    if _offline():
        raise Unreachable("COURSE_OFFLINE is set")
    from filelock import FileLock

    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        # of several notebooks that run at once, one downloads and the others wait for it
        with FileLock(cache_folder() / f"{name}.lock"):
            if origin.unpack is None:
                for remote in origin.remotes:
                    fetch(remote, cache_folder() / name)
            else:
                _fetch_and_unpack(name, origin)
    except OSError as error:
        raise DataError(
            f"the cache directory {cache_folder()} cannot be written to ({error}). Make it "
            "writable or free some space, or set COURSE_CACHE to another directory."
        ) from error
    return _from_cache(name, origin)


def _fetch_and_unpack(name: str, origin: Origin) -> None:
    with contextlib.suppress(DamagedFile):
        if _from_cache(name, origin) is not None:
            return  # another notebook has just done it
    archives = [fetch(remote, cache_folder() / "archives") for remote in origin.remotes]
    _unpack(archives, cache_folder() / name, origin.unpack)


def fetch(remote: Remote, folder: Path) -> Path:
    """Download a file unless a sound copy is there; a partial one never gets the final name.

    Args:
        remote: the file, its addresses and its checksum.
        folder: where to put it.

    Raises:
        Unreachable: no address answered.
        DamagedFile: what came does not have the right checksum.
        OSError: the folder cannot be written to.
    """
    import requests

    silent, wrong = [], []
    for url in remote.urls:
        try:
            return _retrieve(url, remote, folder)
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", None)
            silent.append(f"{urlsplit(url).hostname}: {status or 'no answer'}")
        except ValueError as error:
            wrong.append(f"{url}: {error}")
    if wrong:
        raise DamagedFile(
            f"{remote.path}, as downloaded, is not the file it should be. {' '.join(wrong)}"
        )
    raise Unreachable(f"the download failed ({', '.join(silent)})")


def _retrieve(url: str, remote: Remote, folder: Path) -> Path:
    """Fetch from one address; ValueError for a wrong checksum."""
    import pooch

    target = folder / remote.path
    known = _known_checksum(remote, folder)
    # without a checksum, the file gets its name only after it has been tested as an archive
    arrival = target if known else target.with_name(target.name + ".untested")
    if known is None:
        arrival.unlink(missing_ok=True)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        downloader = pooch.HTTPDownloader(
            progressbar=True, chunk_size=2**16, headers=_HEADERS, timeout=(5, 30)
        )
        pooch.retrieve(url, known, arrival.name, arrival.parent, downloader=downloader)
    except ValueError as error:
        hint = (
            f" Delete {_record(target)} to accept a new edition." if remote.checksum is None else ""
        )
        raise ValueError(f"{error}{hint}") from error
    finally:
        logger.setLevel(level)
    if known is None:
        _accept_first(arrival, target)
    return target


def _accept_first(arrival: Path, target: Path) -> None:
    """Test a zip archive that has no published checksum, and write down its SHA256 for later."""
    try:
        with zipfile.ZipFile(arrival) as archive:
            bad = archive.testzip()
    except zipfile.BadZipFile as error:
        bad = str(error)
    if bad is not None:
        arrival.unlink()
        raise ValueError(f"it is no sound zip archive ({bad})")
    _record(target).write_text(checksum(arrival.read_bytes()), encoding="ascii")
    arrival.replace(target)


def _unpack(archives: list[Path], folder: Path, below: str) -> None:
    """Unpack archives beside the folder, add a list of checksums, and move all into place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        for archive in archives:
            extract(archive, fresh / below)
        (fresh / SUMS).write_text(_lines(tree_checksums(fresh)), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for archive in archives:
        archive.unlink(missing_ok=True)


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive; refuse members that would land outside the folder.

    Raises:
        DamagedFile: a member has an absolute path, climbs out of the folder, or is a link out of
            it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not zipfile.is_zipfile(archive):
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except tarfile.FilterError as error:
            raise DamagedFile(f"{archive.name} is not safe to unpack: {error}") from error
        return
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            target = (folder / member.filename).resolve()
            link = stat.S_ISLNK(member.external_attr >> 16)
            if link or not target.is_relative_to(folder.resolve()):
                raise DamagedFile(
                    f"{archive.name} is not safe to unpack: member {member.filename!r}"
                )
        packed.extractall(folder)


def _answers(url: str, seconds: float = 3.0) -> bool:
    """One HEAD request, in a thread because looking up the name has no timeout of its own."""
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD", headers=_HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=seconds):
                answered.set()
        except OSError:
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()
