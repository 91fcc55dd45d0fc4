"""The functions and demos of the chapter on loss functions do what the page says."""

import math
from itertools import combinations

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter

CONSTANTS = {"double", "x_line", "wobble", "MARGIN_LOSSES", "NINE"}
SLOPE = {"squared": lambda r, d: r, "Huber": lambda r, d: r.clamp(-d, d),
         "log-cosh": lambda r, d: r.tanh()}  # fmt: skip


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook."""
    names = Chapter(ROOT / "book/feed-forward-networks/loss-functions.md").definitions(CONSTANTS)
    yield names
    plt.close("all")


def number(value):
    return torch.tensor(value, dtype=torch.float64)


def test_numbers_by_hand(chapter):
    zero = number(0.0)
    assert float(chapter["huber"](number(3.0), zero, 2.0)) == 4
    assert float(chapter["huber"](number(-5.0), zero, 2.0)) == 8
    assert float(chapter["poisson_nll"](number(1.0), number(2.0))) == pytest.approx(math.e - 2)
    assert float(chapter["poisson_nll"](zero, number(3.0))) == 1
    nll = chapter["binary_nll"](number([0.9, 0.2, 0.7]), number([1.0, 0.0, 1.0]))
    assert float(nll) == pytest.approx(-math.log(0.9 * 0.8 * 0.7))
    logits, scores = number([[2.0, 0.5, -1.0]]), [math.exp(v) for v in (2, 0.5, -1)]
    loss = chapter["cross_entropy"](logits, torch.tensor([1]))
    assert float(loss) == pytest.approx(-math.log(scores[1] / sum(scores)))
    assert float(chapter["cross_entropy"](logits * 1000, torch.tensor([1]))) == 1500
    there = chapter["kl"](number([[0.9, 0.1]]).log(), number([[0.5, 0.5]]))
    assert float(there) == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(5))
    assert float(chapter["msle"](number([0.0, 1.0]), zero)) == pytest.approx(math.log(2) ** 2 / 2)


def test_huber_joins_in_value_and_slope_and_reaches_both_ends(chapter):
    zero = number(0.0)
    for delta in (0.5, 2.0):
        inside, outside = (number(delta * (1 + e)).requires_grad_() for e in (-1e-9, 1e-9))
        values = [chapter["huber"](r, zero, delta) for r in (inside, outside)]
        slopes = [
            float(torch.autograd.grad(value, r)[0])
            for value, r in zip(values, (inside, outside), strict=True)
        ]
        assert float(values[0].detach() - values[1].detach()) == pytest.approx(0, abs=1e-7)
        assert slopes == pytest.approx([delta, delta])
    r = number([-3.0, 0.5, 4.0])
    assert float(chapter["huber"](r, zero, 1e6)) == pytest.approx(float((r**2 / 2).mean()))
    small = chapter["huber"](r, zero, 1e-6) / 1e-6
    assert float(small) == pytest.approx(float(r.abs().mean()), abs=1e-5)


def test_log_cosh_has_the_stated_limits_and_derivatives(chapter):
    r = number([-300.0, -1.3, 0.0, 0.7, 300.0]).requires_grad_()
    values = torch.stack([chapter["log_cosh"](v, number(0.0)) for v in r])
    (slopes,) = torch.autograd.grad(values.sum(), r)
    torch.testing.assert_close(slopes, r.tanh())
    assert float(values[4]) == pytest.approx(300 - math.log(2))
    assert float(values[3]) == pytest.approx(math.log(math.cosh(0.7)))


@pytest.mark.parametrize("outlier", [-15.0, 0.0, 8.0, 30.0])
@pytest.mark.parametrize("delta", [0.5, 2.0, 8.0])
def test_the_lines_of_the_explorer_are_the_best_ones(chapter, outlier, delta):
    y, found = chapter["lines"](outlier, delta)
    x = chapter["x_line"]
    assert float(y[8]) == outlier and list(found) == ["squared", "absolute", "Huber", "log-cosh"]
    for name, slope in SLOPE.items():
        a, b = found[name]
        pulls = slope(a + b * x - y, delta)
        assert float(pulls.sum()) == pytest.approx(0, abs=1e-5)
        assert float((pulls * x).sum()) == pytest.approx(0, abs=1e-4)
    # a best line of the absolute error passes through two points: try all pairs
    best = math.inf
    for i, j in combinations(range(10), 2):
        b = (y[j] - y[i]) / (x[j] - x[i])
        best = min(best, float((y[i] + b * (x - x[i]) - y).abs().sum()))
    a, b = found["absolute"]
    assert float((a + b * x - y).abs().sum()) == pytest.approx(best, abs=1e-4)


def test_the_frames_of_the_explorer_show_these_lines(chapter):
    for outlier, delta in ((5.5, 2.0), (24.0, 0.5)):
        _, found = chapter["lines"](outlier, delta)
        top, bottom = chapter["draw_lines"](outlier, delta).axes
        for line, bar, (a, b) in zip(top.lines, bottom.patches, found.values(), strict=False):
            assert list(line.get_ydata()) == pytest.approx([a, a + 11 * b])
            assert bar.get_width() == pytest.approx(abs(b - 0.5))
        assert top.lines[-1].get_ydata()[0] == outlier


@pytest.mark.parametrize("margin", [2.0, -1.0, -8.0])
def test_the_shares_of_the_margin_demo_follow_the_table(chapter, margin):
    def sigmoid(m):
        return 1 / (1 + math.exp(-m))

    pulls = {
        "exponential": lambda m: math.exp(-m),
        "log": lambda m: sigmoid(-m),
        "hinge": lambda m: float(m < 1),
        "square": lambda m: 2 * abs(1 - m),
        "Brier": lambda m: 2 * sigmoid(-m) ** 2 * sigmoid(m),
    }
    assert list(pulls) == list(chapter["MARGIN_LOSSES"])
    for loss, pull in pulls.items():
        values = [pull(m) for m in [*chapter["NINE"], margin]]
        m, share = chapter["shares"](loss, margin)
        assert share.tolist() == pytest.approx([v / sum(values) for v in values], abs=1e-9)
        top, bottom = chapter["draw_margins"](loss, margin).axes
        assert [bar.get_height() for bar in bottom.patches] == pytest.approx(share.tolist())
        assert top.lines[-1].get_xdata()[0] == margin
        thick = [line.get_label() for line in top.lines if line.get_linewidth() == 4]
        assert thick == [loss]


def test_the_solutions_of_the_exercises():
    y = torch.arange(1.0, 11.0)
    grid = torch.arange(0.0, 12.0, 0.25)
    rest = y - grid[:, None]
    loss = torch.maximum(0.9 * rest, -0.1 * rest).sum(dim=1)
    best = grid[loss <= loss.min() + 1e-4]
    assert best.min() == 9 and best.max() == 10  # nine of ten targets lie below
    r = torch.linspace(-40, 40, 200_001, dtype=torch.float64)
    assert float(torch.trapezoid(1 / (math.pi * r.cosh()), r)) == pytest.approx(1)
    assert 2 / math.pi * math.exp(-9) == pytest.approx(1 / (math.pi * math.cosh(9)), rel=1e-6)
