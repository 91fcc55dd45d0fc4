"""``course collect``: whose file is it, which one counts, and nothing is lost or harmed."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import struct
import unicodedata
import warnings
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_course import answered, as_bytes, make_course, released

from course_lib.tools.cli import main
from course_lib.tools.grading.collecting import collect as collecting
from course_lib.tools.grading.collecting.archives import Entry, clean_path, open_zip, zip_entries
from course_lib.tools.grading.collecting.collect import collect
from course_lib.tools.grading.collecting.layouts import CANVAS, arrange, detect
from course_lib.tools.grading.collecting.names import (
    UnusableId,
    cell_text,
    original_id,
    safe_id,
    safe_name,
)
from course_lib.tools.grading.collecting.roster import load
from course_lib.tools.grading.course import Course, GradingError, captured_logs, succeeded

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Course:
    return make_course(tmp_path_factory.mktemp("collect") / "course")


@pytest.fixture
def course(made, tmp_path) -> Course:
    """A fresh copy of the small course."""
    shutil.copytree(made.root, tmp_path / "course")
    return Course.find(tmp_path / "course")


def notebook(course: Course, name: str = "sums", text: str = "return 4") -> bytes:
    return as_bytes(answered(course, name, text))


def write(path: Path, data: bytes, time: datetime = MONDAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time.timestamp(), time.timestamp()))
    return path


def zip_file(path: Path, files: dict[str, bytes], time: datetime = MONDAY) -> Path:
    path.write_bytes(zipped(files, time))
    os.utime(path, (time.timestamp(), time.timestamp()))
    return path


def zipped(files: dict[str, bytes], time: datetime = MONDAY) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, time.astimezone().timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def run(course: Course, *paths: Path, **options: Any) -> dict[str, Any]:
    """Collect, and return the rows by file."""
    collection = collect(course, "sums", paths, **options)
    rows = {row.file: row for row in collection.rows}
    assert len(rows) == len(collection.rows)
    return rows


def states(rows: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {file: (row.student, row.state) for file, row in rows.items()}


def submitted(course: Course, student: str) -> dict[str, bytes]:
    folder = course.path("submitted", "sums", student)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def answer(course: Course, student: str) -> bytes | None:
    return submitted(course, student).get("sums.ipynb")


def timestamp(course: Course, student: str) -> datetime:
    folder = course.path("submitted", "sums", student)
    return course.directory.get_existing_timestamp(str(folder)).replace(tzinfo=UTC)


def received(course: Course) -> dict[str, bytes]:
    """Everything that was ever handed in, by path."""
    files = (course.root / "received").rglob("files/**/*")
    return {
        str(path.relative_to(course.root)): path.read_bytes() for path in files if path.is_file()
    }


def snapshot(folder: Path) -> dict[str, tuple]:
    """Names, contents, times and modes of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"",
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
    }


# --- layouts --------------------------------------------------------------------------------------


def test_moodle(course, tmp_path):
    good, better = notebook(course), notebook(course, text="return 5")
    export = zip_file(
        tmp_path / "DL-sums-77.zip",
        {
            "Ada Lovelace_12_assignsubmission_file_/sums.ipynb": good,
            "王小明_13_assignsubmission_file/作业 (1) 🎉.ipynb": better,
            "Ada Lovelace_12_assignsubmission_onlinetext_/onlinetext.html": b"Hello",
            "Team_A_14_assignsubmission_file_/deep/er/sums.ipynb": good,
        },
    )
    rows = run(course, export)
    assert states(rows) == {
        "Ada Lovelace_12_assignsubmission_file_/sums.ipynb": ("Ada Lovelace", "collected"),
        "王小明_13_assignsubmission_file/作业 (1) 🎉.ipynb": ("王小明", "collected"),
        "Ada Lovelace_12_assignsubmission_onlinetext_/onlinetext.html": ("Ada Lovelace", "skipped"),
        "Team_A_14_assignsubmission_file_/deep/er/sums.ipynb": ("Team_A", "collected"),
    }
    assert answer(course, "Ada Lovelace") == good
    assert answer(course, "王小明") == better
    with course.gradebook() as gradebook:
        ada = gradebook.find_student("Ada Lovelace")
        assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
        assert ada.lms_user_id is None  # Moodle's number is another one in each assignment


def test_moodle_without_folders_and_unpacked(course, tmp_path):
    data = notebook(course)
    write(tmp_path / "flat" / "Ada Lovelace_12_assignsubmission_file_my sums.ipynb", data)
    write(tmp_path / "flat" / "Alan Turing_13_assignsubmission_file_/sums.ipynb", data)
    rows = run(course, tmp_path / "flat")
    assert {row.student for row in rows.values()} == {"Ada Lovelace", "Alan Turing"}
    assert answer(course, "Ada Lovelace") == answer(course, "Alan Turing") == data


