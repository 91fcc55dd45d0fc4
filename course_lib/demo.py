"""Interactive demos that also live on the static page.

``explore(draw, rate=[0.1, 0.5], steps=range(10))`` shows the figure that ``draw(rate, steps)``
returns and lets the reader change the parameters. In Jupyter the controls are ipywidgets and the
figure is drawn anew. On the rendered page there is no kernel, so the figures of all combinations
are computed beforehand and native range inputs choose among them; nothing is loaded from elsewhere.

Frames of a demo share most of their pixels. The page carries the first frame, and for each other
one a lossless image of the pixels that differ; ``demo.js`` puts them together.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import json
import math
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from course_lib import runtime

FRAME_LIMIT = 400
DPI = 100
SCRIPT = Path(__file__).with_suffix(".js")


class Explore:
    """A figure with controls; made by :func:`explore`, shown by the notebook."""

    def __init__(
        self,
        draw: Callable[..., Figure],
        parameters: Mapping[str, Iterable],
        labels: Mapping[str, str] | None = None,
        alt: str | Callable[..., str] = "",
        start: Mapping[str, Any] | None = None,
    ):
        self.draw = draw
        self.parameters = {name: list(values) for name, values in parameters.items()}
        self.labels = {name: name.replace("_", " ") for name in self.parameters} | dict(
            labels or {}
        )
        self.alt = alt
        self.start = {name: values[0] for name, values in self.parameters.items() if values}
        self.start |= dict(start or {})
        self._check()
        if runtime.current().profile == "smoke":
            self.parameters = {
                name: _few(values, self.start[name]) for name, values in self.parameters.items()
            }

    def _check(self) -> None:
        if not self.parameters:
            raise ValueError(
                "explore needs at least one parameter, e.g. explore(draw, rate=[0.1, 0.5])"
            )
        for name, values in self.parameters.items():
            if len(values) < 2:
                raise ValueError(
                    f"the parameter {name!r} needs at least two values, not {values!r}"
                )
        for name in set(self.start) | set(self.labels):
            if name not in self.parameters:
                raise ValueError(
                    f"{name!r} is not a parameter; there are {', '.join(self.parameters)}"
                )
        for name, value in self.start.items():
            if value not in self.parameters[name]:
                raise ValueError(f"{name} starts at {value!r}, which is not among its values")
        count = len(self.settings())
        if count > FRAME_LIMIT:
            raise ValueError(
                f"{count} combinations are more than a page can carry ({FRAME_LIMIT}): "
                "use fewer values"
            )

    def settings(self) -> list[dict[str, Any]]:
        """All combinations of the parameters; the last parameter changes fastest."""
        names = list(self.parameters)
        return [
            dict(zip(names, combination, strict=True))
            for combination in itertools.product(*self.parameters.values())
        ]

    def describe(self, setting: Mapping[str, Any]) -> str:
        """The alternative text of the figure at one setting."""
        return self.alt(**setting) if callable(self.alt) else self.alt

    def frame(self, setting: Mapping[str, Any]) -> np.ndarray:
        """The figure at one setting: pixels, ``(height, width, 3)`` bytes."""
        return _render(self.draw(**setting))

    def to_html(self) -> str:
        """A self-contained HTML element: first frame, controls, the other frames and the script.

        Raises:
            ValueError: the figures differ in size.
        """
        settings = self.settings()
        first = settings.index(self.start)
        pictures = [self.frame(setting) for setting in settings]
        sizes = {picture.shape[1::-1] for picture in pictures}
        if len(sizes) > 1:
            raise ValueError(
                f"the figures of a demo must have one size, not {sorted(sizes)}: give the figure "
                "the same width and height at every setting"
            )
        images, frames = _overlays(pictures[first], pictures)
        alts = [self.describe(setting) for setting in settings]
        # The checksums let a test compare what a browser shows with what the function drew.
        data = {
            "images": images,
            "frames": frames,
            "alts": alts,
            "checksums": [zlib.crc32(picture.tobytes()) for picture in pictures],
        }
        payload = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
        identity = "demo-" + hashlib.sha256(payload.encode()).hexdigest()[:10]
        controls = [
            _native_control(f"{identity}-{name}", self.labels[name], values, self.start[name])
            for name, values in self.parameters.items()
        ]
        height, width = pictures[first].shape[:2]
        return _TEMPLATE.format(
            id=identity,
            src=_data_uri(pictures[first]),
            alt=html.escape(alts[first], quote=True),
            width=width,
            height=height,
            controls="".join(controls),
            data=payload,
            script=SCRIPT.read_text(encoding="utf-8"),
        )

    def widget(self):
        """ipywidgets controls over a figure that is drawn anew at every change."""
        import ipywidgets
        from IPython.display import Image, display

        controls = {
            name: _control(self.labels[name], values, self.start[name])
            for name, values in self.parameters.items()
        }

        def show(**setting):
            display(Image(_encode(self.frame(setting), "png"), alt=self.describe(setting)))

        output = ipywidgets.interactive_output(show, controls)
        return ipywidgets.VBox([*controls.values(), output])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        """Static HTML when a page is being rendered (``COURSE_STATIC=1``), live widgets otherwise.

        Frames are only computed for a page: a session with a kernel should not wait for them.
        """
        names = ", ".join(self.labels.values())
        bundle = {
            "text/plain": f"Demo with {names}. {self.describe(self.start)}",
            "image/png": base64.b64encode(_encode(self.frame(self.start), "png")).decode(),
        }
        if os.environ.get("COURSE_STATIC") == "1":
            return bundle | {"text/html": self.to_html()}
        return bundle | self.widget()._repr_mimebundle_()


def explore(
    draw: Callable[..., Figure],
    *,
    labels: Mapping[str, str] | None = None,
    alt: str | Callable[..., str] = "",
    start: Mapping[str, Any] | None = None,
    **parameters: Iterable,
) -> Explore:
    """Let the reader change the parameters of a figure.

    Args:
        draw: a pure function of its keyword parameters that returns a new figure.
        labels: the name of each control; the parameter's own name by default.
        alt: what the figure shows, for readers who cannot see it; a text, or a function of the
            parameters.
        start: the values to begin with; the first ones by default.
        **parameters: for each parameter of ``draw`` the values it can take on the static page. The
            smoke profile draws the first value, the start and the last one only.

    Raises:
        ValueError: no parameter, a parameter with fewer than two values, an unknown name, or too
            many combinations.
    """
    return Explore(draw, parameters, labels, alt, start)


def _few(values: list, start: Any) -> list:
    """The first value, the start and the last one: enough to prove that a demo runs."""
    kept = {0, values.index(start), len(values) - 1}
    return [value for index, value in enumerate(values) if index in kept]


def _render(figure: Figure) -> np.ndarray:
    """Draw a figure into pixels, ``(height, width, 3)`` bytes, and close it."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set(dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    plt.close(figure)
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _overlays(first: np.ndarray, pictures: list[np.ndarray]) -> tuple[list[str], list[int]]:
    """What to draw over the first picture to get each picture.

    Returns:
        The different images, and for each picture which of them it is; −1 for the first picture.
    """
    images: dict[str, int] = {}
    frames = []
    for picture in pictures:
        differs = (picture != first).any(axis=2)
        if not differs.any():
            frames.append(-1)
            continue
        opaque = np.uint8(255) * differs[:, :, None]
        over = _data_uri(np.concatenate([picture * differs[:, :, None], opaque], axis=2))
        frames.append(images.setdefault(over, len(images)))
    return list(images), frames


