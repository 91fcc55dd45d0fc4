"""Feedback for students: an HTML page for each notebook, without hidden tests.

nbgrader makes the page, with ``generate_feedback``. What is added stands above it: each task with
its points, what went wrong in words, and where the book teaches it. A page needs no network and
runs no script.
"""

from __future__ import annotations

import glob
import html
import os
import re
import secrets
import shutil
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup

from course_lib.tools.grading.course import (
    Course,
    GradingError,
    captured_logs,
    failure,
    succeeded,
)
from course_lib.tools.grading.engine.record import NOTE
from course_lib.tools.grading.export import points
from course_lib.tools.grading.hide import HideTests
from course_lib.tools.grading.scores import grades
from course_lib.tools.grading.sections import Book
from course_lib.tools.grading.summary import Line, lines

FORBIDDEN = [
    *("script", "iframe", "object", "embed", "form", "base", "link", "frame", "frameset"),
    *("applet", "noscript", "template", "portal", "animate", "set"),
]
ALTERNATIVE = re.compile(r' alttext="[^"]*&lt;[^"]*"')
LOADING = ("src", "srcset", "poster", "background", "srcdoc", "data", "xlink:href", "ping")
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
STATIC = Path(__file__).parents[1] / "static"  # with nbgrader's template "feedback", our look
OWN_TEMPLATE = ("raw_template", "template_file", "extra_template_basedirs")  # a course's own page
FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?![\s$])([^$]+?)(?<![\s\\])\$(?![\w$])", re.DOTALL
)
# What would change how later formulas, also those of other pages, are read or where they lead.
UNSAFE_TEX = re.compile(
    r"\\(?:[gex]?def|let|(?:re)?new|New|Declare|csname|require|href|class|cssId|style|data)"
)
LONGEST_FORMULA = 2000  # characters
PAGES_OF_A_JOB = 8  # that are worth starting a process for
WAITING = "A person is looking at your submission. Your points and comments follow."


