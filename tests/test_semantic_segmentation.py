"""The functions and demos of the chapter on semantic segmentation do what the page says."""

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from chapter import ROOT, Chapter
from torch import nn

CONSTANTS = {"small", "KERNELS", "INPUTS", "PALETTE", "SHADES"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook."""
    names = Chapter(ROOT / "book/vision-applications/semantic-segmentation.md").definitions(
        CONSTANTS, {"run": type("Run", (), {"device": torch.device("cpu")})}
    )
    yield names
    plt.close("all")


def test_confusion_and_iou_agree_with_sets_of_pixels(chapter):
    generator = torch.Generator().manual_seed(0)
    truth, answer = torch.randint(0, 4, (2, 3, 9, 7), generator=generator)
    counts = chapter["confusion"](answer, truth, 5)
    assert counts.sum() == truth.numel() and counts[4].sum() == 0
    for label in range(4):
        true = {tuple(at) for at in (truth == label).nonzero().tolist()}
        said = {tuple(at) for at in (answer == label).nonzero().tolist()}
        expected = len(true & said) / len(true | said)
        assert float(chapter["iou"](counts)[label]) == pytest.approx(expected)
    assert chapter["iou"](counts)[4].isnan()
    right = float((truth == answer).float().mean())
    assert float(chapter["pixel_accuracy"](counts)) == pytest.approx(right)


def test_confusion_has_the_true_class_in_the_rows(chapter):
    truth, answer = torch.tensor([[0, 0, 0, 1, 1, 2]]), torch.tensor([[0, 0, 0, 0, 1, 2]])
    assert chapter["confusion"](answer, truth, 3).tolist() == [[3, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_the_oracle_of_the_opening_is_the_most_frequent_class_of_each_cell(chapter):
    truth = torch.randint(0, 4, (2, 8, 12), generator=torch.Generator().manual_seed(1))
    found = chapter["cells"](truth, 4)
    for i in range(0, 8, 4):
        for j in range(0, 12, 4):
            for one, answer in zip(truth, found, strict=True):
                counts = one[i : i + 4, j : j + 4].flatten().bincount(minlength=4)
                cell = answer[i : i + 4, j : j + 4].unique()
                assert len(cell) == 1 and counts[cell[0]] == counts.max()


def test_class_maps_follow_from_the_masks(chapter):
    from course_lib import data

    _, targets = data.shape_scenes(5, size=32, seed=4)
    for found, target in zip(chapter["class_maps"](targets), targets, strict=True):
        for mask, label in zip(target["masks"], target["labels"], strict=True):
            assert (found[mask.bool()] == label).all()
        assert (found[~target["masks"].bool().any(0)] == 0).all()


@pytest.mark.parametrize("k, s, p", [(2, 1, 0), (3, 1, 1), (4, 2, 1), (5, 3, 2), (2, 3, 0)])
def test_spreading_is_a_convolution_of_the_spaced_input_with_the_turned_kernel(chapter, k, s, p):
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(4, 6, generator=generator).double()
    v = torch.randn(k, k, generator=generator).double()
    wide = torch.zeros([(n - 1) * s + 1 for n in z.shape], dtype=z.dtype)
    wide[::s, ::s] = z
    expected = F.conv2d(wide[None, None], v.flip(0, 1)[None, None], padding=k - 1 - p)[0, 0]
    torch.testing.assert_close(chapter["spread"](z, v, s, p), expected)


def test_spreading_is_the_adjoint_of_a_convolution(chapter):
    """The exercise: ⟨Wx, z⟩ = ⟨x, Wᵀz⟩ where all sizes fit; 22 pixels would lose a row."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(21, 21, generator=generator).double()
    z = torch.randn(11, 11, generator=generator).double()
    v = torch.randn(5, 5, generator=generator).double()
    y = F.conv2d(x[None, None], v[None, None], stride=2, padding=2)[0, 0]
    assert float((y * z).sum()) == pytest.approx(float((x * chapter["spread"](z, v, 2, 2)).sum()))
    assert F.conv2d(torch.ones(1, 1, 22, 22), v.float()[None, None], None, 2, 2).shape[-1] == 11


@pytest.mark.parametrize("s", [2, 3, 5, 8, 16])
def test_bilinear_weights_are_the_weights_of_interpolation(chapter, s):
    weight = chapter["bilinear_weights"](2, s)
    assert weight.shape == (2, 2, 2 * s - s % 2, 2 * s - s % 2)
    assert weight[0, 1].abs().max() == 0 and torch.equal(weight[0, 0], weight[1, 1])
    for a in range(s):  # each output pixel collects weights whose sum is 1
        assert float(weight[0, 0][a::s, a::s].sum()) == pytest.approx(1)
    unit = torch.zeros(1, 1, 7, 7)
    unit[0, 0, 3, 3] = 1  # far from the border
    expected = F.interpolate(unit, scale_factor=s, mode="bilinear")
    found = chapter["upsampler"](1, s)(unit).detach()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", ["random", "fixed", "learned", "skip"])
def test_the_small_network_keeps_the_size_and_starts_as_it_is_described(chapter, way):
    torch.manual_seed(0)
    net = chapter["SmallFCN"](4, way).eval()
    x = torch.randn(2, 3, 32, 48)
    with torch.no_grad():
        coarse, scores = net.coarse(x), net(x)
        assert coarse.shape == (2, 4, 4, 6) and scores.shape == (2, 4, 32, 48)
        enlarged = chapter["upsampler"](4, 8)(coarse)
        if way == "skip":
            enlarged = chapter["upsampler"](4, 4)(chapter["upsampler"](4, 2)(coarse))
    assert torch.allclose(scores, enlarged, atol=1e-5) == (way != "random")
    assert net.up.weight.requires_grad == (way != "fixed")


def test_mirroring_changes_picture_and_map_together(chapter):
    """A class that only depends on the pixel's color is learned in spite of mirrored batches."""
    torch.manual_seed(0)
    x = torch.randn(8, 1, 6, 6)
    y = (x[:, 0] > 0).long()
    net = nn.Conv2d(1, 2, 1)
    chapter["fit"](net, x, y, steps=200, seed=0, rate=0.1, size=4)
    assert float((net(x).argmax(1) == y).float().mean()) > 0.95


def test_regions_are_connected_and_of_one_color(chapter):
    picture = torch.zeros(3, 8, 8, dtype=torch.uint8)
    picture[:, 1:3, 1:3] = 255
    picture[:, 5:7, 5:7] = 255  # the same color, not connected
    found = chapter["regions"](picture, colors=2)
    assert len(found.unique()) == 3
    assert len({int(found[0, 0]), int(found[1, 1]), int(found[5, 5])}) == 3


@pytest.mark.parametrize("kernel", ["0 1; 2 3", "nine ones"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_every_frame_of_the_first_demo_shows_a_transposed_convolution(
    chapter, kernel, stride, padding, count
):
    z = chapter["INPUTS"][kernel].clone()
    z.view(-1)[count:] = 0
    v = chapter["KERNELS"][kernel]
    expected = F.conv_transpose2d(z[None, None], v[None, None], stride=stride)[0, 0]
    right = chapter["draw_spread"](kernel, stride, padding, count).axes[1]
    shown = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in right.texts}
    assert shown == {
        (i, j): f"{float(value):g}" for i, row in enumerate(expected) for j, value in enumerate(row)
    }
    gray = [patch for patch in right.patches if patch.get_alpha()]
    kept = max(0, len(expected) - 2 * padding) ** 2
    assert len(gray) == len(expected) ** 2 - kept
    plt.close("all")


def test_every_frame_of_the_second_demo_shows_the_decision(chapter):
    generator = torch.Generator().manual_seed(5)
    truth = torch.randint(0, 4, (3, 8, 8), generator=generator)
    scores = 3 * F.one_hot(truth, 4).movedim(3, 1).float()
    scores += torch.randn(scores.shape, generator=generator)
    pictures = torch.randint(0, 256, (3, 3, 8, 8), generator=generator, dtype=torch.uint8)
    for threshold in (0.1, 0.5, 0.9):
        answer = chapter["decide"](scores, threshold)
        p = scores.softmax(dim=1)
        for at in ((0, 0, 0), (1, 3, 5), (2, 7, 7)):
            shape = 1 + int(p[at[0], 1:, at[1], at[2]].argmax())
            likely = float(p[at[0], shape, at[1], at[2]])
            assert answer[at] == (shape if likely > threshold else 0)
        values = chapter["iou"](chapter["confusion"](answer, truth, 4))
        names = {"UPS": {"skip": scores}, "IOUS": {("skip", threshold): values}}
        chapter |= names | {"test_images": pictures, "y_test": truth}
        top, bottom = chapter["draw_decision"](2, "skip", threshold).axes
        image = torch.as_tensor(top.images[0].get_array())
        assert torch.equal(image[:, :8], pictures[2].movedim(0, 2))
        assert torch.equal(image[:, 8:16], chapter["PALETTE"][truth[2]])
        assert torch.equal(image[:, 16:], chapter["PALETTE"][answer[2]])
        assert [bar.get_height() for bar in bottom.patches] == pytest.approx(values.tolist())


def test_the_solution_on_dice():
    def dice(value):
        return 2 * value / (1 + value)

    first, second = (0.5, 0.5), (0.2, 0.81)
    assert sum(first) < sum(second)
    assert sum(map(dice, first)) / 2 == pytest.approx(0.667, abs=5e-4)
    assert sum(map(dice, second)) / 2 == pytest.approx(0.614, abs=5e-4)
