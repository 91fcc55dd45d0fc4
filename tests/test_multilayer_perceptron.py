"""The functions and demos of the chapter on multilayer perceptrons do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn

CONSTANTS = {
    *("double", "SLOPES", "LIBRARY", "CHOICES", "SHAPES", "PIXELS", "NAMED"),
    *("dice", "x_rbf", "y_rbf", "x_fine"),
}


@pytest.fixture(scope="module")
def chapter():
    """The imports, classes, functions and constants of the notebook."""
    names = Chapter(ROOT / "book/feed-forward-networks/multilayer-perceptron.md").definitions(
        CONSTANTS
    )
    yield names
    plt.close("all")


def test_hand_made_bumps_are_the_sum_that_the_text_describes(chapter):
    count, steepness, x = 7, 120.0, 0.437
    total = 0.0
    for i in range(count):
        left = -1.0 if i == 0 else i / count
        right = 2.0 if i == count - 1 else (i + 1) / count
        height = float(chapter["curve"](torch.tensor((i + 0.5) / count, dtype=torch.float64)))
        for at, sign in ((left, 1), (right, -1)):
            total += sign * height / (1 + math.exp(max(-700, min(700, -steepness * (x - at)))))
    model = chapter["by_hand"](count, steepness)
    found = model(torch.tensor([[x]], dtype=torch.float64))
    assert float(found) == pytest.approx(total, abs=1e-12)
    assert model[0].weight.shape == (count + 1, 1)


@pytest.mark.parametrize("count", [2, 10])
@pytest.mark.parametrize("steepness", [10, 300])
def test_frames_of_the_bumps_show_the_network_and_the_curve(chapter, count, steepness):
    *bumps, drawn, target = chapter["draw_bumps"](count, steepness).axes[0].lines
    assert len(bumps) == count
    total = sum(torch.as_tensor(line.get_ydata()) for line in bumps)
    torch.testing.assert_close(total, torch.as_tensor(drawn.get_ydata()).flatten())
    x = torch.as_tensor(drawn.get_xdata())
    expected = chapter["by_hand"](count, steepness)(x[:, None])[:, 0]
    torch.testing.assert_close(torch.as_tensor(drawn.get_ydata()).flatten(), expected)
    worst = (torch.as_tensor(target.get_ydata()) - expected).abs().max()
    shown = chapter["largest_error"](chapter["by_hand"](count, steepness))
    assert float(worst) == pytest.approx(shown, abs=2e-2)


def test_derivatives_agree_with_finite_differences(chapter):
    z = torch.tensor([-3.0, -0.7, 0.4, 2.5], dtype=torch.float64)
    for function, slope in chapter["SLOPES"].items():
        change = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
        torch.testing.assert_close(slope(z), change, atol=1e-8, rtol=1e-7)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_elu_has_a_kink_unless_alpha_is_one(chapter, alpha):
    before, after = (
        float(chapter["SLOPES"][chapter["elu"]](torch.tensor(z).double(), alpha=alpha))
        for z in (-1e-9, 1e-9)
    )
    assert (before == pytest.approx(after, abs=1e-6)) == (alpha == 1.0)
    torch.testing.assert_close(
        chapter["elu"](torch.tensor(-30.0), alpha=alpha), torch.tensor(-alpha)
    )


@pytest.mark.parametrize("z", [-1.0, 0.0, 1.0])
def test_frames_of_the_explorer_agree_with_autograd_through_the_chain(chapter, z):
    modules = {
        "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "ReLU": nn.ReLU(),
        "leaky ReLU or PReLU, slope 0.1": nn.LeakyReLU(0.1),
        "leaky ReLU or PReLU, slope 0.3": nn.LeakyReLU(0.3),
        "ELU, α = 1": nn.ELU(1.0), "ELU, α = 2": nn.ELU(2.0),
    }  # fmt: skip
    assert set(modules) == set(chapter["CHOICES"])
    for name, module in modules.items():
        at = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(module(at), at)
        left = [float(slope) ** layers for layers in range(1, 21)]
        assert chapter["remaining"](name, z).tolist() == pytest.approx(left, rel=1e-9, abs=1e-300)
        figure = chapter["draw_activation"](name, z)
        value, dot = figure.axes[0].lines[:2]
        assert float(dot.get_ydata()[0]) == pytest.approx(float(module(at).detach()))
        assert value.get_ydata()[-1] == pytest.approx(float(module(torch.tensor(4.0))), rel=1e-6)
        (marks,) = figure.axes[1].lines
        assert list(marks.get_ydata()) == pytest.approx([max(share, 1e-10) for share in left])
        plt.close(figure)


def test_softmax_never_overflows_and_ignores_a_common_shift(chapter):
    z = torch.tensor([[3e4, 3e4 - 1], [-3e4, -3e4 + 2]])
    p = chapter["softmax"](z)
    torch.testing.assert_close(p, torch.softmax(z, dim=1))
    assert chapter["naive_softmax"](z).isnan().all()
    torch.testing.assert_close(chapter["softmax"](z + 123), p, atol=1e-2, rtol=0)


def test_rbf_network_is_its_formula_and_least_squares_is_least(chapter):
    model = chapter["spread"](8, 0.6)
    x, y = chapter["x_rbf"], chapter["y_rbf"]
    by_hand = model.output.bias.item()
    for c, s, w in zip(model.centers, model.widths, model.output.weight[0], strict=True):
        by_hand += float(w) * math.exp(-(float(x[3, 0] - c[0]) ** 2) / (2 * float(s) ** 2))
    assert float(model(x[3:4])) == pytest.approx(by_hand, abs=1e-9)
    loss = ((model(x) - y) ** 2).mean()
    gradients = torch.autograd.grad(loss, list(model.output.parameters()))
    assert max(float(g.abs().max()) for g in gradients) < 1e-9


@pytest.mark.parametrize(("K", "width"), [(4, 0.1), (16, 1.0)])
def test_frames_of_the_hills_show_the_fit(chapter, K, width):
    lines = chapter["draw_hills"](K, width).axes[0].lines
    assert len(lines) == K + 3
    expected = chapter["spread"](K, width)(chapter["x_fine"])[:, 0].detach()
    torch.testing.assert_close(torch.as_tensor(lines[K].get_ydata()).flatten(), expected)


def test_strokes_move_and_have_ink_where_they_should(chapter):
    draw, corner = chapter["strokes"], torch.tensor([0])
    plain = draw(corner, None, wobble=0.0)[0, 0]
    assert plain[6, 5:14].min() > 0.5 and plain[6:15, 14].min() > 0.5  # right, then down
    assert plain[12:, :10].max() == 0
    moved = draw(corner, None, (3.0, 0.0), wobble=0.0)[0, 0]
    torch.testing.assert_close(moved[:, 3:], plain[:, :-3])


def test_samples_are_balanced_and_labeled(chapter):
    x, y = chapter["sample"](400, 3, reach=6)
    assert x.shape == (400, 1, 20, 20) and float(x.min()) >= 0 and float(x.max()) <= 1
    assert 0.4 < float(y.mean()) < 0.6


@pytest.mark.parametrize("name", ["corner (7)", "mirrored corner", "L"])
def test_frames_of_the_strokes_show_the_picture_and_the_beliefs(chapter, name):
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Flatten(), nn.Linear(400, 1), nn.Sigmoid()) for _ in range(2)]
    chapter["centered"], chapter["copies"] = [nets[0]], [nets[1]]
    pictures = []
    for right in (-4, 0, 4):
        left, bars = chapter["draw_stroke"](name, right).axes
        shown = torch.as_tensor(left.images[0].get_array().filled(0))
        pictures.append(shown)
        for bar, net in zip(bars.patches, nets, strict=True):
            believed = float(net(shown[None, None]).detach())
            assert bar.get_height() == pytest.approx(believed, abs=1e-6)
        plt.close("all")
    assert not torch.equal(pictures[0], pictures[1])
    torch.testing.assert_close(pictures[2][:, 8:], pictures[0][:, :-8], atol=1e-4, rtol=0)


def test_the_exercise_on_relu_bumps():
    x = torch.linspace(-1, 6, 71, dtype=torch.float64)
    r = torch.relu
    bump = r(x - 1) - r(x - 2) - r(x - 3) + r(x - 4)
    expected = torch.minimum((x - 1).clamp(0, 1), (4 - x).clamp(0, 1))
    torch.testing.assert_close(bump, expected)
    triangle = r(x - 1) - 2 * r(x - 2) + r(x - 3)
    torch.testing.assert_close(triangle, (1 - (x - 2).abs()).clamp(min=0))
