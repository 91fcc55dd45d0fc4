"""Finding, fetching and checking files: COURSE_DATA, the cache, the download and its failures."""

import contextlib
import dataclasses
import errno
import gzip
import http.server
import io
import pathlib
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import warnings
import zipfile

import pytest
import torch

from course_lib import data
from course_lib.data import origins, sources


def idx(shape, value):
    """A small IDX file, packed."""
    count = 1
    for size in shape:
        count *= size
    header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    return gzip.compress(header + bytes([value]) * count, mtime=0)


DIGITS = {
    "MNIST/raw/train-images-idx3-ubyte.gz": idx((6, 28, 28), 7),
    "MNIST/raw/train-labels-idx1-ubyte.gz": idx((6,), 1),
    "MNIST/raw/t10k-images-idx3-ubyte.gz": idx((2, 28, 28), 9),
    "MNIST/raw/t10k-labels-idx1-ubyte.gz": idx((2,), 2),
}
ONE = "MNIST/raw/t10k-images-idx3-ubyte.gz"


def png(color):
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (12, 8), color).save(buffer, "jpeg")
    return buffer.getvalue()


PHOTOS = {
    f"hymenoptera_data/{part}/{kind}/{i}.jpg": png((i * 40, 10, 10))
    for part in ("train", "val")
    for kind in ("ants", "bees")
    for i in range(3)
}


