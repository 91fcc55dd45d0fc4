"""Collect submissions from folders and from what Moodle and Canvas export.

Every submission is kept byte for byte (``received.py``); the one that counts goes where nbgrader
looks for it. Nothing that is handed over is changed, collecting again changes nothing, and an
older submission never takes the place of a newer one.

The time of a submission is, in this order: ``--time``; ``timestamp.txt`` in nbgrader's own
``student/assignment/`` folders; the time in Moodle's grading worksheet, given as ``--roster``; the
time of the file, in the zip file or on disk. Zip files of Canvas and of Moodle since 3.11 carry the
time of the download instead. Canvas marks what is late: everything else counts as on time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from nbgrader.api import Gradebook, MissingEntry, Student

from course_lib.tools.grading.collecting.archives import (
    ARCHIVES,
    MOST_ENTRIES,
    Entry,
    Unreadable,
    folder_entries,
    is_system_file,
    open_zip,
    zip_entries,
)
from course_lib.tools.grading.collecting.choose import MOST_FILES, Choice, Fate, Rules, choose
from course_lib.tools.grading.collecting.layouts import TIMESTAMP, Found, Owner, arrange, detect
from course_lib.tools.grading.collecting.names import LONGEST_ID, UnusableId, safe_id
from course_lib.tools.grading.collecting.received import (
    File,
    Receipt,
    Received,
    digest,
    parse_timestamp,
)
from course_lib.tools.grading.collecting.roster import Person, Roster, load, merge, split_name
from course_lib.tools.grading.course import Course, GradingError

WAIT = 60  # seconds for another collect to finish
FIELDS = ("first_name", "last_name", "email", "lms_user_id")


@dataclass(frozen=True)
class Row:
    """What became of one file.

    Attributes:
        student: the student's id; empty when it is unknown whose the file is.
        file: its path in what was handed over.
        state: ``collected``, ``unchanged`` (was collected before), ``older`` (kept, another one
            counts), ``kept`` (nothing for nbgrader), ``skipped`` (nothing that was handed in) or
            ``problem``.
        reason: why, in words.
        broken: whether it was collected but nbgrader cannot grade it.
    """

    student: str
    file: str
    state: str
    reason: str = ""
    broken: bool = False

    @property
    def needs_a_look(self) -> bool:
        return self.state == "problem" or self.broken


@dataclass
class Collection:
    """The result of one ``course collect``.

    Attributes:
        rows: a row for each file.
        notes: sentences about the whole.
        missing: ids of the roster's students of whom nothing has been received.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass
class _Delivery:
    """The files of one student in one input."""

    student: str
    owner: Owner
    person: Person | None
    layout: str
    origin: Path
    files: list[Found] = field(default_factory=list)


def collect(
    course: Course,
    assignment: str,
    paths: Sequence[Path],
    layout: str = "auto",
    roster: Path | None = None,
    time: datetime | None = None,
) -> Collection:
    """Collect the submissions of an assignment.

    Args:
        course: the course.
        assignment: its name.
        paths: folders, zip files and notebooks.
        layout: ``auto``, ``folder``, ``moodle`` or ``canvas``.
        roster: a list of the students; see ``roster.py``.
        time: when everything was handed in, instead of what the files say.

    Raises:
        GradingError: nothing could be started: the assignment has not been released, a path does
            not exist, the roster cannot be read, or another collect is running.
    """
    course.check_released(assignment)
    rules = Rules.of(course, assignment)
    if not rules.releases:
        folder = course.path("release", assignment)
        raise GradingError(f"no notebook in {folder}; 'course release {assignment}' makes it")
    for path in paths:
        if not path.exists():
            raise GradingError(f"{path} does not exist")
    listed, own_ids = load(roster) if roster else ([], True)
    with course.gradebook() as gradebook:
        due = gradebook.find_assignment(assignment).duedate
        people = merge(_known(gradebook), listed, own_ids)
    received = Received(course, assignment)
    received.root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(received.root / ".lock", timeout=WAIT):
            received.clean()
            run = _Run(course, received, rules, people, time, due)
            for path in paths:
                run.take_in(path, layout)
            return run.finish(people if listed else None)
    except Timeout:
        raise GradingError(f"another 'course collect' has been running for {WAIT} s") from None


def _known(gradebook: Gradebook) -> Iterator[Person]:
    for student in gradebook.students:
        yield Person(student.id, *(getattr(student, name) or "" for name in FIELDS))


