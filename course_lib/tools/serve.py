"""Serves the built book on this machine only."""

from __future__ import annotations

import errno
import functools
import webbrowser
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from course_lib.tools.chapters import Project, ProjectError


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not worth a line each."""

    def send_error(self, code: int, *words: object, **more: object) -> None:
        """A wrong address gets the book's own page, as on the published site."""
        page = Path(self.directory, "404.html")
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            return super().send_error(code, *words, **more)
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def serve_book(project: Project, port: int = 8000, open_browser: bool = True) -> None:
    """Serve ``_build/html`` until Ctrl-C; a port that is taken is replaced by a free one.

    Raises:
        ProjectError: the book has not been built.
    """
    if not (project.html / "index.html").is_file():
        raise ProjectError(f"no book in {project.html}; build it first with: course book")
    with bind(project, port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"The book is at {address} (Ctrl-C ends)", flush=True)
        if open_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def bind(project: Project, port: int) -> ThreadingHTTPServer:
    """A server for the built book at this port, or at a free one."""
    handler = functools.partial(_Handler, directory=str(project.html))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)
