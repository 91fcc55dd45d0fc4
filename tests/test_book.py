"""The notebooks run, and the book renders, in the smoke profile with warnings as errors."""

import gzip
import html.parser
import json
import re
import subprocess
import sys
from urllib.parse import unquote, urlsplit

import pytest
from chapter import ROOT, chapters

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)


def outputs(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield from ((cell, output) for output in cell["outputs"])


def test_every_chapter_was_executed_and_rendered(book):
    assert set(book.notebooks()) == {chapter.slug for chapter in CHAPTERS}
    for chapter in CHAPTERS:
        page = chapter.path.relative_to(ROOT / "book").with_suffix(".html")
        assert (book.html / page).is_file()


@every_chapter
def test_the_smoke_profile_is_cheap(book, chapter):
    report = json.loads((book.executed / "report.json").read_text())["chapters"][chapter.slug]
    assert report["peak_memory_mb"] <= 3000
    assert report["claims"] > 0


@every_chapter
def test_outputs_are_clean(book, chapter):
    for cell, output in outputs(book.notebooks()[chapter.slug]):
        assert output["output_type"] != "error", cell["source"]
        assert output.get("name") != "stderr", output.get("text")
        text = json.dumps(output.get("text", "")) + json.dumps(output.get("data", {}))
        assert "Warning:" not in text or "raises-exception" in cell["metadata"].get("tags", [])


@every_chapter
def test_every_picture_has_alternative_text(book, chapter):
    for cell, output in outputs(book.notebooks()[chapter.slug]):
        data = output.get("data", {})
        if "text/html" not in data and any(kind.startswith("image/") for kind in data):
            shown = cell["metadata"].get("mystnb", {})
            assert shown.get("image", {}).get("alt"), cell["source"][:200]
            assert shown.get("figure", {}).get("caption"), cell["source"][:200]


@every_chapter
def test_demos_are_light(book, chapter):
    demos = [
        "".join(output["data"]["text/html"])
        for _cell, output in outputs(book.notebooks()[chapter.slug])
        if "course-demo" in "".join(output.get("data", {}).get("text/html", ""))
    ]
    assert demos
    for demo in demos:
        assert len(gzip.compress(demo.encode())) <= 400_000


@every_chapter
def test_the_code_of_the_notebook_passes_the_linter(chapter, tmp_path):
    source = "\n\n".join(cell.source for cell in chapter.cells) + "\n"
    (tmp_path / "notebook.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"),
         "--ignore", "E402,E702,B018,I001,E741", "--output-format", "concise", str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


class Links(html.parser.HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loaded = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.anchors.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in ("img", "script", "iframe", "source") and attributes.get("src"):
            self.loaded.append(attributes["src"])
        if tag == "link" and attributes.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(attributes["href"])


@pytest.fixture(scope="module")
def parsed(book):
    return {page: Links(page.read_text(encoding="utf-8")) for page in book.pages()}


def test_internal_links_lead_somewhere(book, parsed):
    broken = []
    for page, found in parsed.items():
        for link in found.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            path = (page.parent / unquote(target.path)).resolve() if target.path else page
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                broken.append((page.name, link))
            known = parsed[path].anchors if path in parsed else {unquote(target.fragment)}
            if target.fragment and unquote(target.fragment) not in known:
                broken.append((page.name, link))
    assert not broken


def test_external_links_are_encrypted(parsed):
    links = {link for found in parsed.values() for link in found.links}
    assert not [link for link in links if link.startswith("http://")]


def test_pages_load_nothing_from_elsewhere(parsed):
    foreign = {
        address for found in parsed.values() for address in found.loaded if urlsplit(address).netloc
    }
    assert not foreign


def test_every_citation_is_cited(parsed):
    entries = re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(), re.M)
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "book").rglob("*.md"))
    cited = {
        key.strip()
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", sources)
        for key in keys.split(",")
    }
    assert set(entries) == cited


def test_the_coverage_page_links_to_the_chapters(book):
    page = (book.html / "appendix/coverage.html").read_text(encoding="utf-8")
    for chapter in CHAPTERS:
        name = chapter.path.relative_to(ROOT / "book").with_suffix(".html").as_posix()
        assert f'href="../{name}#' in page
