"""Stand-ins for texts: sentences from a small grammar, and number words in three languages."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable

SEED = 20_240_603

_ADJECTIVES = ("old", "strange", "quiet", "white", "dark", "little", "brass", "distant", "pale")
_PEOPLE = ("traveller", "doctor", "editor", "young man", "psychologist", "child", "stranger")
_THINGS = ("machine", "lamp", "garden", "river", "tower", "clock", "door", "fire", "palace", "moon")
_VERBS = ("looked at", "remembered", "turned to", "touched", "watched", "spoke of", "found")
_PLACES = ("in the hall", "by the fire", "under the hill", "near the river", "in the laboratory")
_TIMES = ("that evening", "at last", "for a moment", "in the morning", "after a while", "once more")
_ADVERBS = ("slowly", "suddenly", "quietly", "again", "without a word", "with care")
_TEMPLATES = (
    "The {a} {p} {v} the {b} {t} {place}.",
    "{time}, the {p} {v} the {t}, and the {q} said nothing.",
    "I {v} the {a} {t} {adverb}, because the {p} was {place}.",
    "There was a {a} {t} {place}; the {p} {v} it {adverb}.",
    "'Where is the {t}?' said the {p}. 'It stands {place},' said the {q}.",
    "{time} the {t} grew {a}, and we {v} the {b} {u}.",
)


def story() -> str:
    """A text about a traveller and a machine, some 180,000 characters, in lines of 70."""
    rng = random.Random(SEED)
    blocks = ["A Traveller's Tale, from a small grammar"]
    for _ in range(370):
        sentences = [_sentence(rng) for _ in range(rng.randint(4, 9))]
        blocks.append(textwrap.fill(" ".join(sentences), 70))
    return "\n\n".join(blocks) + "\n"


def _sentence(rng: random.Random) -> str:
    sentence = rng.choice(_TEMPLATES).format(
        a=rng.choice(_ADJECTIVES),
        b=rng.choice(_ADJECTIVES),
        p=rng.choice(_PEOPLE),
        q=rng.choice(_PEOPLE),
        t=rng.choice(_THINGS),
        u=rng.choice(_THINGS),
        v=rng.choice(_VERBS),
        place=rng.choice(_PLACES),
        time=rng.choice(_TIMES),
        adverb=rng.choice(_ADVERBS),
    )
    return sentence[0].upper() + sentence[1:]


def number_pairs(spell: Callable[[int], str]) -> list[tuple[str, str]]:
    """The numbers from 0 to 9,999 in English and as ``spell`` has them, shortest English first."""
    pairs = [(english(n), spell(n)) for n in range(10_000)]
    return sorted(pairs, key=lambda pair: (len(pair[0]), pair))


_ENGLISH = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def english(n: int) -> str:
    """Spell a number from 0 to 9,999 in English.

    >>> english(3205)
    'three thousand two hundred and five'
    """
    if n < 20:
        return _ENGLISH[n]
    if n < 100:
        ones = f"-{_ENGLISH[n % 10]}" if n % 10 else ""
        return _ENGLISH_TENS[n // 10 - 2] + ones
    if n < 1_000:
        rest = f" and {english(n % 100)}" if n % 100 else ""
        return f"{_ENGLISH[n // 100]} hundred{rest}"
    rest = n % 1_000
    join = "" if rest == 0 else " and " if rest < 100 else " "
    return f"{_ENGLISH[n // 1_000]} thousand{join}{english(rest) if rest else ''}"


def chinese(n: int) -> str:
    """Spell a number from 0 to 9,999 in Chinese.

    >>> chinese(3205), chinese(15), chinese(1010)
    ('三千二百零五', '十五', '一千零一十')
    """
    digits = "零一二三四五六七八九"
    if n < 10:
        return digits[n]
    text, gap = "", False
    for value, unit in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = n // value % 10
        if digit:
            text += ("零" if gap and text else "") + digits[digit] + unit
        gap = digit == 0
    return text.removeprefix("一") if n < 20 else text


_FRENCH = (
    *("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    *("onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"),
)
_FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}


def french(n: int) -> str:
    """Spell a number from 0 to 9,999 in French (traditional spelling).

    >>> french(71), french(80), french(81), french(3200)
    ('soixante et onze', 'quatre-vingts', 'quatre-vingt-un', 'trois mille deux cents')
    """
    if n < 100:
        return _french_below_hundred(n)
    hundreds, rest = n // 100 % 10, n % 100
    words = []
    if n >= 1_000:
        words.append("mille" if n < 2_000 else f"{_FRENCH[n // 1_000]} mille")
    if hundreds:
        plural = "s" if hundreds > 1 and rest == 0 else ""
        words.append(f"cent{plural}" if hundreds == 1 else f"{_FRENCH[hundreds]} cent{plural}")
    if rest:
        words.append(_french_below_hundred(rest))
    return " ".join(words)


def _french_below_hundred(n: int) -> str:
    if n < 20:
        return _FRENCH[n]
    if n >= 80:
        return "quatre-vingts" if n == 80 else f"quatre-vingt-{_FRENCH[n - 80]}"
    tens = 6 if n >= 60 else n // 10
    rest = n - 10 * tens
    if rest == 0:
        return _FRENCH_TENS[tens]
    join = " et " if rest in (1, 11) else "-"
    return _FRENCH_TENS[tens] + join + _FRENCH[rest]
