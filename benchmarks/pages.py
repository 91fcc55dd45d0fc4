"""What a reader's browser loads for each page of the built book, and how long it takes.

    course book && python benchmarks/pages.py               # every page
    python benchmarks/pages.py linear-models/perceptron     # one page
    python benchmarks/pages.py --plain                      # beside a plain Jupyter Book

Needs Chromium and its driver. The book is served from this machine, compressed with gzip as hosts
do, to a browser without any other network. For each page, with an empty cache: kilobytes and
requests until the reader has scrolled to the end; milliseconds to the first contentful paint, and
until the page is interactive (its scripts have run and no task blocks the browser); how much the
text moved.
Then the kilobytes of a second visit, and of the visit of a reader who comes from another chapter.

``--plain`` builds the same executed notebooks with Jupyter Book's default settings. Its pages ask
foreign servers for files; those requests fail here and are counted, their bytes are missing.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver

from course_lib.tools.chapters import Project, all_chapters

TEXT = {".html", ".css", ".js", ".svg", ".json", ".xml"}
MEASURE = """
const done = arguments[0], long = [];
let shift = 0;
const text = document.querySelector("article");
function observe(type, each) {
  new PerformanceObserver(list => list.getEntries().forEach(each)).observe({type, buffered: true});
}
observe("longtask", task => long.push(task.startTime + task.duration));
observe("layout-shift", entry => {
  if (entry.sources.some(source => text.contains(source.node))) shift += entry.value;
});
async function scroll() {
  await new Promise(next => setTimeout(next, 400));
  const navigation = performance.getEntriesByType("navigation")[0];
  const ready = Math.max(navigation.domContentLoadedEventEnd, ...long);
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  for (let y = 0; y < document.documentElement.scrollHeight; y += 600) {
    window.scrollTo(0, y);
    await new Promise(next => setTimeout(next, 40));
  }
  await new Promise(next => setTimeout(next, 400));
  done({paint, ready, shift});
}
if (document.readyState === "complete") scroll(); else addEventListener("load", scroll);
"""


@dataclass
class Visit:
    kilobytes: float
    requests: int
    foreign: int
    paint: float
    ready: float
    shift: float


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files compressed, and lets the browser keep them, as hosts of static sites do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        tag = f'"{path.stat().st_mtime_ns}"'
        content = b"" if self.headers.get("If-None-Match") == tag else path.read_bytes()
        self.send_response(200 if content else 304)
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", "max-age=600")
        self.send_header("Content-Type", self.guess_type(str(path)))
        if content and path.suffix in TEXT:
            content = compressed(path, tag)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@functools.cache
def compressed(path: Path, tag: str) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-background-networking", "--disable-sync",
        "--disable-component-update", "--window-size=1280,900",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def visit(driver: webdriver.Chrome, address: str) -> Visit:
    """Open a page, scroll to its end, and count."""
    driver.get("about:blank")
    driver.get_log("performance")
    driver.get(address)
    times = driver.execute_async_script(MEASURE)
    size, own, foreign = 0, 0, 0
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            own += url.startswith("http://127.0.0.1")
            foreign += url.startswith("http") and not url.startswith("http://127.0.0.1")
        if message["method"] == "Network.loadingFinished":
            size += message["params"]["encodedDataLength"]
    return Visit(size / 1000, own, foreign, times["paint"], times["ready"], times["shift"])


def measure(driver, root: str, page: str, other: str, repeat: int) -> list[str]:
    """One row of the table."""
    first: list[Visit] = []
    for _ in range(repeat):
        driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        first.append(visit(driver, f"{root}/{page}"))
    again = visit(driver, f"{root}/{page}")
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    visit(driver, f"{root}/{other}")
    next_page = visit(driver, f"{root}/{page}")
    middle = {
        name: statistics.median(getattr(one, name) for one in first)
        for name in ("kilobytes", "requests", "foreign", "paint", "ready")
    }
    return [
        page.removesuffix(".html"),
        *(f"{value:.0f}" for value in middle.values()),
        f"{max(one.shift for one in first):.3f}",
        f"{again.kilobytes:.0f}",
        f"{next_page.kilobytes:.0f}",
    ]


HEAD = ["page", "kB", "requests", "foreign", "paint ms", "ready ms", "shift", "again kB", "next kB"]


def report(title: str, folder: Path, pages: list[str], chapters: list[str], repeat: int) -> None:
    print(f"\n{title}")
    print(("{:44}" + "{:>9}" * 8).format(*HEAD))
    with served(folder) as root, browser() as driver:
        driver.execute_cdp_cmd("Network.enable", {})
        visit(driver, f"{root}/{pages[0]}")  # the browser's own start
        for page in pages:
            other = next(name for name in chapters if name != page)
            print(
                ("{:44}" + "{:>9}" * 8).format(*measure(driver, root, page, other, repeat)),
                flush=True,
            )


def plain_book(project: Project, folder: Path, profile: str) -> Path:
    """The executed chapters as Jupyter Book renders them with default settings."""
    chapters = all_chapters(project)
    for chapter in chapters:
        target = folder / f"{chapter.docname}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chapter.executed(profile), target)
    names = [f"- file: {chapter.docname}" for chapter in chapters]
    (folder / "index.md").write_text("# Plain\n")
    (folder / "_toc.yml").write_text(
        "\n".join(["format: jb-book", "root: index", "chapters:", *names])
    )
    (folder / "_config.yml").write_text("title: Plain\nexecute: {execute_notebooks: 'off'}\n")
    command = [Path(sys.executable).parent / "jupyter-book", "build", "-q", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "_build" / "html"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", help="for example linear-models/perceptron")
    parser.add_argument("--profile", default="cpu", choices=["smoke", "cpu", "gpu"])
    parser.add_argument("--plain", action="store_true", help="also a plain Jupyter Book")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    project = Project.find()
    chapters = [f"{chapter.docname}.html" for chapter in all_chapters(project)]
    every = [path.relative_to(project.html) for path in project.html.rglob("*.html")]
    found = sorted(path.as_posix() for path in every if path.parts[0] != "_static")
    pages = [f"{name}.html" for name in options.pages] or found
    report("this book", project.html, pages, chapters, options.repeat)
    if options.plain:
        with tempfile.TemporaryDirectory() as folder:
            plain = plain_book(project, Path(folder), options.profile)
            report("plain Jupyter Book", plain, chapters, chapters, options.repeat)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - started:.0f} s")