class _Run:
    """One call of :func:`collect`."""

    def __init__(
        self,
        course: Course,
        received: Received,
        rules: Rules,
        people: Roster,
        time: datetime | None,
        due: datetime | None,
    ):
        self.course, self.received, self.rules, self.people = course, received, rules, people
        self.time, self.due = time, due.replace(tzinfo=UTC) if due else None
        self.now = datetime.now(UTC)
        self.names = [release.assignment for release in rules.others]
        self.names += [release.name for release in rules.releases]
        self.taken: dict[str, _Delivery] = {}
        self.identities: dict[str, str] = {}
        self.late_by_download, self.late_by_canvas = 0, 0
        self.result = Collection()

    # --- inputs -----------------------------------------------------------------------------------

    def take_in(self, path: Path, layout: str) -> None:
        """Collect one folder, zip file or notebook."""
        if path.is_dir():
            entries = list(folder_entries(path))
            exports = {entry.path for entry in entries if _is_export(path, entry)}
            for name in exports:
                self.take_in(path / name, layout)
            entries = [entry for entry in entries if entry.path not in exports]
            if entries or not exports:
                self._take_entries(path, entries, layout)
        elif path.suffix.lower() in ARCHIVES:
            try:
                with open_zip(path) as archive:
                    entries = list(zip_entries(archive))
                    if self._is_one_students(entries, layout):
                        entries, layout = list(folder_entries(path)), "folder"
                    self._take_entries(path, entries, layout)
            except Unreadable as error:
                self.result.rows.append(Row("", path.name, "problem", str(error)))
        else:
            self._take_entries(path, list(folder_entries(path)), layout)

    def _is_one_students(self, entries: list[Entry], layout: str) -> bool:
        """Whether a zip file is not an export but what one student handed in."""
        if layout not in ("auto", "folder") or detect(entries) != "folder":
            return False
        found = arrange(entries, "folder", self.received.assignment, self.names)
        return bool(found) and not any(each.owner for each in found)

    def _take_entries(self, origin: Path, entries: list[Entry], layout: str) -> None:
        if not entries or len(entries) > MOST_ENTRIES:
            reason = f"holds more than {MOST_ENTRIES:,} files" if entries else "holds no files"
            self.result.rows.append(Row("", origin.name, "problem", reason))
            return
        layout = detect(entries) if layout == "auto" else layout
        found = arrange(entries, layout, self.received.assignment, self.names)
        for delivery in self._deliveries(origin, found, layout):
            self._deliver(delivery)

    def _deliveries(self, origin: Path, found: list[Found], layout: str) -> list[_Delivery]:
        """The files by student; what belongs to nobody becomes a row at once."""
        owners = {each.owner: [] for each in found if each.owner}
        for each in found:
            if each.owner is None or each.refused:
                harmless = each.owner or is_system_file(each.entry.path)
                name = each.owner.name if each.owner else ""
                self._row(name, each, "skipped" if harmless else "problem", each.refused)
            else:
                owners[each.owner].append(each)
        deliveries: dict[str, list[_Delivery]] = {}
        for owner, files in owners.items():
            person = self.people.find(owner, layout)
            try:
                student = person.id if person else safe_id(_new_id(owner, layout))
            except UnusableId as error:
                self._refuse("", files, f"cannot be collected: {error}")
                continue
            delivery = _Delivery(student, owner, person, layout, origin, files)
            deliveries.setdefault(student.casefold(), []).append(delivery)
        return [each for same in deliveries.values() for each in self._one_student(same)]

    def _one_student(self, same: list[_Delivery]) -> list[_Delivery]:
        """The files of one student as one delivery; none when they are of two students."""
        first, *others = same
        identities = {_identity(each) for each in same}
        identities.add(self.identities.setdefault(first.student.casefold(), _identity(first)))
        identities |= self._earlier_identities(first)
        if len(identities) > 1:
            who = " and ".join(sorted(identities))
            reason = f"may be of two students with one name ({who}); tell them apart with --roster"
            for each in same:
                self._refuse(each.student, each.files, reason)
            return []
        for other in others:
            first.files += other.files
        return [first] if first.files else []

    def _earlier_identities(self, delivery: _Delivery) -> set[str]:
        """The numbers under which the platform knew this student in earlier calls."""
        number, person = delivery.owner.number, delivery.person
        if not number or (person and number in (person.participant, person.lms_user_id)):
            return set()
        return {
            f"{delivery.layout} {receipt.number}"
            for receipt in self.received.receipts(delivery.student)
            if receipt.source == delivery.layout and receipt.number
        }

    def _row(self, student: str, found: Found, state: str, reason: str) -> None:
        self.result.rows.append(Row(student, str(found.entry.path), state, reason))

    def _refuse(self, student: str, files: list[Found], reason: str) -> None:
        for found in files:
            self._row(student, found, "problem", reason)

    # --- one student ------------------------------------------------------------------------------

    def _deliver(self, delivery: _Delivery) -> None:
        """Keep what a student handed in, and give nbgrader what counts."""
        files, stamp = self._read(delivery)
        if not files:
            return
        nbgrader = any(found.nbgrader for found in delivery.files)
        time, time_from, seen = self._time(delivery, files, stamp)
        receipt = Receipt(
            delivery.student,
            "nbgrader" if nbgrader else delivery.layout,
            delivery.owner.number,
            time,
            time_from,
            seen,
            self.now,
        )
        kept, new = self.received.keep(receipt, files)
        self.taken[delivery.student] = delivery
        winner, changed = self._settle(delivery.student)
        choice = choose(files, self.rules, nbgrader)
        for fate in choice.fates:
            self.result.rows.append(_row(delivery.student, fate, kept, winner, new or changed))

    def _read(self, delivery: _Delivery) -> tuple[list[File], datetime | None]:
        """The files of a delivery, and the time in nbgrader's ``timestamp.txt``."""
        files: list[File] = []
        stamp, left = None, self.rules.largest_all
        for found in delivery.files:
            try:
                if len(files) == MOST_FILES:
                    raise Unreadable(f"is not read: the student handed in over {MOST_FILES} files")
                data = found.entry.read(min(self.rules.largest, left))
            except Unreadable as error:
                self._row(delivery.student, found, "problem", str(error))
                continue
            if found.nbgrader and str(found.name) == TIMESTAMP:
                stamp = parse_timestamp(data.decode(errors="replace"))
                reason = "tells the time" if stamp else "holds no time that can be read"
                self._row(delivery.student, found, "kept" if stamp else "problem", reason)
                continue
            left -= len(data)
            label = str(found.entry.path)
            files.append(File(found.name, data, found.entry.time, found.upload, label))
        return files, stamp

    def _time(
        self, delivery: _Delivery, files: list[File], stamp: datetime | None
    ) -> tuple[datetime, str, datetime]:
        """When something was handed in, who says so, and the newest time of its files."""
        times = [file.time for file in files if file.time]
        seen = max(times) if times else datetime.fromtimestamp(delivery.origin.stat().st_mtime, UTC)
        if self.time:
            return self.time, "--time", seen
        if stamp:
            return stamp, "timestamp.txt", seen
        if delivery.layout == "moodle" and delivery.person and delivery.person.handed_in:
            return delivery.person.handed_in, "worksheet", seen
        time = min(seen, self.now)  # a clock that is ahead must not beat all later submissions
        if delivery.layout == "canvas" and self.due:
            late = any(found.late for found in delivery.files)
            self.late_by_canvas += late
            after = max(time, self.due + timedelta(seconds=1))
            return (after if late else min(time, self.due)), "canvas", seen
        if delivery.layout == "moodle" and self.due and time > self.due:
            self.late_by_download += 1
        return time, "file" if delivery.origin.is_dir() else "zip", seen

    def _settle(self, student: str) -> tuple[Receipt | None, bool]:
        """Give nbgrader the submission that counts.

        Returns:
            That submission, and whether nbgrader's folder had to be changed.
        """
        receipts = self.received.receipts(student)
        winner, choice = self._winner(receipts)
        present = self.received.present(student)
        if digest(present) != digest(choice.files) and self._is_foreign(present, receipts):
            winner, choice = self._winner(self._adopt(student, present))
        if winner is None:
            return None, False
        return winner, self.received.submit(student, choice.files, winner.time)

    def _winner(self, receipts: list[Receipt]) -> tuple[Receipt | None, Choice]:
        """The newest submission with a readable notebook, else with one that is named like it."""
        fallback: tuple[Receipt | None, Choice] = None, Choice()
        for receipt in reversed(receipts):
            choice = self._choose(receipt)
            if choice.readable:
                return receipt, choice
            if choice.usable and fallback[0] is None:
                fallback = receipt, choice
        return fallback

    def _choose(self, receipt: Receipt) -> Choice:
        return choose(receipt.read(), self.rules, receipt.source in ("nbgrader", "submitted"))

    def _is_foreign(self, present: list[File], receipts: list[Receipt]) -> bool:
        """Whether somebody else put files there: stock nbgrader, or an instructor by hand."""
        known: set[str] = set().union(*(self._choose(each).contents for each in receipts))
        return not {file.digest for file in present} <= known

    def _adopt(self, student: str, present: list[File]) -> list[Receipt]:
        """Keep what lies in nbgrader's folder like any other submission."""
        stamp = self.received.timestamp(student)
        seen = max(file.time for file in present)
        source = "timestamp.txt" if stamp else "file"
        receipt = Receipt(student, "submitted", "", stamp or seen, source, seen, self.now)
        self.received.keep(receipt, present)
        return self.received.receipts(student)

    # --- the end ----------------------------------------------------------------------------------

    def finish(self, roster: Roster | None) -> Collection:
        """What remains: the gradebook's students, interrupted work, and the notes."""
        for student in self.received.students():
            if not self.received.submitted(student).exists():
                self._settle(student)
        self._write_students(roster.people if roster else [])
        if roster:
            here = set(self.received.students())
            self.result.missing = sorted({each.id for each in roster.people} - here)
            self._note_strangers(roster)
        self._note_times()
        self.result.rows.sort(key=lambda row: (row.student.casefold(), row.file))
        return self.result

    def _write_students(self, people: Sequence[Person]) -> None:
        """Put names, addresses and platform ids into the gradebook."""
        with self.course.gradebook() as gradebook:
            for person in people:
                values = {name: getattr(person, name) for name in FIELDS if getattr(person, name)}
                gradebook.update_or_create_student(person.id, **values)
            for student, delivery in self.taken.items():
                guessed = _guess(delivery)
                old = _student(gradebook, student)
                new = {k: v for k, v in guessed.items() if v and not getattr(old, k, None)}
                gradebook.update_or_create_student(student, **new)

    def _note_strangers(self, roster: Roster) -> None:
        known = {person.id for person in roster.people}
        if strangers := sorted(set(self.taken) - known):
            names = ", ".join(strangers)
            self.result.notes.append(
                f"Not in the roster, collected under the name of the file or folder: {names}."
            )

    def _note_times(self) -> None:
        if self.late_by_download:
            self.result.notes.append(
                f"Late by the times in Moodle's zip file: {self.late_by_download}. These may be "
                "the times of the download. Moodle's grading worksheet has the real ones: "
                "collect again with --roster WORKSHEET.csv, or with --time."
            )
        if self.late_by_canvas:
            self.result.notes.append(
                f"Marked as late by Canvas: {self.late_by_canvas}. It does not say by how "
                "much: their time is that of the zip file. Correct it with --time."
            )


