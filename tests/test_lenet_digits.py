"""The demos of the LeNet chapter show what its network computes, and its tools do what they say."""

import re

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch.nn import functional as F

from course_lib import data, runtime


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and classes of the notebook, with ten noisy pictures as data."""
    names = {"run": runtime.start("smoke"), "MEAN": 0.1307, "STD": 0.3081}
    names["ANGLES"] = torch.arange(0, 181, 5)
    Chapter(ROOT / "book/convolutional-networks/lenet-digits.md").definitions(names=names)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (10, 1, 28, 28), generator=generator).to(torch.uint8)
    names["test_set"] = data.LabelledImages(images, torch.arange(10))
    names["first"] = list(range(10))
    names["lenet"] = names["LeNet"]().eval()
    yield names
    plt.close("all")


@pytest.mark.parametrize("digit", [0, 7])
@pytest.mark.parametrize("shift", [0, 5])
def test_the_moving_demo_shows_the_moved_picture_and_its_probabilities(chapter, digit, shift):
    image = torch.zeros(28, 28)
    image[:, shift:] = chapter["test_set"].images[digit, 0, :, : 28 - shift]
    p = chapter["lenet"](((image / 255 - 0.1307) / 0.3081)[None, None]).softmax(1)[0]

    picture, bars, c1, _c3 = chapter["draw_look"](digit, shift).axes
    assert torch.equal(torch.tensor(picture.images[0].get_array().filled()), image)
    assert c1.images[0].get_array().shape == (2 * 29 - 1, 3 * 29 - 1)
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == pytest.approx(p.tolist(), abs=1e-6)
    alt = chapter["say_look"](digit, shift)
    assert f"answers {p.argmax().item()} with probability {p.max().item():.2f}" in alt


def test_the_turning_demo_draws_the_curves_of_four_classes(chapter):
    picture, curves = chapter["draw_turn"]("3", 90).axes
    quarter = torch.rot90(chapter["test_set"].images[3, 0].float())
    shown = torch.tensor(picture.images[0].get_array().filled())
    torch.testing.assert_close(shown, quarter, atol=0.5, rtol=0)
    p = chapter["scores"](chapter["lenet"], quarter[None, None]).softmax(1)[0]
    lines = [line for line in curves.lines if len(line.get_xdata()) == 37]
    assert len(lines) == 4
    for line in lines:
        at_90 = line.get_ydata()[18]
        assert at_90 == pytest.approx(p[int(line.get_label())].item(), abs=1e-3)


def test_a_page_is_prepared_like_mnist(chapter):
    page = torch.full((100, 200), 250, dtype=torch.uint8)
    page[70:90, 150:155] = 20
    picture = chapter["like_mnist"](page).float()
    rows, columns = (picture > 128).nonzero().T
    assert picture.shape == (28, 28) and rows.max() - rows.min() + 1 == 20
    assert columns.max() - columns.min() + 1 == 5
    center = (picture.sum(1) * torch.arange(28)).sum() / picture.sum()
    assert abs(center - 13.5) <= 0.5


def test_lenet_by_hand_agrees_on_other_sizes_of_batches(chapter):
    model = chapter["LeNet"]().double()
    x = torch.randn(3, 1, 28, 28, dtype=torch.double)
    ours = chapter["lenet_by_hand"](x, dict(model.named_parameters()))
    torch.testing.assert_close(ours, model(x))
    weight, bias = torch.randn(2, 3, 4, 4), torch.randn(2)
    x = torch.randn(5, 3, 9, 11)
    ours = chapter["conv2d"](x, weight, bias, padding=1)
    torch.testing.assert_close(ours, F.conv2d(x, weight, bias, padding=1))


@pytest.mark.parametrize("n, k, p, s", [(28, 5, 2, 1), (14, 5, 0, 1), (9, 4, 1, 3), (7, 2, 0, 2)])
def test_the_size_formula(chapter, n, k, p, s):
    layer = torch.nn.Conv2d(1, 1, k, stride=s, padding=p)
    assert layer(torch.zeros(1, 1, n, n)).shape[-1] == chapter["size"](n, k, p, s)


def test_moving_pictures(chapter):
    image = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    image[0, 0, 10, 10] = 9
    moved = chapter["shifted"](image, 3, -4)
    assert moved.shape == image.shape and moved[0, 0, 13, 6] == 9 and moved.sum() == 9
    assert chapter["shifted"](image, 0, 20).sum() == 0


def test_the_code_of_the_solutions_runs(chapter):
    source = (ROOT / "book/convolutional-networks/lenet-digits.md").read_text(encoding="utf-8")
    solution = source.split("{solution} ex-lenet-3")[1].split("```")[0]
    block = re.search(r"(    class LeNet1998.*?)\n\n    runs", solution, re.S)[1]
    names = dict(chapter)
    exec("\n".join(line[4:] for line in block.splitlines()), names)
    assert names["LeNet1998"]()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)

    block = source.split("{solution} ex-lenet-4")[1].split("```")[0]
    lines = [line[4:] for line in block.splitlines() if line.startswith("    ")]
    names = dict(chapter, x=torch.zeros(6, 1, 28, 28))
    exec("\n".join(lines), names)
    assert names["x"].shape == (6, 1, 28, 28)
