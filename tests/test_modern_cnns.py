"""The networks of the chapter on modern architectures are the published ones; its demos agree."""

import ast
import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn
from torch.nn import functional as F
from torchvision import models

CONSTANTS = {"WEIGHTED", "GROUPS", "SMALL", "PUBLISHED", "COSTS", "BLOCKS", "meta"}
META = torch.device("meta")


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook."""
    names = Chapter(ROOT / "book/convolutional-networks/modern-cnns.md").definitions(CONSTANTS)
    yield names
    plt.close("all")


PAIRS = {
    "alexnet": ("torchvision_alexnet", lambda: models.alexnet(weights=None), 224),
    "vgg11": ("vgg", lambda: models.vgg11(weights=None, init_weights=False), 224),
    "googlenet": (
        "torchvision_googlenet",
        lambda: models.googlenet(weights=None, aux_logits=False, init_weights=False),
        64,
    ),
    "resnet18": ("resnet18", lambda: models.resnet18(weights=None), 64),
    "densenet121": ("densenet121", lambda: models.densenet121(weights=None), 64),
    "squeezenet": ("squeezenet", lambda: models.squeezenet1_0(weights=None), 64),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_with_the_weights_of_torchvision_the_answers_are_equal(chapter, name):
    ours, theirs, size = PAIRS[name]
    assert chapter["same_answers"](chapter[ours], theirs(), size) < 1e-2


def test_other_pooling_windows_change_the_answers_and_are_found(chapter):
    theirs = PAIRS["googlenet"][1]()
    wrong = chapter["same_answers"](
        lambda: chapter["googlenet"](chapter["conv_bn"], size=3, last_pool=3), theirs, 64
    )
    assert wrong > 0.1


def test_a_wrong_network_does_not_pass_the_comparison(chapter):
    with pytest.raises(AssertionError):
        chapter["check"](
            "none",
            lambda: chapter["googlenet"](chapter["conv_bn"]),
            lambda weights: models.googlenet(weights=None, aux_logits=False, init_weights=False),
            0,
        )


def convolution(size, inputs, outputs, groups=1):
    return size * size * inputs // groups * outputs + outputs


def test_alexnet_has_the_parameters_of_the_paper(chapter):
    expected = (
        convolution(11, 3, 96) + convolution(5, 96, 256, 2) + convolution(3, 256, 384)
        + convolution(3, 384, 384, 2) + convolution(3, 384, 256, 2)
        + 6 * 6 * 256 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    )  # fmt: skip
    with META:
        network = chapter["alexnet"]()
    rows = chapter["layers"](network, 227)
    assert sum(count for _, count, _ in rows) == expected == 60_965_224
    assert [shape[-1] for _, _, shape in rows[:5]] == [55, 27, 13, 13, 13]
    kinds = [type(part).__name__ for part in network]
    norm, pool = kinds.index("LocalResponseNorm"), kinds.index("MaxPool2d")
    assert norm == 1 and pool == 2  # normalization before pooling


def test_nin_has_the_parameters_of_its_twelve_layers(chapter):
    expected = sum(
        convolution(size, inputs, outputs) + 2 * convolution(1, outputs, outputs)
        for size, inputs, outputs in ((11, 3, 96), (5, 96, 256), (3, 256, 384), (3, 384, 1000))
    )
    with META:
        network = chapter["nin"]()
    assert sum(p.numel() for p in network.parameters()) == expected == 7_439_608


def test_local_response_normalization_against_a_loop(chapter):
    a = torch.randn(2, 7, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = chapter["lrn"](a, n=3, alpha=0.5, beta=0.6, k=1.5)
    for c in range(7):
        near = a[:, max(c - 1, 0) : c + 2].square().sum(1)
        torch.testing.assert_close(found[:, c], a[:, c] / (1.5 + 0.5 * near) ** 0.6)


def test_batch_normalization_by_hand_has_mean_beta_and_deviation_gamma(chapter):
    x = 5 * torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0)) - 7
    gamma, beta = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([-1.0, 0.0, 3.0])
    y, _, _ = chapter["batch_norm"](x, gamma, beta)
    torch.testing.assert_close(y.mean((0, 2, 3)), beta, atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3), correction=0), gamma, atol=1e-3, rtol=0)


def test_a_residual_block_adds_before_its_last_activation(chapter):
    torch.manual_seed(0)
    x = torch.randn(2, 8, 6, 6)
    block, plain = chapter["Residual"](8, 8), chapter["Residual"](8, 8, skip=False)
    torch.testing.assert_close(block(x), F.relu(block.path(x) + x))
    torch.testing.assert_close(plain(x), F.relu(plain.path(x)))
    wider = chapter["Residual"](8, 16, stride=2)
    assert wider(x).shape == (2, 16, 3, 3)
    assert not list(chapter["Residual"](8, 16, 2, skip=False).shortcut.parameters())


@pytest.mark.parametrize("blocks", [1, 3, 7])
@pytest.mark.parametrize("skip", [False, True])
def test_the_deep_networks_have_the_stated_depth(chapter, blocks, skip):
    network = chapter["deep"](blocks, 4, skip)
    weighted = [
        name for name, part in network.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]  # fmt: skip
    assert len(weighted) == 6 * blocks + 2
    assert network(torch.randn(2, 1, 14, 14)).shape == (2, 10)


def test_the_arriving_gradients_are_those_of_the_block_outputs(chapter):
    torch.manual_seed(0)
    network = chapter["deep"](1, 4, True)
    x, y = torch.randn(8, 1, 14, 14), torch.arange(8)
    norms = chapter["arriving"](network, x, y)
    assert len(norms) == 1 + 3
    outputs = []
    for part in network[:4]:
        x = part(x)
        x.retain_grad()
        outputs.append(x)
    F.cross_entropy(network[4:](x), y).backward()
    assert norms == pytest.approx([o.grad.norm().item() for o in outputs], rel=1e-4)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
def test_every_small_network_answers_and_can_learn(chapter, channels, size):
    for name, build in chapter["SMALL"].items():
        torch.manual_seed(0)
        network = chapter["he_start"](build(channels, 8))
        answer = network(torch.randn(4, channels, size, size))
        assert answer.shape == (4, 10), name
        answer.square().sum().backward()
        assert all(p.grad is not None for p in network.parameters()), name


def test_the_memory_of_a_layer_is_its_input(chapter):
    x = torch.randn(4, 100)
    network = nn.Sequential(nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 10))
    kept = (100 + 50) * 4  # the input and the sigmoid's output, 4 bytes a number
    assert chapter["kept_bytes"](network, x) == kept
    assert chapter["multiply_adds"](network, x) == 100 * 50 + 50 * 10


def fill_budget(chapter):
    """The tables that the demos read, with invented results."""
    import pandas as pd

    names = list(chapter["SMALL"])
    chapter["budget"] = pd.DataFrame(
        [[10.0 + i, 5.0 - i / 2, 100, 1, 50 + 3 * i, 30 - 2 * i] for i in range(len(names))],
        index=names, columns=["a", "b", "c", "d", "fashion", "cifar"],
    )  # fmt: skip
    for cell in Chapter(ROOT / "book/convolutional-networks/modern-cnns.md").cells:
        if "CHARTS = " in cell.source:
            for node in ast.parse(cell.source).body:
                exec(compile(ast.Module([node], []), str(cell.line), "exec"), chapter)


@pytest.mark.parametrize("cost", ["parameters (millions)", "multiply-adds (billions)"])
@pytest.mark.parametrize("networks", [0, 1, 2])
def test_the_chart_shows_the_numbers_and_their_frontier(chapter, networks, cost):
    fill_budget(chapter)
    title = list(chapter["CHARTS"])[networks]
    line, *families = chapter["draw_chart"](title, cost).axes[0].lines
    points = {tuple(p) for family in families for p in zip(*family.get_data(), strict=True)}
    frontier = {
        (a, right) for a, right in points
        if not any(b <= a and other >= right and (b, other) != (a, right) for b, other in points)
    }  # fmt: skip
    assert set(zip(*line.get_data(), strict=True)) == frontier
    if networks == 0:
        resnet = next(family for family in families if family.get_label() == "ResNet")
        expected = 11.689512 if cost.startswith("parameters") else 1.814
        assert resnet.get_xdata()[0] == pytest.approx(expected)
        assert resnet.get_ydata()[0] == pytest.approx(69.758)
    else:
        row, column = chapter["budget"].iloc[0], "fashion" if networks == 1 else "cifar"
        expected = row["a"] / 1e3 if cost.startswith("parameters") else row["b"] / 1e3
        assert families[0].get_xdata()[0] == pytest.approx(expected)
        assert families[0].get_ydata()[0] == pytest.approx(row[column])


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_the_demo_of_depth_shows_the_recorded_runs(chapter, block):
    steps = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
    recorded = [(steps + seed, [4.0, 2.0, 1.0], [3.0, 1.0, 0.5]) for seed in range(3)]
    chapter["DEPTHS"] = (1, 2)
    chapter["runs"] = {(2, skip): recorded for skip in (False, True)}
    chapter["runs"][2, True] = recorded[::-1]
    top, bottom = chapter["draw_deep"](14, block).axes
    shift = 0 if block == "plain" else 2
    expected = float(steps[:10, 0].mean()) + shift
    assert float(top.lines[0].get_ydata()[0]) == pytest.approx(expected)
    assert [list(line.get_ydata()) for line in bottom.lines[:2]] == [[4, 2, 1], [3, 1, 0.5]]
    assert f"14 layers, {block}" in chapter["say_deep"](14, block)
    assert "is 4 before the first block, 1 after the last" in chapter["say_deep"](14, block)


def test_the_solution_on_folding_a_batch_normalization(chapter):
    torch.manual_seed(0)
    layer, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5).eval()
    for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
        tensor.normal_()
    norm.running_var.uniform_(0.5, 2)
    s = norm.weight / (norm.running_var + norm.eps).sqrt()
    x = torch.randn(2, 3, 6, 6)
    folded = F.conv2d(x, s[:, None, None, None] * layer.weight, norm.bias - s * norm.running_mean)
    torch.testing.assert_close(folded, norm(layer(x)), atol=1e-5, rtol=1e-5)


def test_the_solution_on_the_bottleneck():
    plain = 2 * nn.Conv2d(256, 256, 3, bias=False, device=META).weight.numel()
    parts = (256, 64, 1), (64, 64, 3), (64, 256, 1)
    bottleneck = sum(
        math.prod(nn.Conv2d(*part, bias=False, device=META).weight.shape) for part in parts
    )
    assert (plain, bottleneck, round(plain / bottleneck)) == (1_179_648, 69_632, 17)
