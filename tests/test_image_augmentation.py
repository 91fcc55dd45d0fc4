"""The functions and demos of the chapter on image augmentation do what the page says."""

import colorsys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from chapter import ROOT, Chapter
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF

from course_lib.data.pictures import Photographs

CONSTANTS = {"MEAN", "STD", "normalize", "BILINEAR", "VIEWS", "SEED_OF_VIEW", "METHODS", "COLUMNS"}


def noise(seed: int, size: int = 40) -> Image.Image:
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (size, size, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook, with small data of our own."""
    names = [f"pet_{i}" for i in range(12)]
    part = Photographs(names, [i % 2 for i in range(12)], lambda name: noise(int(name[4:])))
    space = {
        "pets": SimpleNamespace(train=part[:8], test=part[8:]),
        "photo": TF.pil_to_tensor(noise(99, 150)),
        "EPOCHS": 6,
        "results": torch.rand(2, 3, 3, 4, generator=torch.Generator().manual_seed(0)),
    }
    Chapter(ROOT / "book/convolutional-networks/image-augmentation.md").definitions(
        CONSTANTS, space
    )
    yield space
    plt.close("all")


def test_the_folder_has_the_form_of_petimages_and_the_planted_faults(chapter, tmp_path):
    chapter["write_folder"](tmp_path / "PetImages", 5)
    kinds = {}
    for path in sorted((tmp_path / "PetImages").rglob("*.jpg")):
        found = [chapter["problem"](path, decode) for decode in (False, True)]
        kinds[path.name, path.parent.name] = [bool(name) for name in found]
    broken = {name: found for (name, _), found in kinds.items() if any(found)}
    # verify reads the header only: it misses the file that ends in the middle
    assert broken == {
        "empty.jpg": [True, True],
        "page.jpg": [True, True],
        "half.jpg": [False, True],
    }
    assert sum(folder == "Cat" for _, folder in kinds) == 5 + 2
    assert sum(folder == "Dog" for _, folder in kinds) == 5 + 2
    dogs = tmp_path / "PetImages" / "Dog"
    assert (dogs / "copy.jpg").read_bytes() == (dogs / "0.jpg").read_bytes()
    with Image.open(tmp_path / "PetImages" / "Cat" / "1.jpg") as picture:
        assert picture.mode == "L"


def test_a_split_has_no_overlap_and_is_the_same_each_time(chapter):
    train, valid = chapter["split"](220)
    assert (len(train), len(valid)) == (176, 44)
    assert sorted(train + valid) == list(range(220)) and train != sorted(train)
    assert chapter["split"](220) == (train, valid) != chapter["split"](220, 43)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_every_kind_of_file_becomes_three_channels(chapter, tmp_path, mode):
    noise(1).convert(mode).save(tmp_path / "picture.png")
    samples = [(tmp_path / "picture.png", 1)]
    image, label = chapter["Photos"](samples, v2.Compose([v2.ToImage(), chapter["normalize"]]))[0]
    assert image.shape == (3, 40, 40) and image.dtype == label.dtype == torch.float32
    if mode == "RGB":
        plain = np.array(noise(1)).transpose(2, 0, 1) / 255
        mean, std = (np.array(chapter[k])[:, None, None] for k in ("MEAN", "STD"))
        assert np.abs((plain - mean) / std - image.numpy()).max() < 1e-5


def test_a_new_draw_each_time_but_not_a_longer_data_set(chapter, tmp_path):
    noise(1).save(tmp_path / "picture.png")
    photos = chapter["Photos"]([(tmp_path / "picture.png", 0)], v2.RandomRotation(30))
    assert len(photos) == 1
    assert photos[0][0].tobytes() != photos[0][0].tobytes()


@pytest.mark.parametrize("sigmoid", [False, True])
def test_the_network(chapter, sigmoid):
    torch.manual_seed(0)
    network = chapter["make_network"](sigmoid)
    assert sum(p.numel() for p in network.parameters()) == 97_569
    for size in ((128, 128), (48, 48), (17, 90)):
        assert network(torch.randn(3, 3, *size)).shape == (3,)
    output = network(torch.randn(4, 3, 32, 32))
    assert bool(((output > 0) & (output < 1)).all()) or not sigmoid
    convolutions = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    sizes = [(c.in_channels, c.out_channels, c.kernel_size, c.padding) for c in convolutions]
    three, one = ((3, 3), (1, 1)), ((1, 1), (0, 0))
    assert sizes == [
        (3, 16, *three), (16, 32, *three), (32, 64, *three), (64, 128, *three), (128, 1, *one),
    ]  # fmt: skip


def test_the_nearest_neighbor_and_the_leak(chapter):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 3, 4, 4, generator=generator)
    y = torch.randint(0, 2, (60,), generator=generator).float()
    assert chapter["nearest"](x, y, x + 0.01, y) == 1.0  # every test picture has a sister
    honest = chapter["nearest"](x[:40], y[:40], x[40:], y[40:])
    assert 0.2 < honest < 0.8  # these labels are random


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7, 2.5])
def test_color_by_hand_agrees_with_torchvision(chapter, factor):
    photo, gray = chapter["photo"], chapter["gray"]
    for name, duller in (
        ("brightness", 0), ("contrast", gray(photo).mean()), ("saturation", gray(photo)),
    ):  # fmt: skip
        theirs = getattr(TF, f"adjust_{name}")(photo, factor)
        assert (chapter["blend"](photo, duller, factor).int() - theirs.int()).abs().max() <= 1


def test_the_ranges(chapter):
    assert chapter["factor_range"](0.25) == (0.75, 1.25)
    assert chapter["factor_range"](1.5) == (0.0, 2.5)
    torch.manual_seed(0)
    shift = chapter["draws"](v2.ColorJitter(hue=0.1), "hue_factor", 500)
    assert -0.1 <= shift.min() < -0.09 and 0.09 < shift.max() <= 0.1


def test_a_shift_of_the_hue_turns_the_circle(chapter):
    for pixel in ((200, 100, 50), (10, 200, 90)):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        for shift in (-0.4, 0.1, 0.5):
            shifted = chapter["shift_hue"](pixel, shift)
            h2, s2, v2_ = colorsys.rgb_to_hsv(*shifted)
            turn = (h2 - h - shift) % 1
            assert min(turn, 1 - turn) < 0.01
            assert s2 == pytest.approx(s, abs=0.02) and v2_ == pytest.approx(v, abs=1)
    assert chapter["shift_hue"]((255, 0, 0), 0.5) == [0, 255, 255]  # red to cyan


def test_cutout_is_a_clipped_square_and_leaves_its_input_alone(chapter, monkeypatch):
    image = torch.ones(3, 20, 30)
    corner = SimpleNamespace(item=lambda: 0)
    monkeypatch.setattr(torch, "randint", lambda *_: corner)
    cut = chapter["Cutout"](1, 10)(image)
    assert bool((image == 1).all())
    hidden = cut == 0
    assert bool(hidden[:, :5, :5].all()) and int(hidden.sum()) == 3 * 25  # a quarter is left


def test_the_mean_share_that_cutout_hides(chapter):
    side, length = 50, 128
    inside = [min(c - side // 2 + side, length) - max(c - side // 2, 0) for c in range(length)]
    exact = (np.mean(inside) / length) ** 2
    formula = (side / length) ** 2 * (1 - side / (4 * length)) ** 2
    assert formula == pytest.approx(exact, rel=0.002)
    torch.manual_seed(0)
    white, cutout = torch.ones(1, length, length), chapter["Cutout"](1, side)
    shares = [(cutout(white) == 0).float().mean().item() for _ in range(2000)]
    assert np.mean(shares) == pytest.approx(exact, abs=0.003)


def pixels(ax) -> np.ndarray:
    (shown,) = ax.images
    return np.asarray(shown.get_array())


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_every_frame_of_the_viewer_shows_the_photograph_and_the_transform(chapter, strength):
    for name, (make, *settings) in chapter["VIEWS"].items():
        left, right = chapter["draw_view"](name, strength).axes
        torch.manual_seed(chapter["SEED_OF_VIEW"])
        expected = make(settings[strength - 1])(chapter["photo"])
        for ax, picture in ((left, chapter["photo"]), (right, expected)):
            height, width = picture.shape[-2:]
            small = TF.resize(picture, [round(0.4 * height), round(0.4 * width)])
            assert np.array_equal(pixels(ax), small.permute(1, 2, 0).numpy()), name
            assert ax.get_xticks()[-1] == width and ax.get_yticks()[-1] == height
        plt.close("all")


def test_the_settings_change_the_picture(chapter):
    for name in chapter["VIEWS"]:
        frames = [pixels(chapter["draw_view"](name, k).axes[1]) for k in (1, 2, 3)]
        same = [np.array_equal(frames[0], frame) for frame in frames[1:]]
        assert not all(same), name
        plt.close("all")


@pytest.mark.parametrize("method", ["without", "with"])
@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_every_frame_of_the_curves_shows_the_measurements(chapter, method, quantity):
    runs = chapter["results"][("without", "with").index(method)]  # (seed, time, 4)
    column = {"loss": 0, "accuracy": 1}[quantity]
    (ax,) = chapter["draw_curves"](method, quantity).axes
    lines = [torch.as_tensor(np.asarray(line.get_ydata())) for line in ax.lines]
    for shift, drawn in ((0, lines[:4]), (2, lines[4:])):
        for seed in range(3):
            torch.testing.assert_close(drawn[seed], runs[seed, :, column + shift])
        torch.testing.assert_close(drawn[3], runs[:, :, column + shift].mean(0))
    assert list(ax.lines[0].get_xdata()) == [2, 4, 6]
    ends = runs[:, -1].mean(0)
    told = chapter["describe_curves"](method, quantity)
    assert f"{ends[column]:.2f}" in told and f"{ends[column + 2]:.2f}" in told
    assert len(lines) == 8
