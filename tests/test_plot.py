import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_lib import plot


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_lines_differ_in_color_and_in_style():
    ax = plot.lines({"a": [1, 2], "b": [2, 1]}, xlabel="epoch", ylabel="loss")
    first, second = ax.get_lines()
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert list(first.get_xdata()) == [1, 2]


def test_classes_differ_in_color_and_in_marker():
    X, y = torch.randn(20, 2), torch.arange(20) % 2
    ax = plot.points(X, y, names=["no", "yes"])
    a, b = ax.collections
    assert not np.array_equal(a.get_facecolor(), b.get_facecolor())
    assert not np.array_equal(a.get_paths()[0].vertices, b.get_paths()[0].vertices)
    assert [a.get_label(), b.get_label()] == ["no", "yes"]


def test_regions_show_what_the_classifier_decides():
    _, ax = plot.axes()
    plot.regions(lambda p: (p[:, 1] > 0).long(), ax, (-1, 1), (-1, 1), steps=4)
    shown = ax.images[0].get_array()
    assert shown.shape == (4, 4)
    assert (shown[:2] == 0).all() and (shown[2:] == 1).all()  # origin at the bottom


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 1, 8, 8), (5, 3, 8, 8)])
def test_images_of_every_layout_are_drawn(shape):
    fig = plot.images(torch.rand(shape), titles=list("abcde"), columns=3)
    shown = [ax for ax in fig.axes if ax.images]
    assert len(shown) == 5 and len(fig.axes) == 6
    assert [ax.get_title() for ax in shown] == list("abcde")


def test_a_heatmap_writes_its_numbers():
    ax = plot.heatmap(torch.tensor([[1.0, 2.0]]), xlabel="x", ylabel="y", text=".1f")
    assert [t.get_text() for t in ax.texts] == ["1.0", "2.0"]


def test_contours_draw_the_path():
    path = torch.tensor([[1.0, 1.0], [0.5, 0.2]])
    ax = plot.contours(
        lambda a, b: a**2 + b**2, (-2, 2), (-2, 2), xlabel="a", ylabel="b", path=path
    )
    assert np.allclose(ax.get_lines()[0].get_xydata(), path)
