"""Which of a student's files are the notebooks of the assignment, whatever they are called.

A notebook is recognized by its contents. Its name counts only when the contents say nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from nbgrader.plugins import FileNameCollectorPlugin

from course_lib.tools.grading.collecting.archives import (
    ARCHIVES,
    OTHER_ARCHIVES,
    Unreadable,
    is_system_file,
    open_zip,
    zip_entries,
)
from course_lib.tools.grading.collecting.layouts import TIMESTAMP
from course_lib.tools.grading.collecting.names import plain, safe_name, stem
from course_lib.tools.grading.collecting.received import File
from course_lib.tools.grading.course import Course
from course_lib.tools.grading.inspect import gradable
from course_lib.tools.grading.notebooks import (
    Reading,
    Release,
    identify,
    read_notebook,
    releases_beside,
)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MAYBE_NOTEBOOKS = ("", ".json", ".txt")
MOST_FILES = 1_000  # of one student
NO_NOTEBOOK = "is no notebook of this assignment"


@dataclass(frozen=True)
class Rules:
    """What nbgrader's settings say about the files that students hand in.

    Attributes:
        releases: the notebooks of the assignment.
        others: those of all other assignments.
        endings: of the files that ``nbgrader zip_collect`` takes from learning platforms:
            ``FileNameCollectorPlugin.valid_ext``.
        include, ignore: patterns of names: ``CourseDirectory.include`` and ``ignore``.
        largest, largest_all: bytes of a file and of a submission: ``CourseDirectory.max_file_size``
            and ``max_dir_size``.
    """

    releases: list[Release]
    others: list[Release]
    endings: tuple[str, ...]
    include: tuple[str, ...]
    ignore: tuple[str, ...]
    largest: int
    largest_all: int

    @classmethod
    def of(cls, course: Course, assignment: str) -> Rules:
        """The rules of a course for one assignment."""
        beside = releases_beside(course.path("release", assignment) / "any.ipynb")
        directory = course.directory
        return cls(
            [release for release in beside if release.assignment == assignment],
            [release for release in beside if release.assignment != assignment],
            tuple(FileNameCollectorPlugin(config=course.config).valid_ext),
            tuple(directory.include),
            tuple(directory.ignore),
            directory.max_file_size * 1000,
            directory.max_dir_size * 1000,
        )

    def takes(self, name: PurePosixPath, any_ending: bool) -> bool:
        """Whether nbgrader takes a file that is no notebook of the assignment along."""
        if name.name == TIMESTAMP:
            return False
        if not any_ending and name.suffix.lower() not in self.endings:
            return False
        ignored = any(fnmatch.fnmatch(p, pattern) for p in name.parts for pattern in self.ignore)
        return not ignored and any(fnmatch.fnmatch(name.name, each) for each in self.include)


@dataclass
class Fate:
    """What becomes of one file of a submission.

    Attributes:
        label: its name, with that of the zip file around it.
        state: ``taken``, ``kept`` (received, but nothing for nbgrader), ``older`` or ``problem``.
        reason: why, in words.
        target: the name under which nbgrader gets it.
        broken: whether nbgrader gets it but cannot grade it.
    """

    label: str
    state: str
    reason: str = ""
    target: str = ""
    broken: bool = False


@dataclass
class Choice:
    """What nbgrader gets of a submission, and what becomes of each file.

    Attributes:
        files: for nbgrader, under the names that it expects.
        fates: one for each file that was handed in, those in zip files included.
        readable: whether a notebook was recognized by its contents.
        contents: digests of everything that was looked at.
    """

    files: list[File] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    readable: bool = False
    contents: frozenset[str] = frozenset()

    @property
    def usable(self) -> bool:
        """Whether there is a notebook for nbgrader at all, readable or not."""
        return bool(self.files)


@dataclass(eq=False)
class _Candidate:
    file: File
    fate: Fate
    reading: Reading

    @property
    def order(self) -> tuple:
        """Later is better; the counter that browsers and Canvas add decides a tie."""
        number = re.search(r"(?:\((\d+)\)|-(\d+))$", PurePosixPath(self.file.name.name).stem)
        count = int(number[1] or number[2]) if number else 0
        time = (self.file.time or LONG_AGO).replace(second=0, microsecond=0)
        return self.file.upload, time, count


def choose(files: Iterable[File], rules: Rules, any_ending: bool = False) -> Choice:
    """Find the notebooks of the assignment in a submission.

    Args:
        files: what the student handed in.
        rules: the notebooks that are looked for, and nbgrader's settings.
        any_ending: take other files along whatever their ending, as nbgrader does with its own
            folders.
    """
    choice = Choice()
    opened = [(file, fate) for each in files for file, fate in _open(each, rules)]
    choice.fates = [fate for _, fate in opened]
    choice.contents = frozenset(file.digest for file, _ in opened)
    waiting = [(file, fate) for file, fate in opened if not fate.state]
    candidates = [_Candidate(file, fate, read_notebook(file.data)) for file, fate in waiting]
    candidates = [c for c in candidates if _maybe_notebook(c)]
    base = _take_notebooks(choice, candidates, rules)
    for file, fate in waiting:
        if not fate.state:
            _take_along(choice, file, fate, base, rules, any_ending)
    return choice


def _open(file: File, rules: Rules) -> list[tuple[File, Fate]]:
    """A file, and the files in it if it is a student's own zip file."""
    label, suffix = file.label or str(file.name), file.name.suffix.lower()
    if suffix in OTHER_ARCHIVES:
        reason = f"is an archive of a kind that is not opened ({suffix}); ask for the notebook"
        return [(file, Fate(label, "problem", reason))]
    if suffix not in ARCHIVES:
        return [(file, Fate(label, ""))]
    found, total = [(file, Fate(label, "kept", "is opened"))], 0
    try:
        for entry in zip_entries(open_zip(file.data)):
            name, within = file.name / entry.path, f"{label}: {entry.path}"
            if is_system_file(entry.path):
                continue
            if len(found) > MOST_FILES:
                raise Unreadable(f"holds more than {MOST_FILES:,} files")
            try:
                if entry.path.suffix.lower() in (*ARCHIVES, *OTHER_ARCHIVES):
                    raise Unreadable("is an archive in an archive, which is not opened")
                data = entry.read(min(rules.largest, rules.largest_all - total))
            except Unreadable as error:
                found.append((file, Fate(within, "problem", str(error))))
                continue
            total += len(data)
            found.append((replace(file, name=name, data=data), Fate(within, "")))
    except Unreadable as error:
        return [(file, Fate(label, "problem", str(error)))]
    return found


