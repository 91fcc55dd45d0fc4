"""The functions and demos of the chapter on style transfer do what the page says."""

import itertools
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn
from torchvision.models import vgg

CONSTANTS = {"STYLE", "CONTENT", "SMALL", "MEAN", "STD"}
CHANNELS = [64, 128, 256, 512, 512, 512]


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook."""
    names = {"run": SimpleNamespace(device=torch.device("cpu")), "PROFILE": "cpu"}
    Chapter(ROOT / "book/vision-applications/style-transfer.md").definitions(CONSTANTS, names)
    yield names
    plt.close("all")


@pytest.fixture(scope="module")
def features(chapter):
    """An untrained network as a source of features, and two pictures."""
    torch.manual_seed(0)
    content, style = torch.rand(1, 3, 16, 20), torch.rand(1, 3, 12, 24)
    look = chapter["reader"](chapter["body"](), *chapter["SMALL"])
    return chapter["Features"](look, style), content, style


def test_the_losses_agree_with_sums_over_their_terms(chapter):
    torch.manual_seed(1)
    Z, P = torch.randn(2, 3, 2, 4).double(), torch.randn(2, 3, 2, 4).double()
    places = list(itertools.product(range(2), range(4)))
    for n in range(2):
        found = chapter["content_loss"](Z, P)[n]
        expected = sum((Z[n, k, i, j] - P[n, k, i, j]) ** 2 for k in range(3) for i, j in places)
        assert float(found) == pytest.approx(float(expected) / 24)
        for k, other in itertools.product(range(3), repeat=2):
            together = sum(Z[n, k, i, j] * Z[n, other, i, j] for i, j in places)
            assert float(chapter["gram"](Z)[n, k, other]) == pytest.approx(float(together) / 24)
        across = [abs(float(Z[n, k, 1, j] - Z[n, k, 0, j])) for k in range(3) for j in range(4)]
        along = [
            abs(float(Z[n, k, i, j + 1] - Z[n, k, i, j]))
            for k in range(3) for i in range(2) for j in range(3)
        ]  # fmt: skip
        expected = (sum(across) / len(across) + sum(along) / len(along)) / 2
        assert float(chapter["tv_loss"](Z)[n]) == pytest.approx(expected)
    grams = [chapter["gram"](Z), chapter["gram"](Z[:, :2])]
    targets = [chapter["gram"](P), chapter["gram"](P[:, :2])]
    found = chapter["style_loss"](grams, targets)[1]
    layers = [((a[1] - b[1]) ** 2).mean() for a, b in zip(grams, targets, strict=True)]
    assert float(found) == pytest.approx(float(sum(layers)) / 2)


def test_answers_of_the_questions(chapter):
    picture = torch.tensor([[0.0, 0, 1], [0, 0, 1]])[None, None]
    assert float(chapter["tv_loss"](picture)) == 0.25
    maps = torch.rand(1, 4, 5, 6)
    gram = chapter["gram"]
    order = torch.randperm(30)
    shuffled = maps.flatten(2)[..., order].view_as(maps)
    for same in (maps.flip(3), shuffled):
        torch.testing.assert_close(gram(same), gram(maps))
    apart = maps.clone()
    apart[:, 0] = maps[:, 0].flip(1)
    assert (gram(apart) - gram(maps)).abs().max() > 1e-3
    assert (gram(maps[:, [1, 0, 2, 3]]) - gram(maps)).abs().max() > 1e-3


def test_pictures_of_a_batch_are_the_same_as_one_by_one(chapter, features):
    look, content, style = features
    settings = [(1.0, 1e3, 1.0), (0.0, 1e4, 1.0), (1.0, 1e4, 10.0)]
    together, losses = chapter["paint"](look, content, style, settings, steps=3)
    assert losses.shape == (3, 3, 3) and together.shape == (3, 3, 16, 20)
    for i, setting in enumerate(settings):
        alone, own = chapter["paint"](look, content, style, [setting], steps=3)
        assert (together[i] - alone[0]).abs().mean() < 1e-3
        torch.testing.assert_close(losses[:, i], own[:, 0], atol=1e-5, rtol=1e-3)
    assert float(losses[0, 0, 0]) < 1e-9  # starts from the photograph


def test_only_ratios_of_the_weights_matter(chapter, features):
    one, _ = chapter["paint"](*features, [(1.0, 1e4, 1.0)], steps=3)
    other, _ = chapter["paint"](*features, [(10.0, 1e5, 10.0)], steps=3)
    assert (one - other).abs().mean() < 1e-3
    less, _ = chapter["paint"](*features, [(1.0, 1e3, 1.0)], steps=3)
    assert (one - less).abs().mean() > 0.01


def test_features_are_scaled_and_ordered(chapter, features):
    look, _, style = features
    styles, content = look(style)
    assert [Z.shape[1] for Z in styles] == [16, 24, 32, 48, 64] and content.shape[1] == 48
    for Z in (*styles, content):
        assert float(Z.square().mean()) == pytest.approx(1, abs=1e-4)
    filters = chapter["Features"](chapter["random_filters"](0), style)
    styles, content = filters(torch.rand(1, 3, 32, 40))
    assert [tuple(Z.shape[1:]) for Z in styles] == [(32, 32 >> i, 40 >> i) for i in range(4)]
    assert content.shape == styles[1].shape


def test_shuffled_tiles_are_the_tiles(chapter):
    picture = torch.arange(3 * 8 * 8.0).view(1, 3, 8, 8)
    for side in (1, 2, 4):
        found = chapter["tiles"](picture, side)

        def cut(x, side=side):
            parts = torch.nn.functional.unfold(x, side, stride=side)[0].T
            return parts[parts[:, 0].argsort()]

        assert torch.equal(cut(found), cut(picture)) and not torch.equal(found, picture)


def field(layers):
    """Width of the input window that reaches one place in the middle of the last map."""
    x = torch.zeros(1, 1, 320, 320, requires_grad=True)
    z = x
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            z = nn.functional.conv2d(z, torch.ones(1, 1, 3, 3) / 9, padding=1)
        elif not isinstance(layer, nn.ReLU):
            z = nn.functional.avg_pool2d(z, 2)
    z[0, 0, z.shape[2] // 2, z.shape[3] // 2].backward()
    return int((x.grad[0, 0] != 0).any(dim=0).sum())


def test_receptive_fields(chapter):
    with torch.device("meta"):
        layers = vgg.make_layers(vgg.cfgs["E"])
    wanted = (*chapter["STYLE"], chapter["CONTENT"])
    assert [layers[i].out_channels for i in wanted] == [64, 128, 256, 512, 512, 512]
    assert [field(layers[: i + 1]) for i in (0, 5, 10, 19, 28)] == [3, 10, 24, 68, 156]
    flat = [part for block in chapter["body"]() for part in getattr(block, "children", list)()]
    assert len(flat) == 15  # five blocks of three; the two poolings have no parts
    small = [block[0] if isinstance(block, nn.Sequential) else block for block in chapter["body"]()]
    assert [field(small[: i + 1]) for i in (0, 1, 3, 4, 6)] == [3, 5, 10, 14, 24]


def test_vgg_is_used_where_its_file_is_and_only_there(chapter, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    reference = torch.rand(1, 3, 48, 48)
    assert chapter["vgg_features"](reference) is None
    (tmp_path / "checkpoints").mkdir()
    name = vgg.VGG19_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
    (tmp_path / "checkpoints" / name).touch()
    network = SimpleNamespace(features=vgg.make_layers(vgg.cfgs["E"]))
    monkeypatch.setattr(chapter["models"], "vgg19", lambda weights, progress: network)
    styles, content = chapter["vgg_features"](reference)(reference)
    assert [Z.shape[1] for Z in (*styles[:4], content, styles[4])] == CHANNELS
    assert all(Z.min() >= 0 for Z in (*styles, content))  # behind a ReLU
    assert not any(p.requires_grad for p in network.features[:30].parameters())


def test_frames_of_the_demo_show_the_pictures_and_their_losses(chapter):
    torch.manual_seed(0)
    settings = list(itertools.product((0.0, 1.0), (0.0, 1e4), (0.0, 1.0)))
    chapter["frames"] = {s: torch.rand(3, 8, 10) for s in settings}
    chapter["finals"] = {s: torch.rand(3) + 0.2 for s in settings}
    chapter["scales"] = torch.tensor([0.5, 2.0, 4.0])
    for setting in settings:
        figure = chapter["draw_weights"](*setting)
        top, below = figure.axes
        shown = torch.from_numpy(np.array(top.images[0].get_array()))
        assert (shown - chapter["frames"][setting].permute(1, 2, 0)).abs().max() <= 0.5 / 31 + 1e-6
        expected = (chapter["finals"][setting] / chapter["scales"]).tolist()
        ends = [float(line.get_xdata()[-1]) for line in below.lines[::2]]
        assert ends == pytest.approx([min(value, 2.5) for value in expected])
        assert f"content loss {expected[0]:.2f}" in chapter["says"](*setting)


def test_solutions_of_the_exercises(chapter):
    torch.manual_seed(0)
    Z, S = torch.randn(6, 20).double(), torch.randn(6, 20).double()
    c, M = Z.shape
    ours = ((Z @ Z.T - S @ S.T) / (c * M)).square().mean()
    paper = (Z @ Z.T - S @ S.T).square().sum() / (4 * c**2 * M**2)
    assert float(paper / ours) == pytest.approx(c**2 / 4)
    assert 64**2 / 4 == 1024 and 512**2 / 4 == 65_536
    left = (Z @ Z.T - S @ S.T).square().sum()
    right = ((Z.T @ Z) ** 2).sum() + ((S.T @ S) ** 2).sum() - 2 * ((Z.T @ S) ** 2).sum()
    assert float(left) == pytest.approx(float(right))