def test_canvas(course, tmp_path):
    first, second = notebook(course), notebook(course, text="return 5")
    export = zip_file(
        tmp_path / "submissions.zip",
        {
            "lovelaceada_456_1001_sums.ipynb": first,
            "lovelaceada_456_1002_sums-1.ipynb": second,
            "turingalan_LATE_457_1003_sums-2.ipynb": first,
            "hoppergrace_458_text.html": b"typed",
            "de_la_cruzana_459_1004_s_u_m_1_2.ipynb": second,
        },
    )
    rows = run(course, export)
    assert states(rows) == {
        "lovelaceada_456_1001_sums.ipynb": ("lovelaceada-456", "older"),
        "lovelaceada_456_1002_sums-1.ipynb": ("lovelaceada-456", "collected"),
        "turingalan_LATE_457_1003_sums-2.ipynb": ("turingalan-457", "collected"),
        "hoppergrace_458_text.html": ("hoppergrace", "skipped"),
        "de_la_cruzana_459_1004_s_u_m_1_2.ipynb": ("de_la_cruzana-459", "collected"),
    }
    assert answer(course, "lovelaceada-456") == second
    with course.gradebook() as gradebook:
        assert gradebook.find_student("turingalan-457").lms_user_id == "457"


def test_canvas_anonymous(course, tmp_path):
    names = ("anon_Ab3dE_11_x.ipynb", "LATE_anon_zZ9_12_x.ipynb")
    export = zip_file(tmp_path / "a.zip", {name: notebook(course) for name in names})
    rows = run(course, export)
    assert [row.student for row in rows.values()] == ["anon_Ab3dE", "anon_zZ9"]


@pytest.mark.parametrize(
    ("paths", "students"),
    [
        (["alice/sums.ipynb", "bob/x.ipynb"], ["alice", "bob"]),
        (["alice/sums/sums.ipynb", "bob/sums/sums.ipynb"], ["alice", "bob"]),
        (["submitted/alice/sums/sums.ipynb"], ["alice"]),
        (["download/alice/sums.ipynb", "download/bob/sums.ipynb"], ["alice", "bob"]),
        (["sums/alice/sums.ipynb"], ["alice"]),
        (["alice.ipynb", "bob_sums (1).ipynb", "sums-carl.ipynb"], ["alice", "bob", "carl"]),
        (["export/alice.ipynb", "export/bob.ipynb"], ["alice", "bob"]),
        (["alice/homework/sums.ipynb"], ["alice"]),
        (["alice/sums.ipynb", "alice/notes.ipynb"], ["alice", "alice"]),
        (["sums.ipynb"], [None]),
        (["alice_2026_01_sums.ipynb", "bob_2026_01_sums.ipynb"], ["alice_2026_01", "bob_2026_01"]),
    ],
)
def test_folders(paths, students):
    entries = [Entry(PurePosixPath(path)) for path in paths]
    assert detect(entries) == "folder"
    found = arrange(entries, "folder", "sums", ["means", "sums"])
    assert [each.owner and each.owner.name for each in found] == students


def test_nbgraders_own_folders(course, tmp_path):
    data = notebook(course)
    write(tmp_path / "in/alice/sums/sums.ipynb", data, WEDNESDAY)
    write(tmp_path / "in/alice/sums/timestamp.txt", b"2026-03-02 12:00:00 UTC")
    write(tmp_path / "in/alice/sums/data/more.csv", b"1,2")
    write(tmp_path / "in/alice/sums/__pycache__/x.pyc", b"0")
    write(tmp_path / "in/alice/means/means.ipynb", notebook(course, "means"))
    rows = run(course, tmp_path / "in")
    assert states(rows) == {
        "alice/sums/sums.ipynb": ("alice", "collected"),
        "alice/sums/timestamp.txt": ("alice", "kept"),
        "alice/sums/data/more.csv": ("alice", "collected"),
        "alice/sums/__pycache__/x.pyc": ("alice", "kept"),
        "alice/means/means.ipynb": ("alice", "skipped"),
    }
    assert set(submitted(course, "alice")) == {"sums.ipynb", "data/more.csv", "timestamp.txt"}
    assert timestamp(course, "alice") == MONDAY


def test_stock_nbgrader_grades_what_was_collected(course, tmp_path):
    write(tmp_path / "in/王 小明/🎉.ipynb", notebook(course))
    run(course, tmp_path / "in")
    with captured_logs():
        assert succeeded(course.api().autograde("sums", "王 小明"))
    with course.gradebook() as gradebook:
        assert gradebook.find_submission("sums", "王 小明").score == 4


def test_other_files_go_along_as_nbgrader_says(course, tmp_path):
    write(tmp_path / "in/alice/homework/sums.ipynb", notebook(course))
    write(tmp_path / "in/alice/homework/data.csv", b"1")
    write(tmp_path / "in/alice/outside.csv", b"1")
    rows = run(course, tmp_path / "in")
    assert set(submitted(course, "alice")) == {"sums.ipynb", "timestamp.txt"}
    assert rows["alice/homework/data.csv"].state == "kept"
    course.config.FileNameCollectorPlugin.valid_ext = [".ipynb", ".csv"]
    rows = run(course, tmp_path / "in")
    assert set(submitted(course, "alice")) == {"sums.ipynb", "data.csv", "timestamp.txt"}
    assert "outside the notebook's folder" in rows["alice/outside.csv"].reason


def test_a_folder_of_downloads_and_students_own_zips(course, tmp_path):
    data = notebook(course)
    folder = tmp_path / "downloads"
    folder.mkdir()
    zip_file(folder / "monday.zip", {"Ada_1_assignsubmission_file_/sums.ipynb": data})
    zip_file(folder / "bob.zip", {"my work/sums.ipynb": data, "__MACOSX/._x": b"", "a.txt": b""})
    rows = run(course, folder)
    assert answer(course, "Ada") == answer(course, "bob") == data
    assert rows["bob.zip: my work/sums.ipynb"].state == "collected"
    assert rows["bob.zip"].state == "kept"
    assert "received/bob" in str(received(course))
    rows = run(course, zip_file(tmp_path / "carl.zip", {"sums.ipynb": data}))
    assert rows["carl.zip: sums.ipynb"].student == "carl"


