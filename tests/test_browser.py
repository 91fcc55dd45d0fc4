"""The rendered pages in a real browser: demos respond, nothing is loaded from elsewhere."""

import base64
import io
import json

import numpy as np
import pytest
from chapter import ROOT, chapters
from PIL import Image

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)


def address(chapter) -> str:
    return chapter.path.relative_to(ROOT / "book").with_suffix(".html").as_posix()


@pytest.fixture(params=["http", "file"])
def root(request, book, site):
    """The two ways in which readers open the book."""
    return site if request.param == "http" else book.html.as_uri()


def shown(demo) -> tuple[str, str]:
    image = demo.find_element("tag name", "img")
    return image.get_attribute("src"), image.get_attribute("alt")


@every_chapter
def test_every_control_changes_the_frame(chromium, root, chapter):
    from selenium.webdriver.common.keys import Keys

    chromium.get(f"{root}/{address(chapter)}")
    demos = chromium.find_elements("css selector", ".course-demo")
    assert demos
    for demo in demos:
        data = json.loads(
            demo.find_element("css selector", "script[type='application/json']").get_attribute(
                "textContent"
            )
        )
        controls = demo.find_elements("css selector", "input, select")
        for control in controls:  # at the beginning some have no effect: no step taken yet
            control.send_keys(Keys.END)
        for control in controls:
            assert control.accessible_name
            control.send_keys(Keys.HOME)
            seen = {shown(demo)}
            for _step in range(int(control.get_attribute("data-count")) - 1):
                control.send_keys(Keys.ARROW_DOWN if control.tag_name == "select" else Keys.RIGHT)
                source, alt = shown(demo)
                index = int(demo.get_attribute("data-frame"))
                assert data["frames"][index] in (source, None) and data["alts"][index] == alt
                seen.add((source, alt))
            assert len({source for source, _alt in seen}) > 1, "the control changes nothing"
            assert control.get_attribute("value") == str(
                int(control.get_attribute("data-count")) - 1
            )


@every_chapter
def test_play_runs_to_the_end(chromium, site, chapter):
    from selenium.webdriver.support.ui import WebDriverWait

    chromium.get(f"{site}/{address(chapter)}")
    demo = chromium.find_element("css selector", ".course-demo")
    controls = demo.find_elements("css selector", "input, select")
    button = demo.find_element("tag name", "button")
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    last = str(int(controls[-1].get_attribute("data-count")) - 1)
    WebDriverWait(chromium, 60).until(lambda _: controls[-1].get_attribute("value") == last)
    WebDriverWait(chromium, 5).until(lambda _: button.get_attribute("aria-pressed") == "false")


@every_chapter
def test_the_page_loads_without_errors_and_without_foreign_requests(chromium, site, chapter):
    for kind in ("performance", "browser"):
        chromium.get_log(kind)
    chromium.get(f"{site}/{address(chapter)}")
    chromium.execute_async_script("MathJax.startup.promise.then(arguments[0])")
    requests, failed = [], []
    for entry in chromium.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            requests.append(message["params"]["request"]["url"])
        if message["method"] == "Network.loadingFailed":
            failed.append(message["params"])
    assert requests and not failed
    assert not [url for url in requests if not url.startswith((site, "data:"))]
    assert not [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert chromium.find_elements("css selector", "mjx-container")
    assert not chromium.find_elements("css selector", "mjx-merror")


@every_chapter
def test_nothing_is_wider_than_a_phone(chromium, site, chapter):
    chromium.set_window_size(360, 780)
    try:
        device = {"width": 360, "height": 780, "deviceScaleFactor": 1, "mobile": True}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
        chromium.get(f"{site}/{address(chapter)}")
        chromium.execute_async_script("MathJax.startup.promise.then(arguments[0])")
        width = chromium.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.set_window_size(1280, 900)


@every_chapter
def test_without_javascript_the_first_frames_can_be_seen(book, chapter):
    page = (book.html / address(chapter)).read_text(encoding="utf-8")
    first = page.split('class="course-demo"')[1].split('<img src="data:image/webp;base64,')[1]
    image = Image.open(io.BytesIO(base64.b64decode(first.split('"')[0])))
    assert np.asarray(image.convert("L")).std() > 1
