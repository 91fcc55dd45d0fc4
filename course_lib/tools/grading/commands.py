"""The commands of the ``course`` program that have to do with assignments."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from course_lib.tools.console import messages

SETTING = re.compile(r"--[A-Z]\w*\.\w+=")


class WithSettings(click.Command):
    """Takes nbgrader's settings as nbgrader does: ``--Class.trait=value``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        context.meta[SETTING] = [each for each in args if SETTING.match(each)]
        return super().parse_args(context, [each for each in args if not SETTING.match(each)])


def _course(root: Path | None, settings: Sequence[str] = ()) -> Any:
    try:
        from course_lib.tools.grading.course import Course
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    return Course.find(root, settings)


def _not_installed(error: ModuleNotFoundError) -> click.ClickException:
    return click.ClickException(
        f"{error.name} is not installed; install it with: pip install -e '.[grade]'"
    )


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="For one cell.",
)
def check(notebook: Path, timeout: int) -> None:
    """Run the visible tests of a student's NOTEBOOK and say which tasks pass.

    The file stays as it is. Exit code: 0 when all visible tests pass, 1 when some fail or are not
    started, 2 when the file cannot be checked, 130 after Ctrl-C.
    """
    from rich.console import Console
    from rich.markup import escape

    with messages():
        try:
            from course_lib.tools.grading.student import check as run_tests
        except ModuleNotFoundError as error:
            raise _not_installed(error) from error
        from course_lib.tools.grading.student_report import show

        console = Console(highlight=False)
        with console.status("Starting Python …") as status:
            outcome = run_tests(
                notebook, timeout, lambda title: status.update(f"Running {escape(title)} …")
            )
        show(outcome, console)
    if not outcome.passed:
        sys.exit(1)


@click.command()
@click.argument("assignments", nargs=-1)
@click.option("--force", is_flag=True, help="Replace a release even if it holds answers.")
@click.pass_obj
def release(root: Path | None, assignments: tuple[str, ...], force: bool) -> None:
    """Generate the student releases of ASSIGNMENTS (all by default) into exercises/.

    Exit code: 0 when all went well, 1 when a source is wrong, 2 when nothing could start.
    """
    from rich.console import Console
    from rich.text import Text

    with messages():
        course = _course(root)
        from course_lib.tools.grading.release import release as generate
        from course_lib.tools.grading.tables import show_line

        console, failed = Console(highlight=False), 0
        for outcome in generate(course, assignments, force):
            if outcome.state == "failed":
                failed += 1
                show_line(console, Text.assemble((outcome.name, "red"), f": {outcome.reason}"))
            else:
                console.print(
                    f"{outcome.name}: {outcome.state}, {outcome.tasks} tasks, "
                    f"{outcome.points:g} points"
                )
    if failed:
        sys.exit(1)
    click.echo("Next: hand out the folders in exercises/; course collect takes the answers.")


@click.command(cls=WithSettings)
@click.argument("assignment")
@click.option(
    "--student",
    "students",
    multiple=True,
    metavar="ID",
    help="Only this one, or those that fit a pattern such as 'a*'; can be repeated.",
)
@click.option("--notebook", metavar="PATTERN", help="Only these notebooks of the assignment.")
@click.option("--force", "-f", is_flag=True, help="Grade again what has been graded already.")
@click.option("--create", is_flag=True, hidden=True)  # nbgrader's default, as here
@click.option("--db", metavar="URL", help="Of the gradebook; that of the course by default.")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1),
    metavar="N",
    help="Submissions at a time; the cores of the machine by default.",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Of a Dask cluster, tcp://….")
@click.option(
    "--unsafe-no-sandbox", is_flag=True, help="Run students' code with all rights of yours."
)
@click.pass_context
def grade(
    context: click.Context,
    assignment: str,
    students: tuple[str, ...],
    notebook: str | None,
    force: bool,
    create: bool,
    db: str | None,
    jobs: int | None,
    scheduler: str,
    unsafe_no_sandbox: bool,
) -> None:
    """Grade the collected submissions of ASSIGNMENT that are new or have changed.

    Notebooks run many at a time, each in a sandbox without network and without sight of anything
    but itself. Settings of nbgrader can be given as in 'nbgrader autograde', for example
    --Execute.timeout=60.

    Exit code: 0 when all were graded, 1 when some could not be or are flagged, 2 when nothing could
    start.
    """
    with messages():
        if not sys.platform.startswith("linux"):
            raise click.ClickException(
                "grading needs Linux, which contains the students' code; use a Linux machine, a "
                "virtual one, or WSL 2. 'nbgrader autograde' works here, without a sandbox"
            )
        settings = context.meta[SETTING]
        settings += ["--Autograde.create_student=True"] if create else []
        settings += [f"--CourseDirectory.notebook_id={notebook}"] if notebook else []
        settings += [f"--CourseDirectory.db_url={db}"] if db else []
        course = _course(context.obj, settings)
        from course_lib.tools.grading.grade import Options, chosen
        from course_lib.tools.grading.grade import grade as grade_all
        from course_lib.tools.grading.report import Report

        options = Options(jobs or 0, scheduler, not unsafe_no_sandbox)
        names = chosen(course, assignment, students)
        with Report(assignment, len(names)) as report:
            for graded in grade_all(course, assignment, names, force, options):
                report.add(graded)
        report.summary()
    if report.failed:
        sys.exit(1)
    click.echo(f"Next: course feedback {assignment}, course gradebook, course export.")