@pytest.mark.parametrize(
    ("submitted_directory", "structure", "received_at"),
    [
        ("grading/submitted", "{nbgrader_step}/{student_id}/{assignment_id}", "grading/received"),
        ("{tmp}/elsewhere/in", "{nbgrader_step}/{student_id}/{assignment_id}", "{tmp}/elsewhere"),
        ("submitted", "{nbgrader_step}/{assignment_id}/{student_id}", "received"),
    ],
)
def test_other_folders_than_nbgraders_own(
    course, tmp_path, submitted_directory, structure, received_at
):
    course.directory.submitted_directory = submitted_directory.replace("{tmp}", str(tmp_path))
    course.directory.directory_structure = structure
    shutil.move(course.root / "release" / "sums", tmp_path / "sums")
    shutil.move(tmp_path / "sums", course.path("release", "sums"))
    inbox = write(tmp_path / "in/alice/sums.ipynb", notebook(course)).parents[1]
    run(course, inbox)
    assert answer(course, "alice") == notebook(course)
    place = course.root / received_at.replace("{tmp}", str(tmp_path))
    assert list(place.rglob("receipt.json"))
    shutil.rmtree(course.path("submitted", "sums", "alice"))
    assert {row.state for row in run(course, inbox).values()} == {"collected"}


# --- which notebook -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "sums.ipynb",
        "my answer.ipynb",
        "作业.ipynb",
        "🎉🎉.ipynb",
        "sums (1).ipynb",
        "sums.ipynb.txt",
        "sums.json",
        "sums",
        "Untitled.IPYNB",
        "means.ipynb",
        "a" * 240 + ".ipynb",
    ],
)
def test_a_notebook_is_known_by_its_contents(course, tmp_path, name):
    data = notebook(course)
    write(tmp_path / "in/alice" / name, data)
    (row,) = run(course, tmp_path / "in").values()
    assert (row.student, row.state, row.reason) == ("alice", "collected", "")
    assert answer(course, "alice") == data


def test_another_assignments_notebook_is_no_submission(course, tmp_path):
    data = notebook(course, "means")
    write(tmp_path / "in/alice/sums.ipynb", data)
    (row,) = run(course, tmp_path / "in").values()
    assert row.state == "problem"
    assert "another assignment: means" in row.reason
    assert submitted(course, "alice") == {}
    assert data in received(course).values()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-100], "cut off"),
        (lambda data: b"", "is empty"),
        (lambda data: b"[" * 100_000, "nested so deeply"),
        (lambda data: b"print(1)", "some other text"),
    ],
)
def test_a_damaged_notebook_is_collected_and_explained(course, tmp_path, damage, said):
    data = damage(notebook(course))
    write(tmp_path / "in/alice/sums.ipynb", data)
    write(tmp_path / "in/bob/sums.ipynb", notebook(course))
    rows = run(course, tmp_path / "in")
    assert rows["bob/sums.ipynb"].state == "collected"
    row = rows["alice/sums.ipynb"]
    assert (row.state, row.broken) == ("collected", True)
    assert said in row.reason
    assert answer(course, "alice") == data


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"mine", b"\xff"),
        lambda data: data.replace(b'"cell_type": "code"', b'"cell_type": "raw"', 1),
    ],
)
def test_what_grading_repairs_is_no_reason_to_ask_the_student(course, tmp_path, damage):
    data = damage(notebook(course))
    assert data != notebook(course)
    write(tmp_path / "in/alice/sums.ipynb", data)
    (row,) = run(course, tmp_path / "in").values()
    assert (row.state, row.broken, row.reason) == ("collected", False, "")
    assert answer(course, "alice") == data


def test_an_old_format_is_fine(course, tmp_path):
    old = nbformat.convert(nbformat.reads(notebook(course), as_version=4), 3)
    write(tmp_path / "in/alice/x.ipynb", as_bytes(old))
    (row,) = run(course, tmp_path / "in").values()
    assert (row.state, row.broken) == ("collected", False)


def test_several_notebooks_in_one_submission(course, tmp_path):
    good, older = notebook(course), notebook(course, text="return 5")
    write(tmp_path / "in/alice/final.ipynb", good, TUESDAY)
    write(tmp_path / "in/alice/sums.ipynb", older, MONDAY)
    write(tmp_path / "in/alice/notes.ipynb", b'{"cells": [], "nbformat": 4}', WEDNESDAY)
    rows = run(course, tmp_path / "in")
    assert [row.state for row in rows.values()] == ["collected", "kept", "older"]
    assert "final.ipynb" in rows["alice/sums.ipynb"].reason
    assert answer(course, "alice") == good
    assert timestamp(course, "alice") == WEDNESDAY


# --- which submission -----------------------------------------------------------------------------


def test_the_latest_counts_in_whatever_order_they_come(course, tmp_path):
    versions = {day: notebook(course, text=f"return {n}") for n, day in enumerate("abc")}
    days = {"a": MONDAY, "b": TUESDAY, "c": WEDNESDAY}
    for order in ("abc", "cba", "bca"):
        student = f"student-{order}"
        for day in order:
            path = write(tmp_path / order / day / student / "sums.ipynb", versions[day], days[day])
            rows = run(course, path.parents[1])
        assert answer(course, student) == versions["c"]
        assert timestamp(course, student) == WEDNESDAY
        kept = [data for path, data in received(course).items() if student in path]
        assert sorted(kept) == sorted(versions.values())
        last = rows[f"{student}/sums.ipynb"]
        assert last.state == ("collected" if order == "abc" else "older")


