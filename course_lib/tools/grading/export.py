"""Export grades as CSV and in the formats that Canvas and Moodle import.

The classes are nbgrader export plugins. Stock nbgrader runs them as well::

    nbgrader export --exporter=course_lib.tools.grading.export.CanvasExport --to canvas.csv

with ``--LmsExport.template=FILE`` for the file that was downloaded from Canvas or Moodle.

CsvExport
    nbgrader's own columns and values. nbgrader joins them with commas whatever they hold; here a
    comma or quotation mark in a name does no harm. Without such names the files are the same.
CanvasExport
    The gradebook for Canvas (Grades → Import): ``Student``, ``ID``, ``SIS User ID``, ``SIS Login
    ID``, ``Section`` and a column for each assignment; the row ``Points Possible``. With a template
    (Grades → Export) its cells are filled in.
MoodleExport
    The offline grading worksheet of one assignment: ``Identifier``, ``Full name``, … With a
    template (the downloaded worksheet) its cells are filled in. Without one the participants'
    numbers are those of the submissions that were collected from Moodle, and for grades that Moodle
    has already, tick "Allow updating records that have been modified more recently in Moodle".

Scores that are not final are not written for Canvas and Moodle: where a person still has to grade
a part, and where nothing was handed in, the cell stays as it is. Both are reported. In nbgrader's
CSV file they stand as nbgrader has them, zero for what is missing, and are reported too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from nbgrader.api import Gradebook, Student
from nbgrader.plugins import CsvExportPlugin, ExportPlugin
from traitlets import Unicode

from course_lib.tools.grading.collecting.names import cell_text, plain
from course_lib.tools.grading.collecting.received import Received
from course_lib.tools.grading.collecting.roster import (
    Person,
    Roster,
    Table,
    read_table,
    write_table,
)
from course_lib.tools.grading.course import Course, GradingError, captured_logs
from course_lib.tools.grading.scores import Score, scores

SHOWN = 10  # names in a message
CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
CANVAS_TOTALS = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
MOODLE_COLUMNS = [
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
]


class _Reporting:
    """What the plugins have to say to a person; stock nbgrader logs it."""

    course: Course | None = None  # known to `course export`; stock nbgrader gives a parent
    destination: Path

    def start(self) -> None:
        self.notes: list[str] = []

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self.log.warning(sentence)

    def note_names(self, what: str, names: Iterable[str]) -> None:
        """``What it is (3): a, b, c.``; nothing when there are no names."""
        names = sorted(set(names))
        if names:
            shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
            self.note(f"{what} ({len(names)}): {shown}.")

    def scores(self, gradebook: Gradebook) -> dict[str, list[Score]]:
        """The scores that are asked for.

        Raises:
            GradingError: the gradebook does not know an assignment.
        """
        wanted = [str(name) for name in self.assignment]
        found = scores(gradebook, wanted, [str(name) for name in self.student])
        if unknown := sorted(set(wanted) - set(found)):
            known = ", ".join(each.name for each in gradebook.assignments) or "none"
            raise GradingError(f"the gradebook has no assignment {unknown[0]!r}, only {known}")
        return found


class CsvExport(_Reporting, CsvExportPlugin):
    """nbgrader's CSV file, with quotation marks where they are needed."""

    def export(self, gradebook: Gradebook) -> None:
        """Write ``grades.csv``, or the file that ``--to`` names."""
        self.start()
        self.destination = Path(self.to or "grades.csv")
        header = "assignment duedate timestamp student_id last_name first_name email"
        rows = [[*header.split(), "raw_score", "late_submission_penalty", "score", "max_score"]]
        waiting = []
        for name, found in self.scores(gradebook).items():
            rows += [_csv_row(score) for score in found]
            waiting += [f"{score.student.id} ({name})" for score in found if score.manual]
        self.note_names("Not final, because a person has to grade a part", waiting)
        ascii_only = all(cell.isascii() for row in rows for cell in row)
        # Excel takes a file without a byte-order mark for the machine's old encoding.
        table = Table(rows, "utf-8" if ascii_only else "utf-8-sig", ",", "\n")
        write_table(self.destination, table)