def _encode(pixels: np.ndarray, image_format: str) -> bytes:
    """Pixels as the bytes of an image file, without loss."""
    from PIL import Image

    buffer = io.BytesIO()
    options = {"lossless": True, "quality": 50, "method": 3} if image_format == "webp" else {}
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def _data_uri(pixels: np.ndarray) -> str:
    return "data:image/webp;base64," + base64.b64encode(_encode(pixels, "webp")).decode()


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_numeric(values: list) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _native_control(identity: str, label: str, values: list, start: Any) -> str:
    """A labelled range input for numbers, a labelled select for anything else."""
    texts = [html.escape(_text(value), quote=True) for value in values]
    position = values.index(start)
    label = html.escape(label)
    if not _is_numeric(values):
        options = "".join(
            f'<option value="{i}"{" selected" if i == position else ""}>{text}</option>'
            for i, text in enumerate(texts)
        )
        return (
            f'<div class="course-demo-control"><label for="{identity}">{label}</label>'
            f'<select id="{identity}" data-count="{len(values)}" autocomplete="off">{options}'
            "</select></div>"
        )
    return (
        f'<div class="course-demo-control"><label for="{identity}">{label}</label>'
        f'<input type="range" id="{identity}" min="0" max="{len(values) - 1}" step="1" '
        f'value="{position}" '
        f'data-count="{len(values)}" data-texts="{html.escape(json.dumps(texts), quote=True)}" '
        f'aria-valuetext="{texts[position]}" autocomplete="off">'
        f'<output for="{identity}">{texts[position]}</output></div>'
    )


def _control(label: str, values: list, start: Any):
    """The ipywidgets control for a list of values: continuous where the values are numbers."""
    import ipywidgets

    style = {"description_width": "initial"}
    if not _is_numeric(values):
        return ipywidgets.Dropdown(options=values, value=start, description=label, style=style)
    low, high = min(values), max(values)
    if all(isinstance(value, int) for value in values):
        step = math.gcd(*(value - low for value in values))
        return ipywidgets.IntSlider(start, low, high, step, description=label, style=style)
    if low > 0 and high / low >= 50:
        limits = {"min": math.log10(low), "max": math.log10(high), "step": 0.01}
        return ipywidgets.FloatLogSlider(start, **limits, description=label, style=style)
    step = (high - low) / 100
    return ipywidgets.FloatSlider(
        start, min=low, max=high, step=step, description=label, style=style
    )


_TEMPLATE = """<div class="course-demo" id="{id}">
<img src="{src}" alt="{alt}" width="{width}" height="{height}" style="max-width:100%;height:auto">
<form class="course-demo-controls" onsubmit="return false">{controls}\
<button type="button" class="course-demo-play" aria-pressed="false">▶ <span>Play</span></button>
</form>
<p class="course-demo-spoken" aria-live="polite"></p>
<p class="course-demo-note">The other pictures of this demo could not be loaded.</p>
<noscript><p>The controls of this demo need JavaScript. Its first picture is shown.</p></noscript>
<script type="application/json">{data}</script>
<script>{script}</script>
</div>"""
