"""Typesets formulas while the book is built, so that no page needs a script or a font for them.

MathJax itself runs here, in a JavaScript engine, and draws every formula as SVG. The shapes of the
glyphs are written once into each page, and hidden MathML tells the formula to screen readers. A
formula that MathJax does not understand is a warning that names the line.
"""

from __future__ import annotations

import html
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

COMPONENTS = (
    "core",
    "adaptors/liteDOM",
    "input/tex-full",
    "output/svg",
    "output/svg/fonts/tex",
    "a11y/assistive-mml",
)
# What MathJax expects of its surroundings; errors are to be seen, not to be drawn.
BEFORE = """
var setTimeout = function (later) { Promise.resolve().then(later); };
var MathJax = {
  loader: {
    paths: {mathjax: "mathjax"}, load: %s,
    require: function (name) { (0, eval)(sources[name]); },
    failed: function (error) { throw error; }
  },
  startup: {typeset: false},
  svg: {fontCache: "global"},
  tex: {
    packages: {"[-]": ["noerrors", "noundefined", "require", "autoload"]},
    formatError: function (jax, error) { throw Error(error.message); }
  }
};
"""
AFTER = """
function outer(node) { return MathJax.startup.adaptor.outerHTML(node); }
function typeset(tex, display) { return outer(MathJax.tex2svg(tex, {display: display})); }
function glyphs() { return outer(MathJax.startup.output.fontCache.getCache()); }
"""
# What only MathJax's own scripts read.
UNUSED = re.compile(
    r' (?:data-mml-node|data-c|data-mjx-\w+|xmlns(?::xlink)?|focusable|role)="[^"]*"'
)
EMPTY = re.compile(r"<((?:use|rect)\b[^>]*)></\w+>")
BARE = re.compile(r"<g>((?:(?!</?g\b).)*)</g>", re.S)  # a group without attributes, no group inside
# Stands in the page itself: formulas are to be read even where the style sheets are missing.
HIDE = (
    "<style>mjx-assistive-mml{position:absolute!important;top:0;left:0;width:1px;height:1px;"
    "overflow:hidden!important;clip-path:inset(50%);white-space:nowrap;user-select:none}</style>"
)
GLYPH = re.compile(r'<path id="([^"]+)" d="([^"]*)">')
USED = re.compile(r'href="#(MJX-[^"]+)"')


class Typesetter:
    """MathJax in a JavaScript engine, started for the first formula."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._glyphs: dict[str, str] = {}
        self.typeset = cache(self._typeset)

    def _typeset(self, tex: str, display: bool) -> str:
        """One formula as HTML; :meth:`definitions` gives the glyphs that it refers to.

        Raises:
            ValueError: MathJax does not understand the formula; the message says what.
        """
        from py_mini_racer import JSEvalException

        if self._engine is None:
            self._engine = _start()
        try:
            made = self._engine.eval(f"typeset({json.dumps(tex)}, {json.dumps(display)})")
        except JSEvalException as error:
            said = re.search(r"Error: (.*)", str(error))
            raise ValueError(said[1] if said else str(error)) from None
        return _compact(made).replace("<math", f'<math alttext="{html.escape(tex.strip())}"', 1)

    def definitions(self, page: str) -> str:
        """The shapes of all glyphs that a piece of HTML refers to, as an element of the page."""
        used = sorted(set(USED.findall(page)))
        if not used:
            return ""
        if any(name not in self._glyphs for name in used):
            self._glyphs = dict(GLYPH.findall(self._engine.eval("glyphs()")))
        paths = "".join(f'<path id="{name}" d="{self._glyphs[name]}"/>' for name in used)
        return f'<svg aria-hidden="true" style="display:none">{HIDE}<defs>{paths}</defs></svg>\n'

    def close(self) -> None:
        """End the engine; the process cannot end before it."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _compact(formula: str) -> str:
    """A formula without attributes for MathJax's own scripts and the groups left bare by that."""
    formula = UNUSED.sub("", formula).replace("xlink:href", "href")
    formula = EMPTY.sub(r"<\1/>", formula)
    count = 1
    while count:
        formula, count = BARE.subn(r"\1", formula)
    return formula


def _start() -> Any:
    from py_mini_racer import MiniRacer

    found = importlib.util.find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "MathJax is missing; install it with: pip install sphinx-mathjax-offline"
        )
    folder = Path(found.origin).parent / "static" / "mathjax"
    sources = {f"mathjax/{name}.js": (folder / f"{name}.js").read_text() for name in COMPONENTS}
    engine = MiniRacer()
    try:
        engine.eval(f"var sources = {json.dumps(sources)};")
        engine.eval(BEFORE % json.dumps(COMPONENTS))
        engine.eval((folder / "startup.js").read_text())
        engine.eval(AFTER)
    except BaseException:
        engine.close()
        raise
    return engine


def _formula(typesetter: Typesetter, node: nodes.Element, tex: str, display: bool) -> str:
    try:
        return typesetter.typeset(tex, display)
    except ValueError as error:
        logger.warning("formula %r: %s", tex, error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def _lines(node: nodes.math_block) -> str:
    """A display formula as TeX; equations separated by empty lines stand below each other."""
    text = node.astext()
    if node["nowrap"]:
        return text
    parts = [
        rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part
        for part in text.split("\n\n")
        if part.strip()
    ]
    if len(parts) < 2:
        return "".join(parts)
    return r"\begin{align}\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}\end{align}"


def setup(app: Sphinx) -> dict:
    typesetter = Typesetter()

    def inline(self: HTML5Translator, node: nodes.math) -> None:
        self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
        self.body.append(_formula(typesetter, node, node.astext(), display=False) + "</span>")
        raise nodes.SkipNode

    def block(self: HTML5Translator, node: nodes.math_block) -> None:
        self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
        if node["number"]:
            self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
            self.add_permalink_ref(node, _("Link to this equation"))
            self.body.append("</span>")
        self.body.append(_formula(typesetter, node, _lines(node), display=True) + "</div>\n")
        raise nodes.SkipNode

    def add_glyphs(app: Sphinx, page: str, template: str, context: dict, doctree: Any) -> None:
        """Titles of other pages appear in the navigation of this one."""
        titles = [
            typesetter.typeset(formula.astext(), False)
            for title in app.env.titles.values()
            for formula in title.findall(nodes.math)
        ]
        used = context.get("body", "") + context.get("toc", "") + "".join(titles)
        context["body"] = typesetter.definitions(used) + context.get("body", "")

    app.add_html_math_renderer("mathjax-svg", (inline, None), (block, None))
    app.connect("html-page-context", add_glyphs)
    app.connect("build-finished", lambda *_: typesetter.close())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
