"""The full-text search finds what stands in prose and in code, over http and from files."""

import re

import pytest
from chapter import ROOT, chapters

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)


@pytest.fixture(params=["http", "file"])
def found(request, book, site, chromium):
    """The pages that the search shows for some words, each with the address of its result."""
    from selenium.webdriver.support.ui import WebDriverWait

    root = site if request.param == "http" else book.html.as_uri()

    def search(words: str) -> list[str]:
        chromium.get_log("browser")
        chromium.get(f"{root}/search.html?q={words}")
        summary = "#search-results .search-summary"
        WebDriverWait(chromium, 30, 0.05).until(
            lambda _: any(
                line.text.startswith(("Search finished", "Your search did not match"))
                for line in chromium.find_elements("css selector", summary)
            )
        )
        errors = [e["message"] for e in chromium.get_log("browser") if e["level"] == "SEVERE"]
        assert not errors
        links = chromium.find_elements("css selector", "#search-results li a")
        return [link.get_attribute("href").removeprefix(f"{root}/") for link in links]

    return search


def address(chapter) -> str:
    return chapter.path.relative_to(ROOT / "book").with_suffix(".html").as_posix()


def longest(words) -> str:
    return max(sorted(set(words)), key=len)


@every_chapter
def test_names_in_the_code_are_found(found, chapter):
    code = "\n".join(cell.source for cell in chapter.cells)
    prose = chapter.prose.lower()
    names = [n for n in re.findall(r"[A-Za-z_]{5,}", code) if n.lower() not in prose]
    hits = found(longest(names))
    assert address(chapter) in [hit.partition("?")[0].partition("#")[0] for hit in hits]


@every_chapter
def test_words_of_the_prose_are_found(found, chapter):
    code = "\n".join(cell.source for cell in chapter.cells).lower()
    plain = re.sub(r"`[^`]*`|\$[^$]*\$|\{[^}]*\}|^.*\]\(.*$|^%.*$", " ", chapter.prose, flags=re.M)
    words = [w for w in re.findall(r"(?<![\w-])[a-z]{6,}(?![\w-])", plain) if w not in code]
    hits = found(longest(words))
    assert address(chapter) in [hit.partition("?")[0].partition("#")[0] for hit in hits]


def test_what_stands_nowhere_is_not_found(found):
    assert found("zyxwvutsrq") == []
