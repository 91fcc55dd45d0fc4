"""A page of grading in a browser, light and dark, wide and on a phone."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from pathlib import Path
from typing import Any

AXE = """const done = arguments[0];
axe.run({exclude: [['mjx-container > svg']]}).then(found => done(found.violations.map(
  rule => [rule.id, rule.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])))"""


def looks(browser: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    """What is wrong with a page: violations that axe finds, and content wider than the window."""
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    try:
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            browser.get(path.as_uri())
            assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
            if browser.execute_script("return document.documentElement.scrollWidth") > width:
                yield width, scheme, "wider than the window"
            browser.execute_script(axe.read_text(encoding="utf-8"))
            for violation in browser.execute_async_script(AXE):
                yield width, scheme, *violation
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
