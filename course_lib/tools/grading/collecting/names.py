"""Names that come from elsewhere, made fit for folders, nbgrader and spreadsheets."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST_ID = 128  # characters: the width of the column in nbgrader's gradebook
LONGEST_NAME = 150  # bytes; file systems allow 255
# Not possible in a file name somewhere, a wildcard or separator for nbgrader, or the escape itself.
RESERVED = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff/\\:*?"<>|\[\],%]')
EDGES = re.compile(r"^[. ]|[. ]$")
ENDINGS = re.compile(r"\.(ipynb|json|txt|zip)$", re.IGNORECASE)
COPY_MARKS = re.compile(r"[\s_-]*(\(\d+\)|-?\s*copy\s*\d*|-copy\d+)$", re.IGNORECASE)


class UnusableId(ValueError):
    """A student's id that nbgrader cannot store."""


def safe_id(name: str) -> str:
    """A student id that is a folder's name and matches itself in nbgrader's searches.

    Characters that cannot be used are written as in web addresses: ``a/b`` becomes ``a%2Fb``.
    :func:`original_id` turns it back.

    Raises:
        UnusableId: the name is empty or too long.
    """
    name = unicodedata.normalize("NFC", name)
    safe = EDGES.sub(_escape, RESERVED.sub(_escape, name))
    if not safe:
        raise UnusableId("the student's id is empty")
    if len(safe) > LONGEST_ID or len(safe.encode()) > LONGEST_NAME:
        raise UnusableId(f"the student's id is longer than {LONGEST_ID} characters")
    return safe


def original_id(safe: str) -> str:
    """The name from which :func:`safe_id` made an id, in Unicode's composed form."""
    return unquote_to_bytes(safe).decode("utf-8", errors="surrogatepass")


def _escape(found: re.Match) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", errors="surrogatepass"))


def safe_name(name: str) -> str:
    """The name of a file or folder, as like the given one as any file system allows."""
    safe = EDGES.sub(_escape, RESERVED.sub(_escape, name)) or "unnamed"
    if len(safe.encode()) <= LONGEST_NAME:
        return safe
    digest = hashlib.sha256(safe.encode()).hexdigest()[:8]
    stem, dot, ending = safe.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = safe, "", ""
    return stem.encode()[:100].decode(errors="ignore") + f"~{digest}{dot}{ending}"


def plain(name: str) -> str:
    """A name for comparing: without case, accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def stem(name: str) -> str:
    """A file name without the endings and marks that programs add: ``a (1).ipynb.txt`` is ``a``."""
    while (shorter := ENDINGS.sub("", name)) != name:
        name = shorter
    return COPY_MARKS.sub("", name).strip()


def printable(text: str) -> str:
    """A text that any terminal takes: broken characters replaced, spaces around it shown."""
    shown = "".join(c if c.isprintable() or c == " " else "�" for c in text)
    shown = f"'{shown}'" if shown != shown.strip() else shown
    return shown.encode("utf-8", errors="replace").decode()


def cell_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    Excel, LibreOffice and Google Sheets run what begins with ``=``, ``+``, ``-``, ``@``, a tab or a
    carriage return; an apostrophe in front makes it text.
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
