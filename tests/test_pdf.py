"""The printed book: its chapters, page numbers, links that stay inside, formulas and figures."""

import re
import shutil
import unicodedata
from collections import Counter

import pytest
import yaml
from chapter import ROOT, chapters

from course_lib.tools import pdf
from course_lib.tools.chapters import Project, ProjectError
from course_lib.tools.machine import browser as find_browser


def short_contents() -> dict:
    """The table of contents with the shortest chapter of every part: printing takes minutes."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        if part["numbered"]:
            part["chapters"] = [min(part["chapters"], key=lambda entry: length(entry["file"]))]
    return toc


def length(file: str) -> int:
    return (ROOT / f"{file}.md").stat().st_size


FILES = {entry["file"] for part in short_contents()["parts"] for entry in part["chapters"]}
CHAPTERS = [c for c in chapters() if c.path.relative_to(ROOT).with_suffix("").as_posix() in FILES]


@pytest.fixture(scope="module")
def printed(book, tmp_path_factory):
    pypdf = pytest.importorskip("pypdf")
    if not find_browser():
        pytest.skip("no Chromium or Chrome found: install one to test the printed book")
    root = tmp_path_factory.mktemp("short")
    shutil.copy(ROOT / "_config.yml", root)
    (root / "_toc.yml").write_text(yaml.safe_dump(short_contents(), sort_keys=False))
    (root / "_build").mkdir()
    (root / "_build" / "html").symlink_to(book.html, target_is_directory=True)
    return pypdf.PdfReader(pdf.print_book(Project(root)))


@pytest.fixture(scope="module")
def texts(printed):
    # A PDF writes some pairs of letters as one sign.
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in printed.pages]


def title(chapter) -> str:
    return re.sub(r"\W", "", next(text for level, text in chapter.headings if level == 1))


def plain(text) -> str:
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))


def test_the_whole_book_is_joined_and_links_in_it_lead_somewhere(book):
    joined = pdf.join(Project(book.root))
    places = Counter(element["id"] for element in joined.select("[id]"))
    for chapter in chapters():
        name = chapter.path.relative_to(ROOT / "book").with_suffix("").as_posix()
        assert places[name.replace("/", "-")] == 1
    links = {link["href"] for link in joined.select("a[href]") if link["href"].startswith("#")}
    assert len(links) > 100
    assert not [link for link in links if places[link[1:]] != 1]


def test_pages_are_numbered(texts):
    assert len(texts) > 30
    for number, text in enumerate(texts[1:], start=2):
        assert str(number) in [line.strip() for line in text.splitlines()]


def test_the_contents_name_the_page_of_every_chapter(texts):
    contents = [line for page in texts[1:3] for line in page.splitlines()]
    for chapter in CHAPTERS:
        line = next(line for line in contents if title(chapter) in plain(line))
        page = int(re.search(r"(\d+)\s*$", line)[1])
        assert title(chapter) in plain(texts[page - 1][:200])


def test_links_stay_inside_and_lead_somewhere(printed):
    known, inside, outside = printed.named_destinations, 0, []
    for page in printed.pages:
        for note in page.get("/Annots", []):
            link = note.get_object()
            action = link.get("/A")
            if action is not None and "/URI" in action.get_object():
                outside.append(action.get_object()["/URI"])
            else:
                target = link.get("/Dest") or action.get_object()["/D"]
                assert str(target) in known or isinstance(target, list)
                inside += 1
    assert inside > 100
    assert outside and all(url.startswith("https://") for url in outside), outside


def test_sections_are_bookmarks(printed):
    def names(outline):
        for entry in outline:
            yield from names(entry) if isinstance(entry, list) else [entry.title]

    found = {plain(name) for name in names(printed.outline)}
    for chapter in CHAPTERS:
        for level, text in chapter.headings:
            if level == 2 and "`" not in text and "$" not in text:
                assert any(name.endswith(plain(text)) for name in found), text


def test_formulas_are_set_and_pictures_are_there(printed, texts, book):
    text = "\n".join(texts)
    assert not re.search(r"\\(frac|sum|operatorname|begin|mathbf)\b", text)
    pictures = sum(
        sum("Image" in str(thing.get_object().get("/Subtype")) for thing in things.values())
        for page in printed.pages
        if (things := page["/Resources"].get("/XObject"))
    )
    notebooks = str([book.notebooks()[chapter.slug] for chapter in CHAPTERS])
    assert pictures >= notebooks.count("'image/png'") + notebooks.count('class="course-demo"')


def test_answers_and_solutions_are_open(texts):
    text = plain("".join(texts))
    questions = [question for chapter in CHAPTERS for question in chapter.named("question")]
    answers = [q.body.split(":answer:")[1].split()[0] for q in questions if ":answer:" in q.body]
    assert answers
    for answer in answers:
        assert f"Theansweris{plain(answer)}" in text
    assert "Notthisone" in text and "Solutionto" in text and "Showcodecellsource" not in text


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "_toc.yml").write_text("root: book/index\n")
    with pytest.raises(ProjectError, match="course book"):
        pdf.print_book(Project(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="chromium"):
        pdf.find_browser()


def test_a_browser_that_fails_is_reported(book, tmp_path, monkeypatch):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(pdf.PrintError, match="no display"):
        pdf._print(pdf.find_browser(), tmp_path / "page.html", tmp_path / "out.pdf")
