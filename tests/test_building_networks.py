"""The functions and the demo of the chapter on building networks do what the page says."""

import copy
import math

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from chapter import ROOT, Chapter
from torch import nn
from torch.utils.data import DataLoader, RandomSampler

from course_lib import data

CONSTANTS = {"MEAN", "STD"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook."""
    path = ROOT / "book/training-well/building-networks.md"
    names = Chapter(path).definitions(CONSTANTS)
    yield names
    plt.close("all")


def test_the_unfinished_network_never_uses_its_last_layers(chapter):
    for name, shape, unused in (("Unfinished", (2, 20, 4, 4), 16_560), ("ConvNet", (2, 10), 0)):
        net = chapter[name]()
        output = net(torch.randn(2, 1, 28, 28))
        output.square().sum().backward()
        assert output.shape == shape
        assert sum(p.numel() for p in net.parameters() if p.grad is None) == unused
        assert sum(p.numel() for p in net.parameters()) == 21_840
    assert sum(p.numel() for p in chapter["chain"]().parameters()) == 21_840


def test_the_output_of_the_unfinished_network_fits_the_loss_only_when_flattened(chapter):
    output, label = chapter["Unfinished"]()(torch.randn(2, 1, 28, 28)), torch.tensor([3, 4])
    with pytest.raises(RuntimeError):
        F.cross_entropy(output, label)
    assert F.cross_entropy(output.flatten(1), label).isfinite()


def test_the_recursion_finds_what_pytorch_finds(chapter):
    block = chapter["Block"](3)
    holder = nn.Module()
    holder.inner, holder.plain, holder.list = block, torch.ones(2), [nn.Linear(2, 2)]
    holder.other = nn.Linear(2, 2, bias=False)
    found, expected = dict(chapter["find_parameters"](holder)), dict(holder.named_parameters())
    assert list(found) == list(expected)
    assert all(found[name] is expected[name] for name in expected)


@pytest.mark.parametrize(
    ("layer", "function", "arguments"),
    [
        (nn.Conv1d(2, 4, 3), F.conv1d, ()),
        (nn.MaxPool1d(2), F.max_pool1d, (2,)),
        (nn.ReLU(), F.relu, ()),
        (nn.LayerNorm(8), F.layer_norm, ((8,),)),
        (nn.Linear(8, 3), F.linear, ()),
        (nn.Dropout(0.5).eval(), F.dropout, (0.5, False)),
        (nn.PairwiseDistance(), F.pairwise_distance, ()),
        (nn.MSELoss(), F.mse_loss, ()),
        (nn.PixelShuffle(2), F.pixel_shuffle, (2,)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_pairs_of_the_page_compute_the_same(layer, function, arguments):
    x = torch.randn(5, 4, 2, 8) if function is F.pixel_shuffle else torch.randn(5, 2, 8)
    inputs = (x, x.flip(0)) if function in (F.pairwise_distance, F.mse_loss) else (x,)
    expected = function(*inputs, *arguments, *layer.parameters())
    assert torch.equal(layer(*inputs), expected)
    text = (ROOT / "book/training-well/building-networks.md").read_text(encoding="utf-8")
    assert f"(`nn.{type(layer).__name__}`, `F.{function.__name__}`)" in " ".join(text.split())


def test_a_module_without_super_init_says_what_the_page_says():
    class Careless(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"module before Module.__init__\(\) call"):
        Careless()


@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 5])
def test_the_length_is_pytorchs_and_too_short_a_signal_is_an_error(
    chapter, padding, dilation, stride
):
    layer, span = nn.Conv1d(1, 1, 4, stride, padding, dilation), 3 * dilation + 1
    for n in range(max(1, span - 2 * padding), 24):
        expected = layer(torch.zeros(1, 1, n)).shape[-1]
        assert chapter["length"](n, 4, stride, padding, dilation) == expected
    with pytest.raises(RuntimeError):
        layer(torch.zeros(1, 1, span - 2 * padding - 1))


@pytest.mark.parametrize("settings", [(3, 1, 0, 1), (3, 2, 0, 2), (4, 3, 1, 1), (5, 3, 2, 2)])
def test_every_frame_shows_what_the_outputs_see(chapter, settings):
    kernel, stride, padding, dilation = settings
    x = torch.zeros(1, 1, 12, requires_grad=True)
    output = F.conv1d(x, torch.ones(1, 1, kernel), None, stride, padding, dilation)[0, 0]
    seen = chapter["seen"](*settings)
    assert len(seen) == len(output)
    for row, value in zip(seen, output, strict=True):
        (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
        assert gradient[0, 0].nonzero().flatten().tolist() == [i for i in row if 0 <= i < 12]
    (total,) = torch.autograd.grad(output.sum(), x)
    assert chapter["unseen"](*settings) == (total[0, 0] == 0).nonzero().flatten().tolist()
    ax = chapter["draw_windows"](*settings).axes[0]
    rays = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_xdata()[0] for line in rays] == [i for row in seen for i in row]
    hatched = [round(bar.get_x() + 0.4) for bar in ax.patches if bar.get_hatch()]
    assert hatched == chapter["unseen"](*settings)
    assert f"{len(seen)} outputs" in chapter["say_windows"](*settings)


def test_the_rules_of_average_pooling_that_the_page_states():
    x = torch.arange(1.0, 6.0)[None]  # a third window of stride 4 would start in the padding
    for kernel, stride, padding in ((4, 3, 1), (2, 3, 1), (3, 4, 1)):
        output = F.avg_pool1d(x, kernel, stride, padding, ceil_mode=True, count_include_pad=False)
        expected = []
        for start in range(-padding, 5, stride):  # no window starts at 5 or later
            expected.append(float(x[0, max(start, 0) : start + kernel].mean()))
        assert output[0].tolist() == pytest.approx(expected)
    assert F.max_pool1d(-x, 3, 2, padding=1)[0, 0] == -1  # not the padding's 0


def test_stochastic_pooling_of_the_window_has_the_expectation_of_the_page():
    window = torch.tensor([0.0, 1.0, 3.0, 4.0])
    assert (window * window / window.sum()).sum() == 3.25


def test_a_shared_weight_gets_the_sum_of_the_gradients_by_finite_differences():
    torch.manual_seed(0)
    w, x = torch.randn(3, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)

    def loss(first, second):
        return torch.tanh(second @ torch.tanh(first @ x)).sum()

    for i in range(9):
        step = 1e-6 * torch.eye(9, dtype=torch.float64)[i].view(3, 3)
        both = loss(w + step, w + step) - loss(w - step, w - step)
        parts = loss(w + step, w) - loss(w - step, w) + loss(w, w + step) - loss(w, w - step)
        assert float(both) == pytest.approx(float(parts), abs=1e-14)


@pytest.mark.parametrize("size", [7, 50])
def test_the_loader_by_hand_gives_the_batches_of_the_data_loader(chapter, size):
    images = torch.randint(0, 256, (50, 1, 28, 28), dtype=torch.uint8)
    dataset = chapter["Digits"](data.LabelledImages(images, torch.arange(50)))
    mine = chapter["batches_by_hand"](dataset, size, torch.Generator().manual_seed(3))
    order = RandomSampler(dataset, generator=torch.Generator().manual_seed(3))
    seen = []
    for (x, y), (x_hand, y_hand) in zip(
        DataLoader(dataset, size, sampler=order), mine, strict=True
    ):
        assert torch.equal(x, x_hand) and torch.equal(y, y_hand)
        seen += y.tolist()
    assert sorted(seen) == list(range(50)) and seen != sorted(seen)


def test_a_loader_that_shuffles_draws_one_number_first():
    order = torch.Generator().manual_seed(7)
    (batch,) = DataLoader(range(10), 10, shuffle=True, generator=torch.Generator().manual_seed(7))
    assert batch.tolist() != torch.randperm(10, generator=order).tolist()
    order = torch.Generator().manual_seed(7)
    torch.empty((), dtype=torch.int64).random_(generator=order)
    assert batch.tolist() == torch.randperm(10, generator=order).tolist()


def test_nested_batches_move_and_the_original_stays(chapter):
    batch = {"a": [torch.zeros(2), (torch.ones(1), "name")], "n": 3}
    moved = chapter["to_device"](batch, torch.device("meta"))
    assert moved["a"][0].is_meta and moved["a"][1][0].is_meta
    assert moved["a"][1][1] == "name" and moved["n"] == 3
    assert isinstance(moved["a"][1], tuple) and not batch["a"][0].is_meta


def test_a_resumed_training_needs_the_state_of_the_optimizer(chapter):
    torch.manual_seed(0)
    batches = [(torch.randn(8, 1, 28, 28), torch.randint(0, 10, (8,))) for _ in range(4)]
    model, optimizer = chapter["start"](chapter["ConvNet"]().state_dict())
    chapter["steps"](model, optimizer, batches[:2])
    saved = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    chapter["steps"](model, optimizer, batches[2:])
    gaps = []
    for states in (saved, saved[:1]):
        resumed = chapter["start"](*states)
        chapter["steps"](*resumed, batches[2:])
        gaps.append(float((resumed[0].fc1.weight - model.fc1.weight).detach().abs().max()))
    assert gaps[0] < 1e-6 < 1e-4 < gaps[1]


def test_the_numbers_of_questions_and_exercises(chapter):
    assert chapter["length"](100, 5, 2, 1, 3) == 45
    assert sum(p.numel() for p in nn.Conv1d(6, 12, 5, groups=3).parameters()) == 132
    for kernel, dilation in ((3, 1), (3, 8), (5, 2)):
        assert chapter["length"](40, kernel, 1, dilation * (kernel - 1) // 2, dilation) == 40
    x = torch.zeros(1, 1, 63, requires_grad=True)
    y = x
    for d in (1, 2, 4, 8):
        y = F.conv1d(y, torch.ones(1, 1, 3), padding=d, dilation=d)
    (gradient,) = torch.autograd.grad(y[0, 0, 31], x)
    assert y.shape == x.shape and int((gradient != 0).sum()) == 31
    assert math.isclose(16 * 11_689_512 / 1e6, 187, abs_tol=0.1)
    assert 11_689_512 - (512 * 1000 + 1000) == 11_176_512 == 11_227_812 - 51_300