def test_collecting_again_changes_nothing(course, tmp_path):
    write(tmp_path / "in/alice/sums.ipynb", notebook(course))
    write(tmp_path / "in/bob.ipynb", b"{")
    before_input = snapshot(tmp_path / "in")
    run(course, tmp_path / "in")
    before = snapshot(course.root / "received") | snapshot(course.root / "submitted")
    rows = run(course, tmp_path / "in")
    assert {row.state for row in rows.values()} == {"unchanged"}
    after = snapshot(course.root / "received") | snapshot(course.root / "submitted")
    assert after == before
    assert snapshot(tmp_path / "in") == before_input


def test_the_same_contents_downloaded_later_keep_their_time(course, tmp_path):
    files = {"Ada_1_assignsubmission_file_/sums.ipynb": notebook(course)}
    run(course, zip_file(tmp_path / "monday.zip", files, MONDAY))
    rows = run(course, zip_file(tmp_path / "tuesday.zip", files, TUESDAY))
    assert [row.state for row in rows.values()] == ["unchanged"]
    assert timestamp(course, "Ada") == MONDAY


def test_going_back_to_an_earlier_version_is_a_new_submission(course, tmp_path):
    one, two = notebook(course), notebook(course, text="return 5")
    for number, (data, time) in enumerate([(one, MONDAY), (two, TUESDAY), (one, WEDNESDAY)]):
        run(course, write(tmp_path / str(number) / "alice/sums.ipynb", data, time).parents[1])
    assert answer(course, "alice") == one
    assert timestamp(course, "alice") == WEDNESDAY
    run(course, tmp_path / "0")
    assert timestamp(course, "alice") == WEDNESDAY


def test_a_broken_upload_does_not_replace_a_readable_one(course, tmp_path):
    good = notebook(course)
    run(course, write(tmp_path / "1/alice/sums.ipynb", good, MONDAY).parents[1])
    rows = run(course, write(tmp_path / "2/alice/sums.ipynb", good[:99], TUESDAY).parents[1])
    row = rows["alice/sums.ipynb"]
    assert row.state == "older"
    assert "cut off" in row.reason and "2026-03-02 12:00 UTC counts" in row.reason
    assert answer(course, "alice") == good
    assert len(received(course)) == 2


def test_kept_files_are_read_only_and_exact(course, tmp_path):
    data = notebook(course) + b"\r\n \n"
    run(course, write(tmp_path / "in/alice/我的 sums?.ipynb", data).parents[1])
    ((path, kept),) = received(course).items()
    assert kept == data
    assert path.endswith("我的 sums%3F.ipynb")
    mode = (course.root / path).stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    receipt = json.loads((course.root / path).parents[1].joinpath("receipt.json").read_text())
    assert receipt["files"][0]["name"] == "我的 sums?.ipynb"


def test_what_stock_nbgrader_collected_is_kept_and_compared(course, tmp_path):
    stock = notebook(course, text="return 5")
    folder = course.path("submitted", "sums", "alice")
    write(folder / "sums.ipynb", stock)
    write(folder / "data.csv", b"1")
    (folder / "timestamp.txt").write_text("2026-03-03 12:00:00 UTC")
    rows = run(course, write(tmp_path / "1/alice/sums.ipynb", notebook(course)).parents[1])
    assert rows["alice/sums.ipynb"].state == "older"
    assert submitted(course, "alice")["data.csv"] == b"1"
    assert stock in received(course).values()
    newer = notebook(course, text="return 6")
    run(course, write(tmp_path / "2/alice/sums.ipynb", newer, WEDNESDAY).parents[1])
    assert answer(course, "alice") == newer


def test_an_instructors_repair_is_not_overwritten(course, tmp_path):
    inbox = write(tmp_path / "in/alice/sums.ipynb", notebook(course)).parents[1]
    run(course, inbox)
    repaired = notebook(course, text="return 6")
    write(course.path("submitted", "sums", "alice") / "sums.ipynb", repaired, WEDNESDAY)
    run(course, inbox)
    assert answer(course, "alice") == repaired
    assert timestamp(course, "alice") == MONDAY


