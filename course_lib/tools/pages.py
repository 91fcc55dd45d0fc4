"""Makes the built pages light, after Sphinx has written them.

The theme's scripts and fonts are made for every possible site. Here each page loses what it does
not use: of 1,400 icons remain those that occur, search data are loaded by the search page only,
pictures get their size and load when they come near, and the frames of demos move into files of
their own, which browsers keep. Everything works over ``file://`` too.
"""

from __future__ import annotations

import base64
import io
import logging
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

from course_lib.demo import SCRIPT

DEMO = re.compile(
    r'(?P<head><div class="course-demo" id="(?P<id>[^"]+)")(?P<body>>.*?)'
    r'<script type="application/json">(?P<data>.*?)</script>\n<script>.*?</script>\n</div>',
    re.S,
)
ICON_SCRIPT = re.compile(r"\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>")
SEARCH_SCRIPT = re.compile(
    r"\s*<script[^>]*(?:searchtools|language_data|searchindex)\.js[^>]*></script>"
)
IMAGE = re.compile(r'<img (?![^>]*\bloading=)(?P<rest>[^>]*?src="(?P<src>[^":]+)"[^>]*)>')
# What screen readers stumble over in the markup of the theme, sphinxcontrib-bibtex and pandas.
SIDEBAR = 'id="pst-primary-sidebar"'
MENDED = {
    f"<div {SIDEBAR}": f'<div role="complementary" aria-label="Site" {SIDEBAR}',
    ' role="doc-biblioentry"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    "<th></th>": "<td></td>",
}
# A name is made of text, and MathML does not count: headers and summaries get the formula as TeX.
NAMED = re.compile(r"<(th|summary)\b[^>]*>.*?</\1>", re.S)
SPOKEN = re.compile(r'<math\b[^>]*?alttext="([^"]*)".*?</math>', re.S)
STORE = "(window.courseDemos=window.courseDemos||{})"
# Browsers that block storage throw when it is touched; then nothing is kept, and all else works.
STORAGE = (
    '<script>["localStorage","sessionStorage"].forEach(function(name){try{window[name]}'
    "catch(_){Object.defineProperty(window,name,{value:{getItem:function(){return null},"
    "setItem:function(){},removeItem:function(){}}})}})</script>"
)


def finish(site: Path, lazy: bool = True) -> None:
    """Lighten all pages of a built site; doing it again changes nothing.

    Args:
        site: the folder that Sphinx wrote.
        lazy: let pictures load when they come near; a page to be printed needs them at once.
    """
    static = site / "_static"
    demos = static / "demos"
    pages = [page for page in site.rglob("*.html") if static not in page.parents]
    wanted: set[str] = set()
    text = ""
    for page in pages:
        old = page.read_text(encoding="utf-8")
        new, frames = _lighten(old, page, site, lazy)
        for name, content in frames.items():
            demos.mkdir(exist_ok=True)
            (demos / name).write_text(content, encoding="utf-8")
        if new != old:
            page.write_text(new, encoding="utf-8")
        wanted |= set(re.findall(r"_static/demos/([\w-]+\.js)", new))
        text += " ".join(re.findall(r'class="([^"]*\bfa-[^"]*)"', new)) + " "
    for path in demos.glob("*.js"):
        if path.name not in wanted:
            path.unlink()
    if wanted:
        shutil.copyfile(SCRIPT, static / "demo.js")
    scripts = [path for path in static.rglob("*.js") if path.name != "fontawesome.js"]
    text += " ".join(path.read_text(encoding="utf-8") for path in scripts if path.parent != demos)
    _keep_icons(static, set(re.findall(r"\bfa-[a-z0-9-]+", text)))
    for path in {*static.rglob("*.map"), *static.rglob("fontawesome.js*")}:
        path.unlink()


