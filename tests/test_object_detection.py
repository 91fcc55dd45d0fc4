"""The functions and demos of the chapter on object detection do what the page says."""

import itertools
import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn
from torchvision import ops
from torchvision.models.detection._utils import SSDMatcher

from course_lib import data

CONSTANTS = {"DASHES", "SCALES", "DIVISORS", "areas", "unequal", "chosen"}


@pytest.fixture(scope="module")
def chapter():
    """Imports, functions and constants of the notebook, a small test set and random predictions."""
    images, targets = data.shape_scenes(40, size=64, seed=1)
    names = {"size": 64, "test_images": images, "test_targets": targets}
    Chapter(ROOT / "book/vision-applications/object-detection.md").definitions(CONSTANTS, names)
    names["anchors"] = names["all_anchors"](64)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 344, 4, generator=generator)
    boxes = names["decode"](names["anchors"], 0.5 * noise).clamp(0, 1) * 64
    names["predicted"] = ((2 * noise).softmax(dim=2), boxes)
    yield names
    plt.close("all")


def random_boxes(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, 2, generator=generator).sort(dim=1).values.flatten(1)


def pixel_iou(a, b):
    """By counting the unit squares of boxes with whole coordinates."""
    cells = [
        set(itertools.product(range(int(x1), int(x2)), range(int(y1), int(y2))))
        for x1, y1, x2, y2 in (a.tolist(), b.tolist())
    ]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


def test_iou_counts_shared_pixels(chapter):
    boxes = (random_boxes(30, 0) * 12).round()
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(dim=1)]
    found = chapter["box_iou"](boxes[:8], boxes)
    for i, j in itertools.product(range(8), range(len(boxes))):
        assert float(found[i, j]) == pytest.approx(pixel_iou(boxes[i], boxes[j]), abs=1e-6)


@pytest.mark.parametrize(("side", "count"), [(256, 5444), (128, 1364), (64, 344)])
def test_anchors_have_their_number_place_and_shape(chapter, side, count):
    anchors = chapter["all_anchors"](side)
    assert anchors.shape == (count, 4)
    n = side // 8
    row, column = 2, n - 3
    own = anchors[4 * (row * n + column) :][:4]
    center = (own[:, :2] + own[:, 2:]) / 2
    expected = torch.tensor([(column + 0.5) / n, (row + 0.5) / n])
    torch.testing.assert_close(center, expected.expand(4, 2))
    width, height = (own[:, 2:] - own[:, :2]).T
    torch.testing.assert_close(width / height, torch.tensor([1.0, 2.0, 0.5, 1.0]))
    scales = torch.tensor([0.2, 0.2, 0.2, math.sqrt(0.2 * 0.375)])
    torch.testing.assert_close((width * height).sqrt(), scales)


def slow_match(anchors, boxes, threshold):
    """The rule of the paper in plain loops."""
    iou = [[float(ops.box_iou(a[None], b[None])) for b in boxes] for a in anchors]
    owner = [-1] * len(anchors)
    for i, row in enumerate(iou):
        if max(row) >= threshold:
            owner[i] = row.index(max(row))
    pairs = sorted(itertools.product(range(len(anchors)), range(len(boxes))),
                   key=lambda p: -iou[p[0]][p[1]])  # fmt: skip
    used_anchors, used_boxes = set(), set()
    for i, j in pairs:
        if i not in used_anchors and j not in used_boxes:
            owner[i] = j
            used_anchors.add(i)
            used_boxes.add(j)
    return owner


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_matching_follows_the_paper(chapter, threshold):
    for seed in range(5):
        anchors, boxes = random_boxes(40, seed), random_boxes(4, 100 + seed)
        expected = slow_match(anchors, boxes, threshold)
        assert chapter["match"](anchors, boxes, threshold).tolist() == expected


def test_matching_gives_two_objects_with_one_favorite_an_anchor_each(chapter):
    anchors = torch.tensor([[0.0, 0, 1, 1], [0.5, 0, 1.5, 1], [5, 5, 6, 6]])
    boxes = torch.tensor([[0.0, 0, 0.95, 1], [0, 0, 0.9, 1]])
    assert chapter["match"](anchors, boxes).tolist() == [0, 1, -1]
    assert SSDMatcher(0.5)(ops.box_iou(boxes, anchors)).tolist() == [1, -1, -1]


