"""The functions and demos of the chapter on recurrent networks do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn

from course_lib import runtime

CONSTANTS = {"double", "CITIES", "OTHERS", "SLOTS", "VERBS", "words"}
CONSTANTS |= {"ORDERS", "letters", "hello"}
CHAPTER = Chapter(ROOT / "book/sequences/recurrent-networks.md")


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook, with a text of its own."""
    ids = torch.randint(27, (4_000,), generator=torch.Generator().manual_seed(0))
    names = {"run": runtime.start("smoke"), "K": 27, "hidden": 8}
    names |= {"train_ids": ids[:3_000], "valid_ids": ids[3_000:]}
    return CHAPTER.definitions(CONSTANTS, names)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def double_sums(U, W, V, x, y, h_0):
    """The gradients as the formulas of the page state them, one error term at a time."""
    h = [h_0]
    for x_t in x:
        h.append(torch.tanh(U @ x_t + W @ h[-1]))
    dU, dW, dV = (torch.zeros_like(p) for p in (U, W, V))
    for t in range(len(x)):
        error = (V @ h[t + 1]).softmax(0) - y[t]
        dV += torch.outer(error, h[t + 1])
        delta = V.T @ error * (1 - h[t + 1] ** 2)
        for k in range(t, -1, -1):
            dW += torch.outer(delta, h[k])
            dU += torch.outer(delta, x[k])
            delta = W.T @ delta * (1 - h[k] ** 2)
    return dU, dW, dV


@pytest.mark.parametrize(("steps", "m", "d", "q"), [(1, 3, 2, 4), (7, 5, 4, 3), (12, 4, 4, 4)])
def test_one_sweep_is_the_double_sum_and_autograd(chapter, steps, m, d, q):
    torch.manual_seed(steps)
    U, W, V, x, h_0 = (
        torch.randn(size, dtype=torch.float64) for size in ((m, d), (m, m), (q, m), (steps, d), m)
    )
    y = torch.eye(q, dtype=torch.float64)[torch.randint(q, (steps,))]
    swept = chapter["bptt"](U, W, V, x, y, h_0)
    leaves = [p.clone().requires_grad_() for p in (U, W, V)]
    error = -(y * chapter["forward"](*leaves, x, h_0)[1].log()).sum()
    for other in (double_sums(U, W, V, x, y, h_0), torch.autograd.grad(error, leaves)):
        for found, expected in zip(swept, other, strict=True):
            torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_telegrams_have_the_stated_frequencies(chapter):
    X, slots = chapter["telegrams"](50, seed=3)
    words = chapter["words"]
    assert X.shape == (50, 5, len(words)) and torch.equal(X.sum(2), torch.ones(50, 5))
    for city in chapter["CITIES"]:
        here = slots[X[..., words[city]] == 1]
        assert torch.bincount(here, minlength=3).tolist() == [1, 5, 4]
    verbs = [words[verb] for verb in chapter["SLOTS"]]
    place = X[..., verbs].any(2).float().argmax(1)
    city = X[..., [words[c] for c in chapter["CITIES"]]].any(2).float().argmax(1)
    assert (place < city).all()


