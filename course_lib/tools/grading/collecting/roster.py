"""Who the students are: the gradebook, and a list that an instructor hands over.

Three kinds of CSV file are understood, told apart by their columns:

nbgrader's own, as for ``nbgrader db student import``
    ``id`` and, optionally, ``first_name``, ``last_name``, ``email`` and ``lms_user_id``.
Moodle's grading worksheet (assignment → Download grading worksheet)
    ``Identifier``, ``Full name``, ``Email address``, perhaps ``ID number`` or ``Username``. The id
    is the username, the ID number or the email address, whichever comes first. It also tells when
    each student handed in, which Moodle's zip does not.
Canvas's gradebook (Grades → Export)
    ``Student``, ``ID``, ``SIS User ID``, ``SIS Login ID``. The id is the login id.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import dateutil.parser

from course_lib.tools.grading.collecting.layouts import Owner
from course_lib.tools.grading.collecting.names import LONGEST_ID, UnusableId, plain, safe_id
from course_lib.tools.grading.course import GradingError

HANDED_IN = "Last modified (submission)"


@dataclass(frozen=True)
class Person:
    """A student, with the names of nbgrader's gradebook.

    Attributes:
        participant: Moodle's number in this assignment.
        handed_in: when the assignment was handed in, in UTC, if the list tells.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    participant: str = ""
    handed_in: datetime | None = None


class Roster:
    """The known students, found by anything that a file's path may say about them."""

    def __init__(self, people: Iterable[Person] = ()):
        self.people = list(people)
        self._by_key: dict[tuple[str, str], list[Person]] = {}
        for person in self.people:
            for key in set(_keys(person)):
                self._by_key.setdefault(key, []).append(person)

    def find(self, owner: Owner, layout: str) -> Person | None:
        """The one student who is meant; None when there is none, or more than one."""
        kind = {"moodle": "participant", "canvas": "lms_user_id"}.get(layout)
        keys = [(kind, owner.number)] if kind and owner.number else []
        keys += [("id", owner.name), ("word", owner.name.casefold())]
        keys += [("name", plain(owner.name))] if plain(owner.name) else []
        for key in keys:
            if len(found := self.by_key(key)) == 1:
                return found[0]
        return None

    def by_key(self, key: tuple[str, str]) -> list[Person]:
        """All students of whom one thing is true, such as ``("lms_user_id", "456")``."""
        return self._by_key.get(key, [])


def _keys(person: Person) -> Iterator[tuple[str, str]]:
    yield "id", person.id
    for word in (person.id, person.email, person.lms_user_id):
        if word:
            yield "word", word.casefold()
    for kind in ("participant", "lms_user_id"):
        if number := getattr(person, kind):
            yield kind, number
    first, last = person.first_name, person.last_name
    for name in (plain(first + last), plain(last + first)):
        if name:
            yield "name", name


def merge(known: Iterable[Person], listed: Iterable[Person] = (), own_ids: bool = True) -> Roster:
    """The students of the gradebook and of a list.

    Args:
        known: the gradebook's.
        listed: the list's; what it says goes over what the gradebook says.
        own_ids: whether the list's ids are nbgrader's; otherwise a student whom the gradebook knows
            by email or LMS user keeps that id.
    """
    people, listed = {person.id: person for person in known}, list(listed)
    theirs, ours = Roster(people.values()), Roster(listed)
    for person in listed:
        if not own_ids and person.id not in people and (same := _same(person, theirs, ours)):
            person = replace(person, id=same)
        old = people.get(person.id, person)
        said = {key: value for key, value in vars(person).items() if value}
        people[person.id] = replace(old, **said)
    return Roster(people.values())


def _same(person: Person, known: Roster, listed: Roster) -> str:
    """The id under which the gradebook knows a student of a list already; empty when it does not.

    Names count only where they are unique in both.
    """
    for key in _keys(person):
        found = known.by_key(key)
        if key[0] != "id" and len(found) == 1 and len(listed.by_key(key)) == 1:
            return found[0].id
    return ""


# --- CSV files ------------------------------------------------------------------------------------


@dataclass
class Table:
    """A CSV file: its rows, and how it is written."""

    rows: list[list[str]]
    encoding: str
    separator: str
    newline: str