def test_matching_is_torchvisions_where_favorites_differ(chapter):
    for target in chapter["test_targets"]:
        boxes = target["boxes"] / 64
        favorites = ops.box_iou(boxes, chapter["anchors"]).argmax(dim=1)
        if len(set(favorites.tolist())) == len(boxes):
            theirs = SSDMatcher(0.5)(ops.box_iou(boxes, chapter["anchors"]))
            assert torch.equal(chapter["match"](chapter["anchors"], boxes), theirs)


def test_offsets_do_not_change_when_both_boxes_move_and_grow(chapter):
    anchors, boxes = random_boxes(20, 0) + torch.tensor([0, 0, 0.2, 0.2]), random_boxes(20, 1)
    boxes = boxes + torch.tensor([0, 0, 0.2, 0.2])
    offsets = chapter["encode"](anchors, boxes)
    moved = chapter["encode"](3 * anchors + 5, 3 * boxes + 5)
    torch.testing.assert_close(moved, offsets, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(chapter["decode"](anchors, offsets), boxes)
    one = chapter["encode"](torch.tensor([[0.0, 0, 20, 20]]), torch.tensor([[-5.0, 0, 25, 20]]))
    assert one[0].tolist() == pytest.approx([0, 0, math.log(1.5) / 0.2, 0], abs=1e-6)


def test_targets_of_a_scene_decode_to_its_boxes(chapter):
    target = chapter["test_targets"][0]
    classes, offsets = chapter["anchor_targets"](chapter["anchors"], [target], 64)
    taken = classes[0] > 0
    boxes = chapter["decode"](chapter["anchors"][taken], offsets[0, taken]) * 64
    for box, label in zip(boxes, classes[0, taken], strict=True):
        gap, which = (target["boxes"] - box).abs().amax(dim=1).min(dim=0)
        assert gap < 1e-3 and target["labels"][which] == label
    assert not offsets[0, ~taken].any()


def test_the_network_has_the_stated_maps_and_receptive_fields(chapter):
    model = chapter["SSD"](classes=3).eval()
    x, shapes = torch.zeros(1, 3, 256, 256), []
    for block in model.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 32, 32), (128, 16, 16), (128, 8, 8), (128, 4, 4), (128, 1, 1)]
    base = chapter["base_network"]()
    smooth = nn.Sequential(*(
        nn.Sequential(*(nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else
                        nn.Identity() if isinstance(layer, nn.ReLU) else layer
                        for layer in block)) for block in base
    )).eval()  # fmt: skip
    picture = torch.zeros(1, 3, 256, 256, requires_grad=True)
    head = nn.Conv2d(64, 1, 3, padding=1)
    head(smooth(picture))[0, 0, 16, 16].backward()
    seen = picture.grad[0].abs().sum(dim=0) > 0
    assert seen.any(dim=0).sum() == seen.any(dim=1).sum() == 52


def test_without_normalization_there_is_none(chapter):
    kinds = {type(layer) for layer in chapter["SSD"](classes=1, norm=False).modules()}
    assert nn.BatchNorm2d not in kinds


def test_hard_negatives_are_the_background_anchors_with_the_largest_loss(chapter):
    generator = torch.Generator().manual_seed(0)
    losses = torch.rand(5, 60, generator=generator)
    classes = (torch.rand(5, 60, generator=generator) < 0.1).long() * 2
    for row, labels, chosen in zip(
        losses, classes, chapter["hardest"](losses, classes), strict=True
    ):
        background = [i for i in range(60) if labels[i] == 0]
        wanted = sorted(background, key=lambda i: -float(row[i]))[: 3 * int((labels > 0).sum())]
        assert chosen.nonzero()[:, 0].tolist() == sorted(wanted)