def _maybe_notebook(candidate: _Candidate) -> bool:
    name = candidate.file.name.name.lower()
    if ".ipynb" in name:
        return True
    suffix = PurePosixPath(name).suffix
    return bool(suffix in MAYBE_NOTEBOOKS and candidate.reading.grade_ids)


# --- the notebooks --------------------------------------------------------------------------------


def _take_notebooks(choice: Choice, candidates: list[_Candidate], rules: Rules) -> PurePosixPath:
    """Choose a file for each notebook of the assignment; return the folder of the first."""
    base, unknown = PurePosixPath(), []
    chosen: dict[str, list[_Candidate]] = {release.name: [] for release in rules.releases}
    for candidate in candidates:
        found = identify(candidate.reading, [*rules.releases, *rules.others])
        own = [release for release in found if release in rules.releases]
        if own:
            chosen[_by_name(candidate, own).name].append(candidate)
        elif found:
            candidate.fate.state = "problem"
            candidate.fate.reason = f"is the notebook of another assignment: {found[0].assignment}"
        else:
            unknown.append(candidate)
    choice.readable = any(chosen.values())
    for candidate in _take_by_name(chosen, unknown, rules):
        problems = candidate.reading.problems
        candidate.fate.state = "kept"
        candidate.fate.reason = NO_NOTEBOOK
        if problems:
            candidate.fate.reason = f"is not used: {problems[0].message}"
    for release in rules.releases:
        same = sorted(chosen[release.name], key=lambda c: (c.order, _is_named(c, release)))
        for older in same[:-1]:
            older.fate.state = "older"
            older.fate.reason = f"is an earlier file of the same notebook as {same[-1].fate.label}"
        if same:
            base = same[-1].file.name.parent if not choice.files else base
            _take(choice, same[-1], release, [*rules.releases, *rules.others])
    return base


def _is_named(candidate: _Candidate, release: Release) -> bool:
    return plain(stem(candidate.file.name.name)) == plain(release.name)


def _by_name(candidate: _Candidate, releases: list[Release]) -> Release:
    return next((each for each in releases if _is_named(candidate, each)), releases[0])


def _take_by_name(
    chosen: dict[str, list[_Candidate]], unknown: list[_Candidate], rules: Rules
) -> list[_Candidate]:
    """Files whose contents say nothing: taken by their name, or when there is only one of each.

    Returns:
        Those that are not taken.
    """
    missing = [release for release in rules.releases if not chosen[release.name]]
    for release in missing:
        named = [c for c in unknown if plain(release.name) in plain(stem(c.file.name.name))]
        if not named and len(missing) == len(unknown) == 1:
            named = unknown
        chosen[release.name] = named
        unknown = [candidate for candidate in unknown if candidate not in named]
    return unknown


def _take(choice: Choice, candidate: _Candidate, release: Release, releases: list[Release]) -> None:
    target = f"{release.name}.ipynb"
    choice.files.append(replace(candidate.file, name=PurePosixPath(target)))
    candidate.fate.state, candidate.fate.target = "taken", target
    notebook, problems = gradable(candidate.file.data, release, releases)
    if notebook is None:  # what only costs points is said when it is graded
        candidate.fate.broken = True
        candidate.fate.reason = f"cannot be graded: {problems[0].message} {problems[0].advice}"


# --- the other files ------------------------------------------------------------------------------


def _take_along(
    choice: Choice,
    file: File,
    fate: Fate,
    base: PurePosixPath,
    rules: Rules,
    any_ending: bool,
) -> None:
    """A file that is no notebook of the assignment."""
    fate.state = "kept"
    if not choice.files:
        fate.reason = "is kept, but there is no notebook of this assignment beside it"
    elif file.name.suffix.lower() == ".ipynb":
        fate.reason = NO_NOTEBOOK
    elif not rules.takes(file.name, any_ending):
        only = "ignore it" if any_ending else f"take only {', '.join(rules.endings)}"
        fate.reason = f"is kept, but nbgrader's settings {only}"
    elif not file.name.is_relative_to(base):
        fate.reason = "is kept, but it lies outside the notebook's folder"
    else:
        name = PurePosixPath(*(safe_name(part) for part in file.name.relative_to(base).parts))
        if any(_clash(name, each.name) for each in choice.files):
            fate.reason = "is kept; another file has the same name"
            return
        choice.files.append(replace(file, name=name))
        fate.state, fate.target = "taken", str(name)


def _clash(one: PurePosixPath, other: PurePosixPath) -> bool:
    """Whether two files cannot lie in one folder."""
    return one == other or one in other.parents or other in one.parents
