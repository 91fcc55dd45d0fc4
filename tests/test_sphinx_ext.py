"""The directives of the book, on a small Sphinx project."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from course_lib.tools.sphinx_ext.elements import details
from course_lib.tools.sphinx_ext.outputs import fold_claims

SYLLABUS = """
chapters:
- slug: page
  part: One
  title: The page
  rows:
  - {id: ABC-01, title: "Taught $x^2$ in `code`", kind: [explain]}
  - {id: ABC-02, title: Not taught, kind: [derive]}
errors:
- {id: E-001, chapter: page, says: wrong, correct: right}
experiments:
- {id: X-01, chapters: [page], data: some, model: any, settings: none, claimed: nothing}
"""

PAGE = """# The page

```{chapter-card}
:prerequisites: {doc}`index`
:reading-time: 12

- Compute $x$.
```

## A section

% covers: ABC-01 X-01

```{question} What is $1 + 1$?
- ( ) Three

  No: count again.
- (x) *Two*

  Yes.
```

```{question} How much?
:answer: 0.25
:tolerance: 0.01

Because.
```
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    def run(page=PAGE):
        root = tmp_path_factory.mktemp("sphinx")
        (root / "conf.py").write_text(
            "extensions = ['myst_parser', 'course_lib.tools.sphinx_ext']\n"
            "myst_enable_extensions = ['dollarmath']\nhtml_theme = 'basic'\n"
        )
        (root / "syllabus.yml").write_text(SYLLABUS)
        (root / "page.md").write_text(page)
        (root / "index.md").write_text(
            "# Index\n\n```{toctree}\npage\n```\n\n```{syllabus-coverage} /syllabus.yml\n```\n"
        )
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "."]
        done = subprocess.run(
            [*command, "out"], cwd=root, capture_output=True, text=True, check=False
        )
        read = {
            name: (root / "out" / f"{name}.html").read_text(encoding="utf-8")
            if (root / "out" / f"{name}.html").exists()
            else ""
            for name in ("page", "index")
        }
        return SimpleNamespace(code=done.returncode, errors=done.stderr, **read)

    return run


@pytest.fixture(scope="module")
def built(build):
    result = build()
    assert result.code == 0, result.errors
    return result


def test_the_card_shows_objectives_and_facts(built):
    assert "After this chapter you can" in built.page
    assert "about 12 minutes" in built.page
    assert 'href="index.html"' in built.page


def test_choices_are_details_with_verdict_and_reason(built):
    assert '<details class="choice wrong">' in built.page
    assert "<summary><em>Two</em></summary>" in built.page.replace("\n", "")
    assert "<strong>Not this one. </strong>No: count again." in built.page
    assert "<strong>Right. </strong>Yes." in built.page
    assert "The answer is 0.25." in built.page


def test_the_coverage_page_links_taught_rows_and_names_the_others(built):
    assert 'href="page.html#a-section"' in built.index
    assert "The page: 2 of 4 rows" in built.index
    assert built.index.count("not yet") == 2
    assert "<code" in built.index and "x^2" in built.index


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("(x) *Two*", "( ) *Two*", "no choice of this question is marked"),
        ("(x) *Two*", "*Two*", "starts with (x) or ( )"),
        ("\n\n  No: count again.", "", "has no explanation"),
        ("ABC-01 X-01", "ABC-77", "no such row in the syllabus: ABC-77"),
    ],
)
def test_mistakes_of_authors_are_reported(build, old, new, message):
    result = build(PAGE.replace(old, new))
    assert result.code != 0 and message in result.errors


@pytest.mark.parametrize("printed", ["", "epoch 1\n"])
def test_checked_numbers_are_folded_where_the_keyboard_reaches_them(printed):
    text = f"{printed}✓ accuracy = 0.9 (must be 0.8 ≤ x)\n"
    document = new_document("page")
    document += nodes.literal_block(text, text, classes=["output", "stream"])
    fold_claims(None, document)
    *rest, fold = document.children
    assert [block.astext() for block in rest] == ([printed] if printed else [])
    assert isinstance(fold, details) and "accuracy = 0.9" in fold.astext()
    # the theme gives tabindex="-1" to what has the class "output", which hides a summary from Tab
    assert fold["classes"] == ["claims"]
