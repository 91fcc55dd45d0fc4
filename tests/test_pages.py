"""What the build does to formulas and to finished pages."""

import pytest

from course_lib.tools import pages
from course_lib.tools.mathematics import Typesetter

SVG = '<svg width="72pt" height="36pt" viewBox="0 0 72 36" version="1.1"></svg>'
PAGE = """<html><head><title>x</title></head><body>
<img alt="a" src="picture.svg"/>
<div class="course-demo" id="demo-1"><img src="data:image/webp;base64,AA" alt="b">
<script type="application/json">{"frames": [0]}</script>
<script>start()</script>
</div>
<table><tr><th></th><th><math alttext="x_1"><mi>x</mi></math></th></tr></table>
<script src="_static/searchtools.js"></script></body></html>"""


@pytest.fixture(scope="module")
def typesetter():
    made = Typesetter()
    yield made
    made.close()


def test_a_formula_carries_mathml_and_refers_to_glyphs_of_the_page(typesetter):
    formula = typesetter.typeset(r"a < b^2", False)
    assert 'alttext="a &lt; b^2"' in formula and "<msup>" in formula
    glyphs = typesetter.definitions(formula)
    for name in pages.re.findall(r'href="#([^"]+)"', formula):
        assert f'<path id="{name}" d="M' in glyphs
    assert typesetter.definitions("<p>no formula</p>") == ""


@pytest.mark.parametrize(
    "tex, message",
    [(r"\frac{1", "Missing close brace"), (r"\nosuch", "Undefined control sequence")],
)
def test_a_formula_with_a_mistake_is_refused(typesetter, tex, message):
    with pytest.raises(ValueError, match=message):
        typesetter.typeset(tex, True)


def test_a_page_loses_what_it_does_not_use(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "picture.svg").write_text(SVG)
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    pages.finish(tmp_path)
    text = page.read_text()
    assert '<img loading="lazy" width="96" height="48" alt="a" src="picture.svg"/>' in text
    assert 'data-source="_static/demos/demo-1.js"' in text and "start()" not in text
    frames = (tmp_path / "_static/demos/demo-1.js").read_text()
    assert frames.endswith('["demo-1"]={"frames": [0]};\n'.replace('"demo-1"', "'demo-1'"))
    assert "searchtools" not in text and "<td></td><th>x_1</th>" in text
    pages.finish(tmp_path)
    assert page.read_text() == text


def test_frames_that_no_page_shows_are_removed(tmp_path):
    stale = tmp_path / "_static" / "demos" / "demo-0.js"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    pages.finish(tmp_path)
    assert not stale.exists()
