"""The rendered pages in a real browser: alive, quiet, light, and usable by everyone."""

import base64
import functools
import gzip
import importlib.resources
import json
import re
import shutil
import time
import zipfile
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pytest
from chapter import ROOT, chapters

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)
WIDTHS = {"phone": 360, "laptop at 200 %": 640, "tablet": 768}
# The checksum of Python's zlib, over the colors of what a demo shows.
CHECKSUM = """
const demo = arguments[0], shown = demo.querySelector("canvas") || demo.querySelector("img");
let canvas = shown;
if (shown.tagName === "IMG") {
  canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [shown.naturalWidth, shown.naturalHeight];
  canvas.getContext("2d").drawImage(shown, 0, 0);
}
const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const table = Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xEDB88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
let crc = 0xFFFFFFFF;
for (let i = 0; i < data.length; i++)
  if (i % 4 < 3) crc = table[(crc ^ data[i]) & 255] ^ (crc >>> 8);
return (crc ^ 0xFFFFFFFF) >>> 0;
"""


def address(chapter) -> str:
    return chapter.path.relative_to(ROOT / "book").with_suffix(".html").as_posix()


@pytest.fixture(scope="session")
def every_page(book) -> list[str]:
    """All pages of the site, Sphinx's own among them."""
    found = sorted(path.relative_to(book.html).as_posix() for path in book.html.rglob("*.html"))
    return [name for name in found if not name.startswith("_")]


@pytest.fixture(params=["http", "file"])
def root(request, book, site):
    """The two ways in which readers open the book."""
    return site if request.param == "http" else book.html.as_uri()


@pytest.fixture
def emulate(chromium):
    """Send commands to the browser's emulation; everything is as before afterwards."""

    def send(name, **parameters):
        chromium.execute_cdp_cmd(f"Emulation.{name}", parameters)

    def window(width, mobile=False):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": mobile}
        send("setDeviceMetricsOverride", **size)

    send.window = window
    yield send
    send("clearDeviceMetricsOverride")
    send("setScriptExecutionDisabled", value=False)
    send("setTouchEmulationEnabled", enabled=False)
    send("setEmulatedMedia", features=[])


def drawn_by_python(book, chapter) -> list[dict]:
    """What the notebook recorded about its demos: texts, and a checksum of every figure."""
    texts = (
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in book.notebooks()[chapter.slug]["cells"]
        for output in cell.get("outputs", [])
    )
    payload = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
    return [json.loads(payload.search(text)[1]) for text in texts if "course-demo" in text]


def position(controls) -> int:
    """The index of the frame that belongs to the controls: the last one changes fastest."""
    return controls[0].parent.execute_script(
        "return arguments[0].reduce((sum, one) => sum * Number(one.dataset.count) +"
        " Number(one.value), 0)",
        controls,
    )


def wait_for_frame(browser, demo, index):
    from selenium.webdriver.support.ui import WebDriverWait

    shown = "return arguments[0].dataset.frame === String(arguments[1])"
    WebDriverWait(browser, 30, 0.02).until(lambda _: browser.execute_script(shown, demo, index))


@every_chapter
def test_every_demo_shows_what_the_python_function_draws(chromium, book, root, chapter):
    """Each control is moved over all its values; others stand at their last one."""
    from selenium.webdriver.common.keys import Keys

    chromium.get(f"{root}/{address(chapter)}")
    demos = chromium.find_elements("css selector", ".course-demo")
    drawn = drawn_by_python(book, chapter)
    assert len(demos) == len(drawn) > 0
    for demo, expected in zip(demos, drawn, strict=True):
        others = {one.id: one.get_attribute("data-frame") for one in demos if one != demo}
        controls = demo.find_elements("css selector", "input, select")
        assert chromium.execute_script(CHECKSUM, demo) == expected["checksums"][position(controls)]
        for control in controls:  # at the beginning some have no effect: no step taken yet
            control.send_keys(Keys.END)
        for control in controls:
            assert control.accessible_name
            control.send_keys(Keys.HOME)
            last = int(control.get_attribute("data-count")) - 1
            seen = set()
            for step in range(last + 1):
                if step:
                    down = control.tag_name == "select"
                    control.send_keys(Keys.ARROW_DOWN if down else Keys.RIGHT)
                assert control.get_attribute("value") == str(step)
                index = position(controls)
                wait_for_frame(chromium, demo, index)
                checksum = chromium.execute_script(CHECKSUM, demo)
                assert checksum == expected["checksums"][index]
                picture = demo.find_element("css selector", "canvas")
                assert picture.accessible_name == expected["alts"][index]
                seen.add(checksum)
            assert len(seen) > 1, "the control changes nothing"
        assert others == {one.id: one.get_attribute("data-frame") for one in demos if one != demo}