def test_an_interrupted_collect_is_finished_by_the_next(course, tmp_path, monkeypatch):
    data = notebook(course)
    inbox = write(tmp_path / "in/alice/sums.ipynb", data).parents[1]
    with monkeypatch.context() as patch:
        patch.setattr(collecting.Received, "submit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(course, inbox)
    assert answer(course, "alice") is None
    (course.root / "received/.new-left").mkdir()
    run(course, write(tmp_path / "other/bob/sums.ipynb", data).parents[1])
    assert answer(course, "alice") == data
    assert not (course.root / "received/.new-left").exists()


# --- time -----------------------------------------------------------------------------------------


def due(course: Course, time: datetime) -> None:
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment("sums", duedate=time.replace(tzinfo=None))


def test_the_time_can_be_given(course, tmp_path):
    inbox = write(tmp_path / "in/alice/sums.ipynb", notebook(course), WEDNESDAY).parents[1]
    run(course, inbox)
    assert timestamp(course, "alice") == WEDNESDAY
    for time in (MONDAY, TUESDAY, MONDAY):  # the last word counts
        run(course, inbox, time=time)
        assert timestamp(course, "alice") == time
    run(course, inbox)
    assert timestamp(course, "alice") == MONDAY


def test_a_clock_that_is_ahead_does_not_beat_later_submissions(course, tmp_path):
    future = datetime.now(UTC) + timedelta(days=999)
    run(course, write(tmp_path / "1/alice/sums.ipynb", notebook(course), future).parents[1])
    assert timestamp(course, "alice") <= datetime.now(UTC)


def test_a_students_timestamp_is_not_believed(course, tmp_path):
    inner = zipped({"sums.ipynb": notebook(course), "timestamp.txt": b"2001-01-01 00:00:00 UTC"})
    write(tmp_path / "in/alice/work.zip", inner, TUESDAY)
    write(tmp_path / "in/bob/sums.ipynb", notebook(course), TUESDAY)
    write(tmp_path / "in/bob/timestamp.txt", b"2001-01-01 00:00:00 UTC", TUESDAY)
    run(course, tmp_path / "in")
    assert timestamp(course, "alice") == timestamp(course, "bob") == TUESDAY


def test_canvas_says_what_is_late(course, tmp_path):
    due(course, MONDAY)
    files = {"a_1_11_sums.ipynb": notebook(course), "b_LATE_2_12_sums.ipynb": notebook(course)}
    export = zip_file(tmp_path / "c.zip", files, WEDNESDAY)
    collection = collect(course, "sums", [export])
    assert timestamp(course, "a-1") == MONDAY
    assert timestamp(course, "b-2") == WEDNESDAY
    assert "Marked as late by Canvas: 1" in collection.notes[0]


WORKSHEET = """\ufeffIdentifier,"Full name","Email address",Grade,"Last modified (submission)"
"Participant 1","Ada Lovelace",ada@x.org,-,"Monday, 2 March 2026, {hour}:00 {half}"
"Participant 2","Ada Lovelace",other@x.org,-,-
"""


def test_moodles_worksheet_tells_times_and_twins_apart(course, tmp_path):
    due(course, MONDAY + timedelta(hours=1))
    files = {
        "Ada Lovelace_1_assignsubmission_file_/sums.ipynb": notebook(course),
        "Ada Lovelace_2_assignsubmission_file_/sums.ipynb": notebook(course, text="return 5"),
    }
    export = zip_file(tmp_path / "m.zip", files, WEDNESDAY)
    collection = collect(course, "sums", [export])
    assert [row.state for row in collection.rows] == ["problem", "problem"]
    assert "two students with one name" in collection.rows[0].reason
    local = MONDAY.astimezone()
    sheet = WORKSHEET.format(hour=f"{local:%I}", half=f"{local:%p}")
    (tmp_path / "w.csv").write_text(sheet, encoding="utf-8")
    collection = collect(course, "sums", [export], roster=tmp_path / "w.csv")
    assert [(row.student, row.state) for row in collection.rows] == [
        ("ada@x.org", "collected"),
        ("other@x.org", "collected"),
    ]
    assert timestamp(course, "ada@x.org") == MONDAY
    assert timestamp(course, "other@x.org") == WEDNESDAY
    assert "Late by the times in Moodle's zip file: 1" in collection.notes[0]


def test_times_in_zip_files():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        exact = zipfile.ZipInfo("exact", (2020, 1, 1, 0, 0, 0))
        exact.extra = struct.pack("<HHBi", 0x5455, 5, 1, int(MONDAY.timestamp()))
        archive.writestr(exact, b"")
        archive.writestr(zipfile.ZipInfo("unknown"), b"")
        archive.writestr(zipfile.ZipInfo("impossible", (2021, 2, 31, 25, 0, 0)), b"")
    exact, unknown, impossible = zip_entries(open_zip(buffer.getvalue()))
    assert exact.time == MONDAY
    assert unknown.time is impossible.time is None


# --- who ------------------------------------------------------------------------------------------


def roster(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_roster_gives_ids_names_and_the_missing(course, tmp_path):
    people = roster(
        tmp_path,
        "id,first_name,last_name,email,lms_user_id\n"
        "u1,Ada,Lovelace,ada@x.org,456\n"
        "u2,小明,王,ming@x.org,\n"
        "u3,Grace,Hopper,grace@x.org,\n",
    )
    write(tmp_path / "in/ADA@x.org/sums.ipynb", notebook(course))
    write(tmp_path / "in/王小明/sums.ipynb", notebook(course))
    write(tmp_path / "in/stranger/sums.ipynb", notebook(course))
    collection = collect(course, "sums", [tmp_path / "in"], roster=people)
    assert [row.student for row in collection.rows] == ["stranger", "u1", "u2"]
    assert collection.missing == ["u3"]
    assert "stranger" in collection.notes[0]
    with course.gradebook() as gradebook:
        student = gradebook.find_student("u1")
        assert (student.first_name, student.email, student.lms_user_id) == (
            "Ada",
            "ada@x.org",
            "456",
        )
        assert gradebook.find_student("u3").last_name == "Hopper"
    export = zip_file(tmp_path / "c.zip", {"lovelaceada_456_9_x.ipynb": notebook(course)})
    (row,) = run(course, export).values()  # the gradebook remembers
    assert row.student == "u1"


def test_canvas_gradebook_as_roster(course, tmp_path):
    people = roster(
        tmp_path,
        "Student,ID,SIS User ID,SIS Login ID,Section,sums (12)\n"
        "    Points Possible,,,,,6\n"
        '"Lovelace, Ada",456,S1,ada@x.org,A,\n',
    )
    export = zip_file(tmp_path / "c.zip", {"lovelaceada_456_9_x.ipynb": notebook(course)})
    (row,) = run(course, export, roster=people).values()
    assert row.student == "ada@x.org"


def test_a_worksheet_finds_the_students_of_earlier_collects(course, tmp_path):
    files = {"Ada Lovelace_7_assignsubmission_file_/sums.ipynb": notebook(course)}
    run(course, zip_file(tmp_path / "1.zip", files))
    people = roster(
        tmp_path, "Identifier,Full name,Email address\nParticipant 7,Ada Lovelace,ada@x.org\n"
    )
    (row,) = run(course, tmp_path / "1.zip", roster=people).values()
    assert (row.student, row.state) == ("Ada Lovelace", "unchanged")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,email\n,a@x\n", "line 2: the student has no id"),
        ("id\na\nb\nA\n", "line 4: the id 'A' stands in line 2 already"),
        ("name\nAda\n", "has the columns name"),
        ("", "has the columns (none)"),
        ("id,first_name\na," + "x" * 200 + "\n", "first_name is longer"),
        ('id\n"a\n', "is no CSV file"),
    ],
)
def test_a_wrong_roster_is_explained(tmp_path, text, said):
    with pytest.raises(GradingError) as error:
        load(roster(tmp_path, text))
    assert said in str(error.value)