def _csv_row(score: Score) -> list[str]:
    student = score.student
    texts = (student.id, student.last_name, student.first_name, student.email)
    return [
        cell_text(score.assignment),
        str(score.due or ""),
        str(score.timestamp or ""),
        *(cell_text(text or "") for text in texts),
        *(str(number) for number in (score.raw, score.penalty, score.value, score.max_score)),
    ]


class LmsExport(_Reporting, ExportPlugin):
    """What the formats of the learning platforms share."""

    template = Unicode("", help="the file that was downloaded from the platform").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write a file that the platform imports, from a template if there is one.

        Raises:
            GradingError: an assignment is unknown, or the template is not the platform's.
        """
        self.start()
        found = self.scores(gradebook)
        self.check(found)
        self.destination = Path(self.to or self.default_name(found))
        open_scores = [(name, score) for name, each in found.items() for score in each]
        self.note_names(
            "Left out, because a person has to grade a part",
            (f"{score.student.id} ({name})" for name, score in open_scores if score.manual),
        )
        self.note_names(
            "Left out, because nothing was handed in",
            (f"{score.student.id} ({name})" for name, score in open_scores if not score.submitted),
        )
        if self.template:
            table = read_table(Path(self.template))
            self.fill(table.rows, found)
        else:
            table = Table(self.new_rows(found), "utf-8", ",", "\n")
        write_table(self.destination, table)

    def check(self, found: dict[str, list[Score]]) -> None:
        """Refuse what the format cannot hold."""

    def default_name(self, found: dict[str, list[Score]]) -> str:
        raise NotImplementedError

    def new_rows(self, found: dict[str, list[Score]]) -> list[list[str]]:
        raise NotImplementedError

    def fill(self, rows: list[list[str]], found: dict[str, list[Score]]) -> None:
        raise NotImplementedError

    def header(self, rows: list[list[str]], needed: Iterable[str]) -> list[str]:
        """The first row of a template.

        Raises:
            GradingError: it lacks columns that the platform's file has.
        """
        header = [name.strip() for name in rows[0]] if rows else []
        if missing := [name for name in needed if name not in header]:
            raise GradingError(
                f"{self.template} has no column {missing[0]!r}; download it again, with the "
                "platform's language set to English"
            )
        for row in rows:
            row += [""] * (len(header) - len(row))
        return header

    def fill_column(
        self,
        rows: list[list[str]],
        column: int,
        found: list[Score],
        whose: Callable[[list[str]], Student | None],
    ) -> list[tuple[list[str], Score]]:
        """Write the final scores of one assignment; return the rows that were filled."""
        by_id = {score.student.id: score for score in found}
        filled, seen = [], set()
        for row in rows:
            student = whose(row)
            score = by_id.get(student.id) if student else None
            if score is None:
                continue
            if score.student.id in seen:
                self.note(f"{self.template} has two rows for {score.student.id}.")
            seen.add(score.student.id)
            if score.final:
                row[column] = points(score.value)
                filled.append((row, score))
        without = [name for name, score in by_id.items() if score.submitted and name not in seen]
        self.note_names("Without a row in the template", without)
        return filled


class CanvasExport(LmsExport):
    """Canvas's gradebook."""

    def default_name(self, found: dict[str, list[Score]]) -> str:
        return "canvas.csv"

    def new_rows(self, found: dict[str, list[Score]]) -> list[list[str]]:
        header = CANVAS_COLUMNS + [cell_text(name) for name in found]
        maximum = [points(each[0].max_score) if each else "" for each in found.values()]
        rows = [header, ["    Points Possible", "", "", "", "", *maximum]]
        for line in zip(*found.values(), strict=True):
            student = line[0].student
            names = [name for name in (student.last_name, student.first_name) if name]
            rows.append(
                [
                    cell_text(", ".join(names) or student.id),
                    cell_text(student.lms_user_id or ""),
                    "",
                    cell_text(student.id),
                    "",
                    *(points(score.value) if score.final else "" for score in line),
                ]
            )
        unknown = [row[3] for row in rows[2:] if not row[1]]
        self.note_names("Without a Canvas ID, so Canvas looks for the login or the name", unknown)
        return rows

    def fill(self, rows: list[list[str]], found: dict[str, list[Score]]) -> None:
        header = self.header(rows, ("Student", "ID"))
        students = _Students(score.student for each in found.values() for score in each)
        keys = ("ID", "SIS Login ID", "SIS User ID", "Student")
        known = [header.index(key) for key in keys if key in header]

        def whose(row: list[str]) -> Student | None:
            if not row[header.index("ID")].strip():  # "Points Possible" and the like
                return None
            return students.find("lms_user_id", *(row[index] for index in known))

        for name, each in found.items():
            column = self._column(header, name)
            if column is None:
                continue
            maximum = [row[column] for row in rows if "Points Possible" in row[0]]
            if maximum and "read only" in maximum[0]:
                self.note(f"Canvas does not let the column of {name} be changed.")
                continue
            self.fill_column(rows, column, each, whose)
            if maximum and each and (theirs := number(maximum[0])) != each[0].max_score:
                self.note(
                    f"{name} has {points(each[0].max_score)} points here and {theirs:g} in Canvas; "
                    "scores are written as they are."
                )

    def _column(self, header: list[str], name: str) -> int | None:
        """The column of an assignment: ``sums (1234)``, or a longer title that contains it."""
        titles = {
            index: plain(re.sub(r"\s*\(\d+\)$", "", title))
            for index, title in enumerate(header)
            if title not in CANVAS_COLUMNS and not CANVAS_TOTALS.search(title)
        }
        same = [index for index, title in titles.items() if title == plain(name)]
        same = same or [index for index, title in titles.items() if plain(name) in title]
        if len(same) == 1:
            return same[0]
        what = "more than one column" if same else "no column"
        self.note(f"{self.template} has {what} for {name}; it is left out.")
        return None