def read_table(path: Path) -> Table:
    """Read a CSV file as a spreadsheet or a learning platform writes it.

    Raises:
        GradingError: there is no such file, or it is no CSV file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else encoding
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        advice = "save it as 'CSV UTF-8', or download it again"
        raise GradingError(f"{path} is not UTF-8 text; {advice}") from error
    if "\0" in text:
        raise GradingError(f"{path} is no CSV file; download it again")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise GradingError(f"{path} is no CSV file: {error}; download it again") from error
    return Table(rows, encoding, separator, "\r\n" if "\r\n" in text else "\n")


def write_table(path: Path, table: Table) -> None:
    """Write a CSV file, all of it or nothing.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    text = "".join(_line(row, table) for row in table.rows)
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode(table.encoding))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _line(row: list[str], table: Table) -> str:
    """One row; any line break in a cell is quoted, whichever the file itself uses."""
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=table.separator, lineterminator="\r\n").writerow(row)
    return line.getvalue().removesuffix("\r\n") + table.newline


def load(path: Path) -> tuple[list[Person], bool]:
    """The students of a list, and whether its ids are nbgrader's own.

    Raises:
        GradingError: the file is none of the three kinds, or a line of it is wrong.
    """
    rows = read_table(path).rows
    header = [name.strip() for name in rows[0]] if rows else []
    lines = [
        (number, dict(zip(header, (value.strip() for value in row), strict=False)))
        for number, row in enumerate(rows[1:], start=2)
        if any(value.strip() for value in row)
    ]
    if "id" in header:
        people = [(number, _from_nbgrader(line)) for number, line in lines]
    elif {"Identifier", "Full name"} <= set(header):
        people = [(number, _from_moodle(line)) for number, line in lines]
    elif {"Student", "ID"} <= set(header):
        people = [(n, _from_canvas(line)) for n, line in lines if line.get("ID")]
    else:
        raise GradingError(
            f"{path} has the columns {', '.join(header) or '(none)'}; needed is 'id' with perhaps "
            "first_name, last_name, email and lms_user_id, a Moodle grading worksheet (download it "
            "with Moodle set to English) or a Canvas gradebook"
        )
    _check(path, people)
    return [person for _, person in people], "id" in header


def _check(path: Path, people: list[tuple[int, Person]]) -> None:
    seen: dict[str, int] = {}
    for number, person in people:
        where = f"{path}, line {number}"
        if not person.id:
            raise GradingError(f"{where}: the student has no id")
        before = seen.setdefault(person.id.casefold(), number)
        if before != number:
            raise GradingError(f"{where}: the id {person.id!r} stands in line {before} already")
        for key in ("first_name", "last_name", "email", "lms_user_id"):
            if len(getattr(person, key)) > LONGEST_ID:
                raise GradingError(f"{where}: {key} is longer than {LONGEST_ID} characters")


def _id(*candidates: str | None) -> str:
    """The first usable id, written so that nbgrader can use it; empty when there is none."""
    for candidate in candidates:
        with contextlib.suppress(UnusableId):
            if candidate:
                return safe_id(candidate)
    return ""


def _from_nbgrader(line: dict[str, str]) -> Person:
    fields = ("first_name", "last_name", "email", "lms_user_id")
    return Person(_id(line["id"]), **{field: line.get(field, "") for field in fields})


def _from_moodle(line: dict[str, str]) -> Person:
    email = line.get("Email address", "")
    number = re.search(r"(\d+)$", line["Identifier"])
    first, last = split_name(line["Full name"])
    return Person(
        _id(line.get("Username"), line.get("ID number"), email, line["Full name"]),
        first,
        last,
        email,
        participant=number[1] if number else "",
        handed_in=_moodle_time(line.get(HANDED_IN, "")),
    )


def _from_canvas(line: dict[str, str]) -> Person:
    last, _, first = line["Student"].partition(",")
    login = line.get("SIS Login ID")
    name = _id(login, line.get("SIS User ID"), line["ID"])
    email = login if login and "@" in login else ""
    return Person(name, first.strip(), last.strip(), email, line["ID"])


def _moodle_time(text: str) -> datetime | None:
    """``Wednesday, 5 March 2025, 11:59 PM``: the time of whoever downloaded it, taken for ours."""
    try:
        return dateutil.parser.parse(text).astimezone(UTC) if re.search(r"\d", text) else None
    except (ValueError, OverflowError):
        return None


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a full name: the last word is taken for the last name."""
    first, _, last = name.strip().rpartition(" ")
    return first, last