# --- small things ---------------------------------------------------------------------------------


def _is_export(folder: Path, entry: Entry) -> bool:
    """Whether a file directly in a folder is a platform's zip file."""
    if len(entry.path.parts) > 1 or entry.fault or entry.path.suffix.lower() not in ARCHIVES:
        return False
    try:
        with open_zip(folder / entry.path) as archive:
            return detect(zip_entries(archive)) != "folder"
    except Unreadable:
        return False


def _new_id(owner: Owner, layout: str) -> str:
    """The id of a student whom nobody knows yet."""
    if layout == "canvas":
        return f"{owner.name}-{owner.number}" if owner.name else owner.number
    if layout == "moodle" and owner.name == "Participant":  # Moodle's name in anonymous assignments
        return f"{owner.name} {owner.number}"
    return owner.name


def _identity(delivery: _Delivery) -> str:
    """What tells two students with one name apart."""
    if delivery.owner.number:
        return f"{delivery.layout} {delivery.owner.number}"
    return delivery.student if delivery.person else delivery.owner.name


def _student(gradebook: Gradebook, student: str) -> Student | None:
    try:
        return gradebook.find_student(student)
    except MissingEntry:
        return None


def _guess(delivery: _Delivery) -> dict[str, str]:
    """What the platform's names tell of a student, for empty fields of the gradebook."""
    if delivery.layout == "moodle" and delivery.owner.name != "Participant":
        first, last = split_name(delivery.owner.name)
        return {"first_name": first[:LONGEST_ID], "last_name": last[:LONGEST_ID]}
    if delivery.layout == "canvas" and delivery.owner.number.isdigit():
        return {"lms_user_id": delivery.owner.number}
    return {}


def _row(student: str, fate: Fate, kept: Receipt, winner: Receipt | None, changed: bool) -> Row:
    """The row of a file of a submission that has been kept."""
    if fate.state != "taken":
        return Row(student, fate.label, fate.state, fate.reason)
    if winner is None or winner.folder != kept.folder:
        when = f"{winner.time:%Y-%m-%d %H:%M} UTC" if winner else ""
        newer = winner is not None and (winner.time, winner.seen) >= (kept.time, kept.seen)
        reason = f"the submission of {when} counts"
        if not newer:
            reason = f"{fate.reason or 'is newer but cannot be read'}; {reason}"
        return Row(student, fate.label, "older", reason)
    state = "collected" if changed else "unchanged"
    return Row(student, fate.label, state, fate.reason, fate.broken)
