"""``course export`` and ``course gradebook``: formats, names, and what is not final."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.plugins import CsvExportPlugin
from rich.console import Console
from tiny_course import answered, as_bytes, make_course

from course_lib.tools.cli import main
from course_lib.tools.grading import gradebook_table
from course_lib.tools.grading.collecting.collect import collect
from course_lib.tools.grading.collecting.roster import Table, read_table, write_table
from course_lib.tools.grading.course import Course, GradingError
from course_lib.tools.grading.export import number, points, write
from course_lib.tools.grading.scores import scores

DUE = datetime(2026, 3, 2, 12)
STUDENTS = {
    "ada": ("Ada", "Lovelace", "ada@x.org", "456"),
    "ming": ("小明", "王", "ming@x.org", "457"),
    "king": ('Martin "ML"', "King, Jr.", "king@x.org", "458"),
    "eve": ("=HYPERLINK(1)", "-Eve", "@eve", "459"),
    "none": ("Not", "There", "", ""),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Course:
    """Five students: one with everything, one late, one half graded, one zero, one missing."""
    course = make_course(tmp_path_factory.mktemp("export") / "course")
    with course.gradebook() as gradebook:
        for name in ("sums", "means"):
            gradebook.update_or_create_assignment(name, duedate=DUE)
        for student, values in STUDENTS.items():
            fields = ("first_name", "last_name", "email", "lms_user_id")
            gradebook.add_student(student, **dict(zip(fields, values, strict=True)))
        _grade(gradebook, "sums", "ada", [1, 2, 1, 2], hours=-1)
        _grade(gradebook, "sums", "ming", [1, 2, 0, 0.125], hours=2, penalty=1.5)
        _grade(gradebook, "sums", "king", [1, 2, 1, None], hours=-1)
        _grade(gradebook, "sums", "eve", [0, 0, 0, 0], hours=-1)
        _grade(gradebook, "means", "ada", [1, 2, 1, 2], hours=1, extra=1)
        _grade(gradebook, "means", "eve", [1, 0, 0, 0], hours=1, penalty=9, extension=2)
    return course


def _grade(
    gradebook: Any,
    assignment: str,
    student: str,
    values: list,
    hours: float,
    penalty: float | None = None,
    extra: float | None = None,
    extension: int = 0,
) -> None:
    """Record points for the test cells and the essay; None waits for a person."""
    timestamp = DUE + timedelta(hours=hours)
    submission = gradebook.add_submission(assignment, student, timestamp=timestamp)
    if extension:
        gradebook.grant_extension(assignment, student, hours=extension)
    (notebook,) = submission.notebooks
    notebook.late_submission_penalty = penalty
    names = ("task-1-example", "task-1-general", "task-2-one", "essay")
    for name, value in zip(names, values, strict=True):
        grade = gradebook.find_grade(name, assignment, assignment, student)
        grade.needs_manual_grade = value is None
        setattr(grade, "manual_score" if name == "essay" else "auto_score", value)
    grade.extra_credit = extra
    gradebook.db.commit()


@pytest.fixture
def course(made, tmp_path) -> Course:
    shutil.copytree(made.root, tmp_path / "course")
    return Course.find(tmp_path / "course")


def read(path: Path) -> list[list[str]]:
    return read_table(path).rows


def exported(course: Course, tmp_path: Path, kind: str, **options: Any) -> tuple[list, list[str]]:
    path, notes = write(course, kind, to=tmp_path / "out.csv", **options)
    assert path == tmp_path / "out.csv"
    return read(path), notes


def stock(course: Course, path: Path, **options: Any) -> bytes:
    """What nbgrader's own plugin writes."""
    plugin = CsvExportPlugin(**options)
    plugin.to = str(path)
    with course.gradebook() as gradebook:
        plugin.export(gradebook)
    return path.read_bytes()


# --- CSV ------------------------------------------------------------------------------------------


def test_csv_is_nbgraders_own_file_where_that_is_sound(course, tmp_path):
    with course.gradebook() as gradebook:
        for student in ("king", "eve", "ming"):
            gradebook.remove_student(student)
    write(course, "csv", to=tmp_path / "ours.csv")
    assert (tmp_path / "ours.csv").read_bytes() == stock(course, tmp_path / "stock.csv")
    write(course, "csv", ["sums"], to=tmp_path / "ours.csv")
    theirs = stock(course, tmp_path / "stock.csv", assignment=["sums"])
    assert (tmp_path / "ours.csv").read_bytes() == theirs


