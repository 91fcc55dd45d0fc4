"""The functions and demos of the chapter on convolution do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from chapter import ROOT, Chapter
from torch import nn

CONSTANTS = {
    "grid", "cross", "sums", "AFTER", "KERNELS", "thumb", "STACKS", "fields", "square",
}  # fmt: skip


@pytest.fixture(scope="module")
def chapter():
    """The functions and constants of the notebook, with a made-up photograph and kernels."""
    generator = torch.Generator().manual_seed(0)
    color = (torch.rand(3, 100, 120, generator=generator) * 255).byte()
    kernels = [torch.randn(12, 3, 7, 7, generator=generator) for _ in range(4)]
    names = {"color": color, "kernels": kernels}
    Chapter(ROOT / "book/convolutional-networks/convolution.md").definitions(CONSTANTS, names)
    names["kernels"] = kernels
    return names


@pytest.fixture(autouse=True)
def closed_figures():
    """No test leaves its figures to the next one."""
    yield
    plt.close("all")


def texts(ax):
    """The numbers written into the cells of axes, row by row."""
    return [text.get_text() for text in ax.texts]


def test_a_photograph_becomes_gray_without_distortion(chapter):
    ramp = torch.arange(120).repeat(3, 100, 1).byte()  # 100 × 120, brighter to the right
    found = chapter["gray"](ramp, 50, 60)
    assert found.shape == (50, 60) and found.min() >= 0 and found.max() <= 1
    steps = (found[:, 1:] - found[:, :-1])[:, 2:-2] * 255
    assert float(steps.min()) > 0.9 and float(steps.max()) < 3.1
    assert float(steps.mean()) == pytest.approx(2, abs=0.1)
    assert chapter["gray"](ramp, 280, 320).shape == (280, 320)  # enlarged


def test_correlation_is_a_sum_of_products(chapter):
    x, v = torch.randn(6, 8), torch.randn(3, 2)
    found = chapter["correlate"](x, v, 0.5)
    expected = F.conv2d(x[None, None], v[None, None])[0, 0] + 0.5
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("k", [(1, 1), (3, 2), (5, 3)])
@pytest.mark.parametrize("p, s", [((0, 0), (1, 1)), ((2, 1), (3, 2))])
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_by_hand(chapter, k, p, s, d, groups):
    x = torch.randn(2, 4, 12, 9)
    weight, bias = torch.randn(6, 4 // groups, *k), torch.randn(6)
    found = chapter["conv2d"](x, weight, bias, s, p, d, groups)
    expected = F.conv2d(x, weight, bias, s, p, d, groups)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_the_size_formula_counts_the_places(chapter):
    for n in range(1, 12):
        for k in (1, 2, 3, 5):
            for p in (0, 1, 2):
                for s in (1, 2, 3):
                    for d in (1, 2):
                        last = n + 2 * p - d * (k - 1) - 1
                        places = [i for i in range(0, 40, s) if i <= last]
                        assert chapter["size"](n, k, p, s, d) == len(places)


def test_pooling_by_hand(chapter):
    x = torch.rand(2, 3, 8, 8)
    pool = chapter["pool"]
    assert torch.equal(pool(x, "max", 3, 2), F.max_pool2d(x, 3, 2))
    window = torch.tensor([0.0, 1, 3, 4]).reshape(1, 1, 2, 2)
    assert pool(window, "stochastic").item() == pytest.approx(26 / 8)
    drawn = {pool(window, "stochastic", training=True).item() for _ in range(50)}
    assert drawn <= {1.0, 3.0, 4.0} and len(drawn) > 1
    assert pool(torch.zeros(1, 1, 2, 2), "stochastic").item() == 0
    assert pool(torch.zeros(1, 1, 2, 2), "stochastic", training=True).item() == 0


@pytest.mark.parametrize("bias", [0, -450])
def test_every_frame_of_the_grid_shows_the_sums(chapter, bias):
    sums = [400, 460, 464, 573, 311, 397, 669, 300, 472]
    for place in (0, 4, 8):
        a, b, c, d = chapter["draw_cross"](place, bias, "ReLU").axes
        i, j = divmod(place, 3)
        assert a.patches[0].get_xy() == (j - 0.5, i - 0.5)
        assert sum(map(float, texts(b))) == sums[place]
        assert texts(c) == [f"{value + bias}" for value in sums[: place + 1]]
        assert texts(d) == [f"{max(0, value + bias)}" for value in sums[: place + 1]]
    remain = [max(0, value + bias) for value in sums]
    blocks = [[remain[r * 3 + c + o] for o in (0, 1, 3, 4)] for r in (0, 1) for c in (0, 1)]
    (*_, d) = chapter["draw_cross"](8, bias, "ReLU, max pooling").axes
    assert texts(d) == [f"{max(block)}" for block in blocks]
    if bias:
        assert sum(value > 0 for value in remain) == 5 and min(map(max, blocks)) > 0


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_every_frame_of_the_playground_shows_a_convolution(chapter, padding, stride):
    for kernel, weight in chapter["KERNELS"].items():
        layer = nn.Conv2d(1, 1, 3, stride=stride, padding=padding, bias=False)
        with torch.no_grad():
            layer.weight.copy_(weight[None, None])
            expected = layer(chapter["thumb"][None, None])[0, 0]
        height, width = expected.shape
        for place in (0.3, 1.0):
            a, b, c, d = chapter["draw_slide"](kernel, padding, stride, place).axes
            shown = torch.as_tensor(b.images[0].get_array().filled(math.nan)).flatten()
            at = int(place * (height * width - 1))
            torch.testing.assert_close(
                shown[: at + 1].float(), expected.flatten()[: at + 1], atol=1e-4, rtol=0
            )
            assert shown[at + 1 :].isnan().all()
            assert b.get_xlabel() == f"map {height} × {width}"
            told = float(d.get_xlabel().split()[1])
            assert told == pytest.approx(100 * float(expected.flatten()[at]), abs=0.51)
            x, y = a.patches[0].get_xy()  # the photograph has a frame of one pixel
            assert (y + 0.5, x + 0.5) == (
                at // width * stride - padding + 1, at % width * stride - padding + 1
            )  # fmt: skip


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("p, s", [(0, 1), (0, 3), (1, 2), (2, 3), (2, 2)])
def test_every_frame_of_the_calculator_shows_what_a_convolution_sees(chapter, n, k, p, s):
    x = torch.zeros(1, 1, n, n, requires_grad=True)
    out = F.conv2d(x, torch.ones(1, 1, k, k), stride=s, padding=p)
    out.sum().backward()
    (ax,) = chapter["draw_shape"](n, k, p, s).axes
    assert ax.get_xlabel() == f"output {out.shape[2]} × {out.shape[3]}"
    crosses, rings, dots = ax.lines
    marked = {(int(y) - 2, int(x) - 2) for x, y in zip(*crosses.get_data(), strict=True)}
    assert marked == {tuple(place) for place in (x.grad[0, 0] == 0).nonzero().tolist()}
    assert len(rings.get_xdata()) == k * k and len(dots.get_xdata()) == out.numel()


def test_receptive_fields(chapter):
    receptive, influence = chapter["receptive"], chapter["influence"]
    assert receptive([(5, 1, 1), (2, 2, 1), (5, 1, 1)]) == 14  # LeNet's C3
    assert receptive([(3, 1, 1), (2, 2, 1), (3, 1, 1)]) == 8
    assert receptive([(3, 1, 1)] * 32) == 65
    for name, layers in chapter["STACKS"].items():
        for depth in range(1, 6):
            weight = influence(layers[:depth])
            assert len(weight) == receptive(layers[:depth]) == chapter["fields"][name][depth - 1]
            assert float(weight.sum()) == pytest.approx(1, abs=1e-5)
            (ax,) = chapter["draw_field"](name, depth).axes
            assert ax.get_xlabel() == f"field of {len(weight)} × {len(weight)} pixels"
            assert ax.images[0].get_array().shape == (64, 64, 3)


def test_the_field_is_drawn_where_the_unit_is(chapter):
    (ax,) = chapter["draw_field"]("3 × 3", 2).axes
    shown = torch.as_tensor(ax.images[0].get_array())
    colored = (shown.amax(dim=2) - shown.amin(dim=2) > 0.02).nonzero()
    assert colored.min(dim=0).values.tolist() == [30, 30]
    assert colored.max(dim=0).values.tolist() == [34, 34]


def test_the_kernels_are_drawn_as_they_are(chapter):
    (ax,) = chapter["draw_kernels"](2).axes
    w = chapter["kernels"][2][0]
    shown = torch.as_tensor(ax.images[0].get_array())[1:8, 1:8]
    expected = 0.5 + 0.5 * w / w.abs().max()
    torch.testing.assert_close(shown.float(), expected.permute(1, 2, 0), atol=0.02, rtol=0)
    last = chapter["draw_kernels"](599).axes[0].images[0].get_array()
    assert last.shape == (25, 33, 3)


def test_strips_hold_the_digit_at_the_columns_asked_for(chapter):
    from course_lib import data

    bright = data.LabelledImages(
        torch.full((5, 1, 28, 28), 200, dtype=torch.uint8), torch.arange(5)
    )
    for x, _ in chapter["strips"](bright, 28, 28):
        assert x.shape == (5, 1, 14, 42)
        assert (x[..., :28] == 0).all() and (x[..., 28:] == 200 / 255).all()
    for x, _ in chapter["strips"](bright, 0, 14):
        assert (x[..., 28:] == 0).all() and (x.sum(dim=-1) > 10.9).all()


def test_neighboring_weights_agree_in_an_edge_and_not_in_noise(chapter):
    edge = torch.linspace(-1, 1, 7).repeat(12, 3, 7, 1)
    assert float(chapter["agreement"](edge)) > 0.9
    assert abs(float(chapter["agreement"](torch.randn(12, 3, 7, 7)))) < 0.15


def test_the_solutions_of_the_exercises():
    column, row = torch.tensor([1.0, 2, 1]), torch.tensor([-1.0, 0, 1])
    x = torch.randn(1, 1, 9, 9)
    at_once = F.conv2d(x, torch.outer(column, row)[None, None])
    twice = F.conv2d(F.conv2d(x, column.reshape(1, 1, 3, 1)), row.reshape(1, 1, 1, 3))
    torch.testing.assert_close(at_once, twice, atol=1e-5, rtol=0)
    assert torch.linalg.matrix_rank(torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])) > 1
    for k, counts in ((1, {0: 75, 1: 25}), (2, {1: 100})):
        read = F.conv_transpose2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, k, k), stride=2)
        read = F.pad(read, (0, 10 - read.shape[3], 0, 10 - read.shape[2]))
        values, found = read.unique(return_counts=True)
        assert dict(zip(values.int().tolist(), found.tolist(), strict=True)) == counts
    read = F.conv_transpose2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, 3, 3), stride=2)
    assert sorted(read[0, 0, 2:-2, 2:-2].unique().tolist()) == [1, 2, 4]
