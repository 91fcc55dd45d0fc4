"""The demos of the chapter on linear regression show what they claim to show."""

import re

import pytest
import torch
from chapter import ROOT, Chapter


@pytest.fixture(scope="module")
def names():
    """The names that the chapter has defined when its last demo appears."""
    chapter = Chapter(ROOT / "book" / "linear-models" / "linear-regression.md")
    defined: dict = {}
    for cell in chapter.cells:
        source = "PROFILE = 'smoke'" if cell.source.startswith("PROFILE") else cell.source
        exec(compile(source, f"line {cell.line}", "exec"), defined)  # the course's own code
        if "explore(\n    draw_speeds" in source:
            return defined
    raise AssertionError("the demo of the speeds is gone")


@pytest.fixture(autouse=True)
def _no_open_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("slope", [-0.5, 0.3, 1.0, 2.5])
def test_the_projection_shows_prediction_and_length_of_the_error(names, slope):
    _data, vectors = names["draw_projection"](slope).axes
    (marker,) = (line for line in vectors.lines if line.get_marker() == "o")
    predicted = torch.tensor([float(marker.get_xdata()[0]), float(marker.get_ydata()[0])])
    assert torch.allclose(predicted, slope * torch.tensor([2.0, 1.0]))
    (label,) = (
        text.get_text() for text in vectors.get_legend().texts if "error" in text.get_text()
    )
    length = (torch.tensor([1.0, 3.0]) - predicted).norm()
    assert float(re.search(r"[\d.]+$", label).group()) == pytest.approx(float(length), abs=0.005)


def test_the_error_is_perpendicular_at_the_best_weight_only(names):
    assert names["angle"](1.0) == pytest.approx(90, abs=0.01)
    assert all(abs(names["angle"](slope) - 90) > 5 for slope in (-0.5, 0.5, 0.8, 1.2, 2.0))


@pytest.mark.parametrize(("rate", "steps"), [(0.1, 7), (1.0, 3), (3.3333, 1), (6.4, 6), (7.0, 7)])
def test_the_walk_ends_where_the_theorem_says(names, rate, steps):
    (axes,) = names["draw_walk"](rate, steps).axes
    end = axes.lines[-1].get_xdata()[0]
    expected = 2 / 3 + (1 - 0.3 * rate) ** steps * (4 - 2 / 3)
    assert float(end) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("features", "rate"), [("raw", 1e-4), ("standardized", 0.1)])
def test_the_curves_of_the_speeds_add_up_to_a_real_run(names, features, rate):
    matrix, y = names["X"] if features == "raw" else names["Z"], names["y"]
    (axes,) = names["draw_speeds"](features, rate).axes
    steps = torch.as_tensor(axes.lines[0].get_xdata())
    at = int((steps - 10).abs().argmin())
    total = sum(float(line.get_ydata()[at]) for line in axes.lines)
    floor = names["mse"](matrix, y, names["solve"](matrix, y))
    above = [
        names["mse"](matrix, y, names["descend"](matrix, y, rate, k)[0]) - floor
        for k in (9, 10, 11)
    ]
    assert above[2] <= total <= above[0]
    exact = names["excess"](matrix, y, rate, [10]).sum()
    assert float(exact) == pytest.approx(above[1], rel=1e-9)
