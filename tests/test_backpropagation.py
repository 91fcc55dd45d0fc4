"""The functions and the demo of the chapter on backpropagation do what the page says."""

import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from chapter import ROOT, Chapter

CONSTANTS = {"SMALL", "CORNERS", "PLACES", "corners", "relu"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook."""
    path = ROOT / "book/feed-forward-networks/backpropagation.md"
    names = Chapter(path).definitions(CONSTANTS)
    names["xor"] = np.array([[0.0], [1.0], [1.0], [0.0]])
    yield names
    plt.close("all")


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def by_hand(x, target):
    """Outputs, error terms and gradients of the demo's network, written out unit by unit."""
    a1 = sigmoid(1 * x[0] - 1 * x[1] + 0)
    a2 = sigmoid(3 * x[0] + 3 * x[1] - 1)
    out = sigmoid(2 * a1 - 2 * a2 + 0.5)
    d_out = (out - target) * out * (1 - out)
    d1, d2 = 2 * d_out * a1 * (1 - a1), -2 * d_out * a2 * (1 - a2)
    first = [[d1 * x[0], d1 * x[1]], [d2 * x[0], d2 * x[1]]]
    return (a1, a2, out), (d1, d2, d_out), (first, [[d_out * a1, d_out * a2]])


@pytest.mark.parametrize(
    ("inputs", "x", "target"),
    [("0, 0", (0, 0), 0), ("0, 1", (0, 1), 1), ("1, 0", (1, 0), 1), ("1, 1", (1, 1), 0)],
)
def test_every_frame_of_the_demo_shows_the_numbers_of_a_calculation_by_hand(
    chapter, inputs, x, target
):
    (a1, a2, out), (d1, d2, d_out), (first, second) = by_hand(x, target)
    a, delta, gradients = chapter["flow"](inputs)
    assert [*a[1], *a[2]] == pytest.approx([a1, a2, out], abs=1e-14)
    assert [*delta[1], *delta[2]] == pytest.approx([d1, d2, d_out], abs=1e-15)
    np.testing.assert_allclose(gradients[0][0], first, atol=1e-15)
    np.testing.assert_allclose(gradients[1][0], second, atol=1e-15)

    weights = ["1", "-1", "3", "3", "2", "-2"]
    slopes = [f"{number + 0.0:.3f}" for row in (*first, *second) for number in row]
    appears = {
        0: [str(x[0]), str(x[1])],
        1: [f"{a1:.2f}", f"{a2:.2f}"],
        2: [f"{out:.2f}"],
        3: [f"{d_out:+.3f}"],
        4: [f"{d1:+.3f}", f"{d2:+.3f}"],
    }
    for step in range(6):
        ax = chapter["draw_flow"](inputs, step).axes[0]
        shown = sorted(text.get_text() for text in ax.texts)
        expected = slopes if step == 5 else weights
        for when, numbers in appears.items():
            expected = expected + numbers * (when <= step)
        assert shown == sorted(expected)
        said = chapter["describe"](inputs, step)
        for when, numbers in appears.items():
            assert when > step or all(number in said for number in numbers)
        plt.close("all")


def random_network(chapter, sizes, rows, seed):
    rng = np.random.default_rng(seed)
    layers = [
        (rng.normal(size=(m, k)), rng.normal(size=(1, m)))
        for k, m in zip(sizes, sizes[1:], strict=False)
    ]
    return layers, rng.normal(size=(rows, sizes[0])), rng


@pytest.mark.parametrize("sizes", [(3, 2), (4, 5, 2), (2, 6, 6, 6, 3)])
def test_backward_agrees_with_autograd_for_softmax_and_relu(chapter, sizes):
    layers, X, rng = random_network(chapter, sizes, rows=7, seed=1)
    labels = rng.integers(sizes[-1], size=7)
    relu, softmax = chapter["relu"], chapter["softmax"]
    A, Z = chapter["forward"](X, layers, relu, softmax)
    D = A[-1] - np.eye(sizes[-1])[labels]
    gradients, by_input = chapter["backward"](A, Z, D, layers, chapter["relu_slope"])

    leaves = [[torch.tensor(p, requires_grad=True) for p in layer] for layer in layers]
    inputs = torch.tensor(X, requires_grad=True)
    out = inputs
    for number, (W, b) in enumerate(leaves, 1):
        out = out @ W.T + b
        out = out if number == len(leaves) else torch.relu(out)
    loss = torch.nn.functional.cross_entropy(out, torch.tensor(labels))
    loss.backward()
    for (by_W, by_b), (W, b) in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(by_W, W.grad.numpy(), atol=1e-14)
        np.testing.assert_allclose(by_b, b.grad.numpy(), atol=1e-14)
    np.testing.assert_allclose(by_input / 7, inputs.grad.numpy(), atol=1e-14)


def test_many_networks_at_once_are_the_same_as_one_by_one(chapter):
    X, Y = chapter["corners"], chapter["xor"]
    together = [
        tuple(np.stack(parts) for parts in zip(*layer, strict=True))
        for layer in zip(*(chapter["start"]((2, 3, 1), seed) for seed in range(4)), strict=True)
    ]
    losses, gradients, _ = chapter["squared"](X, Y, together)
    for seed in range(4):
        loss, single, _ = chapter["squared"](X, Y, chapter["start"]((2, 3, 1), seed))
        assert losses[seed] == pytest.approx(loss, abs=1e-16)
        for (by_W, by_b), (W, b) in zip(gradients, single, strict=True):
            np.testing.assert_allclose(by_W[seed], W, atol=1e-16)
            np.testing.assert_allclose(by_b[seed], b, atol=1e-16)


def test_the_misprinted_recursion_has_the_factor_twice(chapter):
    layers, X, rng = random_network(chapter, (3, 4, 2), rows=1, seed=2)
    Y = rng.uniform(size=(1, 2))
    _, gradients, A = chapter["squared"](X, Y, layers, power=2)
    last = (A[2] - Y)[0] * A[2][0] * (1 - A[2][0])
    (W, _), slope = layers[1], A[1][0] * (1 - A[1][0])
    for j in range(4):
        twice = sum(last[k] * (W[k, j] * slope[j]) * (W[k, j] * slope[j]) for k in range(2))
        np.testing.assert_allclose(gradients[0][0][j], twice * X[0], atol=1e-15)
    np.testing.assert_allclose(gradients[1][0], np.outer(last, A[1][0]), atol=1e-15)


def test_softmax_has_the_derivative_that_the_text_states(chapter):
    z = np.array([0.5, -1.0, 2.0])
    y_hat = chapter["softmax"](z)
    for j in range(3):
        step = 1e-6 * np.eye(3)[j]
        slope = (chapter["softmax"](z + step) - chapter["softmax"](z - step)) / 2e-6
        np.testing.assert_allclose(slope, y_hat * ((np.arange(3) == j) - y_hat[j]), atol=1e-9)
    assert chapter["softmax"](np.array([1000.0, 0.0])).tolist() == [1, 0]  # no overflow


def test_an_update_is_a_step_against_the_mean_gradient(chapter):
    X, Y = chapter["corners"], chapter["xor"]
    layers = chapter["start"]((2, 2, 1), 0)
    loss, gradients, _ = chapter["squared"](X, Y, layers)
    new = chapter["update"](layers, gradients, rate=0.01)
    square = sum((g**2).sum() for pair in gradients for g in pair)
    assert chapter["squared"](X, Y, new)[0] - loss == pytest.approx(-0.01 * square, rel=0.02)
    np.testing.assert_allclose(new[0][0], layers[0][0] - 0.01 * gradients[0][0], atol=1e-16)


def test_equal_hidden_units_stay_equal(chapter):
    """The solution of the first exercise."""
    layers = [(np.full((2, 2), 0.5), np.zeros((1, 2))), (np.full((1, 2), 0.5), np.zeros((1, 1)))]
    _, layers, A = chapter["train_xor"](layers, 500)
    (W, b), (V, _) = layers
    assert (W[0] == W[1]).all() and b[0, 0] == b[0, 1] and V[0, 0] == V[0, 1]
    assert not (abs(A[-1] - chapter["xor"]) < 0.5).all()


def test_two_and_three_points_with_equal_hidden_values_cost_what_the_text_says():
    outputs = np.linspace(0, 1, 100_001)
    pair = 0.5 * (outputs**2 + (1 - outputs) ** 2) / 4
    triple = 0.5 * (outputs**2 + 2 * (1 - outputs) ** 2) / 4
    assert pair.min() == pytest.approx(1 / 16) and outputs[pair.argmin()] == pytest.approx(1 / 2)
    assert triple.min() == pytest.approx(1 / 12)
    assert outputs[triple.argmin()] == pytest.approx(2 / 3, abs=1e-5)


def test_the_answers_of_the_questions():
    text = Chapter(ROOT / "book/feed-forward-networks/backpropagation.md").text
    answers = [float(answer) for answer in re.findall(r"^:answer: (\S+)$", text, re.M)]
    blame = (2 * 0.1 - 1 * 0.4) * sigmoid(0) * (1 - sigmoid(0))
    parameters = 784 * 100 + 100 + 100 * 10 + 10
    assert answers == pytest.approx([blame, 2 * parameters])