@click.command()
@click.argument("assignment")
@click.option("--student", "students", multiple=True, help="Only this one; can be repeated.")
@click.pass_obj
def feedback(root: Path | None, assignment: str, students: tuple[str, ...]) -> None:
    """Write an HTML page for each graded student of ASSIGNMENT, without hidden tests.

    Exit code: 0 when all were written, 1 when some could not be, 2 when nothing could start.
    """
    with messages():
        course = _course(root)
        from course_lib.tools.grading.feedback import write_feedback

        written, failed = 0, 0
        for student, reason in write_feedback(course, assignment, students):
            written, failed = written + (not reason), failed + bool(reason)
            if reason:
                click.echo(f"{student}: {reason}", err=True)
    pages = course.path("feedback", assignment, "STUDENT").relative_to(course.root)
    click.echo(f"{written} page{'s' * (written != 1)} in {pages}")
    if failed:
        sys.exit(1)


@click.command()
@click.argument("assignment")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--from",
    "layout",
    type=click.Choice(["auto", "folder", "moodle", "canvas"]),
    default="auto",
    show_default=True,
    help="Where the files come from.",
)
@click.option(
    "--roster",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="The students: columns id, first_name, last_name, email, lms_user_id; or a Moodle grading "
    "worksheet; or a Canvas gradebook.",
)
@click.option(
    "--time",
    metavar="TIME",
    callback=lambda _context, _option, value: _time(value),
    help="When everything was handed in, for example '2026-03-01 23:59'; local time.",
)
@click.pass_obj
def collect(
    root: Path | None,
    assignment: str,
    paths: tuple[Path, ...],
    layout: str,
    roster: Path | None,
    time: datetime | None,
) -> None:
    """Collect the submissions of ASSIGNMENT from PATHS: folders, zip files, notebooks.

    Of several submissions of a student the latest counts and all are kept. PATHS are only read.

    Exit code: 0 when all went well, 1 when a file needs a look, 2 when nothing could start.
    """
    with messages():
        course = _course(root)
        from course_lib.tools.grading.collecting.collect import collect as collect_all
        from course_lib.tools.grading.collecting.report import show

        collection = collect_all(course, assignment, paths, layout, roster, time)
        show(collection)
    if any(row.needs_a_look for row in collection.rows):
        sys.exit(1)
    click.echo(f"Next: course grade {assignment}.")


def _time(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time like '2026-03-01 23:59'") from None


@click.command()
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "canvas", "moodle"]),
    default="csv",
    show_default=True,
    help="nbgrader's table, or a file that Canvas or Moodle imports.",
)
@click.option("--assignment", "assignments", multiple=True, help="Only this; can be repeated.")
@click.option("--template", type=click.Path(path_type=Path), help="Fill in this downloaded file.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Name of the file.")
@click.pass_obj
def export(
    root: Path | None,
    kind: str,
    assignments: tuple[str, ...],
    template: Path | None,
    to: Path | None,
) -> None:
    """Export grades as CSV, or for Canvas or Moodle.

    Scores that are not final are named, and left out of the files for Canvas and Moodle.

    Exit code: 0 when the file was written, 2 when nothing could start.
    """
    if template and kind == "csv":
        raise click.UsageError("--template goes with --format canvas or moodle")
    with messages():
        course = _course(root)
        from course_lib.tools.grading.export import write

        destination, notes = write(course, kind, assignments, template, to)
    click.echo(f"Wrote {destination}")
    for note in notes:
        click.echo(note)


@click.command()
@click.option("--assignment", "assignments", multiple=True, help="Only this; can be repeated.")
@click.pass_obj
def gradebook(root: Path | None, assignments: tuple[str, ...]) -> None:
    """Show the gradebook: students, scores, and what still needs attention."""
    with messages():
        course = _course(root)
        from course_lib.tools.grading.gradebook_table import show

        show(course, assignments)


@click.command()
@click.argument("assignment")
@click.pass_obj
def report(root: Path | None, assignment: str) -> None:
    """Write an HTML page on how the class did in ASSIGNMENT, for the instructor.

    Exit code: 0 when the page was written, 2 when nothing could start.
    """
    with messages():
        course = _course(root)
        from course_lib.tools.grading import class_page
        from course_lib.tools.grading.class_report import report as read

        made = read(course, assignment)
        destination = class_page.write(course, made)
        class_page.show(made)
    click.echo(f"The report is in {destination.relative_to(course.root)}")


COMMANDS = (check, release, collect, grade, feedback, report, gradebook, export)
