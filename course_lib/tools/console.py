"""How the commands end: one message for a person, and an exit code."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import click

INTERRUPTED = 130


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Turn what can go wrong into one message and an exit code."""
    from course_lib.tools.chapters import ProjectError

    signal.signal(signal.SIGTERM, _as_keyboard_interrupt)
    try:
        yield
    except ProjectError as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        fail("interrupted; what had finished is kept", INTERRUPTED)
    except OSError as error:
        advice = "free some space or change its permissions, then repeat"
        fail(f"{error.filename or '_build'}: {error.strerror}; {advice}", 1)


def _as_keyboard_interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def fail(message: str, code: int) -> Any:
    click.echo(f"course: {message}", err=True)
    sys.exit(code)
