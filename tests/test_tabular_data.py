"""The functions and the demo of the chapter on tabular data do what the page says."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from chapter import ROOT, Chapter
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader

CONSTANTS = {"MONEY", "THRESHOLDS"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and classes of the notebook, and 400 invented test rows."""
    dice = np.random.default_rng(0)
    y = (dice.random(400) < 0.3).astype(int)
    p = np.clip(0.3 + 0.3 * y + 0.2 * dice.normal(size=400), 0.001, 0.999)
    woman = dice.random(400) < 0.4
    groups = {"everybody": np.ones(400, bool), "women": woman, "men": ~woman}
    names = {"p_test": p, "y_test": y, "GROUPS": groups}
    names |= {
        "few": None,
        "seeds": 1,
        "run": type("Run", (), {"pick": lambda _, **k: k["smoke"]})(),
    }
    Chapter(ROOT / "book/training-well/tabular-data.md").definitions(CONSTANTS, names)
    yield names
    plt.close("all")


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "work": ["b", "a", None, "b"],
            "age": [1.0, 3.0, np.nan, 8.0],
            "constant": [2.0, 2.0, 2.0, 2.0],
        }
    )


def test_the_encoder_knows_only_the_rows_it_was_fitted_on(chapter, frame):
    encoder = chapter["Encoder"](["work"], ["age", "constant"]).fit(frame)
    coded = encoder(frame)
    assert coded.dtype == torch.float32 and coded.shape == (4, 4)
    assert coded[:, 0].tolist() == [3, 2, 1, 3]  # b, a, missing, b
    assert coded[:, 3].tolist() == [0, 0, 1, 0]  # the flag of age
    assert encoder.sizes == [4]
    age = np.array([1, 3, 3, 8])  # the median is 3
    torch.testing.assert_close(
        coded[:, 1].double(), torch.tensor((age - age.mean()) / age.std(ddof=1)), rtol=1e-6, atol=0
    )
    assert coded[:, 2].tolist() == [0, 0, 0, 0]  # constant, and no division by zero
    later = pd.DataFrame({"work": ["z", None], "age": [np.nan, 4.0], "constant": [3.0, 2.0]})
    assert encoder(later)[:, 0].tolist() == [0, 1]
    assert float(encoder(later)[0, 1]) == pytest.approx(float(coded[2, 1]))
    raw = chapter["Encoder"](["work"], ["age"], scale=False).fit(frame)
    assert raw(frame)[:, 1].tolist() == [1, 3, 3, 8]


def test_filling_a_selected_column_in_place_changes_nothing(frame):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame["work"].fillna("---", inplace=True)
    assert frame["work"].isna().sum() == 1 and len(caught) == 1


def test_the_table_is_a_data_set(chapter):
    values, labels = torch.arange(20.0).view(10, 2), torch.arange(10)
    table = chapter["Table"](values, labels)
    assert len(table) == 10
    x, y = table[3]
    assert x.tolist() == [6, 7] and y == 3
    with pytest.raises(ValueError, match="10 rows of values, but 9 labels"):
        chapter["Table"](values, labels[:9])
    for (x, y), (x2, y2) in zip(
        chapter["batches"](table, 4), DataLoader(table, batch_size=4), strict=True
    ):
        assert torch.equal(x, x2) and torch.equal(y, y2)
    seen = torch.cat([y for _, y in chapter["batches"](table, 4, shuffle=True)])
    assert sorted(seen.tolist()) == list(range(10)) and seen.tolist() != list(range(10))


def test_the_network_looks_codes_up_and_keeps_the_unknown_at_zero(chapter):
    torch.manual_seed(0)
    net = chapter["TableNet"]([4, 30], numbers=3)
    assert [lookup.weight.shape for lookup in net.lookups] == [(4, 2), (30, 8)]
    x = torch.cat((torch.tensor([[0.0, 29.0], [3.0, 5.0]]), torch.randn(2, 3)), dim=1)
    wide = torch.cat(
        [nn.functional.one_hot(x[:, j].long(), len(e.weight)).float() @ e.weight
         for j, e in enumerate(net.lookups)] + [x[:, 2:]], dim=1,
    )  # fmt: skip
    torch.testing.assert_close(net(x), net.layers(wide))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    net(x).sum().backward()
    optimizer.step()
    assert (net.lookups[0].weight[0] == 0).all()
    assert (net.lookups[0].weight[3] != 0).all()
    assert not isinstance(net.layers[-1], nn.Sigmoid | nn.Softmax)