class MoodleExport(LmsExport):
    """Moodle's offline grading worksheet of one assignment."""

    def check(self, found: dict[str, list[Score]]) -> None:
        if len(found) != 1:
            raise GradingError(
                "a Moodle worksheet holds one assignment; name it with --assignment, one of: "
                f"{', '.join(found) or 'none'}"
            )

    def default_name(self, found: dict[str, list[Score]]) -> str:
        return f"moodle-{next(iter(found))}.csv"

    def new_rows(self, found: dict[str, list[Score]]) -> list[list[str]]:
        ((name, each),) = found.items()
        numbers = self._participants(name)
        rows, unknown = [MOODLE_COLUMNS], []
        for score in each:
            student = score.student
            if student.id not in numbers:
                unknown += [student.id] if score.submitted else []
                continue
            full = " ".join(part for part in (student.first_name, student.last_name) if part)
            rows.append(
                [
                    f"Participant {numbers[student.id]}",
                    cell_text(full),
                    cell_text(student.email or ""),
                    "Submitted for grading" if score.submitted else "No submission",
                    f"{score.value:.2f}" if score.final else "",
                    f"{score.max_score:.2f}",
                    "Yes",
                    "-",
                    "-",
                    "",
                ]
            )
        self.note_names(
            "Left out, because they were not collected from Moodle; use --template", unknown
        )
        return rows

    def fill(self, rows: list[list[str]], found: dict[str, list[Score]]) -> None:
        ((name, each),) = found.items()
        header = self.header(rows, ("Identifier", "Grade"))
        students = _Students((score.student for score in each), self._participants(name))
        keys = [header.index(key) for key in ("Email address", "Full name") if key in header]

        def whose(row: list[str]) -> Student | None:
            participant = re.search(r"(\d*)$", row[header.index("Identifier")].strip())[1]
            return students.find("participant", participant, *(row[index] for index in keys))

        filled = self.fill_column(rows[1:], header.index("Grade"), each, whose)
        self._check_limits(header, filled)

    def _check_limits(self, header: list[str], filled: list[tuple[list[str], Score]]) -> None:
        """Name what Moodle will pass over in silence."""
        if "Maximum Grade" in header:
            column = header.index("Maximum Grade")
            limits = {number(row[column]) for row, _ in filled} - {None}
            above = [
                score.student.id
                for row, score in filled
                if (limit := number(row[column])) is not None and score.value > limit
            ]
            self.note_names("Above Moodle's maximum, so Moodle ignores the score", above)
            points_here = {score.max_score for _, score in filled}
            if limits and limits != points_here:
                self.note(
                    f"The assignment has {points(max(points_here))} points here and "
                    f"{max(limits):g} in Moodle; scores are written as they are."
                )
        if "Grade can be changed" in header:
            column = header.index("Grade can be changed")
            locked = [score.student.id for row, score in filled if row[column] == "No"]
            self.note_names("Locked in Moodle, so Moodle ignores the score", locked)

    def _participants(self, assignment: str) -> dict[str, str]:
        """Moodle's number of each student, from the submissions that were collected."""
        course = self.course or Course(self.parent.coursedir, self.config)
        received = Received(course, assignment)
        return {
            student: receipt.number
            for student in received.students()
            for receipt in received.receipts(student)
            if receipt.source == "moodle" and receipt.number
        }


