"""The pages of feedback: what stands above the notebook, and what must not be on any page."""

import contextlib
import html
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from classroom import ROOT, answered, cells, course, submit
from looks import looks
from nbgrader.api import Gradebook
from small_source import ESSAY, SUMS

from course_lib.tools.grading.course import Course, GradingError
from course_lib.tools.grading.feedback import _Pages, _Typist, harmless, write_feedback
from course_lib.tools.grading.release import source_notebook, sources, tasks
from course_lib.tools.grading.sections import SECTIONS, Book, anchor, headings

GOOD = "def add(a, b):\n    return a + b"
HALF = "def add(a, b):\n    return abs(a) + abs(b)"
SECRET = "assert add(-1, -2) == -3"
ODD = "o'dd <b>&é id"
SHOW_ALL = """def add(a, b):
    import linecache, traceback
    raise ValueError("<script>steal()</script> " + "".join(traceback.format_stack()))"""
CHAPTER = """---
kernelspec:
  name: python3
---

# About sums

```text
## No heading
```

## Adding up

Text.
"""


@pytest.fixture(scope="module")
def class_(tmp_path_factory) -> Path:
    """A class with a book, graded, with feedback; one submission is marked as flagged."""
    root = tmp_path_factory.mktemp("pages") / "class"
    (root / "solutions" / "sums").mkdir(parents=True)
    text = SUMS.replace("(3 points)", "(3 points)\n\nWrite $a + b$, $\\frac{a}{b}$ and `$x$`.")
    (root / "solutions" / "sums" / "sums.md").write_text(text + ESSAY)
    (root / SECTIONS).write_text("sums:\n  task-1: Adding up\n  essay: No heading\n")
    (root / "book" / "part").mkdir(parents=True)
    (root / "book" / "part" / "sums.md").write_text(CHAPTER)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/part/sums\n"
    )
    (root / "_config.yml").write_text("html:\n  baseurl: https://example.org/book/\n")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    done = course(root, "release")
    assert done.returncode == 0, done.stderr
    release = json.loads((root / "exercises" / "sums" / "sums.ipynb").read_text())
    for student, answers in {
        "ada": {"task-1": GOOD, "essay": "Because."},
        "bob": {"task-1": HALF},
        "eve": {},
        "una": {"task-1": "def add(a, b):\n    # later\n    raise NotImplementedError()"},
        "mal": {"task-1": GOOD},
        ODD: {
            "task-1": SHOW_ALL,
            "essay": '<img src=x onerror="steal()">$\\href{javascript:x}{y}$',
        },
    }.items():
        submit(root, student, "sums", answered(release, answers))
    done = course(root, "grade", "sums", COURSE_SEED="1")
    assert done.returncode == 0, done.stdout + done.stderr
    _flag(root, "mal")
    done = course(root, "feedback", "sums")
    assert done.returncode == 0 and "6 pages" in done.stdout, done.stdout + done.stderr
    return root


def _flag(root: Path, student: str) -> None:
    """Leave what the engine leaves of a submission that tampered with its judge."""
    path = root / "grading" / "autograded" / student / "sums" / "sums.ipynb"
    notebook = json.loads(path.read_text())
    evidence = ["task-1-example passes with nonsense"]
    notebook["metadata"]["course_grading"] = {"flagged": evidence, "problems": [], "seconds": 1}
    said = {"output_type": "error", "ename": "Flagged", "evalue": evidence[0]}
    for name in ("task-1-example", "task-1-negative"):
        cells(notebook)[name]["outputs"] = [{**said, "traceback": evidence}]
    path.write_text(json.dumps(notebook))
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for name in ("task-1-example", "task-1-negative"):
            grade = gradebook.find_grade(name, "sums", "sums", student)
            grade.auto_score, grade.needs_manual_grade = 0, True
        gradebook.db.commit()


def page(root: Path, student: str) -> str:
    return (root / "grading" / "feedback" / student / "sums" / "sums.html").read_text()


def rows(text: str) -> list[list[str]]:
    """The texts of the table of tasks."""
    table = BeautifulSoup(text, "html.parser").find("table", class_="tasks")
    lines = table.tbody.find_all("tr")
    return [
        [cell.get_text(" ", strip=True) for cell in line.find_all(["th", "td"])] for line in lines
    ]


def test_the_table_says_points_states_messages_and_where_to_read(class_):
    read = "Read: About sums: Adding up"
    essay = ["Sums", "0 of 4", "to be graded by a person", ""]
    assert rows(page(class_, "ada"))[0] == ["Sums", "3 of 3", "passed", ""]
    assert rows(page(class_, "ada"))[1] == essay
    hidden = "A hidden test fails; it checks the same task with other inputs."
    assert rows(page(class_, "bob"))[0] == ["Sums", "1 of 3", "in part", f"{hidden} {read}"]
    assert rows(page(class_, "eve"))[0] == ["Sums", "0 of 3", "not started", read]
    said = f"The answer still raises NotImplementedError(). {read}"
    assert rows(page(class_, "una"))[0] == ["Sums", "0 of 3", "not started", said]
    unwritten = ["Sums", "0 of 4", "not started", "Read: About sums"]
    assert rows(page(class_, "bob"))[1] == unwritten, "no such heading: the chapter"
    soup = BeautifulSoup(page(class_, "bob"), "html.parser")
    assert soup.h1.get_text() == "sums: 1 of 7 points"
    link, chapter = soup.select(".tasks td a")
    assert chapter["href"] == "https://example.org/book/part/sums.html"
    assert link["href"] == "https://example.org/book/part/sums.html#adding-up"
    assert all(soup.find(id=a["href"][1:]) for a in soup.select(".tasks th a"))