@pytest.mark.parametrize("w", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("order", ["1, 1, 2", "1, 2, 1", "2, 1, 1"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_bars_of_the_first_demo(chapter, order, w, steps):
    a = [int(part) for part in order.split(", ")]
    top, bottom = chapter["draw_ones"](order, w, steps).axes
    for t in range(1, steps + 1):
        bars = [bar for bar in top.patches if bar.get_x() + bar.get_width() / 2 == pytest.approx(t)]
        expected = [4 * (2 * w) ** (t - 1 - k) * a[k] for k in range(t)]
        assert [bar.get_height() for bar in bars] == pytest.approx(expected)
    slopes = [bar.get_height() for bar in bottom.patches]
    assert slopes == pytest.approx([2 * (2 * w) ** (steps - 1 - k) for k in range(steps)])


def test_the_order_is_lost_only_with_a_recurrent_weight_of_one_half(chapter):
    for w, count in ((0.25, 3), (0.5, 1), (1.0, 3)):
        last = {chapter["ones"](order, w)[2][-1, 0].item() for order in chapter["ORDERS"].values()}
        assert len(last) == count
    assert chapter["ones"]([1, 1, 1])[2][-1].tolist() == [28, 28]  # a question of the page


@pytest.mark.parametrize("activation", ["none", "tanh"])
@pytest.mark.parametrize("rho", [0.5, 1.0, 1.6])
def test_the_lines_of_the_second_demo_against_autograd(chapter, rho, activation):
    g = torch.Generator().manual_seed(0)
    W = rho * torch.linalg.qr(torch.randn(32, 32, generator=g, dtype=torch.float64))[0]
    inputs = torch.randn(50, 32, generator=g, dtype=torch.float64)
    change, error = torch.randn(2, 32, generator=g, dtype=torch.float64)
    act = torch.tanh if activation == "tanh" else lambda s: s

    def later(h):
        for given in inputs[1:]:
            h = act(given + W @ h)
        return h

    jacobian = torch.autograd.functional.jacobian(later, act(inputs[0]))
    forth, back = jacobian @ change / change.norm(), jacobian.T @ error / error.norm()
    forward_line, _, back_line, _ = chapter["draw_fade"](rho, activation, 1.0).axes[0].lines
    assert forward_line.get_ydata()[-1] == pytest.approx(forth.norm().item(), rel=1e-6)
    assert back_line.get_ydata()[0] == pytest.approx(back.norm().item(), rel=1e-6)
    assert forward_line.get_ydata()[0] == pytest.approx(1)
    assert back_line.get_ydata()[-1] == pytest.approx(1)
    if activation == "none":
        assert forward_line.get_ydata()[-1] == pytest.approx(rho**49)


def test_the_third_demo_shows_the_predictions_of_two_windows(chapter):
    predictions = torch.randn(300, 10)
    names = {"sine": {"carried": [(predictions, None)], "reset": [(-predictions, None)]}}
    chapter |= names
    for state, sign in (("carried", 1), ("reset", -1)):
        ax = chapter["draw_sine"](state, 40).axes[0]
        for line, k in zip(ax.lines[2:], (40, 41), strict=True):
            expected = sign * predictions[k]
            torch.testing.assert_close(torch.as_tensor(line.get_ydata()), expected)
            start = k - 40
            assert line.get_xdata()[0] == start and line.get_xdata()[-1] == start + 1
    x, y = chapter["half_period"](3)
    assert x.shape == y.shape == (1, 10, 1)
    assert y[0, 0, 0].item() == pytest.approx(-1) and y[0, -1, 0].item() == pytest.approx(1)
    assert chapter["follow"](False, 0, steps=3)[0].shape == (3, 10)


def test_random_windows_are_pieces_of_the_text_without_overlap(chapter):
    torch.manual_seed(0)
    ids, seen = torch.arange(200), []
    for x, y in chapter["random_windows"](ids, 4, 7, offset=2):
        torch.testing.assert_close(y, x + 1)
        assert len(x) <= 4
        seen += x.flatten().tolist()
    assert len(seen) == len(set(seen)) and min(seen) == 2 and seen != sorted(seen)


@pytest.mark.parametrize("context", [0, 1, 2])
def test_the_counts_against_a_dictionary(chapter, context):
    train, valid = chapter["train_ids"].tolist(), chapter["valid_ids"].tolist()
    counts: dict = {}
    for i in range(context, len(train)):
        row = counts.setdefault(tuple(train[i - context : i]), [0.1] * 27)
        row[train[i]] += 1
    losses = []
    for i in range(context, len(valid)):
        row = counts.get(tuple(valid[i - context : i]), [0.1] * 27)
        losses.append(-math.log(row[valid[i]] / sum(row)))
    expected = math.exp(sum(losses) / len(losses))
    assert chapter["count_model"](context) == pytest.approx(expected, rel=1e-4)


def test_the_state_is_carried_and_the_gradient_clipped(chapter):
    """Steps of training against a loop written out."""
    model, most = chapter["train_novel"](1, 1, torch.optim.SGD, rate=0.1)
    torch.manual_seed(1)
    other = chapter["CharacterModel"](8)
    offset = int(torch.randint(35, ()))
    ids, h, norms = chapter["train_ids"], torch.zeros(1, 32, 8), []
    length = (len(ids) - 1 - offset) // 32
    for start in range(0, length - 34, 35):
        places = offset + start + length * torch.arange(32)[:, None] + torch.arange(35)
        scores, h = other(ids[places], h.detach())
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), ids[places + 1].flatten())
        grads = torch.autograd.grad(loss, list(other.parameters()))
        norm = torch.cat([g.flatten() for g in grads]).norm()
        norms.append(norm.item())
        with torch.no_grad():
            for p, g in zip(other.parameters(), grads, strict=True):
                p -= 0.1 * min(1, 1 / norm) * g
    assert most == pytest.approx(max(norms), rel=1e-4)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_numbers_of_questions_and_exercises(chapter):
    assert math.isclose((2 * 4 * 8) ** (1 / 3), 4)
    assert 0.9**44 < 0.01 < 0.9**43
    assert round(0.01 ** (1 / 100), 3) == 0.955
    model = nn.ModuleList((nn.RNN(27, 128), nn.Linear(128, 27)))
    assert sum(p.numel() for p in model.parameters()) == 23_579
    assert nn.RNN(20, 50, 2, batch_first=True)(torch.zeros(32, 100, 20))[1].shape == (2, 32, 50)
