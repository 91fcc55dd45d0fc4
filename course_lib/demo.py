"""Interactive demos that also live on the static page.

``explore(draw, rate=[0.1, 0.5], steps=range(10))`` shows the figure that ``draw(rate, steps)``
returns and lets the reader change the parameters. In Jupyter the controls are ipywidgets and the
figure is drawn anew. On the rendered page there is no kernel, so the figures of all combinations
are computed beforehand and native range inputs choose among them; nothing is loaded from elsewhere.
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
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from matplotlib.figure import Figure

from course_lib import runtime

FRAME_LIMIT = 400
DPI = 110


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

    def frame(self, setting: Mapping[str, Any], image_format: str = "webp") -> bytes:
        """The figure at one setting as the bytes of an image file (``webp`` or ``png``)."""
        return _render(self.draw(**setting), image_format)

    def to_html(self) -> str:
        """A self-contained HTML element: first frame, controls and a few lines of script."""
        settings = self.settings()
        first = settings.index(self.start)
        images = [self.frame(setting) for setting in settings]
        alts = [self.describe(setting) for setting in settings]
        identity = "demo-" + hashlib.sha256(b"".join(images)).hexdigest()[:10]
        controls = [
            _native_control(f"{identity}-{name}", self.labels[name], values, self.start[name])
            for name, values in self.parameters.items()
        ]
        frames = [None if i == first else _data_uri(image) for i, image in enumerate(images)]
        data = {"frames": frames, "alts": alts, "first": first}
        width, height = _size(images[first])
        return _TEMPLATE.format(
            id=identity,
            src=_data_uri(images[first]),
            alt=html.escape(alts[first], quote=True),
            width=width,
            height=height,
            controls="".join(controls),
            data=json.dumps(data).replace("<", "\\u003c"),
            script=_SCRIPT,
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
            display(Image(_render(self.draw(**setting), "png"), alt=self.describe(setting)))

        output = ipywidgets.interactive_output(show, controls)
        return ipywidgets.VBox([*controls.values(), output])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        """Static HTML when a page is being rendered (``COURSE_STATIC=1``), live widgets otherwise.

        Frames are only computed for a page: a session with a kernel should not wait for them.
        """
        names = ", ".join(self.labels.values())
        bundle = {
            "text/plain": f"Demo with {names}. {self.describe(self.start)}",
            "image/png": base64.b64encode(self.frame(self.start, "png")).decode(),
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


def _render(figure: Figure, image_format: str) -> bytes:
    """Draw a figure into the bytes of an image file and close it."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set(dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    plt.close(figure)
    buffer = io.BytesIO()
    pixels.convert("RGB").save(buffer, image_format, quality=78)
    return buffer.getvalue()


def _size(image: bytes) -> tuple[int, int]:
    from PIL import Image

    return Image.open(io.BytesIO(image)).size


def _data_uri(image: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(image).decode()


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
<script type="application/json">{data}</script>
<script>{script}("{id}");</script>
</div>"""

# Frames lie in the order of itertools.product: the index is the mixed-radix number of the control
# positions.
_SCRIPT = """(function (id) {
  var root = document.getElementById(id), image = root.querySelector("img"), timer = null;
  var data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  var controls = Array.from(root.querySelectorAll("input, select"));
  var button = root.querySelector("button");
  data.frames[data.first] = image.src;
  function show() {
    var index = controls.reduce(function (sum, control) {
      return sum * Number(control.dataset.count) + Number(control.value);
    }, 0);
    controls.forEach(function (control) {
      if (control.type !== "range") return;
      var text = JSON.parse(control.dataset.texts)[control.value];
      control.setAttribute("aria-valuetext", text);
      control.nextElementSibling.textContent = text;
    });
    image.src = data.frames[index];
    image.alt = data.alts[index];
    root.dataset.frame = index;
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    button.setAttribute("aria-pressed", "false");
    button.firstChild.data = "▶ ";
  }
  function play() {
    var control = controls[controls.length - 1];
    if (Number(control.value) === Number(control.dataset.count) - 1) control.value = 0;
    button.setAttribute("aria-pressed", "true");
    button.firstChild.data = "⏸ ";
    timer = setInterval(function () {
      if (Number(control.value) === Number(control.dataset.count) - 1) return stop();
      control.value = Number(control.value) + 1;
      show();
    }, 400);
  }
  controls.forEach(function (control) {
    control.addEventListener("input", function () { if (timer) stop(); show(); });
  });
  button.addEventListener("click", function () { if (timer) { stop(); } else { play(); show(); } });
  show();
})"""
