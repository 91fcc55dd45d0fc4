"""The program that differentiates, the demo and the exercises of the chapter on tensors."""

import math
import random

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter

CONSTANTS = {"sin", "exp", "minus", "relu", "FUNCTIONS"}
BY_HAND = {  # function and derivative, from math alone
    "x · sin x": (lambda x: x * math.sin(x), lambda x: math.sin(x) + x * math.cos(x)),
    "exp(−x · x)": (lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x)),
    "x + max(0, x)": (lambda x: x + max(0, x), lambda x: 1 + (x > 0)),
}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook, without its runs."""
    path = ROOT / "book/getting-started/tensors-autograd.md"
    names = Chapter(path).definitions(CONSTANTS)
    yield names
    plt.close("all")


@pytest.mark.parametrize("seed", range(20))
def test_the_program_differentiates_like_autograd(chapter, seed):
    """Random expressions in which numbers are used again and again."""
    choose = random.Random(seed)
    ours = [chapter["Value"](choose.uniform(-1, 1)) for _ in range(3)]
    leaves = [torch.tensor(v.data, dtype=torch.float64, requires_grad=True) for v in ours]
    theirs = list(leaves)
    for _ in range(12):
        i, j, kind = choose.randrange(len(ours)), choose.randrange(len(ours)), choose.randrange(5)
        if kind < 2:
            ours.append(ours[i] + ours[j] if kind else ours[i] * ours[j])
            theirs.append(theirs[i] + theirs[j] if kind else theirs[i] * theirs[j])
        else:
            name, function = [("sin", torch.sin), ("minus", torch.neg), ("relu", torch.relu)][
                kind - 2
            ]
            ours.append(chapter[name](ours[i]))
            theirs.append(function(theirs[i]))
    end, end_torch = ours[3], theirs[3]
    for v, w in zip(ours[4:], theirs[4:], strict=True):
        end, end_torch = end + v, end_torch + w
    end.backward()
    end_torch.backward()
    for v, leaf in zip(ours[:3], leaves, strict=True):
        expected = 0.0 if leaf.grad is None else leaf.grad.item()
        assert v.grad == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_gradients_of_two_backward_passes_add_up(chapter):
    w = chapter["Value"](3.0)
    square = w * w
    square.backward()
    square.backward()
    assert w.grad == 12


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("x", [-2.0, -1.0, 0.0, 1.0, 2.0, 0.37])
@pytest.mark.parametrize("h", [1.0, 0.1])
def test_the_demo_shows_the_slopes_that_it_claims_to_show(chapter, name, x, h):
    f, derivative = BY_HAND[name]
    secant = (f(x + h) - f(x - h)) / (2 * h)
    figure = chapter["draw_slopes"](name, x, h)
    graph, curve = figure.axes
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [float(text.split("= ")[1]) for text in shown] == [
        pytest.approx(derivative(x), abs=6e-4),
        pytest.approx(secant, abs=6e-4),
    ]
    drawn, tangent, line, point = curve.lines
    middle = drawn.get_xdata()[70]
    assert drawn.get_ydata()[70] == pytest.approx(f(float(middle)), abs=1e-5)
    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((x, f(x)))
    for drawn, slope, through in ((tangent, derivative(x), x), (line, secant, x + h)):
        (x0, x1), (y0, y1) = drawn.get_xdata(), drawn.get_ydata()
        assert (y1 - y0) / (x1 - x0) == pytest.approx(slope, abs=1e-5)
        assert y0 + slope * (through - x0) == pytest.approx(f(through), abs=1e-5)
    texts = [text.get_text() for text in graph.texts if text.get_text()]
    circles = [texts[i : i + 3] for i in range(0, len(texts), 3)]
    assert circles[0][0] == "x" and float(circles[0][1]) == pytest.approx(x, rel=5e-3)
    assert float(circles[0][2]) == pytest.approx(derivative(x), rel=5e-3, abs=1e-9)
    assert float(circles[-1][1]) == pytest.approx(f(x), rel=5e-3, abs=1e-9)
    assert float(circles[-1][2]) == 1
    plt.close(figure)


def test_each_use_of_a_number_has_its_arrow(chapter):
    for name, arrows in (("x · sin x", 3), ("exp(−x · x)", 4), ("x + max(0, x)", 3)):
        graph = chapter["draw_slopes"](name, 1.0, 0.1).axes[0]
        assert sum(text.arrow_patch is not None for text in graph.texts if not text.get_text()) == (
            arrows
        )


def test_solution_of_the_loop_exercise():
    a, s = torch.tensor(2.0, requires_grad=True), 1.0
    for _ in range(10):
        s = (s + a / s) / 2
    s.backward()
    assert a.grad.item() == pytest.approx(0.3536, abs=5e-5)
    assert s.item() == pytest.approx(math.sqrt(2), rel=1e-6)


@pytest.mark.parametrize(
    ("dtype", "best", "digits"), [(torch.float32, {2, 3}, 7.2), (torch.float64, {5, 6}, 16)]
)
def test_solution_of_the_nudging_exercise(dtype, best, digits):
    points, errors = torch.linspace(0.5, 2.5, 50, dtype=torch.float64), {}
    exact = points.sin() + points * points.cos()
    for exponent in range(1, 15):
        h, x = 10.0**-exponent, points.to(dtype)
        slope = ((x + h) * (x + h).sin() - (x - h) * (x - h).sin()) / (2 * h)
        errors[exponent] = (slope - exact).abs().mean().item()
    least = min(errors, key=errors.get)
    assert least in best
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)  # like h²
    small = max(best) + 1
    assert 300 < errors[small + 3] / errors[small] < 3000  # like 1/h
    assert -math.log10(errors[least]) == pytest.approx(2 / 3 * digits, abs=0.8)
