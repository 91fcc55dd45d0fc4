"""Serves the built book on this machine only."""

from __future__ import annotations

import errno
import functools
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from course_lib.tools.chapters import Project, ProjectError


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not worth a line each."""

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