class _Students:
    """Finds the gradebook's student of a template's row."""

    def __init__(self, students: Iterable[Student], participants: dict[str, str] | None = None):
        self.by_id = {student.id: student for student in students}
        numbers = participants or {}
        self.roster = Roster(
            Person(
                each.id,
                each.first_name or "",
                each.last_name or "",
                each.email or "",
                each.lms_user_id or "",
                numbers.get(each.id, ""),
            )
            for each in self.by_id.values()
        )

    def find(self, kind: str, number: str, *words: str) -> Student | None:
        """By the platform's number, else by an id, an address or a name that only one has.

        Whoever is known under another number is another person of the same name.
        """
        number = number.strip()
        keys = [(kind, number)]
        keys += [("word", word.strip().casefold()) for word in words]
        keys += [("name", plain(word)) for word in words]
        for key in keys:
            found = self.roster.by_key(key) if key[1] else []
            if len(found) == 1 and getattr(found[0], kind) in ("", number):
                return self.by_id[found[0].id]
        return None


def points(value: float) -> str:
    """A number of points with two decimals at most, as both platforms show it."""
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def number(text: str) -> float | None:
    """A number in a template, with a comma or a point before the decimals; None for other text."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


EXPORTERS: dict[str, type[ExportPlugin]] = {
    "csv": CsvExport,
    "canvas": CanvasExport,
    "moodle": MoodleExport,
}


def write(
    course: Course,
    kind: str,
    assignments: Iterable[str] = (),
    template: Path | None = None,
    to: Path | None = None,
) -> tuple[Path, list[str]]:
    """Export grades.

    Args:
        course: the course.
        kind: ``csv``, ``canvas`` or ``moodle``.
        assignments: their names; all by default.
        template: the file that was downloaded from the platform.
        to: the file to write; named after the format by default.

    Returns:
        The file, and sentences about what needs a look.

    Raises:
        GradingError: an assignment is unknown, or the template is not the platform's.
    """
    plugin = EXPORTERS[kind](config=course.config)
    plugin.course = course
    plugin.assignment = list(assignments)
    plugin.to = str(to or "")
    if template:
        plugin.template = str(template)
    with captured_logs(), course.gradebook() as gradebook:
        plugin.export(gradebook)
    return plugin.destination, plugin.notes