@every_chapter
def test_play_runs_to_the_end_and_stops_when_asked(chromium, site, chapter):
    from selenium.webdriver.support.ui import WebDriverWait

    chromium.get(f"{site}/{address(chapter)}")
    demo = chromium.find_element("css selector", ".course-demo")
    control = demo.find_elements("css selector", "input, select")[-1]
    button = demo.find_element("tag name", "button")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    last = str(int(control.get_attribute("data-count")) - 1)
    WebDriverWait(chromium, 60, 0.05).until(lambda _: control.get_attribute("value") == last)
    WebDriverWait(chromium, 5, 0.05).until(
        lambda _: button.get_attribute("aria-pressed") == "false"
    )
    button.click()  # begins again
    assert control.get_attribute("value") == "0"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


@every_chapter
def test_a_finger_moves_a_slider(chromium, site, emulate, chapter):
    emulate.window(360, mobile=True)
    emulate("setTouchEmulationEnabled", enabled=True)
    chromium.get(f"{site}/{address(chapter)}")
    demo = next(
        demo
        for demo in chromium.find_elements("css selector", ".course-demo")
        if demo.find_elements("css selector", "input")
    )
    slider = demo.find_elements("css selector", "input")[-1]
    before = demo.get_attribute("data-frame")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    box = chromium.execute_script(
        "const b = arguments[0].getBoundingClientRect(); return [b.left, b.right, b.top, b.bottom]",
        slider,
    )
    first = slider.get_attribute("value") == "0"
    x, y = (box[1] - 3 if first else box[0] + 3), (box[2] + box[3]) / 2
    chromium.execute_cdp_cmd(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    )
    chromium.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert box[3] - box[2] >= 24, "too small for a finger"
    controls = demo.find_elements("css selector", "input, select")
    wait_for_frame(chromium, demo, position(controls))
    assert demo.get_attribute("data-frame") != before


def requests_and_failures(browser) -> tuple[list[str], list]:
    requests, failed = [], []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            requests.append(message["params"]["request"]["url"])
        if message["method"] == "Network.loadingFailed":
            failed.append(message["params"])
    return requests, failed


@dataclass(frozen=True)
class Visit:
    """What happened while a page was loaded with an empty cache and read to its end."""

    requests: list[str]
    failed: list
    console: list[dict]
    broken: list[str]  # images without a picture
    unsized: list[str]  # images whose place is not kept free
    moved: float  # how much of the text changed its place
    formulas: int
    drawn: int
    missing: int  # signs that a formula uses and that are not there
    hidden: bool  # whether nobody sees the formulas that screen readers read
    worked: list[float]  # the part of half a second that the page was busy, until it was idle


READ_TO_THE_END = """
const done = arguments[0], page = document.documentElement;
const text = document.querySelector("article");
let moved = 0, y = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  if (entry.sources.some(source => text?.contains(source.node))) moved += entry.value;
})).observe({type: "layout-shift", buffered: true});
const images = (selector, wrong) => [...document.querySelectorAll(selector)].filter(wrong);
const unsized = images("main img", i => !(i.hasAttribute("width") && i.hasAttribute("height")));
function report() {
  const math = [...document.querySelectorAll("span.math, div.math")];
  const uses = [...document.querySelectorAll("mjx-container use")];
  const read = [...document.querySelectorAll("mjx-assistive-mml")];
  done({
    broken: images("img", i => !i.naturalWidth).map(i => i.src),
    unsized: unsized.map(i => i.src),
    moved,
    formulas: math.length,
    drawn: math.filter(m => m.querySelector("svg")).length,
    missing: uses.filter(u => !document.querySelector(u.getAttribute("href"))).length,
    hidden: read.every(m => m.offsetWidth <= 1 && m.offsetHeight <= 1),
  });
}
(function next() {  // so that everything is loaded that loads when it comes near
  if (y > page.scrollHeight) return setTimeout(report, 300);
  window.scrollTo(0, y += 700);
  requestAnimationFrame(() => requestAnimationFrame(next));
})();
"""


