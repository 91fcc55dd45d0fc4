"""Numbers that the text states, measured and bounded.

``claim("lenet-mnist-accuracy", accuracy, low=0.985)`` prints the number, raises when it leaves
its band and makes it available to the prose of the chapter as
``{glue:text}`lenet-mnist-accuracy:.3f```.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from IPython.display import display

from course_lib import runtime

SETTINGS = ("smoke", "cpu", "gpu", "stand-in")
FULL = "full"  # in a band: both cpu and gpu, on the real data
Bound = float | Mapping[str, float] | None


class ClaimError(AssertionError):
    """A measured number lies outside the band that the text promises."""


def claim(
    name: str, value: float, low: Bound = None, high: Bound = None, *, data: Any = None
) -> None:
    """Record a measured number and check that it lies in its band.

    Args:
        name: a unique name in kebab-case, for example ``lenet-mnist-accuracy``.
        value: the measured number; anything that ``float`` accepts. Integers stay integers in the
            text.
        low: the smallest allowed value. A number holds in every setting; a mapping such as
            ``{"full": 0.985, "stand-in": 0.93}`` bounds only the settings that it names.
            Settings are the three profiles, and ``stand-in`` for a ``cpu`` or ``gpu`` run on
            stand-in data.
        high: the largest allowed value, likewise.
        data: the data set that the number was measured on; its ``source`` decides the setting.

    Raises:
        ClaimError: the value is outside its band, or is NaN. The number is recorded all the same.
        ValueError: a mapping names an unknown setting.
    """
    number = value if isinstance(value, int) else float(value)
    setting = _setting(data)
    lower, upper = _bound(low, setting), _bound(high, setting)
    ok = not (
        math.isnan(number)
        or (lower is not None and number < lower)
        or (upper is not None and number > upper)
    )
    band = _describe(lower, upper)
    record = {
        "name": name,
        "value": number,
        "low": lower,
        "high": upper,
        "setting": setting,
        "profile": runtime.current().profile,
        "source": getattr(data, "source", None),
        "ok": ok,
    }
    _publish(record, f"{'✓' if ok else '✗'} {name} = {_text(number)}{band}")
    if not ok:
        raise ClaimError(
            f"claim {name!r} is {_text(number)}, outside its band{band}, in the setting "
            f"{setting!r}. Either the code has a fault, or the text promises too much: find out "
            "which before changing the band."
        )


def _setting(data: Any) -> str:
    profile = runtime.current().profile
    standin = getattr(data, "source", None) == "stand-in"
    return "stand-in" if standin and profile != "smoke" else profile


def _bound(bound: Bound, setting: str) -> float | None:
    if not isinstance(bound, Mapping):
        return bound
    unknown = set(bound) - {*SETTINGS, FULL}
    if unknown:
        known = ", ".join((*SETTINGS, FULL))
        raise ValueError(f"unknown setting {sorted(unknown)}; choose from {known}")
    if setting in ("cpu", "gpu") and setting not in bound:
        return bound.get(FULL)
    return bound.get(setting)


def _describe(lower: float | None, upper: float | None) -> str:
    if lower is None and upper is None:
        return ""
    if lower == upper:
        return f" (must be {_text(lower)})"
    left = "" if lower is None else f"{_text(lower)} ≤ "
    right = "" if upper is None else f" ≤ {_text(upper)}"
    return f" (must be {left}x{right})"


def _text(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.6g}"


def _publish(record: dict, line: str) -> None:
    """Print one line, and hand the number to the prose the way ``myst_nb.glue`` does.

    MyST-NB looks for outputs with ``scrapbook`` metadata; writing them here spares every notebook
    the second that importing Sphinx would cost. The runner collects the ``course`` metadata into
    ``claims.json``.
    """
    print(line)
    prefix = "application/papermill.record/"
    display(
        {f"{prefix}text/plain": repr(record["value"])},
        raw=True,
        metadata={
            "scrapbook": {"name": record["name"], "mime_prefix": prefix},
            "course": {"claim": record},
        },
    )
