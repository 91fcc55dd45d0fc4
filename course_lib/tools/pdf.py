"""Prints the whole book as one PDF: its pages joined in reading order, printed by Chromium.

The pages of ``_build/html`` already hold outputs, formulas and the first frames of demos. Joined
into one page, links between them become links inside the PDF. The contents need page numbers,
which are known only after printing, so the book is printed twice.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from course_lib.tools.chapters import Project, ProjectError, load_yaml, toc_entries, write_atomic
from course_lib.tools.machine import browser

STYLE = Path(__file__).parent / "static" / "print.css"
LEFT_OUT = (
    "script, button, textarea, .headerlink, .course-definition, .course-demo-controls, "
    ".course-mark, .toctree-wrapper, .cell_input.docutils.container details.hide, "
    ".tag_hide-input > details, .tag_hide-cell > details"
)
REFERRING = ("for", "aria-describedby", "aria-labelledby", "aria-controls")
SECONDS = 600


class PrintError(Exception):
    """The browser did not print; the message says what it said."""


@dataclass(frozen=True)
class Contents:
    """An entry of the table of contents: a part, or a page with its anchor."""

    title: str
    anchor: str = ""


def print_book(project: Project) -> Path:
    """Print ``_build/html`` into ``_build/pdf/book.pdf``.

    Raises:
        ProjectError: the book has not been built, or there is no Chromium.
        PrintError: the browser failed.
    """
    if not (project.html / "index.html").is_file():
        raise ProjectError(f"no book in {project.html}; build it first with: course book")
    browser = find_browser()
    folder = project.build / "pdf"
    page, output = folder / "book.html", folder / "book.pdf"
    joined = join(project)
    write_atomic(page, str(joined))
    _print(browser, page, output, draft=True)
    _fill_in_page_numbers(joined, page_numbers(output))
    write_atomic(page, str(joined))
    _print(browser, page, output)
    return output


def find_browser() -> str:
    """The first Chromium or Chrome on the path.

    Raises:
        ProjectError: there is none.
    """
    if path := browser():
        return path
    raise ProjectError(
        "no Chromium or Chrome was found, which prints the book; install one (Debian and Ubuntu: "
        "apt install chromium) and try again"
    )


def join(project: Project) -> BeautifulSoup:
    """All pages of the table of contents as one HTML page below ``_build/pdf/``."""
    names = [name.removeprefix("book/") for name in toc_entries(load_yaml(project.toc))]
    pages = {name: _read(project.html / f"{name}.html") for name in names}
    anchors = {name: name.replace("/", "-") for name in names}
    root = pages[names[0]]
    book = BeautifulSoup("<!DOCTYPE html><html data-theme='light'></html>", "html.parser")
    head, body = book.new_tag("head"), book.new_tag("body")
    book.html["lang"] = root.html.get("lang", "en")
    book.html.extend([head, body])
    title = book.new_tag("title")
    title.string = load_yaml(project.config)["title"]
    head.extend([book.new_tag("meta", charset="utf-8"), title])
    for part in _styles_and_formulas(root):
        for name in ("href", "src"):
            if part.get(name):
                part[name] = _moved(part[name], names[0])
        head.append(part)
    style = book.new_tag("style")
    style.string = STYLE.read_text(encoding="utf-8")
    head.append(style)
    body.append(_title_page(project))
    body.append(_contents(_entries(project, pages, anchors)))
    for name in names:
        body.append(_chapter(name, pages[name], anchors))
    return book


def _read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _styles_and_formulas(page: BeautifulSoup) -> list[Tag]:
    """The style sheets, and the scripts of MathJax where formulas are set in the browser."""
    scripts = [
        script
        for script in page.head.find_all("script")
        if "mathjax" in f"{script.get('src', '')} {script.string or ''}".lower()
    ]
    return [*page.head.select("link[rel=stylesheet]"), *scripts]


def _title_page(project: Project) -> Tag:
    config = load_yaml(project.config)
    lines = [
        f"<h1 class='print-title'>{config['title']}</h1>",
        f"<p>{config['author']}</p>",
        "<p>Demos show their first frame. Code that only draws is left out; the notebooks have it."
        "</p>",
        (config.get("html") or {}).get("extra_footer", ""),
    ]
    return _fragment(f"<section class='print-cover'>{''.join(lines)}</section>")


def _entries(project: Project, pages: dict[str, Any], anchors: dict[str, str]) -> list[Contents]:
    toc = load_yaml(project.toc)
    entries = []
    for part in toc.get("parts", [{"chapters": toc.get("chapters", [])}]):
        if part.get("caption"):
            entries.append(Contents(part["caption"]))
        for name in toc_entries(part):
            name = name.removeprefix("book/")
            heading = pages[name].select_one("article h1")
            for link in heading.select(".headerlink"):
                link.decompose()
            entries.append(Contents(heading.get_text(), anchors[name]))
    return entries


def _contents(entries: list[Contents]) -> Tag:
    lines = [
        f"<li><a href='#{entry.anchor}'>{entry.title}</a>"
        f"<span class='print-page' data-for='{entry.anchor}'></span></li>"
        if entry.anchor
        else f"<li class='print-part'>{entry.title}</li>"
        for entry in entries
    ]
    return _fragment(
        f"<nav class='print-contents'><h1>Contents</h1><ul>{''.join(lines)}</ul></nav>"
    )


def _fragment(text: str) -> Tag:
    return next(iter(BeautifulSoup(text, "html.parser").children))


def _chapter(name: str, page: BeautifulSoup, anchors: dict[str, str]) -> Tag:
    """The article of a page, with ids and links that are right in the joined page."""
    article = page.select_one("article")
    for element in article.select(LEFT_OUT):
        element.decompose()
    for element in article.find_all(True):
        if element.get("id"):
            element["id"] = f"{anchors[name]}--{element['id']}"
        for attribute in REFERRING:
            del element[attribute]
        del element["loading"]
        if element.name == "details":
            element["open"] = ""
        if element.get("src"):
            element["src"] = _moved(element["src"], name)
        if element.name == "use":  # a glyph of a formula, drawn once for the page
            element["href"] = f"#{anchors[name]}--{element['href'].removeprefix('#')}"
        if element.name == "a" and element.get("href"):
            _relink(element, name, anchors)
    section = page.new_tag("section", id=anchors[name], attrs={"class": "print-chapter bd-content"})
    section.append(article)
    return section


def _relink(link: Tag, name: str, anchors: dict[str, str]) -> None:
    """Point a link into the joined page; what is not part of it loses its link."""
    target = urlsplit(link["href"])
    if target.scheme or target.netloc:
        return
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(target.path)))
    other = path.removesuffix(".html") if target.path else name
    if other not in anchors:
        link.unwrap()
    elif target.fragment:
        link["href"] = f"#{anchors[other]}--{unquote(target.fragment)}"
    else:
        link["href"] = f"#{anchors[other]}"


def _moved(address: str, name: str) -> str:
    """An address in a page of ``_build/html``, as seen from ``_build/pdf``."""
    if urlsplit(address).scheme or address.startswith("//"):
        return address
    return posixpath.normpath(posixpath.join("../html", posixpath.dirname(name), address))


def page_numbers(printed: Path) -> dict[str, int]:
    """The page, counted from 1, of every place that a link inside the PDF leads to."""
    from pypdf import PdfReader

    reader = PdfReader(printed)
    return {
        name.lstrip("/"): reader.get_destination_page_number(destination) + 1
        for name, destination in reader.named_destinations.items()
    }


def _fill_in_page_numbers(book: BeautifulSoup, numbers: dict[str, int]) -> None:
    for place in book.select(".print-page"):
        place.string = str(numbers[place["data-for"]])


def _print(browser: str, page: Path, output: Path, draft: bool = False) -> None:
    """A draft has the same pages, without bookmarks and tags; it takes about half the time."""
    output.unlink(missing_ok=True)
    command = [
        browser,
        "--headless=new",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-pdf-header-footer",
        "--disable-pdf-tagging" if draft else "--generate-pdf-document-outline",
        "--virtual-time-budget=600000",  # until all formulas are set
        f"--print-to-pdf={output}",
        page.as_uri(),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium's sandbox refuses to run as root
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise PrintError(f"{browser} did not finish within {SECONDS} seconds") from None
    if not output.is_file():
        raise PrintError(f"{browser} printed nothing:\n{done.stderr[-2000:]}")