@pytest.fixture(scope="module")
def visit(chromium, site):
    """Visit a page; each one only once, for all tests."""
    chromium.execute_cdp_cmd("Performance.enable", {})

    @functools.cache
    def look(name: str) -> Visit:
        for kind in ("performance", "browser"):
            chromium.get_log(kind)
        chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
        chromium.get(f"{site}/{name}")
        seen = chromium.execute_async_script(READ_TO_THE_END)
        requests, failed = requests_and_failures(chromium)
        console = chromium.get_log("browser")
        return Visit(requests, failed, console, worked=work_until_idle(chromium), **seen)

    yield look
    chromium.execute_cdp_cmd("Performance.disable", {})


def work_until_idle(browser, tries: int = 20) -> list[float]:
    """How busy the page was in each half second; the last is below 3 % if it ever was."""

    def busy() -> float:
        metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    shares = []
    while len(shares) < tries and (not shares or shares[-1] >= 0.03):
        before = busy()
        time.sleep(0.5)
        shares.append((busy() - before) / 0.5)
    return shares


def test_pages_are_complete_and_ask_nobody_else(visit, site, every_page):
    """The network is cut: the browser of the tests reaches this machine only."""
    for name in every_page:
        seen = visit(name)
        assert seen.requests and not seen.failed, name
        assert not [url for url in seen.requests if not url.startswith((site, "data:"))], name
        assert not [e for e in seen.console if e["level"] in ("SEVERE", "WARNING")], name
        assert not seen.broken, name


def test_formulas_are_typeset_in_the_build(visit, every_page):
    for name in every_page:
        seen = visit(name)
        assert seen.formulas == seen.drawn and seen.missing == 0 and seen.hidden, name
    assert any(visit(name).formulas for name in every_page)


@every_chapter
def test_pages_are_light(visit, book, site, chapter):
    """Compressed as hosts do it; the smoke profile has fewer frames than what readers see."""
    requests = visit(address(chapter)).requests
    paths = {unquote(urlsplit(url).path).lstrip("/") for url in requests if url.startswith(site)}
    sizes = {name: len(gzip.compress((book.html / name).read_bytes(), 6)) for name in paths if name}
    assert sum(sizes.values()) <= 800_000, sizes
    assert len(sizes) <= 80
    # What another chapter has not loaded before: the page itself, its pictures and its demos.
    own = [name for name in sizes if name.startswith(("_images", "_static/demos"))]
    assert sum(sizes[name] for name in own) + sizes[address(chapter)] <= 500_000, sizes
    assert sizes[address(chapter)] <= 300_000  # a second visit loads the page only


def test_nothing_moves_while_a_page_loads(visit, every_page):
    for name in every_page:
        assert not visit(name).unsized, name
        assert visit(name).moved < 0.01, name


def test_a_page_that_nobody_touches_is_idle(visit, every_page):
    for name in every_page:
        assert visit(name).worked[-1] < 0.03, name


@pytest.mark.parametrize(
    "restless",
    [
        "setInterval(() => { const end = performance.now() + 20;"
        " while (performance.now() < end); }, 100)",
        "document.body.animate({color: ['red', 'blue']}, {duration: 500, iterations: Infinity})",
    ],
    ids=["timer", "animation"],
)
def test_a_page_that_works_all_the_time_is_noticed(chromium, site, restless):
    chromium.get(f"{site}/{address(CHAPTERS[0])}")
    chromium.execute_cdp_cmd("Performance.enable", {})
    chromium.execute_script(restless)
    assert min(work_until_idle(chromium, tries=4)) >= 0.03


