"""What a published book adds: buttons, notebooks, sitemap, social cards, and the page for a wrong
address; and what a book without an address leaves out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from chapter import ROOT, chapters
from PIL import Image

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)
REPOSITORY = "https://github.com/someone/course"
SITE = "https://someone.github.io/course"


def name(chapter) -> str:
    return chapter.path.relative_to(ROOT / "book").with_suffix("").as_posix()


def build(root: Path, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "course_lib.tools.cli", "book", "--profile", "smoke"]
    env = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_RE")}
    return subprocess.run(
        command, cwd=root, env=env | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def published(book, tmp_path_factory) -> Path:
    """The book with both addresses set, as the publishing workflow builds it."""
    root = tmp_path_factory.mktemp("published") / "project"
    shutil.copytree(book.root, root, ignore=shutil.ignore_patterns("html"))
    done = build(root, COURSE_REPOSITORY=REPOSITORY, COURSE_SITE=f"{SITE}/")
    assert done.returncode == 0 and "arning" not in done.stderr, done.stdout + done.stderr
    return root


def page(root: Path, address: str) -> str:
    return (root / "_build" / "html" / f"{address}.html").read_text(encoding="utf-8")


def links(text: str) -> set[str]:
    return set(re.findall(r'<a [^>]*href="([^"]+)"', text.replace("&amp;", "&")))


@every_chapter
def test_launch_buttons_open_the_generated_notebook(published, chapter):
    found = links(page(published, name(chapter)))
    path = f"{name(chapter)}.ipynb"
    branch = f"someone/course/blob/notebooks/{path}"
    assert f"https://colab.research.google.com/github/{branch}" in found
    assert f"https://mybinder.org/v2/gh/someone/course/notebooks?urlpath=lab/tree/{path}" in found
    assert (published / "_build" / "notebooks" / path).is_file()


@every_chapter
def test_buttons_lead_to_the_source_and_to_the_issues(published, chapter):
    found = links(page(published, name(chapter)))
    source = f"book/{name(chapter)}.md"
    assert f"{REPOSITORY}/edit/main/{source}" in found and (ROOT / source).is_file()
    assert any(link.startswith(f"{REPOSITORY}/issues/new") for link in found)


def test_pages_without_code_have_no_launch_button(published):
    found = links(page(published, "glossary"))
    assert f"{REPOSITORY}/edit/main/book/glossary.md" in found
    assert not any("colab" in link or "notebooks/" in link for link in found)


def test_without_an_address_nothing_leads_to_an_invented_one(book):
    for path in book.pages():
        text = path.read_text(encoding="utf-8")
        for word in ("colab.research", "mybinder", "github.com/someone", "issues/new", "og:url"):
            assert word not in text, f"{word} in {path.name}"
    assert not (book.html / "sitemap.xml").exists()


@every_chapter
def test_every_chapter_offers_its_notebook(book, chapter):
    page_path = book.html / f"{name(chapter)}.html"
    found = links(page_path.read_text(encoding="utf-8"))
    (link,) = [a for a in found if re.search(r"(^|/)notebooks/.*\.ipynb$", a)]
    offered = (page_path.parent / link).resolve()
    assert offered == (book.html / "notebooks" / f"{name(chapter)}.ipynb").resolve()
    published_copy = book.root / "_build" / "notebooks" / f"{name(chapter)}.ipynb"
    assert offered.read_bytes() == published_copy.read_bytes()


@every_chapter
def test_the_notebook_has_the_code_of_the_chapter_and_plain_markdown(published, chapter):
    path = published / "_build" / "notebooks" / f"{name(chapter)}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    set_up, *code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == [cell.source for cell in chapter.cells]
    assert len(set_up.source.splitlines()) == 3
    assert f"git+{REPOSITORY}@main" in set_up.source
    assert code[1].metadata.tags == ["parameters"]
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"\{[\w:]+\}`|^`{3,}\{|^:{3,}|^% |glue", text, re.M)
    figures = [cell for cell in chapter.cells if cell.options.get("mystnb", {}).get("figure")]
    assert len(re.findall(r"^\*Fig\. [\d.]+: ", text, re.M)) == len(figures)
    for _level, title in chapter.headings:
        assert re.sub(r"[^\w]", "", title) in re.sub(r"[^\w]", "", text)
    assert text.count("<details>") == text.count("</details>") > 0


def test_the_notebook_runs(published, book, tmp_path):
    runs = json.loads((book.executed / "report.json").read_text(encoding="utf-8"))["chapters"]
    chapter = min(CHAPTERS, key=lambda chapter: runs[chapter.slug]["seconds"])
    source = published / "_build" / "notebooks" / f"{name(chapter)}.ipynb"
    shutil.copy(source, tmp_path / "notebook.ipynb")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "-p", "PROFILE", "smoke"]
    done = subprocess.run(
        [*command, "notebook.ipynb", "done.ipynb"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_branch_of_notebooks_says_what_binder_installs(published, book):
    folder = published / "_build" / "notebooks"
    assert (folder / "requirements.txt").read_text() == (
        f"course-lib[lab] @ git+{REPOSITORY}@main\n"
    )
    assert "generated" in (folder / "README.md").read_text()
    assert not (book.root / "_build" / "notebooks" / "requirements.txt").exists()
    first = nbformat.read(
        book.root / "_build" / "notebooks" / f"{name(CHAPTERS[0])}.ipynb", as_version=4
    ).cells[0]
    assert first.cell_type == "markdown" and "install the course first" in first.source


def test_the_sitemap_lists_every_page_also_after_a_small_change(published):
    def listed():
        tree = ElementTree.parse(published / "_build" / "html" / "sitemap.xml")
        return {node.text for node in tree.iter() if node.tag.endswith("loc")}

    before = listed()
    assert {f"{SITE}/{name(chapter)}.html" for chapter in CHAPTERS} < before
    assert f"{SITE}/index.html" in before and not any("404" in url for url in before)
    with (published / "book" / "notation.md").open("a", encoding="utf-8") as file:
        file.write("\nOne more line.\n")
    assert build(published, COURSE_REPOSITORY=REPOSITORY, COURSE_SITE=SITE).returncode == 0
    assert "One more line." in page(published, "notation") and listed() == before


@every_chapter
def test_every_chapter_has_a_social_card(published, chapter):
    text = page(published, name(chapter))
    properties = dict(re.findall(r'<meta property="(og:\w+)" content="([^"]*)"', text))
    assert properties["og:url"] == f"{SITE}/{name(chapter)}.html"
    assert "Deep Learning" in properties["og:site_name"]
    card = properties["og:image"].removeprefix(f"{SITE}/")
    assert Image.open(published / "_build" / "html" / card).size == (1146, 600)
    description = re.search(r'<meta name="description" content="([^"]+)"', text)[1]
    assert len(description) <= 210


def test_the_page_for_a_wrong_address_works_at_any_depth(published, book):
    for root, prefix in ((published, "/course/"), (book.root, "/")):
        text = page(root, "404")
        assert "There is no page at this address." in text
        local = set(re.findall(r'(?:href|src)="([^"#]+)', text))
        local = {link for link in local if not link.startswith(("http", "data:"))}
        assert local and all(link.startswith(prefix) for link in local), sorted(local)
        for link in local:
            assert (root / "_build/html" / link.removeprefix(prefix).partition("?")[0]).exists()


@pytest.mark.parametrize(
    "variable, value",
    [("COURSE_SITE", "someone.github.io"), ("COURSE_REPOSITORY", "https://x.org")],
)
def test_an_address_that_is_none_is_named(published, variable, value):
    done = build(published, **{variable: value})
    assert done.returncode == 1 and value in done.stderr and "Traceback" not in done.stderr


def test_every_page_has_the_icon_the_licenses_and_the_modes(book):
    for path in book.pages():
        text = path.read_text(encoding="utf-8")
        assert re.search(r'<link rel="icon" href="[^"]*favicon\.svg"', text), path
        assert "creativecommons.org/licenses/by/4.0" in text and "MIT" in text, path
        assert "theme-switch-button" in text, path


def test_publishing_replaces_both_branches(tmp_path):
    def git(*words, folder):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.split()

    remote, work = tmp_path / "remote.git", tmp_path / "work"
    (work / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "publish", work / ".ci")
    (work / ".gitignore").write_text("_build/\n")
    git("init", "-q", "--bare", str(remote), folder=tmp_path)
    git("init", "-q", "-b", "main", folder=work)
    git("remote", "add", "origin", str(remote), folder=work)
    git("add", ".", folder=work)
    git("commit", "-q", "-m", "first", folder=work)
    for round_number in (1, 2):
        shutil.rmtree(work / "_build", ignore_errors=True)
        for name in (f"html/_static/{round_number}.css", f"notebooks/part/{round_number}.ipynb"):
            path = work / "_build" / name
            path.parent.mkdir(parents=True)
            path.write_text("x")
        env = os.environ | {
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        subprocess.run([work / ".ci" / "publish"], check=True, env=env, capture_output=True)
        site = git("ls-tree", "-r", "--name-only", "gh-pages", folder=remote)
        notebooks = git("ls-tree", "-r", "--name-only", "notebooks", folder=remote)
        assert site == [".nojekyll", f"_static/{round_number}.css"]
        assert notebooks == [f"part/{round_number}.ipynb"]
        assert len(git("rev-list", "notebooks", folder=remote)) == 1
    assert git("status", "--porcelain", folder=work) == []


def test_the_development_container_installs_the_course():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    assert container["postCreateCommand"].endswith("make install")
    assert container["image"].startswith("mcr.microsoft.com/devcontainers/python:")
