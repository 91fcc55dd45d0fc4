import base64
import gzip
import io
import json
import re
import zlib

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_lib import explore, plot, runtime

PAYLOAD = re.compile(r'<script type="application/json">(.*?)</script>', re.S)


def draw(rate, steps):
    fig, ax = plot.axes()
    ax.plot([0, 10], [0, rate * steps])
    ax.set(ylim=(0, 5), xlabel="x", ylabel="y")
    return fig


@pytest.fixture(autouse=True)
def cpu_profile():
    runtime.start("cpu")


@pytest.fixture
def demo():
    return explore(
        draw,
        rate=[0.1, 0.5],
        steps=[0, 5, 10],
        start={"steps": 5},
        labels={"rate": "Learning <rate>"},
        alt=lambda rate, steps: f'"{rate}" after {steps}',
    )


def decoded(uri: str) -> np.ndarray:
    image = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(image)))


def shown(page: str) -> list[np.ndarray]:
    """The frames of a page as a browser puts them together."""
    data = json.loads(PAYLOAD.search(page).group(1))
    first = decoded(re.search(r'<img src="([^"]+)"', page).group(1))
    frames = []
    for number in data["frames"]:
        frame = first.copy()
        if number >= 0:
            over = decoded(data["images"][number])
            opaque = over[:, :, 3] == 255
            assert (opaque | (over[:, :, 3] == 0)).all()
            frame[opaque] = over[opaque][:, :3]
        frames.append(frame)
    return frames


def test_frames_on_the_page_are_what_the_function_draws(demo):
    page = demo.to_html()
    data = json.loads(PAYLOAD.search(page).group(1))
    for setting, frame, alt, checksum in zip(
        demo.settings(), shown(page), data["alts"], data["checksums"], strict=True
    ):
        drawn = demo.frame(setting)
        assert np.array_equal(frame, drawn), setting
        assert zlib.crc32(drawn.tobytes()) == checksum
        assert alt == f'"{setting["rate"]}" after {setting["steps"]}'


def test_frames_differ_from_each_other_and_equal_ones_are_carried_once(demo):
    page = demo.to_html()
    assert len({frame.tobytes() for frame in shown(page)}) == 5  # at step 0 the rate has no effect
    assert len(json.loads(PAYLOAD.search(page).group(1))["images"]) == 4  # the first is no overlay


def test_all_frames_need_one_size():
    demo = explore(lambda width: plot.axes(width=width)[0], width=[3, 4])
    with pytest.raises(ValueError, match="must have one size"):
        demo.to_html()


def test_the_order_of_frames_is_the_mixed_radix_number_of_the_controls(demo):
    assert demo.settings()[1 * 3 + 2] == {"rate": 0.5, "steps": 10}


def test_the_page_element_is_labelled_escaped_and_loads_nothing(demo):
    page = demo.to_html()
    assert "Learning &lt;rate&gt;" in page and "<rate>" not in page
    identities = re.findall(r'<input type="range" id="([^"]+)"', page)
    assert len(identities) == 2
    assert all(f'<label for="{identity}">' in page for identity in identities)
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert len(gzip.compress(page.encode())) < 60_000


def test_the_same_demo_gives_the_same_page(demo):
    assert demo.to_html() == demo.to_html()


def test_text_parameters_become_a_select():
    page = explore(lambda name: plot.axes()[0], name=["AND", "OR"], start={"name": "OR"}).to_html()
    assert '<option value="1" selected>OR</option>' in page


def test_figures_are_closed(demo):
    before = plt.get_fignums()
    demo.to_html()
    assert plt.get_fignums() == before


def test_in_a_session_the_controls_are_live_and_continuous(demo, monkeypatch):
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    box = demo.widget()
    rate, steps, output = box.children
    assert isinstance(rate, ipywidgets.FloatSlider) and rate.step < 0.1
    assert isinstance(steps, ipywidgets.IntSlider) and steps.value == 5
    assert isinstance(output, ipywidgets.Output)
    assert "application/vnd.jupyter.widget-view+json" in demo._repr_mimebundle_()


def test_on_a_page_there_is_no_widget(demo, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    assert set(demo._repr_mimebundle_()) == {"text/plain", "image/png", "text/html"}


def test_wide_positive_ranges_get_a_logarithmic_slider():
    widget = explore(draw, rate=[1e-4, 1e-2, 1.0], steps=[1, 2]).widget()
    assert isinstance(widget.children[0], ipywidgets.FloatLogSlider)


def test_the_smoke_profile_draws_few_frames():
    runtime.start("smoke")
    demo = explore(draw, rate=[0.1, 0.2, 0.3, 0.4], steps=range(20), start={"steps": 7})
    assert demo.parameters == {"rate": [0.1, 0.4], "steps": [0, 7, 19]}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "at least one parameter"),
        ({"rate": [1]}, "at least two values"),
        ({"rate": [1, 2], "start": {"rate": 3}}, "not among its values"),
        ({"rate": [1, 2], "labels": {"speed": "Speed"}}, "'speed' is not a parameter"),
        ({"rate": range(50), "steps": range(50)}, "2500 combinations"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        explore(draw, **arguments)