# In dark mode nothing but the colors differs; they are the same at every width.
AXE_RUNS = {
    "laptop": ("light", 1280, ("rules", "contrast")),
    "phone": ("light", 360, ("rules",)),
    "dark": ("dark", 1280, ("contrast",)),
}
# axe spends milliseconds on every element. Two elements look alike when their names, classes and
# colors are the same, and those of all elements around them: their contrasts are the same, too.
ALIKE = """
const styles = ["color", "backgroundColor", "backgroundImage", "opacity", "visibility", "display",
  "fontSize", "fontWeight", "textShadow", "filter", "mixBlendMode", "position", "clip", "clipPath"];
const looks = new Map(), known = new Map();
function look(element) {  // a number: the same for elements that look alike
  if (!element) return 0;
  if (!known.has(element)) {
    const style = getComputedStyle(element);
    const all = [look(element.parentElement), element.localName, element.className,
      ...styles.map(name => style[name])].join("|");
    if (!looks.has(all)) looks.set(all, looks.size + 1);
    known.set(element, looks.get(all));
  }
  return known.get(element);
}
function repeated(elements) {
  const seen = new Set();
  return elements.filter(element => seen.has(look(element)) || !seen.add(look(element)));
}
"""
# Taken out of the page: the insides of the drawings of formulas, which nobody is told of, and in
# each code block the spans that look like one before them. These are there for their color only: no
# rule but that for contrasts looks at them.
THIN_OUT = f"""{ALIKE}
document.querySelectorAll("mjx-container > svg").forEach(drawing => drawing.replaceChildren());
const spans = block => [...block.querySelectorAll("span:not(:has(*))")].filter(
  span => [...span.attributes].every(attribute => attribute.name === "class"));
for (const block of document.querySelectorAll("pre")) {{
  repeated(spans(block)).forEach(span => span.replaceWith(span.textContent));
  block.normalize();
}}
"""
# Hidden from the rule for contrasts: whatever looks like something before it on the page.
HIDE = f"""{ALIKE}
document.head.insertAdjacentHTML("beforeend", "<style>[data-repeated] {{ visibility: hidden }}" +
  "[data-repeated] > :not([data-repeated]) {{ visibility: visible }}</style>");
const written = [...document.body.querySelectorAll("*")].filter(element =>
  [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()) &&
  element.checkVisibility({{visibilityProperty: true}}) &&
  getComputedStyle(element).overflow === "visible");  // axe fails inside of what scrolls unseen
repeated(written).forEach(element => element.toggleAttribute("data-repeated"));
"""
AXE_STEPS = {
    "rules": ("", {"rules": {"color-contrast": {"enabled": False}}}),
    "contrast": (HIDE, {"runOnly": ["color-contrast"]}),
}
RUN_AXE = """
const [options, done] = arguments;
axe.run({exclude: [["mjx-container > svg"]]}, {...options, resultTypes: ["violations"]}).then(
  ({violations, incomplete}) => done(Object.fromEntries([
    ...violations.map(rule => [rule.id, rule.nodes.map(node => node.html.slice(0, 200))]),
    ...incomplete.filter(rule => rule.error).map(rule => [rule.id, [rule.error.message]]),
  ])));
"""
# Contrasts that are too low in both modes: a span among its equals, a block, and a paragraph.
PLANTED = """
document.querySelector("article").insertAdjacentHTML("beforeend", "<h6>planted</h6>" +
  "<img class='planted' src='_static/none.png'><button class='planted'></button>" +
  "<style>.planted { opacity: 0.2 } .gray, .gray * { background: #777 !important }</style>");
const blocks = document.querySelectorAll(".highlight pre");
const words = blocks[0].querySelectorAll("span.n");
words[words.length - 1].classList.add("planted");
blocks[1].classList.add("gray");
document.querySelectorAll("article section section > p")[3].style.opacity = 0.2;
"""


@pytest.fixture(params=AXE_RUNS)
def violations(request, chromium, site, emulate):
    """What axe finds in a page, by rule, after a script has run; in each of the modes."""
    source = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    axe = source.read_text(encoding="utf-8")
    theme, width, steps = AXE_RUNS[request.param]
    emulate.window(width, mobile=width < 600)
    chromium.get(f"{site}/index.html")
    for key in ("mode", "theme"):
        chromium.execute_script(f"localStorage.setItem('{key}', '{theme}')")

    def find(name: str, script: str = "") -> dict[str, list[str]]:
        chromium.get(f"{site}/{name}")
        assert chromium.execute_script("return document.documentElement.dataset.theme") == theme
        for part in (script, THIN_OUT, axe):
            chromium.execute_script(part)
        found = {}
        for prepare, options in map(AXE_STEPS.get, steps):
            chromium.execute_script(prepare)
            found |= chromium.execute_async_script(RUN_AXE, options)
        return found

    yield find
    chromium.execute_script("localStorage.clear()")


def test_axe_finds_no_violation(violations, every_page):
    for name in every_page:
        assert not violations(name), name


def test_axe_finds_what_is_planted(violations, request):
    found = violations(address(CHAPTERS[0]), PLANTED)
    contrast = found.pop("color-contrast", [])
    mode = request.node.callspec.params["violations"]
    rules = {"button-name", "heading-order", "image-alt"}
    assert set(found) == (set() if mode == "dark" else rules)
    if mode == "phone":
        assert not contrast
    else:
        for start in ('<span class="n planted', '<span class="n">PROFILE', "<p style="):
            assert any(html.startswith(start) for html in contrast), (start, contrast)