def test_confusion_precision_recall(chapter):
    p, y = chapter["p_test"], chapter["y_test"]
    for threshold in chapter["THRESHOLDS"]:
        counts = chapter["confusion"](p, y, threshold)
        assert counts.sum() == 400 and counts[1].sum() == y.sum()
        found = chapter["precision_recall"](counts)
        yes = p > threshold
        expected = (precision_score(y, yes, zero_division=0), recall_score(y, yes))
        assert found == pytest.approx(expected)
    rates = chapter["rates"](p, y)
    assert rates["accuracy"] == pytest.approx(((p > 0.5) == y).mean())
    assert rates["false alarms"] == pytest.approx((p > 0.5)[y == 0].mean())


def test_the_solution_of_the_rank_formula():
    dice = np.random.default_rng(1)
    p, y = dice.integers(0, 50, 300) / 50, (dice.random(300) < 0.3).astype(int)
    ranks, ones = pd.Series(p).rank().to_numpy(), y.sum()
    by_ranks = (ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (300 - ones))
    assert by_ranks == pytest.approx(roc_auc_score(y, p), abs=1e-12)


def test_reliability_of_a_known_forecast(chapter):
    p = np.repeat([0.05, 0.55, 1.0], 200)
    y = np.concatenate([np.repeat([1, 0], [20, 180]), np.repeat([1, 0], [100, 100]), np.ones(200)])
    np.testing.assert_allclose(
        chapter["reliability"](p, y), [[0.05, 0.1], [0.55, 0.5], [1, 1]], atol=1e-12
    )


@pytest.mark.parametrize("group", ["everybody", "women", "men"])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_every_frame_of_the_demo_shows_the_group_and_its_counts(chapter, group, threshold):
    keep = chapter["GROUPS"][group]
    p, y = chapter["p_test"][keep], chapter["y_test"][keep]
    expected = [
        int(((p > threshold) == answer)[y == truth].sum()) for truth in (0, 1) for answer in (0, 1)
    ]
    top, bottom = chapter["draw_threshold"](group, threshold).axes
    assert [int(text.get_text()) for text in top.texts] == expected
    markers = [line for line in bottom.lines if len(line.get_xdata()) == 1]
    assert [line.get_xdata()[0] for line in markers] == [threshold, threshold]
    assert markers[1].get_ydata()[0] == pytest.approx((p > threshold)[y == 1].mean())
    assert str(expected) in chapter["describe"](group, threshold)


def test_the_leaderboard_keeps_what_the_public_part_rewards(chapter):
    dice = np.random.default_rng(0)
    y = (dice.random(3000) < 0.5).astype(int)
    public = np.arange(3000) < 500
    log = chapter["climb"](np.ones(3000, bool), y, public, np.arange(3000), 300, dice)
    assert log.shape == (300, 2) and (np.diff(log[:, 0]) >= 0).all()
    assert log[-1, 0] > log[0, 0]
    assert log[-1, 1] == pytest.approx(0.5, abs=0.05)


def test_numbers_of_the_questions():
    assert 42 * 64 - (42 * 8 + 8 * 64) == 1840
    sigma = (0.87 * 0.13 / 1000) ** 0.5
    assert sigma * (2 * np.log(100)) ** 0.5 == pytest.approx(0.0323, abs=5e-5)
    y = np.repeat([0, 1], [90, 10])
    yes = np.zeros(100, bool)
    yes[:6] = yes[90:96] = True
    assert recall_score(y, yes) == 0.6 and (yes == y).mean() == 0.9
