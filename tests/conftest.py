"""What several test files need: the book in the smoke profile, and a browser."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT_FILES = ("_config.yml", "_toc.yml", "constraints.txt", "pyproject.toml")


# Files whose tests need the book: in one process, because the book takes minutes to build.
WITH_BOOK = {
    "test_book",
    "test_browser",
    "test_measurements",
    "test_pdf",
    "test_search",
    "test_site",
}


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if "book" in item.fixturenames and item.path.stem not in WITH_BOOK:
            raise pytest.UsageError(f"{item.path.name} uses the book: add it to WITH_BOOK")


@pytest.hookimpl(optionalhook=True)  # without the plugin one process runs everything
def pytest_xdist_make_scheduler(config, log):
    """Run side by side what shares no costly fixture: files, or single assignments."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFixture(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name = Path(nodeid.partition("::")[0]).stem
            if name == "test_assignments":
                return nodeid.partition("[")[2]
            return "book" if name in WITH_BOOK else name

    return ByFixture(config, log)


@dataclass(frozen=True)
class Book:
    """A copy of the project, executed in the smoke profile and rendered with warnings as errors."""

    root: Path
    log: str

    @property
    def html(self) -> Path:
        return self.root / "_build" / "html"

    @property
    def executed(self) -> Path:
        return self.root / "_build" / "executed" / "smoke"

    def notebooks(self) -> dict[str, dict]:
        """The executed notebooks by slug."""
        return {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self.executed.rglob("*.ipynb"))
        }

    def pages(self) -> list[Path]:
        """The pages that readers see, without Sphinx's own."""
        own = {"404.html", "genindex.html", "search.html"}
        found = sorted(self.html.rglob("*.html"))
        return [p for p in found if p.name not in own and "_static" not in p.parts]


@pytest.fixture(scope="session")
def book(tmp_path_factory) -> Book:
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "book", root / "book", ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    shutil.copytree(ROOT / "exercises", root / "exercises")
    for name in PROJECT_FILES:
        shutil.copy(ROOT / name, root / name)
    command = [sys.executable, "-m", "course_lib.tools.cli", "book", "--profile", "smoke"]
    done = subprocess.run([*command, "--strict"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-6000:]
    return Book(root, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def browser_with():
    """Start a headless browser with some preferences; its console and requests are recorded."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("no chromium and chromedriver found: install them to run the browser tests")
    from selenium import webdriver

    started = []

    def start(preferences: dict):
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        options.add_experimental_option("prefs", preferences)
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--force-color-profile=srgb",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--window-size=1280,900",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=driver)
        started.append(webdriver.Chrome(options=options, service=service))
        return started[-1]

    yield start
    for one in started:
        one.quit()


@pytest.fixture(scope="session")
def one_browser(browser_with):
    browser = browser_with({})
    browser.set_script_timeout(120)
    return browser


@pytest.fixture(scope="module")
def chromium(one_browser):
    """A headless browser that reaches this machine only; between test files it shows no page."""
    yield one_browser
    one_browser.get("about:blank")


@pytest.fixture(scope="session")
def site(book):
    """The address at which the book is served."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=book.html)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