def test_nothing_is_wider_than_the_window(chromium, site, every_page, emulate):
    """Also when it was loaded at another width: readers turn their phones."""
    for name in every_page:
        for number, width in enumerate(WIDTHS.values()):
            emulate.window(width, mobile=width < 600)
            if number == 0:
                chromium.get(f"{site}/{name}")
            page = chromium.execute_script(
                "return [innerWidth, document.documentElement.scrollWidth]"
            )
            assert page[0] == width and page[1] <= width, (name, width, page)


@every_chapter
def test_the_keyboards_place_is_visible(chromium, site, chapter):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    chromium.get(f"{site}/{address(chapter)}")
    demo = chromium.find_element("css selector", ".course-demo")
    chromium.execute_script("arguments[0].scrollIntoView()", demo)
    stops = demo.find_elements("css selector", "input, select, button")
    chromium.execute_script("arguments[0].focus()", stops[0])
    for stop in stops:  # in the order of the page
        assert chromium.switch_to.active_element == stop
        ActionChains(chromium).send_keys(Keys.TAB).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(
            Keys.SHIFT
        ).perform()
        assert stop.value_of_css_property("outline-style") == "solid"
        ActionChains(chromium).send_keys(Keys.TAB).perform()


def test_readers_who_want_no_motion_get_none(chromium, site, emulate):
    emulate("setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    chromium.get(f"{site}/{address(CHAPTERS[0])}")
    moving = chromium.execute_script(
        "return [...document.querySelectorAll('*')].filter(e => {const s = getComputedStyle(e);"
        "return parseFloat(s.transitionDuration) > 0.001 || s.scrollBehavior === 'smooth'}).length"
    )
    assert moving == 0


@every_chapter
def test_without_javascript_everything_can_be_read(chromium, site, emulate, chapter):
    emulate("setScriptExecutionDisabled", value=True)
    chromium.get(f"{site}/{address(chapter)}")
    demo = chromium.find_element("css selector", ".course-demo")
    assert demo.find_element("css selector", "img").size["height"] > 100
    assert not demo.find_element("css selector", "form").is_displayed()
    assert "need JavaScript" in demo.text
    folded = "ancestor::details or ancestor::*[contains(@class, 'course-definition')]"
    formulas = chromium.find_elements("xpath", f"//mjx-container[not({folded})]/*[name()='svg']")
    assert formulas and all(formula.size["width"] > 0 for formula in formulas[:20])
    question = chromium.find_element("css selector", ".question")
    assert question.is_displayed() and question.text


def test_blocked_storage_breaks_nothing(site, browser_with):
    with browser_with({"profile.default_content_setting_values.cookies": 2}) as browser:
        browser.get(f"{site}/{address(CHAPTERS[0])}")
        assert browser.execute_script("document.cookie = 'a=1'; return document.cookie") == ""
        kept = "localStorage.setItem('a', '1'); return localStorage.getItem('a')"
        assert browser.execute_script(kept) is None
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert not severe
        before = browser.execute_script("return document.documentElement.dataset.mode")
        browser.find_element("css selector", ".theme-switch-button").click()
        assert browser.execute_script("return document.documentElement.dataset.mode") != before


def test_a_page_taken_out_of_its_zip_works(chromium, book, tmp_path, emulate):
    """On a phone: the whole archive unpacked, and then one page without anything beside it."""
    archive = shutil.make_archive(str(tmp_path / "book"), "zip", book.html)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "unpacked")
    emulate.window(360, mobile=True)
    page = tmp_path / "unpacked" / address(CHAPTERS[0])
    chromium.get(page.as_uri())
    demo = chromium.find_element("css selector", ".course-demo")
    controls = demo.find_elements("css selector", "input, select")
    chromium.execute_script(
        "arguments[0].value = arguments[0].dataset.count - 1;"
        "arguments[0].dispatchEvent(new Event('input'))",
        controls[-1],
    )
    wait_for_frame(chromium, demo, position(controls))

    alone = tmp_path / "alone.html"
    shutil.copy(page, alone)
    chromium.get(alone.as_uri())
    image = chromium.find_element("css selector", ".course-demo img")
    assert image.size["height"] > 100
    first = base64.b64decode(image.get_attribute("src").split(",")[1])
    assert first.startswith(b"RIFF")
    assert chromium.execute_script(
        "return [...document.querySelectorAll('mjx-assistive-mml')].every(m => m.offsetWidth <= 1)"
    )