def test_rosters_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "r.csv"
    for text in ("\ufeffid;last_name\r\nä;Ö\r\n", "id\tlast_name\nä\tÖ\n", "id,last_name\nä,Ö"):
        for encoding in ("utf-8", "utf-16"):
            path.write_bytes(text.removeprefix("\ufeff" * (encoding == "utf-16")).encode(encoding))
            ((person,), own) = load(path)
            assert (person.id, person.last_name, own) == ("ä", "Ö", True)
    path.write_bytes("id\nä\n".encode("cp1252"))
    with pytest.raises(GradingError, match="UTF-8"):
        load(path)


def test_ids_that_no_folder_can_have(course, tmp_path):
    names = {
        "..a": "%2E.a",
        ".hidden": "%2Ehidden",
        "a,b*": "a%2Cb%2A",
        "50%": "50%25",
        "[x]": "%5Bx%5D",
    }
    for name in names:
        write(tmp_path / "in" / name / "sums.ipynb", notebook(course))
    rows = run(course, tmp_path / "in")
    assert {row.student for row in rows.values()} == set(names.values())
    for name, student in names.items():
        assert original_id(student) == name
        with captured_logs():
            assert succeeded(course.api().autograde("sums", student))


def test_ids_that_differ_in_case_only_are_two_students(course, tmp_path):
    for name in ("Ada", "ada"):
        write(tmp_path / "in" / name / "sums.ipynb", notebook(course))
    rows = run(course, tmp_path / "in")
    assert [row.state for row in rows.values()] == ["problem", "problem"]
    assert submitted(course, "Ada") == submitted(course, "ada") == {}


def test_twins_in_two_downloads_are_not_mixed_up(course, tmp_path):
    for number in (1, 2):
        name = f"Ada Lovelace_{number}_assignsubmission_file_/sums.ipynb"
        data = notebook(course, text=f"return {number}")
        rows = run(course, zip_file(tmp_path / f"{number}.zip", {name: data}, WEDNESDAY))
    assert [row.state for row in rows.values()] == ["problem"]
    assert b"return 1" in answer(course, "Ada Lovelace")


TEXT = st.text(min_size=1, max_size=40)


@given(TEXT)
def test_safe_ids_can_be_turned_back(name):
    safe = safe_id(name)
    assert original_id(safe) == unicodedata.normalize("NFC", name)
    assert safe not in (".", "..") and not safe.startswith(".")
    assert not set(safe) & set('/\\:*?"<>|[],\0\n')
    assert safe_id(original_id(safe)) == safe
    assert PurePosixPath(safe).name == safe


@given(st.lists(TEXT, min_size=2, max_size=2, unique=True))
def test_safe_ids_stay_different(names):
    one, other = (unicodedata.normalize("NFC", name) for name in names)
    assert (safe_id(one) == safe_id(other)) == (one == other)


@pytest.mark.parametrize("name", ["", "x" * 129, "🎉" * 50])
def test_ids_that_cannot_be(name):
    with pytest.raises(UnusableId):
        safe_id(name)