def packed(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` (path → content); ``cut`` paths end early. ``asked`` lists the requests."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.asked = {}, set(), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.lstrip("/")
        self.server.asked.append(f"{self.command} {path}")
        content = self.server.files.get(path)
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            half = len(content) // 2
            self.wfile.write(content[:half] if path in self.server.cut else content)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty cache, no COURSE_DATA, and no way out except to this machine."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    for name in ("COURSE_DATA", "COURSE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    connect = socket.socket.connect

    def local_only(self, address):
        if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
            raise OSError(errno.ENETUNREACH, "the tests have no network")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch, server):
    """MNIST with six digits, served from this machine; the first address answers 404."""
    sums = {name: sources.checksum(content, "md5") for name, content in DIGITS.items()}
    remotes = tuple(
        origins.Remote(name, (f"{server.url}gone/{name}", server.url + name), md5)
        for name, md5 in sums.items()
    )
    monkeypatch.setitem(origins.ORIGINS, "mnist", origins.Origin("mnist", remotes, local=sums))
    blank = data.LabelledImages(torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(2).long())
    monkeypatch.setattr("course_lib.data.standins.drawings.digits", lambda: (blank, blank))
    server.files.update(DIGITS)
    return server


@pytest.fixture
def bugs(monkeypatch, server):
    """Twelve ants and bees in a zip without a published checksum."""
    remote = origins.Remote("h.zip", (server.url + "h.zip",), None)
    tree = sources.tree_checksum({name: sources.checksum(c) for name, c in PHOTOS.items()})
    origin = origins.Origin("hymenoptera", (remote,), tree=tree, unpack="")
    monkeypatch.setitem(origins.ORIGINS, "hymenoptera", origin)
    server.files["h.zip"] = packed(PHOTOS)
    return server


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def downloaded(folder):
    """Files in a cache, without the empty lock files."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@contextlib.contextmanager
def silence():
    """No warning may appear."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# --- download and cache ---------------------------------------------------------------------------


def test_download_then_cache(small, home, capsys):
    with silence():
        first = data.mnist()
        asked = len(small.asked)
        second = data.mnist()
    assert (first.source, second.source) == ("download", "cache")
    assert len(small.asked) == asked  # the cache needs no network
    assert first.train.images.shape == (6, 1, 28, 28)
    assert int(first.test.images[0, 0, 0, 0]) == 9
    assert second.test.labels.tolist() == [2, 2]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("MNIST: 6 training and 2 test images, 28×28 gray")
    assert "official download, checksums verified" in lines[0]
    assert str(home) not in lines[0] + lines[1]


def test_the_mirror_is_asked_after_a_404(small):
    assert data.mnist().source == "download"
    assert f"GET gone/{ONE}" in small.asked
    assert f"GET {ONE}" in small.asked


@pytest.mark.parametrize("damage", [b"", b"something else", DIGITS[ONE][:-3]])
def test_a_damaged_cached_file_is_named_and_fetched_again(small, home, damage):
    data.mnist()
    (home / "mnist" / ONE).write_bytes(damage)
    with pytest.warns(data.DataWarning, match="t10k-images-idx3-ubyte.gz in the cache is damaged"):
        again = data.mnist()
    assert again.source == "download"
    assert (home / "mnist" / ONE).read_bytes() == DIGITS[ONE]
    with silence():
        assert data.mnist().source == "cache"


def test_a_missing_cached_file_is_fetched(small, home):
    data.mnist()
    (home / "mnist" / ONE).unlink()
    with silence():
        assert data.mnist().source == "download"


def test_a_wrong_download_is_refused(small, home, capsys):
    small.files[ONE] = idx((2, 28, 28), 3)
    wrong, right = (sources.checksum(c, "md5")[4:] for c in (small.files[ONE], DIGITS[ONE]))
    with pytest.warns(data.DataWarning, match=ONE) as caught:
        assert data.mnist().source == "stand-in"
    assert wrong in str(caught[0].message)
    assert right in str(caught[0].message)
    assert not (home / "mnist" / ONE).exists()
    assert capsys.readouterr().out.startswith("STAND-IN for MNIST")


def test_a_download_that_breaks_off_leaves_nothing(small, home):
    small.cut.add(ONE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert data.mnist().source == "stand-in"
    folder = (home / "mnist" / ONE).parent
    assert not (home / "mnist" / ONE).exists()
    assert {path.name for path in folder.iterdir()} <= {name.split("/")[-1] for name in DIGITS}
    small.cut.clear()
    assert data.mnist().source == "download"  # and the next attempt completes it


def test_no_answer_gives_the_stand_in_and_says_why(small, capsys):
    small.files.clear()
    with silence():
        digits = data.mnist()
    assert digits.is_standin
    line = capsys.readouterr().out
    assert line.startswith("STAND-IN for MNIST")
    assert "127.0.0.1: 404" in line


def test_offline_asks_nobody(small, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    assert data.mnist().source == "stand-in"
    assert small.asked == []
    assert "COURSE_OFFLINE is set" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    assert data.mnist().source == "download"


def test_a_cache_that_cannot_be_made(small, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(data.DataWarning, match="set COURSE_CACHE to another") as caught:
        assert data.mnist().source == "stand-in"
    assert str(tmp_path / "file" / "cache") in str(caught[0].message)
    assert str(tmp_path) not in capsys.readouterr().out


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_cache_that_is_read_only(small, monkeypatch, code):
    def refuse(*_, **__):
        raise OSError(code, "the file system is read-only")

    monkeypatch.setattr("pooch.core.make_local_storage", refuse)
    with pytest.warns(data.DataWarning, match=r"cannot be written to .*read-only.*COURSE_CACHE"):
        assert data.mnist().source == "stand-in"


def test_a_full_disk(small, home, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pooch.downloaders.open", lambda *_: Full(), raising=False)
    with pytest.warns(data.DataWarning, match="No space left on device.*free some space"):
        assert data.mnist().source == "stand-in"
    assert not downloaded(home)


def test_the_cache_folder_is_the_platforms_by_default(monkeypatch):
    monkeypatch.delenv("COURSE_CACHE")
    assert sources.cache_folder().name == "course-lib"


# --- COURSE_DATA ----------------------------------------------------------------------------------


def test_course_data_comes_first(small, tmp_path, monkeypatch, capsys):
    write(tmp_path / "own" / "mnist", DIGITS)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    with silence():
        assert data.mnist().source == "COURSE_DATA"
    assert small.asked == []
    line = capsys.readouterr().out
    assert "local copy in COURSE_DATA" in line
    assert str(tmp_path) not in line


def test_a_file_that_cannot_be_read(small, tmp_path, monkeypatch):
    write(tmp_path / "own" / "mnist", DIGITS)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    read = pathlib.Path.read_bytes

    def refuse(path):
        if "own" in path.parts:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(pathlib.Path, "read_bytes", refuse)
    with pytest.warns(data.DataWarning, match=r"ubyte.gz in COURSE_DATA .*Permission denied"):
        assert data.mnist().source == "download"


def test_course_data_without_this_set(small, tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    with silence():
        assert data.mnist().source == "download"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_file_in_course_data_is_named(small, tmp_path, monkeypatch, damage):
    write(tmp_path / "own" / "mnist", DIGITS)
    path = tmp_path / "own" / "mnist" / ONE
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flipped" else content[:20])
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    with pytest.warns(data.DataWarning, match=f"MNIST: {ONE}") as caught:
        assert data.mnist().source == "download"
    message = str(caught[0].message)
    assert "COURSE_DATA (mnist/)" in message
    assert "Copy it there again" in message
    if damage != "missing":
        assert sources.checksum(DIGITS[ONE], "md5") in message
        assert sources.checksum(path.read_bytes(), "md5") in message


def test_a_course_data_that_does_not_exist_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.*no such folder"):
        data.mnist()
    with pytest.raises(FileNotFoundError, match="nowhere.*no such folder"):
        data.available("mnist")


def test_photographs_in_course_data(bugs, tmp_path, monkeypatch):
    own = tmp_path / "own"
    write(own / "hymenoptera", PHOTOS)
    write(own / "hymenoptera", {".DS_Store": b"a file that some systems add"})
    monkeypatch.setenv("COURSE_DATA", str(own))
    with silence():
        photos = data.hymenoptera()
    assert photos.source == "COURSE_DATA"
    assert (len(photos.train), len(photos.test)) == (6, 6)
    assert photos.train[0].image.shape == (3, 8, 12)
    assert photos.train.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("with_list", [True, False])
def test_damaged_photographs_in_course_data(bugs, tmp_path, monkeypatch, with_list):
    own = tmp_path / "own"
    write(own / "hymenoptera", PHOTOS)
    if with_list:
        sums = {f"hymenoptera/{name}": sources.checksum(c) for name, c in PHOTOS.items()}
        write(own, {"SHA256SUMS": sources._lines(sums).encode()})
    victim = own / "hymenoptera" / "hymenoptera_data/train/bees/1.jpg"
    victim.write_bytes(victim.read_bytes()[:50])
    monkeypatch.setenv("COURSE_DATA", str(own))
    named = "hymenoptera_data/train/bees/1.jpg" if with_list else "something among the 12 files"
    with pytest.warns(data.DataWarning, match=f"{named}.* should be .*, it is "):
        assert data.hymenoptera().source == "download"


def test_a_photograph_that_is_damaged_later_is_named(bugs, tmp_path, monkeypatch):
    own = tmp_path / "own"
    write(own / "hymenoptera", PHOTOS)
    monkeypatch.setenv("COURSE_DATA", str(own))
    photos = data.hymenoptera()
    name = photos.train.names[4]
    (own / "hymenoptera" / name).write_bytes(b"no picture")
    with pytest.raises(data.DamagedFile, match=name):
        photos.train.resized(8)


# --- archives without a published checksum --------------------------------------------------------


def test_photographs_are_downloaded_and_unpacked_once(bugs, home, capsys):
    with silence():
        assert data.hymenoptera().source == "download"
        assert data.hymenoptera().source == "cache"
    assert bugs.asked == ["GET h.zip"]
    assert "same as the first download" in capsys.readouterr().out
    assert not (home / "archives" / "h.zip").exists()  # unpacked, so no longer needed
    names = sorted(path.name for path in home.iterdir())
    assert names == ["archives", "hymenoptera", "hymenoptera.lock"]


def test_an_incomplete_list_of_photographs_is_noticed(bugs, home):
    data.hymenoptera()
    sums = home / "hymenoptera" / "SHA256SUMS"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:5]))
    with pytest.warns(data.DataWarning, match="the list of files in the cache is not complete"):
        assert data.hymenoptera().source == "download"
    sums.write_text("scrambled")
    with pytest.warns(data.DataWarning, match="not complete"):
        assert data.hymenoptera().source == "download"
    assert len(data.hymenoptera().train) == 6


def test_notebooks_that_run_at_once_download_once(bugs):
    threads = [threading.Thread(target=data.hymenoptera) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bugs.asked == ["GET h.zip"]
    assert data.hymenoptera().source == "cache"


def test_a_damaged_photograph_in_the_cache_is_fetched_again(bugs, home):
    photos = data.hymenoptera()
    name = photos.train.names[2]
    (home / "hymenoptera" / name).write_bytes(b"no picture")
    with pytest.raises(data.DamagedFile, match=f"{name} in the cache is damaged.*fetched again"):
        data.hymenoptera().train[2]
    with silence():
        assert data.hymenoptera().source == "download"
        assert data.hymenoptera().train[2].image.shape == (3, 8, 12)


def test_a_missing_photograph_in_the_cache_is_fetched_again(bugs, home):
    data.hymenoptera()
    (home / "hymenoptera" / "hymenoptera_data/val/ants/0.jpg").unlink()
    with pytest.warns(data.DataWarning, match="val/ants/0.jpg is missing in the cache"):
        assert data.hymenoptera().source == "download"


def test_a_new_edition_is_reported_and_not_used(bugs, home):
    data.hymenoptera()
    (home / "hymenoptera" / "SHA256SUMS").unlink()
    bugs.files["h.zip"] = packed({**PHOTOS, "hymenoptera_data/train/ants/9.jpg": png((0, 9, 0))})
    with pytest.warns(data.DataWarning, match=r"Delete .*h.zip.sha256 to accept a new edition"):
        assert data.hymenoptera().source == "stand-in"
    (home / "archives" / "h.zip.sha256").unlink()
    assert len(data.hymenoptera().train) == 7


def test_a_broken_archive_is_not_accepted(bugs, home):
    bugs.files["h.zip"] = b"<html>Please log in</html>"
    with pytest.warns(data.DataWarning, match=r"h.zip.*no sound zip archive"):
        assert data.hymenoptera().source == "stand-in"
    assert not downloaded(home)


def link(target):
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, target)
    return buffer.getvalue()


def tar(name, kind=tarfile.REGTYPE, target=""):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        archive.addfile(member, io.BytesIO(b""))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        packed({"../outside.txt": b"x"}),
        packed({"/outside.txt": b"x"}),
        link("/etc"),
        tar("../outside.txt"),
        tar("link", tarfile.SYMTYPE, "/etc"),
    ],
    ids=["zip climbs", "zip absolute", "zip link", "tar climbs", "tar link"],
)
def test_unsafe_archives_are_refused(tmp_path, archive):
    (tmp_path / "a").write_bytes(archive)
    with pytest.raises(data.DamagedFile, match="not safe to unpack"):
        sources.extract(tmp_path / "a", tmp_path / "below" / "folder")
    assert not list(tmp_path.rglob("outside.txt"))


def test_an_unsafe_archive_leaves_no_trace_in_the_cache(bugs, home):
    bugs.files["h.zip"] = packed({**PHOTOS, "../outside.txt": b"x"})
    with pytest.warns(data.DataWarning, match="outside.txt"):
        assert data.hymenoptera().source == "stand-in"
    assert not list(home.rglob("outside.txt"))
    assert not (home / "hymenoptera").exists()


def test_sentence_pairs_from_an_archive(monkeypatch, server, capsys):
    lines = "".join(f"Word {i}.\t词{i}。\tCC-BY 2.0\n" for i in range(1_200))
    server.files["c.zip"] = packed({"_about.txt": "about", "cmn.txt": lines})
    remote = origins.Remote("c.zip", (server.url + "c.zip",), None)
    monkeypatch.setitem(origins.ORIGINS, "eng-cmn", origins.Origin("eng-cmn", (remote,)))
    pairs = data.sentence_pairs("eng-cmn")
    assert (pairs.source, len(pairs), pairs[7]) == ("download", 1_200, ("Word 7.", "词7。"))
    assert data.sentence_pairs("eng-cmn").source == "cache"
    server.files["c.zip"] = packed({"cmn.txt": "no tab here\n"})
    for path in sources.cache_folder().rglob("c.zip*"):
        path.unlink()
    with pytest.warns(data.DataWarning, match="line 1 is no pair of sentences: 'no tab here'"):
        assert data.sentence_pairs("eng-cmn").source == "stand-in"


def test_cifar10_from_the_official_archive(monkeypatch, server):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
            content = (bytes([number]) + bytes([10 * number]) * 3072) * 4
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    official = origins.ORIGINS["cifar10"].remotes[0]
    server.files["c.tar.gz"] = buffer.getvalue()
    remote = dataclasses.replace(
        official,
        urls=(server.url + "c.tar.gz",),
        checksum=sources.checksum(buffer.getvalue(), "md5"),
    )
    origin = dataclasses.replace(origins.ORIGINS["cifar10"], remotes=(remote,))
    monkeypatch.setitem(origins.ORIGINS, "cifar10", origin)
    cifar = data.cifar10()
    assert cifar.source == "download"
    assert cifar.train.images.shape == (20, 3, 32, 32)
    assert cifar.train.labels.tolist() == [n for n in range(5) for _ in range(4)]
    assert cifar.test.labels.tolist() == [5] * 4
    assert int(cifar.test.images[0, 2, 31, 31]) == 50


# --- the rest -------------------------------------------------------------------------------------


def test_available(small, tmp_path, monkeypatch):
    small.files[f"gone/{next(iter(DIGITS))}"] = b"x"  # the first address of the first file
    assert data.available("mnist")
    assert small.asked == [f"HEAD gone/{next(iter(DIGITS))}"]
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    assert not data.available("mnist")
    write(tmp_path / "own" / "mnist", DIGITS)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    assert data.available("mnist")
    monkeypatch.delenv("COURSE_DATA")
    monkeypatch.delenv("COURSE_OFFLINE")
    data.mnist()
    small.files.clear()
    assert data.available("mnist")  # from the cache
    with pytest.raises(KeyError, match="no data set is called 'emnist'"):
        data.available("emnist")


def test_not_available_without_an_answer(small):
    small.files.clear()
    assert not data.available("mnist")


def test_one_display_with_metadata_in_a_notebook(small, monkeypatch, capsys):
    import IPython

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a, k)))
    data.mnist()
    ((bundle,), keywords) = shown[0]
    assert len(shown) == 1
    assert bundle["text/plain"].startswith("MNIST: 6 training")
    assert keywords == {
        "raw": True,
        "metadata": {"course": {"data": {"name": "mnist", "source": "download"}}},
    }
    assert capsys.readouterr().out == ""


def test_importing_is_cheap():
    heavy = ["pooch", "PIL", "pandas", "sklearn", "tqdm", "requests", "torchvision", "IPython"]
    code = (
        "import sys, torch; before = set(sys.modules); import course_lib.data; "
        f"print([m for m in {heavy} if m in sys.modules and m not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "no IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "no IDX file"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x05abc", r"3 values, its header says \[5\]"),
    ],
)
def test_idx_content_is_checked(content, text):
    from course_lib.data.images import read_idx

    with pytest.raises(data.DamagedFile, match=text):
        read_idx(content)


def test_cifar_records_are_checked():
    from course_lib.data.images import read_cifar_records

    with pytest.raises(data.DamagedFile, match="3,000 bytes do not divide"):
        read_cifar_records(bytes(3000))
    with pytest.raises(data.DamagedFile, match="a label is 255"):
        read_cifar_records(b"\xff" + bytes(3072))
