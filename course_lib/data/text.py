"""Text: a novel for language models, and sentence pairs for translation."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from course_lib.data import sources
from course_lib.data.cards import card
from course_lib.data.dataset import DataSet

LANGUAGES = {"eng-cmn": "Chinese", "eng-fra": "French"}


@dataclass(frozen=True)
class Text(DataSet):
    """A text as one string.

    Attributes:
        text: the characters, with line breaks.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    text: str

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class SentencePairs(DataSet):
    """English sentences with a translation each, shortest English sentence first.

    Attributes:
        pairs: ``(english, translation)`` tuples; one English sentence may come several times.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    pairs: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __getitem__(self, index: int | slice):
        return self.pairs[index]


def time_machine() -> Text:
    """The novel *The Time Machine* as plain text, 178,979 characters.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Wells (1895), in the edition of *Dive into Deep Learning*; see ``card("time-machine")``.
    """
    from course_lib.data.standins import text

    loaded = sources.load(
        "time-machine", lambda files: decode(files.read("timemachine.txt")), text.story
    )
    content = f"{len(loaded.value):,} characters, {len(loaded.value.split()):,} words"
    sources.describe("time-machine", loaded, content, "sentences from a small generated grammar")
    return Text(loaded.value, card=card("time-machine"), source=loaded.source)


def sentence_pairs(name: str = "eng-cmn") -> SentencePairs:
    """English sentences with their translation.

    Args:
        name: ``eng-cmn`` (Chinese, about 29,000 pairs) or ``eng-fra`` (French, at least 142,000).

    Returns:
        The pairs. The stand-in has number words: ``("forty-two", "四十二")``.

    Raises:
        ValueError: another name.
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Tatoeba Project and manythings.org; see ``card("eng-cmn")`` and ``card("eng-fra")``.
    """
    _check_language(name)
    loaded = sources.load(name, lambda files: _read_pairs(files, name), lambda: number_pairs(name))
    content = f"{len(loaded.value):,} pairs, English and {LANGUAGES[name]}"
    sources.describe(name, loaded, content, "number words from zero to 9,999")
    return SentencePairs(loaded.value, card=card(name), source=loaded.source)


def number_pairs(name: str = "eng-cmn") -> list[tuple[str, str]]:
    """The numbers from 0 to 9,999 in English words and in another language, shortest first.

    Args:
        name: ``eng-cmn`` (Chinese numerals) or ``eng-fra`` (French words).

    Raises:
        ValueError: another name.
    """
    from course_lib.data.standins import text

    _check_language(name)
    return text.number_pairs({"eng-cmn": text.chinese, "eng-fra": text.french}[name])


def _check_language(name: str) -> None:
    if name not in LANGUAGES:
        raise ValueError(f"there are no pairs {name!r}; choose one of {', '.join(LANGUAGES)}")


def decode(content: bytes) -> str:
    """UTF-8 text with Unix line ends.

    Raises:
        DamagedFile: the content is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise sources.DamagedFile(f"the text is not UTF-8: {error}") from error


def _read_pairs(files: sources.Files, name: str) -> list[tuple[str, str]]:
    packed = files.names(end=".zip")
    if not packed:
        return parse_pairs(decode(files.read("cmn.txt")))
    member = name.split("-")[1] + ".txt"
    with zipfile.ZipFile(io.BytesIO(files.read(packed[0]))) as archive:
        found = [path for path in archive.namelist() if path.split("/")[-1] == member]
        if not found:
            raise sources.DamagedFile(f"{packed[0]} holds no {member}")
        return parse_pairs(decode(archive.read(found[0])))


def parse_pairs(text: str, least: int = 1_000) -> list[tuple[str, str]]:
    """Split lines of ``English, tab, translation`` (and perhaps a tab and an attribution).

    Args:
        text: the file.
        least: fewer pairs than this mean that the file is not what it should be.

    Raises:
        DamagedFile: a line has no tab, an empty side, or there are too few lines.

    >>> parse_pairs("Hi.\\t嗨。\\tCC-BY 2.0 (France)", least=1)
    [('Hi.', '嗨。')]
    """
    pairs = []
    for number, line in enumerate(text.strip("\n").split("\n"), start=1):
        fields = line.split("\t")
        if not 2 <= len(fields) <= 3 or not fields[0] or not fields[1]:
            raise sources.DamagedFile(f"line {number} is no pair of sentences: {line[:60]!r}")
        pairs.append((fields[0], fields[1]))
    if len(pairs) < least:
        raise sources.DamagedFile(f"there are {len(pairs)} pairs; expected at least {least:,}")
    return pairs