def test_the_loss_by_hand(chapter):
    classes = torch.tensor([[0, 2, 0, 0, 0, 0]])
    scores, shifts = torch.zeros(1, 6, 4), torch.full((1, 6, 4), 0.5)
    scores[0, 2, 0] = 5.0  # an easy one
    offsets = torch.zeros(1, 6, 4)
    by_class, by_box = chapter["ssd_loss"](scores, shifts, classes, offsets)
    assert float(by_class) == pytest.approx(4 * math.log(4))  # one matched, three hard
    assert float(by_box) == pytest.approx(4 * 0.5)
    everything, _ = chapter["ssd_loss"](scores, shifts, classes, offsets, ratio=6)
    easy = math.log(1 + 3 * math.exp(-5))
    assert float(everything) == pytest.approx(5 * math.log(4) + easy, rel=1e-5)


def test_suppression_is_torchvisions(chapter):
    for seed, threshold in itertools.product(range(4), (0.0, 0.3, 0.5, 1.0)):
        boxes = random_boxes(100, seed)
        scores = torch.rand(100, generator=torch.Generator().manual_seed(seed))
        kept = chapter["nms"](boxes, scores, threshold)
        assert torch.equal(kept, ops.nms(boxes, scores, threshold))
    assert len(chapter["nms"](torch.zeros(0, 4), torch.zeros(0), 0.5)) == 0


def slow_average_precision(found, targets, label, threshold):
    """1/n times the sum over j of the best precision at a recall of at least j/n; every least
    score is tried, and the matches are made anew for each."""
    total = sum(int((t["labels"] == label).sum()) for t in targets)
    scores = sorted({float(s) for f in found for s in f["scores"][f["labels"] == label]})
    points = []
    for least in scores:
        right, count = 0, 0
        for f, t in zip(found, targets, strict=True):
            objects = [b for b, c in zip(t["boxes"], t["labels"], strict=True) if c == label]
            rows = zip(f["scores"].tolist(), f["boxes"], f["labels"].tolist(), strict=True)
            mine = [(s, b) for s, b, c in rows if c == label and s >= least]
            claimed = set()
            for _, box in sorted(mine, key=lambda row: -row[0]):
                count += 1
                overlaps = [float(ops.box_iou(box[None], o[None])) for o in objects]
                best = max(range(len(objects)), key=overlaps.__getitem__, default=None)
                if best is not None and overlaps[best] >= threshold and best not in claimed:
                    claimed.add(best)
                    right += 1
        points.append((right, right / count))
    best_from = [max((p for r, p in points if r >= j), default=0) for j in range(1, total + 1)]
    return sum(best_from) / total


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75])
def test_average_precision_agrees_with_a_slow_reference(chapter, threshold):
    generator = torch.Generator().manual_seed(0)
    found, targets = [], chapter["test_targets"][:12]
    for target in targets:  # true boxes shifted, some twice, some with a wrong class
        k = torch.randint(len(target["boxes"]), (4,), generator=generator)
        boxes = target["boxes"][k] + 2 * torch.randn(4, 4, generator=generator)
        wrong = torch.rand(4, generator=generator) < 0.2
        labels = torch.where(wrong, 1, target["labels"][k])
        scores = torch.rand(4, generator=generator).sort(descending=True).values
        found.append({"boxes": boxes, "labels": labels, "scores": scores})
    each = []
    for label in (1, 2, 3):
        ours = chapter["average_precision"](*chapter["judge"](found, targets, label, threshold))
        each.append(slow_average_precision(found, targets, label, threshold))
        assert ours == pytest.approx(each[-1], abs=1e-6)
    assert 0.02 < sum(each) / 3 < 0.98
    ours = chapter["mean_ap"](found, targets, threshold=threshold)
    assert ours == pytest.approx(sum(each) / 3, abs=1e-6)


def test_the_truth_has_average_precision_one_and_nothing_has_zero(chapter):
    targets = chapter["test_targets"]
    perfect = [t | {"scores": torch.ones(len(t["labels"]))} for t in targets]
    assert chapter["mean_ap"](perfect, targets) == pytest.approx(1)
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0), "scores": torch.zeros(0)}
    assert chapter["mean_ap"]([none] * len(targets), targets) == 0