def test_csv_survives_commas_quotes_and_formulas(course, tmp_path):
    rows, notes = exported(course, tmp_path, "csv")
    assert {len(row) for row in rows} == {11}
    lines = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    king = next(line for line in lines if line["student_id"] == "king")
    assert (king["last_name"], king["first_name"]) == ("King, Jr.", 'Martin "ML"')
    eve = next(line for line in lines if line["student_id"] == "eve")
    assert (eve["last_name"], eve["first_name"]) == ("'-Eve", "'=HYPERLINK(1)")
    assert eve["email"] == "'@eve"
    assert notes == ["Not final, because a person has to grade a part (1): king (sums)."]
    broken = stock(course, tmp_path / "stock.csv").decode().splitlines()
    assert len(next(csv.reader([next(line for line in broken if "king" in line)]))) == 12


def test_csv_has_stock_nbgraders_values(course, tmp_path):
    rows, _ = exported(course, tmp_path, "csv")
    theirs = stock(course, tmp_path / "stock.csv").decode().splitlines()
    assert len(rows) == len(theirs)
    for row, line in zip(rows[1:], theirs[1:], strict=True):
        assert row[0] == line.split(",")[0]
        assert row[-4:] == line.split(",")[-4:]


def test_csv_has_a_mark_for_excel_only_where_needed(course, tmp_path):
    write(course, "csv", to=tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with course.gradebook() as gradebook:
        gradebook.remove_student("ming")
    write(course, "csv", to=tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"assignment,")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=4))