def _lighten(html: str, page: Path, site: Path, lazy: bool) -> tuple[str, dict[str, str]]:
    """The page with less to load, and the files of its demos."""
    top = "../" * (len(page.relative_to(site).parts) - 1)
    frames: dict[str, str] = {}

    def move(demo: re.Match) -> str:
        name = f"{demo['id']}.js"
        frames[name] = f"{STORE}[{demo['id']!r}]={demo['data']};\n"
        return f'{demo["head"]} data-source="{top}_static/demos/{name}"{demo["body"]}</div>'

    html = DEMO.sub(move, html)
    if frames:
        script = f'<script defer src="{top}_static/demo.js"></script>'
        html = html.replace("</head>", f"{script}\n</head>", 1)
    for wrong, right in MENDED.items():
        html = html.replace(wrong, right)
    html = NAMED.sub(lambda element: SPOKEN.sub(r"\1", element[0]), html)
    html = ICON_SCRIPT.sub("", html)
    if page.name != "search.html":
        html = SEARCH_SCRIPT.sub("", html)
    if STORAGE not in html:
        html = html.replace("<head>", f"<head>\n    {STORAGE}", 1)
    return IMAGE.sub(lambda image: _sized(image, page, lazy), html), frames


def _sized(image: re.Match, page: Path, lazy: bool) -> str:
    """An ``<img>`` with width and height, so that the text below it never moves."""
    path, rest = page.parent / image["src"], image["rest"]
    if not re.search(r"\b(width|height)[=:]", rest) and path.is_file():
        width, height = _size(path)
        rest = f'width="{width}" height="{height}" {rest}'
    loading = 'loading="lazy" ' if lazy else ""
    return f"<img {loading}{rest}>"


def _size(path: Path) -> tuple[int, int]:
    """Width and height of an image file in CSS pixels.

    Raises:
        ValueError: an SVG file does not say its size.
    """
    if path.suffix != ".svg":
        from PIL import Image

        with Image.open(path) as image:
            return image.size
    head = re.search(r"<svg[^>]*>", path.read_text(encoding="utf-8"))
    box = head and re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', head[0])
    if not (head and box):
        raise ValueError(f"{path} has no viewBox; save the picture with one")
    points = 4 / 3 if re.search(r'\bwidth="[\d.]+pt"', head[0]) else 1
    return round(float(box[1]) * points), round(float(box[2]) * points)


# --- icons ----------------------------------------------------------------------------------------

ICON_RULE = re.compile(r'(?P<names>(?:\.fa-[\w-]+::?before,?)+)\{content:"\\(?P<code>[0-9a-f]+)"\}')
OTHER_ICON = re.compile(r'content:\s*"\\([ef][0-9a-f]{3})"')  # an icon that a style sheet shows
FONT_FACE = re.compile(r"@font-face\{[^}]*url\([^)]*webfonts/(?P<name>[\w-]+)\.woff2\)[^}]*\}")


def _keep_icons(static: Path, used: set[str]) -> None:
    """Leave the icons that occur in the theme's style sheet, and put their shapes into it."""
    path = static / "styles" / "pydata-sphinx-theme.css"
    folder = static / "vendor" / "fontawesome"
    if not folder.is_dir():
        return
    css = path.read_text(encoding="utf-8")
    codes: set[int] = set()

    def keep(rule: re.Match) -> str:
        if used.isdisjoint(re.findall(r"\.(fa-[\w-]+?)::?before", rule["names"])):
            return ""
        codes.add(int(rule["code"], 16))
        return rule[0]

    css = ICON_RULE.sub(keep, css)
    for sheet in (css, *(other.read_text(encoding="utf-8") for other in static.rglob("*.css"))):
        codes.update(int(code, 16) for code in OTHER_ICON.findall(ICON_RULE.sub("", sheet)))

    def embed(face: re.Match) -> str:
        font = _subset(folder / "webfonts" / f"{face['name']}.ttf", codes)
        if not font:
            return ""
        source = f"url(data:font/woff;base64,{base64.b64encode(font).decode()})"
        return re.sub(r"src:[^}]*", f'src:{source} format("woff")', face[0])

    path.write_text(FONT_FACE.sub(embed, css), encoding="utf-8")
    shutil.rmtree(folder)


def _subset(path: Path, codes: set[int]) -> bytes:
    """The font with these characters only; empty where it has none of them."""
    from fontTools import subset, ttLib

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every step
    font = ttLib.TTFont(path)
    if not codes & set(font.getBestCmap()):
        return b""
    maker = subset.Subsetter(subset.Options(hinting=False, notdef_outline=False))
    maker.populate(unicodes=codes)
    maker.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def setup(app: Sphinx) -> dict:
    def finished(app: Sphinx, error: Exception | None) -> None:
        if error is None and app.builder.format == "html":
            finish(Path(app.outdir), lazy=app.builder.name in ("html", "dirhtml"))

    app.connect("build-finished", finished, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