@given(st.text(max_size=400))
def test_safe_names_are_names(name):
    safe = safe_name(name)
    assert 0 < len(safe.encode()) <= 255
    assert PurePosixPath(safe).parts == (safe,)
    assert safe not in (".", "..")


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text):
    assert cell_text(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert cell_text(text).endswith(text)


WORD = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(
    lambda word: not word.endswith("_late") and word != "anon"
)


@given(WORD, st.booleans(), st.integers(1, 10**7), st.integers(1, 10**9), TEXT)
def test_canvas_names_are_taken_apart(name, late, user, upload, file):
    path = f"{name}_{'LATE_' if late else ''}{user}_{upload}_{file}"
    match = CANVAS.fullmatch(path)
    assert match["name"] == name.removesuffix("_") or match["name"] == name
    assert (match["user"], match["upload"], match["file"]) == (str(user), str(upload), file)
    assert bool(match["late"]) == late


# --- hostile and broken archives ------------------------------------------------------------------


def moodle(name: str) -> str:
    return f"{name}_1_assignsubmission_file_/sums.ipynb"


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.ipynb",
        "Ada_1_assignsubmission_file_/../../../sums.ipynb",
        "/etc/evil.ipynb",
        "C:/Windows/evil.ipynb",
        "..\\..\\evil.ipynb",
        "a/../b/../../evil.ipynb",
    ],
)
def test_paths_that_lead_out_are_refused(course, tmp_path, name):
    good = notebook(course)
    export = zip_file(tmp_path / "x.zip", {name: good, moodle("Bob"): good})
    before = snapshot(tmp_path) | {}
    rows = run(course, export)
    assert sorted(row.state for row in rows.values()) == ["collected", "problem"]
    outside = {path for path in snapshot(tmp_path) if not path.startswith("course")}
    assert outside == {path for path in before if not path.startswith("course")}
    assert not list(course.root.rglob("evil*"))


@given(st.text(max_size=30) | st.from_regex(r"(\.\.|/|\\|C:|a|\.)*", fullmatch=True))
def test_cleaned_paths_stay_inside(name):
    path, fault = clean_path(name)
    assert not path.is_absolute()
    assert ".." not in path.parts
    inside = os.path.normpath(os.path.join("/base", name.replace("\\", "/")))  # noqa: PTH118
    if not fault:
        assert inside == str(PurePosixPath("/base") / path)
    elif not inside.startswith("/base/"):
        assert fault


