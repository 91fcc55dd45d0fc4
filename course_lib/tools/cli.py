"""The ``course`` command.

Each command imports what it needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from course_lib.tools.console import fail, messages
from course_lib.tools.grading import commands as grading

PROFILES = ("smoke", "cpu", "gpu")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="course-lib")
@click.option(
    "--project",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the course; the current one or one above it by default.",
)
@click.pass_context
def main(context: click.Context, root: Path | None) -> None:
    """Execute the notebooks of the course and build the book."""
    context.obj = root


def _settings(**options: Any) -> Any:
    from course_lib.tools.execute import Settings

    return Settings(**options)


def execution_options(command: Any) -> Any:
    """The options that ``course run`` and ``course book`` share."""
    for option in reversed(
        [
            click.option(
                "--profile",
                type=click.Choice(PROFILES),
                default="cpu",
                show_default=True,
                help="How much work the notebooks do.",
            ),
            click.option(
                "--jobs",
                "-j",
                type=click.IntRange(1),
                help="Notebooks at a time. Default: one for each core, as memory allows.",
            ),
            click.option("--force", is_flag=True, help="Execute even what is up to date."),
            click.option(
                "--timeout",
                type=click.IntRange(1),
                help="Seconds for one cell. Default: 120, 600 or 3600 for smoke, cpu, gpu.",
            ),
            click.option(
                "--memory-limit",
                type=click.FloatRange(1),
                metavar="MB",
                help="Memory that one notebook may occupy. Default: 80 % of the machine, shared.",
            ),
            click.option(
                "--output-limit",
                type=click.FloatRange(0.001),
                default=10,
                show_default=True,
                metavar="MB",
                help="Output of one cell.",
            ),
            click.option(
                "--warm/--no-warm",
                default=True,
                help="On Linux, fork kernels from a process that has imported PyTorch already.",
            ),
        ]
    ):
        command = option(command)
    return command


@main.command()
@click.argument("chapters", nargs=-1)
@execution_options
@click.pass_obj
def run(root: Path | None, chapters: tuple[str, ...], **options: Any) -> None:
    """Execute CHAPTERS (all by default) whose outputs are out of date.

    Exit code: 0 when all went well, 1 when a chapter failed, 2 when nothing could start, 130 after
    Ctrl-C.
    """
    with messages():
        outcomes = _run(root, chapters, _settings(**options))[1]
    failed = [outcome.chapter.slug for outcome in outcomes if outcome.failure]
    if failed:
        click.echo(
            f"{len(failed)} of {len(outcomes)} chapters failed: {', '.join(failed)}", err=True
        )
        sys.exit(1)
    click.echo("Next: course book renders the chapters, course serve opens the book.")


def _run(root: Path | None, names: tuple[str, ...], settings: Any) -> tuple[Any, list]:
    """Execute chapters with progress; return the project and the outcomes."""
    from course_lib.tools import chapters as on_disk
    from course_lib.tools import execute
    from course_lib.tools.progress import Progress

    project = on_disk.Project.find(root)
    chosen = on_disk.select_chapters(project, names)
    with Progress() as progress:
        outcomes = execute.run(project, chosen, settings, progress=progress)
        progress.table(outcomes)
    return project, outcomes


@main.command()
@execution_options
@click.option(
    "--builder",
    type=click.Choice(["html", "dirhtml", "singlehtml", "linkcheck", "latex"]),
    default="html",
    show_default=True,
)
@click.option("--strict", is_flag=True, help="Read everything again; a warning is an error.")
@click.pass_obj
def book(root: Path | None, builder: str, strict: bool, **options: Any) -> None:
    """Build the book into _build/html, after executing what is out of date."""
    failed, output = _render(root, _settings(**options), builder, strict)[1:]
    click.echo(f"The book is in {output}")
    if failed:
        fail(f"these chapters failed and have no outputs: {', '.join(failed)}", 1)
    click.echo("Next: course serve opens it (make serve, if the environment is not activated).")


def _render(root: Path | None, settings: Any, builder: str, strict: bool) -> tuple:
    """Execute and build; return the project, the chapters that failed, and the output."""
    from course_lib.tools import book as rendering

    with messages():
        project, outcomes = _run(root, (), settings)
        failed = [outcome.chapter.slug for outcome in outcomes if outcome.failure]
        if failed and strict:
            fail(f"not built, because these chapters failed: {', '.join(failed)}", 1)
        pages = [
            rendering.Page(
                outcome.chapter.docname,
                outcome.source,
                None if outcome.failure else outcome.chapter.executed(settings.profile),
            )
            for outcome in outcomes
            if outcome.source
        ]
        try:
            return project, failed, rendering.render(project, pages, builder, strict)
        except rendering.BuildError as error:
            fail(str(error), 1)


@main.command()
@execution_options
@click.pass_obj
def pdf(root: Path | None, **options: Any) -> None:
    """Print the whole book into _build/pdf/book.pdf, after building it; needs Chromium."""
    from course_lib.tools import pdf as printing

    with messages():
        printing.find_browser()
    project, failed, _output = _render(root, _settings(**options), "html", strict=False)
    if failed:
        fail(f"not printed, because these chapters failed: {', '.join(failed)}", 1)
    with messages():
        try:
            output = printing.print_book(project)
        except printing.PrintError as error:
            fail(str(error), 1)
    click.echo(f"The book is in {output}")


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.pass_obj
def serve(root: Path | None, port: int, no_browser: bool) -> None:
    """Show the built book on this machine."""
    from course_lib.tools.chapters import Project
    from course_lib.tools.serve import serve_book

    with messages():
        serve_book(Project.find(root), port, open_browser=not no_browser)


@main.command()
@click.pass_obj
def clean(root: Path | None) -> None:
    """Remove everything generated, the executed notebooks included."""
    from course_lib.tools import book as rendering
    from course_lib.tools.chapters import Project

    with messages():
        project = Project.find(root)
        gone = rendering.clean(project)
    click.echo(f"{'Removed' if gone else 'There is no'} {project.build}")


@main.command()
@click.pass_obj
def doctor(root: Path | None) -> None:
    """Say what the course finds on this machine, and what is missing for what.

    Exit code: 0 when everything works here, 1 when something does not.
    """
    from rich.console import Console
    from rich.text import Text

    from course_lib.tools.doctor import MISSING, examine

    styles = {"ok": "green", "missing": "bold red", "none": "yellow"}
    console, missing = Console(highlight=False), 0
    for found in examine(root):
        missing += found.state == MISSING
        advice = f". To mend it: {found.advice}" if found.advice else ""
        state = Text(f"{found.state:<8}", style=styles[found.state])
        line = Text.assemble(state, (found.name, "bold"), f": {found.text}{advice}")
        console.print(line, soft_wrap=not console.is_terminal)
    if missing:
        sys.exit(1)


for command in grading.COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="course")