def write_feedback(
    course: Course, assignment: str, students: Iterable[str] = ()
) -> Iterator[tuple[str, str]]:
    """Write the pages with ``nbgrader generate_feedback``, in a process for each core.

    Args:
        course: the course.
        assignment: its name.
        students: for whom; by default all whose work has been graded.

    Yields:
        A student and the reason why there is no page for them, empty when there is one.

    Raises:
        GradingError: the assignment is unknown, nothing of it has been graded, or a process was
            killed.
    """
    graded = course.graded(assignment)
    wanted = list(students) or graded
    known = [student for student in wanted if student in graded]
    jobs = min(os.cpu_count() or 1, 1 + len(known) // PAGES_OF_A_JOB)
    # Ctrl-C is for this process alone; the others end after their page.
    calm = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    try:
        with ProcessPoolExecutor(jobs, **calm) as pool:
            reasons = pool.map(partial(_write, course.root, assignment), known)
            for student in wanted:
                if student in known:
                    yield student, next(reasons)
                else:
                    yield student, f"is not graded; 'course grade {assignment}' comes first"
    except BrokenProcessPool as error:
        raise GradingError(
            "a process that writes pages was killed; is there enough memory? Try again"
        ) from error


def _write(root: Path, assignment: str, student: str) -> str:
    return _pages(root, assignment).write(student)


@cache
def _pages(root: Path, assignment: str) -> _Pages:
    """In each process of the pool: what writes its pages."""
    typist = _Typist()
    Finalize(None, typist.close, exitpriority=1)
    return _Pages(Course.find(root), assignment, typist)


class _Pages:
    """Writes the pages of one assignment."""

    def __init__(self, course: Course, assignment: str, typist: _Typist):
        self.course, self.assignment, self.typist = course, assignment, typist
        self.book = Book(course.root, assignment)
        self.style = (STATIC / "grading.css").read_text(encoding="utf-8")
        self.api = course.api()
        settings = self.api.config.GenerateFeedback
        steps = list(settings.get("preprocessors", self._standard_steps()))
        if HideTests not in steps:
            settings.preprocessors = [HideTests, *steps]
        self.own_look = not any(name in self.api.config.HTMLExporter for name in OWN_TEMPLATE)
        if self.own_look:
            self.api.config.HTMLExporter.extra_template_basedirs = [str(STATIC)]

    @staticmethod
    def _standard_steps() -> list[Any]:
        from nbgrader.converters import GenerateFeedback

        return list(GenerateFeedback.preprocessors.default_args[0])

    def write(self, student: str) -> str:
        """Write the pages of a student; return why there are none, or nothing."""
        folder = self.course.path("feedback", self.assignment, student)
        shutil.rmtree(folder, ignore_errors=True)
        notebooks = {
            path.stem: nbformat.read(path, as_version=4)
            for path in sorted(
                self.course.path("autograded", self.assignment, student).glob("*.ipynb")
            )
        }
        with self.course.gradebook() as gradebook:
            found = list(grades(gradebook, self.assignment, student))
            submission = gradebook.find_submission(self.assignment, student)
            penalty = submission.late_submission_penalty or 0.0
        flagged = any(_note(notebook).get("flagged") for notebook in notebooks.values())
        if flagged and any(grade.manual for grade in found):
            folder.mkdir(parents=True)
            for name in notebooks:
                (folder / f"{name}.html").write_text(self._waiting(name), encoding="utf-8")
            return ""
        with captured_logs():
            result = self.api.generate_feedback(self.assignment, glob.escape(student), force=True)
        for path in folder.rglob("*"):
            if path.suffix == ".ipynb":
                path.unlink()  # nbgrader copies it for some odd ids
            elif path.suffix == ".html" and path.stem in notebooks:
                own = {grade.cell: grade for grade in found if grade.notebook == path.stem}
                tasks = lines(notebooks[path.stem], own, self.book)
                page = self._page(path, flagged, _summary(path.stem, tasks, penalty))
                path.write_text(page, encoding="utf-8")
        return "" if succeeded(result) else failure(result)

    def _page(self, path: Path, flagged: bool, summary: str) -> str:
        soup = _harmless(path.read_text(encoding="utf-8"))
        if flagged:  # what the tests would say is the evidence, which is for the grader
            for output in soup.select(".box.test .output_wrapper"):
                output.decompose()
        if self.own_look:
            _tidy(soup)
            self.typist.mark(soup)
            soup.head.append(BeautifulSoup(f"<style>{self.style}</style>", "html.parser"))
        top = soup.main or soup.body or soup
        top.insert(0, BeautifulSoup(summary, "html.parser"))
        return self.typist.typeset(str(soup)) if self.own_look else str(soup)

    def _waiting(self, name: str) -> str:
        title = html.escape(name)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}: feedback</title><style>{self.style}</style></head>"
            f'<body><main><h1>{title}</h1><p class="lead">{WAITING}</p></main></body></html>\n'
        )


def _note(notebook: Any) -> dict[str, Any]:
    found = notebook.metadata.get(NOTE)
    return found if isinstance(found, dict) else {}


# --- the summary ----------------------------------------------------------------------------------


def _summary(name: str, tasks: list[Line], penalty: float) -> str:
    """The table above the notebook, as HTML."""
    score, best = sum(task.score for task in tasks), sum(task.points for task in tasks)
    total = max(0.0, score - penalty)
    rows = "\n".join(_row(task) for task in tasks)
    late = f"<p>Handed in late: {points(penalty)} points less.</p>" if penalty else ""
    return f"""<header id="top">
<h1>{html.escape(name)}: {points(total)} of {points(best)} points</h1>
{late}
<table class="tasks">
<caption>Your tasks</caption>
<thead><tr><th scope="col">Task</th><th scope="col" class="number">Points</th>\
<th scope="col">State</th><th scope="col">What to look at</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</header>
"""


def _row(task: Line) -> str:
    said = "".join(f"<li>{html.escape(text)}</li>" for text in task.messages)
    said = f'<ul class="messages">{said}</ul>' if said else ""
    if task.place:
        name = html.escape(task.place.name)
        address = html.escape(task.place.address)
        link = f'<a href="{address}" rel="noreferrer">{name}</a>' if address else name
        said += f"<p>Read: {link}</p>"
    title, anchor = html.escape(task.title), html.escape(task.anchor)
    return (
        f'<tr><th scope="row"><a href="#{anchor}">{title}</a></th>'
        f'<td class="number">{points(task.score)} of {points(task.points)}</td>'
        f'<td class="state {task.state.replace(" ", "-")}">{task.state}</td><td>{said}</td></tr>'
    )


