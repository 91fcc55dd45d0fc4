"""Whose file is it? The ways in which learning platforms and people lay out submissions.

Moodle ("Download all submissions")
    ``Full Name_123_assignsubmission_file_/notebook.ipynb``, with or without the last ``_``; without
    folders ``Full Name_123_assignsubmission_file_notebook.ipynb``. The number is the participant's,
    another one in each assignment. ``_onlinetext_`` holds what was typed into Moodle.
Canvas ("Download Submissions")
    ``lastfirst_[LATE_]456_789_notebook-2.ipynb``: the user's number, the same in the whole course,
    the upload's number, and Canvas's counter of repeated uploads. ``…_text.html`` and
    ``…_link.html`` were typed. Anonymous assignments have ``anon_Ab3dE`` for name and number.
Folder
    nbgrader's own ``student/assignment/…``, one folder for each student, or files that are named
    after the student, with or without the assignment's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from course_lib.tools.grading.collecting.archives import Entry, is_system_file
from course_lib.tools.grading.collecting.names import stem

LAYOUTS = ("folder", "moodle", "canvas")
MOODLE = re.compile(
    r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
CANVAS = re.compile(
    r"(?:(?P<name>.*?)_)??(?:(?P<late>LATE)_)?(?P<user>\d+|anon_[A-Za-z0-9]+)_"
    r"(?:(?P<upload>\d+)_(?P<file>.+)|(?P<typed>text|link)\.html)",
    re.DOTALL,
)
TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Owner:
    """Who handed something in, as far as the path of a file tells.

    Attributes:
        name: a folder's name, a full name, or Canvas's ``lastfirst``.
        number: Moodle's participant or Canvas's user; empty in folders.
    """

    name: str
    number: str = ""


@dataclass(frozen=True)
class Found:
    """A file of an input and whose it is.

    Attributes:
        entry: the file.
        owner: who handed it in; None when that cannot be told.
        name: its path in the submission of that student.
        upload: Canvas's number of the upload; a later one is higher.
        late: whether Canvas says that it came after the due date.
        nbgrader: whether it lies in nbgrader's own ``student/assignment/`` folder.
        refused: why it is not taken, in words; empty when it is.
    """

    entry: Entry
    owner: Owner | None
    name: PurePosixPath
    upload: int = 0
    late: bool = False
    nbgrader: bool = False
    refused: str = ""


def detect(entries: Iterable[Entry]) -> str:
    """Which layout an input has: ``moodle``, ``canvas`` or, when neither fits, ``folder``."""
    paths = [entry.path for entry in entries if not is_system_file(entry.path)]
    if any(_moodle(path) for path in paths):
        return "moodle"
    matches = [CANVAS.fullmatch(path.name) for path in paths]
    users = {(match["name"], match["user"]) for match in matches if match}
    uploads = [match["upload"] for match in matches if match and match["upload"]]
    consistent = len({user for _, user in users}) == len(users) and len(set(uploads)) == len(
        uploads
    )
    return "canvas" if matches and all(matches) and consistent else "folder"


def arrange(
    entries: Sequence[Entry], layout: str, assignment: str, names: Sequence[str] = ()
) -> list[Found]:
    """Find out whose each file is.

    Args:
        entries: all files of one input.
        layout: ``moodle``, ``canvas`` or ``folder``.
        assignment: the assignment that is collected.
        names: all assignments and the notebooks of this one; they are no students' names.
    """
    kept = [entry for entry in entries if not is_system_file(entry.path)]
    system = [entry for entry in entries if is_system_file(entry.path)]
    rule = {"moodle": _from_moodle, "canvas": _from_canvas}.get(layout)
    found = [rule(entry) for entry in kept] if rule else _from_folder(kept, assignment, names)
    refused = "is a file of the operating system or of Jupyter itself"
    return found + [Found(entry, None, entry.path, refused=refused) for entry in system]


# --- Moodle ---------------------------------------------------------------------------------------


def _moodle(path: PurePosixPath) -> tuple[re.Match, PurePosixPath] | None:
    for index, part in enumerate(path.parts):
        match = MOODLE.fullmatch(part)
        rest = path.parts[index + 1 :]
        if match and rest:
            return match, PurePosixPath(*rest)
        if match and match["file"]:
            return match, PurePosixPath(match["file"])
    return None


def _from_moodle(entry: Entry) -> Found:
    if not (match := _moodle(entry.path)):
        return Found(entry, None, entry.path, refused="has no name as Moodle gives it")
    match, name = match
    owner = Owner(match["name"], match["number"] or "")
    refused = ""
    if match["kind"] == "onlinetext":
        refused = "is text that was typed into Moodle, no notebook"
    elif match["kind"] != "file":
        refused = f"is Moodle's {match['kind']}, no file that was handed in"
    return Found(entry, owner, name, refused=refused)


# --- Canvas ---------------------------------------------------------------------------------------


def _from_canvas(entry: Entry) -> Found:
    match = CANVAS.fullmatch(entry.path.name)
    if not match:
        return Found(entry, None, entry.path, refused="has no name as Canvas gives it")
    owner = Owner(match["name"] or "", match["user"])
    late = bool(match["late"])
    if match["typed"]:
        refused = f"is a {match['typed']} that was typed into Canvas, no notebook"
        return Found(entry, owner, PurePosixPath(entry.path.name), late=late, refused=refused)
    return Found(entry, owner, PurePosixPath(match["file"]), int(match["upload"]), late)


# --- folders --------------------------------------------------------------------------------------


def _from_folder(entries: list[Entry], assignment: str, names: Sequence[str]) -> list[Found]:
    names = [assignment, *names]
    own = any(_nbgrader_index(entry.path, [assignment]) for entry in entries)
    others = [entry for entry in entries if not _nbgrader_index(entry.path, [assignment])]
    depth = _wrappers(others, names)
    found = []
    for entry in entries:
        parts = entry.path.parts
        if index := _nbgrader_index(entry.path, [assignment]):
            rest = PurePosixPath(*parts[index + 1 :])
            found.append(Found(entry, Owner(parts[index - 1]), rest, nbgrader=True))
        elif own and (index := _nbgrader_index(entry.path, names)):
            refused = f"belongs to another assignment: {parts[index]}"
            found.append(Found(entry, Owner(parts[index - 1]), entry.path, refused=refused))
        elif len(parts) - depth > 1:
            rest = PurePosixPath(*parts[depth + 1 :])
            found.append(Found(entry, Owner(parts[depth]), rest))
        else:
            found.append(_from_file_name(entry, names))
    return found


def _nbgrader_index(path: PurePosixPath, assignments: Sequence[str]) -> int:
    """Where ``assignment`` stands in ``student/assignment/file``; 0 when it does not."""
    parts = path.parts
    return next((i for i in range(1, len(parts) - 1) if parts[i] in assignments), 0)


def _wrappers(entries: list[Entry], names: Sequence[str]) -> int:
    """How many folders lie around the students' folders or files: those that hold everything.

    A single folder is a student's, unless it is called like the assignment or holds what looks like
    several students: folders, or files that are named after different people.
    """
    paths, depth = [entry.path.parts for entry in entries], 0
    while paths and all(len(parts) - depth > 1 for parts in paths):
        outer = {parts[depth] for parts in paths}
        folders = {parts[depth + 1] for parts in paths if len(parts) - depth > 2}
        owners = {_owner_in_name(parts[depth + 1], names) for parts in paths}
        students = len(folders) > 1 or (not folders and len(owners) > 1 and "" not in owners)
        if len(outer) > 1 or (outer != {names[0]} and not students):
            break
        depth += 1
    return depth


def _from_file_name(entry: Entry, names: Sequence[str]) -> Found:
    owner = _owner_in_name(entry.path.name, names)
    if not owner:
        refused = "does not say whose it is; put it into a folder with the student's id as its name"
        return Found(entry, None, entry.path, refused=refused)
    return Found(entry, Owner(owner), PurePosixPath(entry.path.name))


def _owner_in_name(name: str, names: Sequence[str]) -> str:
    """``alice.ipynb``, ``alice_digits (1).ipynb`` and ``digits-alice.ipynb`` are Alice's."""
    known = "|".join(re.escape(each) for each in sorted(set(names), key=len, reverse=True))
    pattern = rf"(?:(?P<before>.+?)[\s_.-]+)?(?:{known})(?:[\s_.-]+(?P<after>.+))?"
    match = re.fullmatch(pattern, stem(name), re.IGNORECASE | re.DOTALL)
    return (match["before"] or match["after"] or "") if match else stem(name)