def test_any_text_comes_back_from_a_csv_file(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    rows = [["a", "b"], [*texts, "end"]]
    write_table(path, Table(rows, "utf-8-sig", ",", "\n"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == rows


# --- Canvas ---------------------------------------------------------------------------------------


def test_canvas_from_scratch(course, tmp_path):
    rows, notes = exported(course, tmp_path, "canvas")
    assert rows[0] == [
        "Student",
        "ID",
        "SIS User ID",
        "SIS Login ID",
        "Section",
        "means",
        "sums",
    ]
    assert rows[1] == ["    Points Possible", "", "", "", "", "6", "6"]
    by_id = {row[3]: row for row in rows[2:]}
    assert by_id["ada"] == ["Lovelace, Ada", "456", "", "ada", "", "7", "6"]
    assert by_id["ming"][5:] == ["", "1.62"]
    assert by_id["king"] == ['King, Jr., Martin "ML"', "458", "", "king", "", "", ""]
    assert by_id["eve"][0] == "'-Eve, =HYPERLINK(1)"
    assert by_id["eve"][5:] == ["0", "0"]
    assert by_id["none"][5:] == ["", ""]
    assert notes[0] == "Left out, because a person has to grade a part (1): king (sums)."
    assert notes[1].startswith("Left out, because nothing was handed in (4): king (means), ")
    assert "(1): none." in notes[2]


TEMPLATE = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Notes,Week 1: Sums! (77),\
means (78),Other (79),Final Score
,,,,,,Manual Posting,,,
    Points Possible,,,,,,6.00,100.00,10.00,(read only)
"Lovelace, Ada",456,S1,ada.login,A,"x, y",,,3,50
"小明, 王",457,S2,ming.login,A,,1,2,3,50
"King, Jr.",458,S3,king.login,A,,4,,,
Eve,,S4,eve,A,,,,,
"Lovelace, Ada",999,S5,other,B,,,,,
"Student, Test",1000,,test,A,,,,,
"""


def canvas_template(tmp_path: Path, text: str = TEMPLATE, encoding: str = "utf-8") -> Path:
    path = tmp_path / "template.csv"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return path


def test_canvas_template_is_filled_and_otherwise_kept(course, tmp_path):
    template = canvas_template(tmp_path)
    before = read(template)
    rows, notes = exported(course, tmp_path, "canvas", template=template)
    changed = {
        (row, column): rows[row][column]
        for row in range(len(before))
        for column in range(len(before[row]))
        if rows[row][column] != before[row][column]
    }
    # Ada's namesake, Canvas's test student and everything that is not final stay as they were.
    assert changed == {(3, 6): "6", (3, 7): "7", (4, 6): "1.62"}
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == data.count(b"\n") == len(before)
    assert any("6 points here and 100 in Canvas" in note for note in notes)
    assert any("Without a row in the template (1): eve." in note for note in notes)


def test_canvas_templates_that_do_not_fit(course, tmp_path):
    with pytest.raises(GradingError, match="no column 'Student'"):
        exported(course, tmp_path, "canvas", template=canvas_template(tmp_path, "a,b\n"))
    with pytest.raises(GradingError, match="cannot be read"):
        exported(course, tmp_path, "canvas", template=tmp_path / "none.csv")
    template = canvas_template(tmp_path, "Student,ID,Section,x (1)\nAda,456,A,\n")
    rows, notes = exported(course, tmp_path, "canvas", template=template)
    assert rows == read(template)
    assert any("no column for sums" in note for note in notes)
    template = canvas_template(tmp_path, "Student,ID,Section,sums 1 (1),sums 2 (2)\nAda,456,A,,\n")
    _, notes = exported(course, tmp_path, "canvas", template=template)
    assert any("more than one column for sums" in note for note in notes)
    text = "Student,ID,Section,sums\n Points Possible,,,(read only)\nA,456,A,\n"
    rows, notes = exported(course, tmp_path, "canvas", template=canvas_template(tmp_path, text))
    assert rows[2][3] == ""
    assert any("does not let" in note for note in notes)


def test_canvas_semicolons_and_utf_16(course, tmp_path):
    text = "Student;ID;Section;sums (1)\nA;456;A;\n"
    template = canvas_template(tmp_path, text, "utf-16")
    rows, _ = exported(course, tmp_path, "canvas", template=template, assignments=["sums"])
    assert rows[1] == ["A", "456", "A", "6"]
    assert (tmp_path / "out.csv").read_text("utf-16").startswith("Student;ID;")


def test_two_rows_of_one_student_are_named(course, tmp_path):
    text = "Student,ID,Section,sums (1)\nA,456,A,\nA,456,B,\n"
    _, notes = exported(course, tmp_path, "canvas", template=canvas_template(tmp_path, text))
    assert any("two rows for ada" in note for note in notes)


# --- Moodle ---------------------------------------------------------------------------------------

WORKSHEET = (
    '\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade",'
    '"Grade can be changed","Last modified (submission)","Last modified (grade)",'
    '"Feedback comments"\r\n'
    '"Participant 11","Ada Lovelace",ada@x.org,Submitted,,5.00,Yes,-,-,\r\n'
    '"Participant 12",王小明,MING@x.org,Submitted,3.00,5.00,No,-,-,"a, b"\r\n'
    '"Participant 13","Martin King",king@x.org,Submitted,,5.00,Yes,-,-,\r\n'
    '"Participant 14","Who Else",else@x.org,Submitted,,5.00,Yes,-,-,\r\n'
)


def test_moodle_template_is_filled_and_otherwise_kept(course, tmp_path):
    template = tmp_path / "worksheet.csv"
    template.write_bytes(WORKSHEET.encode())
    rows, notes = exported(course, tmp_path, "moodle", assignments=["sums"], template=template)
    assert [row[4] for row in rows[1:]] == ["6", "1.62", "", ""]
    assert [row[:4] + row[5:] for row in rows] == [r[:4] + r[5:] for r in read(template)]
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and b"\r\n" in data
    assert "Left out, because a person has to grade a part (1): king (sums)." in notes
    assert "Without a row in the template (1): eve." in notes
    assert "Above Moodle's maximum, so Moodle ignores the score (1): ada." in notes
    assert "Locked in Moodle, so Moodle ignores the score (1): ming." in notes
    assert any("6 points here and 5 in Moodle" in note for note in notes)


def test_moodle_needs_one_assignment(course, tmp_path):
    with pytest.raises(GradingError, match="name it with --assignment, one of: means, sums"):
        exported(course, tmp_path, "moodle")


def test_moodle_in_another_language_is_explained(course, tmp_path):
    template = tmp_path / "worksheet.csv"
    template.write_text("ID,Vollständiger Name,Bewertung\n", encoding="utf-8")
    with pytest.raises(GradingError, match="set to English"):
        exported(course, tmp_path, "moodle", assignments=["sums"], template=template)


def test_moodle_numbers_are_those_of_the_collected_submissions(course, tmp_path):
    twins = {31: "Ada Lovelace", 32: "Ada Lovelace"}
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        data = as_bytes(answered(course))
        archive.writestr("Ada Lovelace_31_assignsubmission_file_/sums.ipynb", data)
    collect(course, "sums", [tmp_path / "m.zip"])
    rows, notes = exported(course, tmp_path, "moodle", assignments=["sums"])
    assert rows[1][:6] == [
        "Participant 31",
        "Ada Lovelace",
        "ada@x.org",
        "Submitted for grading",
        "6.00",
        "6.00",
    ]
    assert len(rows) == 2
    assert "not collected from Moodle; use --template (3): eve, king, ming." in notes[-1]
    # A namesake whom the course does not know gets nothing.
    lines = [f"Participant {n},{name},,,\r\n" for n, name in reversed(twins.items())]
    template = tmp_path / "w.csv"
    template.write_text("Identifier,Full name,Email address,Status,Grade\r\n" + "".join(lines))
    rows, _ = exported(course, tmp_path, "moodle", assignments=["sums"], template=template)
    assert [row[4] for row in rows[1:]] == ["", "6"]


# --- all formats ----------------------------------------------------------------------------------


def test_scores_are_nbgraders(course):
    with course.gradebook() as gradebook:
        for name, found in scores(gradebook).items():
            for score in found:
                if score.submitted:
                    theirs = gradebook.find_submission(name, score.student.id)
                    assert score.raw == theirs.score
                    assert score.penalty == theirs.late_submission_penalty
                    assert score.manual == theirs.needs_manual_grade
                    assert score.late == theirs.total_seconds_late
                    assert score.max_score == theirs.max_score == 6


def test_stock_nbgrader_runs_the_exporters(course):
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "stock.csv"]
    command += ["--exporter=course_lib.tools.grading.export.MoodleExport"]
    done = subprocess.run(
        [*command, '--assignment=["sums"]'], cwd=course.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    write(course, "moodle", ["sums"], to=course.root / "ours.csv")
    ours, stocks = (course.root / name for name in ("ours.csv", "stock.csv"))
    assert ours.read_bytes() == stocks.read_bytes()
    assert "a person has to grade a part (1): king" in done.stderr


def test_stock_nbgrader_takes_a_template(course, tmp_path):
    template = canvas_template(tmp_path)
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "stock.csv"]
    command += ["--exporter=course_lib.tools.grading.export.CanvasExport"]
    command += [f"--LmsExport.template={template}"]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    write(course, "canvas", template=template, to=course.root / "ours.csv")
    ours, stocks = (course.root / name for name in ("ours.csv", "stock.csv"))
    assert ours.read_bytes() == stocks.read_bytes()


def test_a_failed_export_leaves_the_old_file(course, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(GradingError):
        exported(course, tmp_path, "canvas", assignments=["unknown"])
    with pytest.raises(GradingError):
        exported(course, tmp_path, "canvas", template=canvas_template(tmp_path, "a\n"))
    assert (tmp_path / "out.csv").read_text() == "old"
    assert not list(tmp_path.glob(".out*"))


@given(st.floats(0, 1e6, allow_nan=False))
def test_points_are_short_and_near(value):
    text = points(value)
    assert abs(float(text) - value) <= 0.005 + 1e-9 * value
    assert len(text.partition(".")[2]) <= 2 and not text.endswith(".")
    assert number(text) == float(text)


# --- the commands ---------------------------------------------------------------------------------


def call(course: Course, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["--project", str(course.root), *arguments])


def test_the_export_command(course, tmp_path):
    result = call(course, "export", "--assignment", "sums", "--to", str(tmp_path / "g.csv"))
    assert result.exit_code == 0, result.output
    assert "Wrote" in result.output and "king (sums)" in result.output
    assert len(read(tmp_path / "g.csv")) == 1 + len(STUDENTS)
    result = call(course, "export", "--format", "csv", "--template", "x.csv")
    assert result.exit_code == 2 and "--template goes with" in result.output
    result = call(course, "export", "--assignment", "unknown")
    assert result.exit_code == 2 and "no assignment 'unknown'" in result.output


def test_the_gradebook_command_is_plain_when_piped(course):
    result = call(course, "gradebook")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    lines = [line.split() for line in result.output.splitlines()]
    cells = {line[0]: line for line in lines if line}
    assert cells["ada"] == ["ada", "Ada", "Lovelace", "7", "L", "6", "13"]
    assert cells["ming"] == ["ming", "小明", "王", "–", "1.62", "L", "1.62"]
    assert cells["king"] == ["king", "Martin", '"ML"', "King,", "Jr.", "–", "4", "?", "4"]
    assert cells["eve"] == ["eve", "=HYPERLINK(1)", "-Eve", "0", "0", "0"]  # an extension: not late
    assert cells["none"] == ["none", "Not", "There", "–", "–", "0"]
    assert cells["mean"][-3:] == ["3.5", "2.91", "4.66"]
    assert cells["median"][-3:] == ["3.5", "2.81", "2.81"]
    assert "? a person has to grade a part; L late; – nothing handed in." in result.output


def test_the_gradebook_of_one_assignment_in_a_terminal(course):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    gradebook_table.show(course, ["means"], console)
    assert "\x1b[" in stream.getvalue()
    assert "means" in stream.getvalue() and "sums" not in stream.getvalue()


def test_an_empty_gradebook_is_explained(course, tmp_path):
    with course.gradebook() as gradebook:
        for student in STUDENTS:
            gradebook.remove_student(student)
    result = call(course, "gradebook")
    assert result.exit_code == 2
    assert "no students or no assignments yet" in " ".join(result.output.split())
    result = call(course, "export", "--to", str(tmp_path / "g.csv"))
    assert result.exit_code == 0
    assert len(read(tmp_path / "g.csv")) == 1