def test_links_devices_and_passwords_are_refused(course, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in (("Link", stat.S_IFLNK), ("Pipe", stat.S_IFIFO), ("Disk", stat.S_IFBLK)):
            info = zipfile.ZipInfo(moodle(name))
            info.create_system, info.external_attr = 3, (kind | 0o777) << 16
            archive.writestr(info, b"/etc/passwd")
        archive.writestr(moodle("Bob"), notebook(course))
        archive.writestr(moodle("Locked"), notebook(course))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # set the encryption bit
        position = data.rindex(signature)
        data[position + offset] |= 1
    path.write_bytes(data)
    rows = run(course, path)
    assert {row.student: row.state for row in rows.values()} == {
        "Link": "problem",
        "Pipe": "problem",
        "Disk": "problem",
        "Bob": "collected",
        "Locked": "problem",
    }
    assert "password" in rows[moodle("Locked")].reason


def test_links_in_folders_are_refused(course, tmp_path):
    data = write(tmp_path / "in/alice/sums.ipynb", notebook(course))
    (tmp_path / "in/bob").mkdir()
    (tmp_path / "in/bob/sums.ipynb").symlink_to(data)
    (tmp_path / "in/carl").symlink_to(tmp_path / "in/alice")
    os.mkfifo(tmp_path / "in/pipe")
    rows = run(course, tmp_path / "in")
    assert {file: row.state for file, row in rows.items()} == {
        "alice/sums.ipynb": "collected",
        "bob/sums.ipynb": "problem",
        "carl": "problem",
        "pipe": "problem",
    }


def test_bombs_are_refused_and_others_collected(course, tmp_path):
    course.directory.max_file_size, course.directory.max_dir_size = 100_000, 100_000  # kB
    bomb = zipped({"sums.ipynb": bytes(50_000_000)})
    many = zipped({f"{number}.txt": b"" for number in range(1500)})
    liar = bytearray(zipped({"sums.ipynb": bytes(150_000_000)}))
    central = liar.rindex(b"PK\x01\x02")
    liar[central + 24 : central + 28] = struct.pack("<I", 1000)  # says that it has 1,000 bytes
    files = {
        moodle("Bob"): notebook(course),
        moodle("Bomb").replace(".ipynb", ".zip"): bomb,
        moodle("Many").replace(".ipynb", ".zip"): many,
        moodle("Liar").replace(".ipynb", ".zip"): bytes(liar),
        moodle("Double").replace(".ipynb", ".zip"): zipped({"inner.zip": bomb}),
    }
    rows = run(course, zip_file(tmp_path / "x.zip", files))
    problems = {row.student: row.reason for row in rows.values() if row.state == "problem"}
    assert set(problems) == {"Bomb", "Many", "Liar", "Double"}
    assert "zip bomb" in problems["Bomb"]
    assert "1,000 files" in problems["Many"]
    assert "archive in an archive" in problems["Double"]
    assert answer(course, "Bob") == notebook(course)


def test_size_limits_are_nbgraders_and_count_for_each_student(course, tmp_path):
    course.directory.max_file_size, course.directory.max_dir_size = 10, 15  # kB
    data = notebook(course)
    for student in ("alice", "bob"):
        write(tmp_path / "in" / student / "sums.ipynb", data)
        write(tmp_path / "in" / student / "z1.txt", b"x" * 9_000)
        write(tmp_path / "in" / student / "z2.txt", b"x" * 11_000)
    rows = run(course, tmp_path / "in")
    for student in ("alice", "bob"):
        assert rows[f"{student}/sums.ipynb"].state == "collected"
        assert rows[f"{student}/z1.txt"].state == "kept"
        assert "larger than the" in rows[f"{student}/z2.txt"].reason


@pytest.mark.parametrize("cut", [0, 10, -30, -1])
def test_incomplete_zip_files_are_explained(course, tmp_path, cut):
    data = zipped({moodle("Ada"): notebook(course)})
    path = write(tmp_path / "x.zip", data[:cut])
    write(tmp_path / "y/bob/sums.ipynb", notebook(course))
    rows = run(course, path, tmp_path / "y")
    assert rows["x.zip"].state == "problem"
    assert "download it again" in rows["x.zip"].reason
    assert rows["bob/sums.ipynb"].state == "collected"


def test_a_damaged_file_in_a_zip_costs_that_file_only(course, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(moodle("Ada"), notebook(course))
        archive.writestr(moodle("Bob"), notebook(course))
    data = bytearray(path.read_bytes())
    data[data.index(b"sums.ipynb") + 200] ^= 0xFF
    path.write_bytes(data)
    rows = run(course, path)
    assert rows[moodle("Ada")].state == "problem"
    assert "damaged" in rows[moodle("Ada")].reason
    assert rows[moodle("Bob")].state == "collected"


def test_other_archives_are_named(course, tmp_path):
    write(tmp_path / "in/alice/work.rar", b"Rar!")
    write(tmp_path / "in/bob/work.tar.gz", b"\x1f\x8b")
    write(tmp_path / "in/carl/work.zip", b"not a zip")
    rows = run(course, tmp_path / "in")
    assert {row.state for row in rows.values()} == {"problem"}
    assert ".rar" in rows["alice/work.rar"].reason
    assert "no zip file" in rows["carl/work.zip"].reason


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_names_in_old_zip_files(encoding):
    name = "王小明/作业.ipynb"
    raw = name.encode(encoding)
    data = zipped({"x" * len(raw): b"1"}).replace(b"x" * len(raw), raw)
    (entry,) = zip_entries(open_zip(data))
    assert str(entry.path) == name


def test_names_in_the_zip_formats_own_encoding():
    raw = "Übung.ipynb".encode("cp437")
    data = zipped({"x" * len(raw): b"1"}).replace(b"x" * len(raw), raw)
    (entry,) = zip_entries(open_zip(data))
    assert str(entry.path) == "Übung.ipynb"


def test_one_name_twice_and_a_file_where_a_folder_is_needed(course, tmp_path):
    path = tmp_path / "x.zip"
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr(moodle("Ada"), notebook(course))
        archive.writestr(moodle("Ada"), notebook(course, text="return 5"))
        archive.writestr(moodle("Ada") + "/inside.txt", b"")
    collection = collect(course, "sums", [path])
    assert len(collection.rows) == 3
    assert len(received(course)) == 3


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(
        st.text(max_size=20) | st.from_regex(r"(\.\./|/|[ab]/|x_1_assignsubmission_file_/)*a?"),
        max_size=4,
    )
)
def test_any_names_in_a_zip_stay_inside_the_course(course, tmp_path, names):
    path = tmp_path / "any.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(zipfile.ZipInfo(name.encode("utf-8", "replace").decode()), b"{}")
    before = {p for p in tmp_path.iterdir()}
    collection = collect(course, "sums", [path])
    assert {p for p in tmp_path.iterdir()} == before
    top = {p.name for p in course.root.iterdir()} - {"received", "submitted", "__pycache__"}
    assert top == {"nbgrader_config.py", "source", "release", "gradebook.db"}
    files = sum(not name.endswith(("/", "\\")) for name in names)
    assert len(collection.rows) >= (files and 1)


# --- the command ----------------------------------------------------------------------------------


def call(course: Course, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["--project", str(course.root), "collect", *arguments])


def test_the_command_prints_a_line_for_each_file_and_counts(course, tmp_path):
    write(tmp_path / "in/alice/sums.ipynb", notebook(course))
    write(tmp_path / "in/[bold]bob/sums.ipynb", notebook(course)[:-9])
    write(tmp_path / "in/\x1b[31mcarl/notes.txt", b"")
    result = call(course, "sums", str(tmp_path / "in"))
    assert result.exit_code == 1, result.output
    assert "[bold]bob/sums.ipynb" in result.output
    assert "\x1b" not in result.output
    assert "cut off" in result.output
    assert "3 files, submissions of 2 students: 2 collected, 1 kept, 1 cannot be graded." in (
        result.output
    )


def test_the_command_says_what_is_next(course, tmp_path):
    write(tmp_path / "in/alice/sums.ipynb", notebook(course))
    result = call(course, "sums", str(tmp_path / "in"), "--time", "2026-03-01 23:59")
    assert result.exit_code == 0, result.output
    assert "Next: course grade sums." in result.output
    local = datetime(2026, 3, 1, 23, 59).astimezone()
    assert timestamp(course, "alice") == local.astimezone(UTC)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["unknown", "{in}"], 2, "no assignment 'unknown'"),
        (["sums", "{in}/none"], 2, "does not exist"),
        (["sums", "{in}", "--time", "tomorrow"], 2, "no time like"),
        (["sums", "{in}", "--roster", "{in}/none.csv"], 2, "cannot be read"),
        (["sums", "{in}"], 1, "holds no files"),
    ],
)
def test_what_cannot_start_is_explained(course, tmp_path, arguments, code, said):
    (tmp_path / "in").mkdir()
    arguments = [argument.replace("{in}", str(tmp_path / "in")) for argument in arguments]
    result = call(course, *arguments)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.split())


def test_released_is_needed(course, tmp_path):
    data = notebook(course)
    released(course).unlink()
    write(tmp_path / "in/alice/sums.ipynb", data)
    with pytest.raises(GradingError, match="course release sums"):
        collect(course, "sums", [tmp_path / "in"])