def test_a_flagged_page_says_only_that_a_person_looks(class_):
    text = page(class_, "mal")
    body = BeautifulSoup(text, "html.parser").body.get_text(" ", strip=True)
    assert body == "sums A person is looking at your submission. Your points and comments follow."
    assert "nonsense" not in text


def test_once_a_person_has_decided_the_page_has_points_but_no_evidence(class_, tmp_path):
    root = tmp_path / "class"
    shutil.copytree(class_, root)
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for grade in gradebook.find_submission_notebook("sums", "sums", "mal").grades:
            grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    assert course(root, "feedback", "sums", "--student", "mal").returncode == 0
    text = BeautifulSoup(page(root, "mal"), "html.parser").get_text()
    assert "sums: 3 of 7 points" in text and "def add" in text
    assert "nonsense" not in page(root, "mal")


@pytest.mark.parametrize("student", ["ada", "bob", "eve", "mal", ODD])
def test_no_page_runs_loads_or_shows_a_secret(class_, student):
    text = page(class_, student)
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.find(["script", "iframe", "object", "link", "form"])
    for element in soup.find_all(True):
        for name, value in element.attrs.items():
            assert not name.startswith("on")
            assert "javascript:" not in "".join(str(value).split()).lower()
            if name in ("src", "srcset", "data"):
                assert value.startswith("data:image/")
            if name == "href" and not value.startswith("#"):
                assert value.startswith("https://example.org/book/part/sums.html")
    plain = html.unescape(soup.get_text())
    assert SECRET not in plain and "== -3" not in plain and "HIDDEN" not in plain
    assert soup.html["lang"] == "en" and len(soup.find_all("h1")) == 1
    assert all(table.find("th") for table in soup.find_all("table"))


def test_an_odd_id_gets_its_page_and_its_script_is_text(class_):
    assert "<script>steal()" in BeautifulSoup(page(class_, ODD), "html.parser").get_text()


def test_what_the_instructor_wrote_stands_once_on_the_page(class_):
    assert page(class_, "bob").count("<code>$x$</code>") == 1


def test_pages_are_usable_by_everybody(class_, chromium):
    for student in ("bob", "mal", ODD):
        path = class_ / "grading" / "feedback" / student / "sums" / "sums.html"
        assert not list(looks(chromium, path))


def test_formulas_are_drawn_and_code_is_not(class_):
    soup = BeautifulSoup(page(class_, "bob"), "html.parser")
    drawn = [m["alttext"] for m in soup.find_all("math")]
    assert drawn == ["a + b", r"\frac{a}{b}"]
    assert soup.find("code", string="$x$")
    ids = {path["id"] for path in soup.find_all("path", id=True)}
    assert {use["href"][1:] for use in soup.find_all("use")} <= ids


def test_what_a_student_defines_in_tex_stays_with_the_student():
    with contextlib.closing(_Typist()) as typist:
        soup = BeautifulSoup(
            r"<body><main><p>$\gdef\alpha{X}$ $\csname gdef\endcsname\alpha{X}$ costs $5 and $6"
            r" \$3 $\undefined{$ $\alpha$</p></main></body>",
            "html.parser",
        )
        typist.mark(soup)
        text = typist.typeset(str(soup))
    assert text.count("<math") == 1 and 'alttext="\\alpha"' in text and ">α<" in text
    assert r"$\gdef\alpha{X}$" in text and "costs $5 and $6 \\$3" in text


def test_harmless_takes_out_what_leaves_the_page():
    page = (
        "<html><head><meta charset='utf-8'></head><body>"
        "<meta http-equiv='refresh' content='0;//x'>"
        "<svg><a><set attributeName='href' to='javascript:x'/><text>t</text></a></svg></body>"
    )
    soup = BeautifulSoup(harmless(page), "html.parser")
    assert [m.get("charset") for m in soup.find_all("meta")] == [None, "utf-8"]
    assert not soup.find("set") and soup.find("text")


# --- where to read --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(sources(ROOT)))
def test_every_task_has_a_section_of_its_chapter(name):
    sections = yaml.safe_load((ROOT / SECTIONS).read_text())
    notebook = source_notebook(sources(ROOT)[name].read_text(encoding="utf-8"), name)
    (chapter,) = (ROOT / "book").glob(f"*/{name}.md")
    assert set(sections[name]) == set(tasks(notebook))
    assert set(sections[name].values()) <= set(headings(chapter))


def test_no_section_belongs_to_an_assignment_that_is_gone():
    assert set(yaml.safe_load((ROOT / SECTIONS).read_text())) == set(sources(ROOT))


def test_anchors_are_those_of_the_book(tmp_path):
    from docutils.nodes import make_id

    found = [text for path in (ROOT / "book").glob("*/*.md") for text in headings(path)]
    plain = [text for text in found if not re.search(r"[$`*\[{]", text)]
    assert len(plain) > 400 and all(anchor(text) == make_id(text) for text in plain)


def test_a_course_without_a_book_has_no_places(tmp_path):
    assert Book(tmp_path, "sums").place("task-1") is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the processes are no copies of this")
def test_a_process_that_is_killed_is_said_in_words(class_, monkeypatch):
    monkeypatch.setattr(_Pages, "write", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(GradingError, match="was killed; is there enough memory"):
        list(write_feedback(Course.find(class_), "sums"))
