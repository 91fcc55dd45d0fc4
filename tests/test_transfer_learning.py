"""The functions and the demo of the chapter on transfer learning do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from chapter import ROOT, Chapter
from torch import nn

from course_lib import runtime


@pytest.fixture(scope="module")
def chapter():
    """The imports and functions of the notebook, and scores for the demo."""
    names = {"run": runtime.start("smoke", seed=0), "PROFILE": "smoke"}
    Chapter(ROOT / "book/convolutional-networks/transfer-learning.md").definitions(
        {"LABELS", "SCRATCH", "GENTLE"}, names
    )
    names["sources"] = [names["network"](5)]
    names["scores"] = {
        (each, way): [0.4 + 0.01 * index + 0.001 * each, 0.5 + 0.01 * index]
        for each in names["LABELS"]
        for index, way in enumerate((0, 1, 2, 3, "scratch"))
    }
    yield names
    plt.close("all")


def pictures(count=40):
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(count) % 5
    x = torch.randn(count, 1, 28, 28, generator=generator) + y.view(-1, 1, 1, 1)
    return x, y


class Samples:
    def __init__(self):
        self.labels = torch.tensor([3, 1, 2, 1, 3, 2, 3, 1, 0])
        self.images = self.labels.view(-1, 1, 1, 1).expand(-1, 1, 2, 2).to(torch.uint8)


def test_chosen_pictures_have_consecutive_labels(chapter):
    images, y = chapter["choose"](Samples(), (1, 3), 2)
    assert y.tolist() == [0, 0, 1, 1]
    assert images[:, 0, 0, 0].tolist() == [1, 1, 3, 3]
    images, y = chapter["choose"](Samples(), (1, 3))
    assert y.tolist() == [0] * 3 + [1] * 3


def test_another_seed_chooses_other_pictures(chapter):
    class Many:
        labels = torch.zeros(100, dtype=torch.int64)
        images = torch.arange(100, dtype=torch.uint8).view(-1, 1, 1, 1)

    first, again, other = (chapter["choose"](Many, (0,), 5, s)[0] for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(first.unique()) == 5


@pytest.mark.parametrize("frozen", [0, 1, 2, 3])
def test_frozen_blocks_keep_weights_and_statistics(chapter, frozen):
    torch.manual_seed(0)
    net = chapter["network"](5)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    x, y = pictures()
    chapter["adapt"](net, x, y, frozen, (1e-2, 1e-2), 3)
    for name, now in net.state_dict().items():
        kept = int(name.split(".")[0]) < frozen
        assert torch.equal(now, before[name]) == kept, name
    assert not any(module.training for module in net.modules())


def test_training_on_features_is_training_the_whole_with_a_frozen_body(chapter):
    torch.manual_seed(0)
    net = chapter["network"](5)
    once, every = (chapter["with_head"](net, 5, seed=1) for _ in range(2))
    x, y = pictures()
    chapter["adapt"](once, x, y, 3, (0, 1e-2), 10)
    every[:3].eval()
    chapter["learn"](every, x, y, [{"params": every[3].parameters(), "lr": 1e-2}], 10)
    torch.testing.assert_close(once[3][2].weight, every[3][2].weight, atol=1e-4, rtol=1e-4)


def test_a_new_head_leaves_the_source_as_it_was(chapter):
    source = chapter["network"](10)
    net = chapter["with_head"](source, 3, seed=0)
    assert source[3][2].out_features == 10 and net[3][2].out_features == 3
    x, y = pictures()
    before = source[0][0].weight.clone()
    chapter["adapt"](net, x, y % 3, 0, (1e-2, 1e-2), 2)
    assert torch.equal(source[0][0].weight, before)
    assert not torch.equal(net[0][0].weight, before)


@pytest.mark.parametrize("part", range(4))
def test_tuning_one_part_changes_its_parameters_only(chapter, part):
    torch.manual_seed(0)
    net = chapter["network"](5).eval()
    x, y = pictures()
    tuned = chapter["tune_part"](net, x, y, part, 3, seed=0)
    for (name, old), now in zip(net.state_dict().items(), tuned.state_dict().values(), strict=True):
        trained = name.startswith(f"{part}.") and "running" not in name and "num_" not in name
        assert torch.equal(old, now) != trained, name


def test_learning_rates_belong_to_their_groups(chapter):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    before = [layer.weight.clone() for layer in net]
    groups = [
        {"params": net[0].parameters(), "lr": 1e-3},
        {"params": net[1].parameters(), "lr": 1e-2},
    ]
    chapter["learn"](net, torch.randn(8, 2), torch.arange(8) % 2, groups, 1)
    moved = [
        (layer.weight - old).detach().abs().max() for layer, old in zip(net, before, strict=True)
    ]
    # the first step of Adam has the length of the learning rate
    assert float(moved[0]) == pytest.approx(1e-3, rel=1e-2)
    assert float(moved[1]) == pytest.approx(1e-2, rel=1e-2)


@pytest.mark.parametrize("size", [(2, 3), (5, 7), (9, 4), (28, 28)])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_adaptive_pooling_by_hand(chapter, size, m):
    maps = torch.randn(2, 3, *size)
    torch.testing.assert_close(
        chapter["adaptive_average"](maps, m), F.adaptive_avg_pool2d(maps, m), atol=1e-6, rtol=1e-5
    )


def test_any_size_of_picture_gives_the_same_number_of_features(chapter):
    net = chapter["network"](5)
    for side in (16, 28, 57):
        x = torch.randn(3, 1, side, side)
        assert chapter["features"](net, x).shape == (3, 512)
        torch.testing.assert_close(net[3][2](chapter["features"](net, x)), net.eval()(x))


def test_careless_features_depend_on_the_neighbors(chapter):
    net = chapter["network"](5).eval()
    x, _ = pictures(64)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    wrong = chapter["careless"](net, x)
    turned = chapter["careless"](net, x[torch.arange(64).roll(7)]).roll(-7, 0)
    assert not torch.allclose(wrong, turned, atol=1e-3)
    right = chapter["features"](net, x)
    assert torch.allclose(right, chapter["features"](net, x.roll(7, 0)).roll(-7, 0), atol=1e-5)
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())


@pytest.mark.parametrize("count", [2, 100])
@pytest.mark.parametrize("frozen", [0, 3])
def test_every_frame_of_the_demo_shows_the_measured_accuracies(chapter, count, frozen):
    (ax,) = chapter["draw_frozen"](count, frozen).axes
    scores = chapter["scores"]
    *columns, fresh = ax.lines
    assert float(fresh.get_ydata()[0]) == pytest.approx(sum(scores[count, "scratch"]) / 2)
    for at, (dots, bar) in enumerate(zip(columns, ax.collections, strict=True)):
        assert list(dots.get_ydata()) == scores[count, at]
        assert float(bar.get_segments()[0][0][1]) == pytest.approx(sum(scores[count, at]) / 2)
    highlighted = [dots.get_color() != columns[frozen - 1].get_color() for dots in columns]
    assert highlighted == [at == frozen for at in range(4)]
    mean = sum(scores[count, frozen]) / 2
    assert f"{mean:.3f} ±" in chapter["says"](count, frozen)


def test_no_weights_are_fetched_without_being_asked(chapter, monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise AssertionError("a download was started")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for profile in ("smoke", "cpu"):
        monkeypatch.setitem(chapter, "PROFILE", profile)
        assert chapter["imagenet_body"]() is None


def test_weights_in_the_cache_are_used(chapter, monkeypatch, tmp_path):
    models = chapter["models"]
    stored = models.resnet18(weights=None)
    name = models.ResNet18_Weights.IMAGENET1K_V1.url.split("/")[-1]
    (tmp_path / "checkpoints").mkdir()
    torch.save(stored.state_dict(), tmp_path / "checkpoints" / name)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setitem(chapter, "PROFILE", "cpu")
    body = chapter["imagenet_body"]()
    assert torch.equal(body.conv1.weight, stored.conv1.weight) and not body.training
    assert body(torch.zeros(1, 3, 64, 64)).shape == (1, 512)


def test_the_costs_and_counts_of_the_questions():
    assert 2048 * 37 + 37 == 75_813
    assert [math.floor(i * 7 / 2) for i in range(2)] == [0, 3]
    assert [math.ceil((i + 1) * 7 / 2) for i in range(2)] == [4, 7]
    assert 0.001 * 1000 * 20 - 0.001 * 1000 == 19
