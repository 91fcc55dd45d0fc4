"""The demos of the perceptron chapter show what the functions that they claim to show compute."""

import math

import matplotlib.pyplot as plt
import pytest
from chapter import ROOT, Chapter

CONSTANTS = {"corners", "xor", "GATES", "TRUTH", "HIDDEN", "GAPS"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook, without its runs."""
    names = Chapter(ROOT / "book/linear-models/perceptron.md").definitions(CONSTANTS)
    yield names
    plt.close("all")


@pytest.mark.parametrize("angle", [0, 30, 97.5, 210])
@pytest.mark.parametrize("bias", [-1.1, -0.25, 0.7])
def test_the_bars_count_the_right_answers(chapter, angle, bias):
    w = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    positive = [w[0] * i + w[1] * j + bias > 0 for i in (0, 1) for j in (0, 1)]
    tables = {"AND": "0001", "OR": "0111", "NAND": "1110", "XOR": "0110"}
    expected = [
        sum(p == (t == "1") for p, t in zip(positive, table, strict=True))
        for table in tables.values()
    ]

    plane, bars = chapter["draw_line"](angle, bias).axes
    assert [patch.get_height() for patch in bars.patches] == expected
    assert [tick.get_text() for tick in bars.get_xticklabels()] == list(tables)
    negatives, positives = (len(dots.get_offsets()) for dots in plane.collections[-2:])
    assert (negatives, positives) == (4 - sum(positive), sum(positive))


def test_every_frame_of_the_learning_demo_follows_from_the_rule(chapter):
    for name in chapter["GAPS"]:
        X, y, visited, _wrong = chapter["demo_run"](name)
        points = [(*x, label) for x, label in zip(X.tolist(), y.tolist(), strict=True)]
        w, corrections = [0.0, 0.0, 0.0], 0
        for number in range(20 * len(points)):
            x1, x2, label = points[number % len(points)]
            if label * (w[0] * x1 + w[1] * x2 + w[2]) > 0:
                continue
            w = [w[0] + label * x1, w[1] + label * x2, w[2] + label]
            corrections += 1
            if corrections > 19:
                break
            plane, count = chapter["draw_learning"](name, corrections).axes
            ring = plane.collections[-1].get_offsets()
            assert ring.tolist() == [pytest.approx((x1, x2))]
            wrong = sum(t * (w[0] * a + w[1] * b + w[2]) <= 0 for a, b, t in points)
            assert count.lines[0].get_ydata()[-1] == wrong
            assert len(count.lines[0].get_ydata()) == corrections + 1
            plt.close("all")
        assert corrections == min(20, len(visited) - 1)


def test_corrections_beyond_the_last_one_show_the_final_line(chapter):
    _, _, visited, wrong = chapter["demo_run"]("wide gap")
    _plane, count = chapter["draw_learning"]("wide gap", len(visited) + 5).axes
    assert count.lines[0].get_ydata().tolist() == wrong and wrong[-1] == 0
    assert f"after {len(visited) - 1} corrections" in chapter["describe"]("wide gap", 19)
