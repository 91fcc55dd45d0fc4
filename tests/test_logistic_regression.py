"""The functions and demos of the chapter on logistic regression do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn

CONSTANTS = {"double", "temperature", "went_out", "X_days", "DECAYS", "paths"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook, with 1,000 steps for the demo."""
    names = {"steps": 1000}
    Chapter(ROOT / "book/linear-models/logistic-regression.md").definitions(CONSTANTS, names)
    yield names
    plt.close("all")


def test_the_loss_is_minus_the_log_of_what_happened(chapter):
    for z, y in ((0.3, 1.0), (-2.0, 0.0), (5.0, 0.0)):
        p = 1 / (1 + math.exp(-z))
        expected = -math.log(p if y else 1 - p)
        got = chapter["bce"](torch.tensor([z], dtype=torch.float64), torch.tensor([y]))
        assert float(got) == pytest.approx(expected, rel=1e-12)
    both = chapter["bce"](torch.tensor([800.0, -800.0]), torch.tensor([0.0, 0.0]))
    assert float(both) == 400.0  # no overflow


def test_the_gradient_agrees_with_finite_differences(chapter):
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(20, 4, generator=generator).double()
    y = (X[:, 0] > 0.2).double()
    w = torch.randn(4, generator=generator).double()
    found = chapter["gradient"](X, y, w)
    for j in range(4):
        step = 1e-6 * torch.eye(4, dtype=torch.float64)[j]
        slope = (chapter["bce"](X @ (w + step), y) - chapter["bce"](X @ (w - step), y)) / 2e-6
        assert float(found[j]) == pytest.approx(float(slope), abs=1e-8)


@pytest.mark.parametrize("count", [0, 3, 6])
def test_the_line_of_the_first_demo_is_the_least_squares_line(chapter, count):
    x, y, (slope, intercept), (w, b) = chapter["fits"](count)
    columns = torch.stack((x, torch.ones_like(x)), dim=1)
    best = torch.linalg.lstsq(columns, y[:, None]).solution[:, 0]
    assert (slope, intercept) == pytest.approx(tuple(best.tolist()), abs=1e-9)
    p = torch.sigmoid(w * x + b)
    assert float(((p - y) * x).mean() + 0.01 * w) == pytest.approx(0, abs=1e-3)
    line, curve, border_line, border_curve = chapter["draw_line"](count).axes[0].lines[:4]
    for drawn, border in ((line, border_line), (curve, border_curve)):
        at = border.get_xdata()[0]
        left, right = (drawn.get_ydata()[drawn.get_xdata() <= at][-1], drawn.get_ydata()[-1])
        assert left <= 0.5 <= right
    assert border_line.get_xdata()[0] == pytest.approx((0.5 - intercept) / slope)


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("step", [0, 1, 10, 100])
def test_every_frame_of_the_second_demo_follows_from_gradient_descent(chapter, decay, step):
    x, y, w = chapter["temperature"].tolist(), chapter["went_out"].tolist(), 0.0
    for _ in range(step):
        errors = [1 / (1 + math.exp(-w * a)) - t for a, t in zip(x, y, strict=True)]
        w -= 0.1 * (sum(e * a for e, a in zip(errors, x, strict=True)) / 8 + decay * w)
    loss = sum(math.log1p(math.exp(-abs(w * a))) for a in x) / 8 + decay / 2 * w * w
    left, right = chapter["draw_descent"](decay, step).axes
    position = right.lines[1]
    assert float(position.get_xdata()[0]) == pytest.approx(w, abs=1e-12)
    assert float(position.get_ydata()[0]) == pytest.approx(loss, abs=1e-12)
    curve = left.lines[0]
    expected = 1 / (1 + math.exp(-w * float(curve.get_xdata()[-1])))
    assert float(curve.get_ydata()[-1]) == pytest.approx(expected)


@pytest.mark.parametrize("sigmoid_first", [False, True])
def test_many_models_at_once_are_the_same_as_one_by_one(chapter, sigmoid_first):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(2, 1000, 24, generator=generator)
    y = (X[..., 0] + torch.randn(2, 1000, generator=generator) > 0).long()
    outputs, _ = chapter["train_all"](X, y, sigmoid_first, 30)
    for rows, labels, found in zip(X, y, outputs, strict=True):
        model = nn.Linear(24, 2)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        whole = nn.Sequential(model, nn.Sigmoid()) if sigmoid_first else model
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(30):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(whole(rows[:900]), labels[:900]).backward()
            optimizer.step()
        torch.testing.assert_close(found, whole(rows[900:]).detach(), atol=1e-4, rtol=0)


def test_the_cost_and_its_threshold(chapter):
    refused = torch.tensor([True, True, False, False])
    labels = torch.tensor([0, 1, 0, 1])
    assert float(chapter["cost"](refused, labels)) == (1 + 0 + 0 + 5) / 4
    for p in (0.15, 0.16, 0.17, 0.18):
        assert (5 * p > 1 - p) == (p > 1 / 6)


def test_standardizing_uses_the_first_rows_only(chapter):
    rows = torch.tensor([[1.0], [3.0], [100.0]])
    scaled = chapter["standardize"](rows, fit_on=2)
    torch.testing.assert_close(scaled[:, 0], (rows[:, 0] - 2) / math.sqrt(2))


def test_the_solution_of_newtons_method(chapter):
    x, y = chapter["temperature"], chapter["went_out"]
    w, weights = torch.tensor(0.0).double(), []
    for _ in range(8):
        p = torch.sigmoid(w * x)
        w = w - (((p - y) * x).mean() + 0.1 * w) / ((p * (1 - p) * x**2).mean() + 0.1)
        weights.append(round(float(w), 6))
    assert weights[6:] == [0.855991, 0.855991] and weights[5] != 0.855991
    path = chapter["paths"][0.1]
    assert (path - w).abs()[:301].min() > 5e-7