def test_a_mirrored_box_encloses_the_mirrored_mask(chapter):
    target = chapter["test_targets"][0]
    boxes = chapter["mirrored"](target, 64)["boxes"]
    for mask, box in zip(target["masks"].flip(2), boxes, strict=True):
        y, x = mask.nonzero().unbind(dim=1)
        edges = [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
        assert box.tolist() == edges


def drawn(ax):
    """The boxes of an axes; each is a white and a colored line."""
    return [
        [min(line.get_xdata()), min(line.get_ydata()), max(line.get_xdata()), max(line.get_ydata())]
        for line in ax.lines[1::2]
    ]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("side", [8, 4, 2, 1])
def test_frames_of_the_first_demo_show_the_matched_anchors(chapter, side, threshold):
    left, right = chapter["draw_matching"](side, threshold).axes
    boxes = chapter["test_targets"][chapter["unequal"]]["boxes"] / 64
    owner = torch.tensor(slow_match(chapter["anchors"], boxes, threshold))
    counts = [int((part >= 0).sum()) for part in owner.split([256, 64, 16, 4, 4])]
    assert [int(bar.get_height()) for bar in right.patches] == counts
    k = [8, 4, 2, 1].index(side)
    own = chapter["anchors"].split([256, 64, 16, 4, 4])[k]
    own = own[owner.split([256, 64, 16, 4, 4])[k] >= 0] * 64
    assert drawn(left) == [pytest.approx(box) for box in own.tolist()]
    plt.close("all")


def test_the_first_demo_shows_large_objects_on_coarser_maps_than_small_ones(chapter):
    _, targets = data.shape_scenes(300, size=64, seed=1)  # as in the profile cpu
    targets = [target for target in targets if len(target["labels"].unique()) == 3]
    areas = [chapter["area"](target["boxes"]) for target in targets]
    target = targets[max(range(len(areas)), key=lambda i: areas[i].max() / areas[i].min())]
    owner = chapter["match"](chapter["anchors"], target["boxes"] / 64)
    number = torch.repeat_interleave(torch.arange(1.0, 6), torch.tensor([256, 64, 16, 4, 4]))
    order = chapter["area"](target["boxes"]).argsort()
    means = [float(number[owner == j].mean()) for j in order]
    assert means[0] == 1 and means == sorted(means) and means[-1] > 2


def test_the_scenes_of_the_second_demo_have_two_objects_of_a_class_that_overlap(chapter):
    _, targets = data.shape_scenes(300, size=64, seed=1)  # as in the profile cpu
    assert sorted(float(chapter["crowded"](target)) for target in targets)[-2] > 0.1
    pair = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2]])
    for labels, overlap in ((torch.tensor([1, 2]), 0), (torch.tensor([2, 2]), 1 / 3)):
        found = chapter["crowded"]({"boxes": pair, "labels": labels})
        assert float(found) == pytest.approx(overlap)


@pytest.mark.parametrize("least", [0.2, 0.6, 0.8])
@pytest.mark.parametrize("overlap", [0.05, 0.45, 1.0])
def test_frames_of_the_second_demo_show_what_suppression_leaves(chapter, least, overlap):
    (ax,) = chapter["draw_detections"](1, least, overlap).axes
    p, boxes = chapter["predicted"][0][0], chapter["predicted"][1][0]
    expected = []
    for label in (1, 2, 3):
        sure = p[:, label] >= least
        kept = chapter["nms"](boxes[sure], p[sure, label], overlap)
        expected += boxes[sure][kept].tolist()
    assert sorted(drawn(ax)) == [pytest.approx(box, abs=1e-4) for box in sorted(expected)]
    assert expected or least == 0.8
    plt.close("all")


def test_numbers_of_the_exercises():
    u = 1 - math.sqrt(2 / 3)
    assert (1 - u) ** 2 / (2 - (1 - u) ** 2) == pytest.approx(0.5)
    assert 1 / (2 * u) == pytest.approx(2.72, abs=0.005)
    assert 8 / (2 * u) == pytest.approx(21.8, abs=0.05)
    recall, best = [0.25, 0.25, 0.5, 0.75, 0.75], [1, 0.75, 0.75, 0.75, 0.6]
    at = [max((b for r, b in zip(recall, best, strict=True) if r >= k / 10), default=0)
          for k in range(11)]  # fmt: skip
    assert sum(at) / 11 == pytest.approx(0.614, abs=0.0005)