# --- the page -------------------------------------------------------------------------------------


def harmless(page: str) -> str:
    """A page in which no script runs and which loads nothing, whatever a student wrote."""
    return str(_harmless(page))


def _harmless(page: str) -> BeautifulSoup:
    soup = BeautifulSoup(page, "html.parser")
    for element in soup.find_all(FORBIDDEN):
        element.decompose()
    for element in soup.body.find_all(["style", "meta"]) if soup.body else ():
        element.decompose()
    for element in soup.find_all(True):
        for name, value in list(element.attrs.items()):
            text = "".join(str(value).split()).lower()
            runs = name.lower().startswith("on") or text.startswith(("javascript:", "vbscript:"))
            loads = name.lower() in LOADING and not text.startswith("data:image/")
            if runs or loads or (name.lower() == "style" and ("url(" in text or "@" in text)):
                del element[name]
    policy = soup.new_tag("meta", content=POLICY)
    policy["http-equiv"] = "Content-Security-Policy"
    (soup.head or soup).insert(0, policy)
    return soup


def _tidy(soup: BeautifulSoup) -> None:
    """Make the notebook's own HTML fit below the page's headings, and usable by everybody."""
    for heading in soup.find_all(re.compile("^h[1-6]$")):
        if heading.find_parent(class_="box"):
            heading.name = f"h{min(6, int(heading.name[1]) + 2)}"
    for cell in soup.find_all("th"):
        if not cell.get_text(strip=True):
            cell.name = "td"
    for anchor in soup.find_all("a", class_="anchor-link"):
        anchor.decompose()
    for image in soup.find_all("img"):
        if not image.get("alt"):
            image["alt"] = "A picture that this cell drew"
    for area in soup.select(".output_html"):
        area.attrs |= {"tabindex": "0", "role": "group", "aria-label": "Output"}
    for table in soup.select(".text table"):
        label = {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": "Table"}
        table.wrap(soup.new_tag("div", attrs=label))


class _Typist:
    """Typesets TeX, if what that needs is installed; without it TeX stays as it is."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        try:
            from course_lib.tools.mathematics import Typesetter

            self.typesetter = Typesetter()
        except ModuleNotFoundError:
            self.typesetter = None

    def close(self) -> None:
        if self.typesetter:
            self.typesetter.close()

    def mark(self, soup: BeautifulSoup) -> None:
        """Put a mark in the place of each formula of a page; TeX that is no formula stays."""
        self.made: dict[str, str] = {}
        if not self.typesetter:
            return
        for text in soup.main.find_all(string=FORMULA):
            if not text.find_parent(["pre", "code", "style", "title"]):
                text.replace_with(FORMULA.sub(self._mark, text))

    def typeset(self, page: str) -> str:
        """Replace the marks of a page, which is not parsed again, by its formulas."""
        if not self.made:
            return page
        page = re.sub("|".join(self.made), lambda found: self.made[found[0]], page)
        glyphs = self.typesetter.definitions("".join(self.made.values()))
        return page.replace("<body>", f"<body>{glyphs}", 1)

    def _mark(self, found: re.Match) -> str:
        tex = found[1] or found[2]
        if len(tex) > LONGEST_FORMULA or UNSAFE_TEX.search(tex):
            return found[0]
        try:
            formula = self.typesetter.typeset(tex, found[1] is not None)
        except (ValueError, ModuleNotFoundError):
            return found[0]
        formula = ALTERNATIVE.sub("", formula)  # TeX as a label, unless it may hold tags
        mark = f"formula-{secrets.token_hex(16)}"
        if found[1]:  # on a narrow screen a wide formula is scrolled, also by keys
            formula = formula.replace("<mjx-container", '<mjx-container tabindex="0"', 1)
        self.made[mark] = formula
        return mark
