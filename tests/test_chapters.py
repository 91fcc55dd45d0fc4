"""Every chapter has the form that CONTRIBUTING.md describes."""

import ast
import re
from collections import Counter

import pytest
import yaml
from chapter import ROOT, chapters

from course_lib.tools import syllabus

CHAPTERS = chapters()
FRONT_MATTER = {
    "jupytext": {"text_representation": {"extension": ".md", "format_name": "myst"}},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
}
CLOSING = [
    "Check your understanding",
    "Common mistakes",
    "Summary",
    "Exercises",
    "Further reading",
]
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)


def test_there_are_chapters_and_all_are_in_the_table_of_contents():
    listed = {chapter.path for chapter in CHAPTERS}
    notebooks = {
        path
        for path in (ROOT / "book").rglob("*.md")
        if path.read_text(encoding="utf-8").startswith("---\njupytext:")
    }
    assert listed == notebooks and listed


@every_chapter
def test_front_matter(chapter):
    head = chapter.text.split("---\n")[1]
    assert yaml.safe_load(head) == FRONT_MATTER


@every_chapter
def test_opening(chapter):
    """Title, one paragraph that says what the reader will be able to do, the card."""
    blocks = [block.strip() for block in chapter.prose.split("\n\n") if block.strip()]
    assert blocks[0].startswith("# ")
    assert re.match(r"[A-Z].*\.$", blocks[1], re.S), blocks[1]
    (card,) = chapter.named("chapter-card")
    assert ":prerequisites:" in card.body and ":reading-time:" in card.body
    assert 3 <= len(re.findall(r"^- ", card.body, re.M)) <= 6


@every_chapter
def test_first_cells(chapter):
    imports, parameters, start = chapter.cells[:3]
    assert all(
        isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(imports.source).body
    )
    assert parameters.options.get("tags") == ["parameters"]
    assert parameters.source == 'PROFILE = "cpu"'
    assert re.match(r"run = runtime\.start\(PROFILE(, seed=\d+)?\)", start.source)


@every_chapter
def test_every_row_of_the_syllabus_is_taught(chapter):
    _planned, rows = syllabus.load(ROOT / "book" / "syllabus.yml")
    own = {row.id for row in rows if row.chapters == (chapter.slug,)}
    known = {row.id for row in rows}
    marked = set(syllabus.markers(chapter.text))
    assert marked <= known, f"no such rows: {marked - known}"
    assert own <= marked, f"not taught: {sorted(own - marked)}"


@every_chapter
def test_demos_follow_a_question(chapter):
    demos = [cell for cell in chapter.cells if re.search(r"\bexplore\(", cell.source)]
    assert demos
    for demo in demos:
        assert re.search(r"\balt=", demo.source), f"the demo in line {demo.line} has no alt text"
    predictions = [d for d in chapter.named("admonition") if ":class: predict" in d.body]
    assert len(predictions) >= len(demos), "each demo needs a question to answer before it"


@every_chapter
def test_questions_explain_every_choice(chapter):
    questions = chapter.named("question")
    assert 3 <= len(questions) <= 6
    for question in questions:
        if ":answer:" in question.body:
            assert re.search(r":tolerance: [\d.e-]+\n\n\S", question.body), question.argument
        else:
            choices = re.split(r"^- ", question.body, flags=re.M)[1:]
            assert len(choices) >= 3, question.argument
            assert any(choice.startswith("(x)") for choice in choices), question.argument
            for choice in choices:
                assert re.match(r"\((x| )\) .+?\n\n  \S", choice, re.S), choice
                assert not re.search(r"\n\n  (Right|Correct)[.:]", choice), "said twice"


@every_chapter
def test_closing(chapter):
    sections = [title for level, title in chapter.headings if level == 2]
    assert [title for title in sections if title in CLOSING] == CLOSING
    summary = chapter.prose.split("## Summary\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^- ", summary, re.M)) <= 5
    exercises = {d.body.split(":label: ")[1].split()[0] for d in chapter.named("exercise")}
    solved = {d.argument for d in chapter.named("solution") if ":class: dropdown" in d.body}
    assert 2 <= len(exercises) <= 5 and exercises == solved
    reading = chapter.prose.split("## Further reading\n")[1]
    assert "{cite" in reading


@every_chapter
def test_figures_have_alternative_text_and_caption(chapter):
    for cell in chapter.cells:
        shown = cell.options.get("mystnb", {})
        if "figure" in shown:
            assert shown["figure"].get("caption") and shown["figure"].get("name"), cell.line
            assert shown.get("image", {}).get("alt"), cell.line


@every_chapter
def test_code_cells_are_short(chapter):
    long = {cell.line: cell.source.count("\n") + 1 for cell in chapter.cells}
    assert not {line: n for line, n in long.items() if n > 32}


@every_chapter
def test_style(chapter):
    prose = re.sub(r"\$[^$]*\$|`[^`]*`", "", chapter.prose)
    words = (
        r"\b(colour|behaviour|optimis\w+|generalis\w+|normalis\w+|centred|labelled|seed document)\b"
    )
    assert not re.findall(words, prose, re.I), "American spelling"
    assert not re.search(r"\w!(\s|$)", prose), "no exclamation marks"
    assert "[^" not in prose, "no footnotes"
    assert not re.search(r"^`{3,}\{.*`", chapter.text, re.M), "no backtick in a fence's first line"
    assert "http" not in re.sub(r"\]\(https?://[^)]*\)|<https?://[^>]*>", "", prose)


def test_names_of_claims_and_labels_are_unique():
    claims = Counter(
        name
        for chapter in CHAPTERS
        for cell in chapter.cells
        for name in set(re.findall(r"claim\(\s*\"([^\"]+)\"", cell.source))
    )
    labels = Counter(
        label
        for chapter in CHAPTERS
        for label in re.findall(r"^\$\$ \(([\w-]+)\)|^ *name: (fig-[\w-]+)", chapter.text, re.M)
    )
    assert not [name for name, count in (claims + labels).items() if count > 1]


def test_the_glossary_is_sorted_and_gives_the_chinese_name():
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    body = text.split("```{glossary}\n")[1].split("\n```")[0]
    entries = re.findall(r"^(\S.*)\n  (.*)$", body, re.M)
    terms = [term for term, _definition in entries]
    assert terms == sorted(terms, key=str.casefold)
    for term, definition in entries:
        assert re.match(r"\([^()]*[\u4e00-\u9fff][^()]*\) [A-Z$]", definition), term


def test_every_bibliography_entry_is_complete():
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@(\w+)\{(\w+),(.*?)^\}", text, re.M | re.S)
    assert entries
    for kind, key, body in entries:
        fields = set(re.findall(r"^\s*(\w+)\s*=", body, re.M))
        assert {"title", "year"} <= fields and fields & {"author", "editor"}, key
        if kind == "article":
            assert "journal" in fields, key
    keys = [key for _kind, key, _body in entries]
    assert len(keys) == len(set(keys))
