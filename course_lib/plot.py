"""The figure style of the course, and the plots that several chapters share.

Every function draws into axes that it is given, or into new ones, and returns the axes, so that a
chapter can add what is its own. Figures carry axis labels only; what they show is said in their
caption and alternative text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

# Okabe and Ito's palette: distinguishable with every common form of color-blindness.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 2)))
DIVERGING = LinearSegmentedColormap.from_list("course", (COLORS[0], "#FFFFFF", COLORS[1]))

_STYLE = {
    "figure.figsize": (6.4, 3.8),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 13,  # still readable when a phone shows the figure at half its width
    "axes.prop_cycle": plt.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "image.cmap": "gray_r",
    "svg.hashsalt": "course",
}


def use_style() -> None:
    """Set the figure style, and SVG as the format in a notebook; ``runtime.start`` calls it."""
    plt.rcParams.update(_STYLE)
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})
    except AttributeError:  # no IPython session: figures are drawn by a script
        pass


def axes(rows: int = 1, columns: int = 1, width: float = 6.4, height: float = 3.8, **kwargs):
    """Return a new figure and its axes, ``width`` × ``height`` inches (all axes together)."""
    return plt.subplots(rows, columns, figsize=(width, height), **kwargs)


def lines(
    series: Mapping[str, Sequence[float]],
    x: Sequence[float] | None = None,
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw named series as lines that differ in color and in style.

    Args:
        series: name → values.
        x: the common abscissa; 1, 2, 3, … by default.
        xlabel, ylabel: names with units.
        log: logarithmic y axis.
        ax: axes to draw into; new ones by default.
    """
    ax = ax or axes()[1]
    for index, (name, values) in enumerate(series.items()):
        at = x if x is not None else range(1, len(values) + 1)
        ax.plot(at, values, color=COLORS[index % 7], linestyle=STYLES[index % 7], label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if log:
        ax.set_yscale("log")
        ax.minorticks_off()  # they triple the time that a frame takes
    if len(series) > 1:
        ax.legend()
    return ax


def points(
    X: Tensor, y: Tensor, names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw labelled points of the plane: one color and one marker for each class.

    Args:
        X: coordinates, ``(n, 2)``.
        y: labels, ``(n,)``, any values.
        names: names of the classes in the order of their labels.
        ax: axes to draw into; new ones by default.
    """
    ax = ax or axes(width=4.6, height=4)[1]
    for index, label in enumerate(torch.unique(y)):
        at = X[y == label]
        name = names[index] if names else f"{label.item():g}"
        ax.scatter(
            at[:, 0], at[:, 1], s=36, color=COLORS[index], marker=MARKERS[index],
            edgecolor="white", linewidth=0.6, label=name, zorder=3,
        )  # fmt: skip
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    return ax


def regions(
    decide: Callable[[Tensor], Tensor],
    ax: Axes,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    steps: int = 200,
) -> Axes:
    """Shade the plane by the class that a classifier decides for, behind what ``ax`` shows.

    Args:
        decide: maps points ``(n, 2)`` to class labels ``(n,)``.
        ax: axes to draw into.
        xlim, ylim: the part of the plane.
        steps: grid points for each axis.
    """
    x1, x2 = torch.meshgrid(
        torch.linspace(*xlim, steps), torch.linspace(*ylim, steps), indexing="xy"
    )
    with torch.no_grad():
        labels = decide(torch.stack((x1.ravel(), x2.ravel()), dim=1))
    _, index = torch.unique(labels, return_inverse=True)
    shades = ListedColormap(COLORS[: int(index.max()) + 1])
    ax.imshow(
        index.reshape(x1.shape).numpy(), extent=(*xlim, *ylim), origin="lower", cmap=shades,
        alpha=0.18, aspect="auto", interpolation="nearest",
    )  # fmt: skip
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def contours(
    function: Callable[[Tensor, Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    xlabel: str,
    ylabel: str,
    path: Tensor | None = None,
    levels: Sequence[float] | int = 15,
    ax: Axes | None = None,
) -> Axes:
    """Draw level curves of a function of two variables, and the path that an optimizer took on it.

    Args:
        function: maps two tensors of equal shape to values of that shape.
        xlim, ylim: the part of the plane.
        xlabel, ylabel: names of the two variables.
        path: visited points, ``(steps, 2)``.
        levels: values of the curves, or how many.
        ax: axes to draw into; new ones by default.
    """
    ax = ax or axes(width=5, height=4)[1]
    x, y = torch.meshgrid(torch.linspace(*xlim, 160), torch.linspace(*ylim, 160), indexing="xy")
    ax.contour(x, y, function(x, y), levels=levels, colors="#9AA5B1", linewidths=1)
    if path is not None:
        ax.plot(path[:, 0], path[:, 1], "-", color=COLORS[1], linewidth=1.2)
        ax.plot(path[:, 0], path[:, 1], ".", color=COLORS[1], markersize=6)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=xlim, ylim=ylim)
    return ax


def images(
    batch: Tensor,
    titles: Sequence[str] | None = None,
    columns: int = 8,
    size: float = 0.9,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw images in a grid.

    Args:
        batch: ``(n, height, width)``, ``(n, 1, height, width)`` or ``(n, 3, height, width)``;
            bytes, or floats.
        titles: a short text above each image.
        columns: images in a row.
        size: side of an image in inches.
        cmap: color map of gray images; dark on white by default.
        limits: values of gray images shown as the ends of the color map; each image's own range
            by default.
    """
    batch = batch.detach().cpu()
    if batch.ndim == 3:
        batch = batch[:, None]
    rows = -(-len(batch) // columns)
    extra = 0.22 if titles else 0.0
    fig, grid = axes(rows, columns, columns * size, rows * (size + extra), squeeze=False)
    low, high = limits or (None, None)
    for index, ax in enumerate(grid.flat):
        ax.set_axis_off()
        if index >= len(batch):
            continue
        image = batch[index].permute(1, 2, 0).squeeze(-1).numpy()
        ax.imshow(image, cmap=cmap or "gray_r", vmin=low, vmax=high, interpolation="nearest")
        if titles:
            ax.set_title(titles[index], fontsize=9, pad=2)
    return fig


def heatmap(
    matrix: Tensor,
    *,
    xlabel: str,
    ylabel: str,
    xticks: Sequence[str] | None = None,
    yticks: Sequence[str] | None = None,
    text: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix as colors, with the numbers in the cells if ``text`` gives their format.

    Args:
        matrix: ``(rows, columns)``; the first row is drawn at the top.
        xlabel, ylabel: names of columns and rows.
        xticks, yticks: labels of the single columns and rows.
        text: a format such as ``".2f"``.
        ax: axes to draw into; new ones by default.
    """
    ax = ax or axes(width=5, height=4.4)[1]
    values = np.asarray(matrix, dtype=float)
    ax.imshow(values, cmap="Blues", aspect="auto")
    ax.grid(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_xticks(range(values.shape[1]), xticks or range(values.shape[1]))
    ax.set_yticks(range(values.shape[0]), yticks or range(values.shape[0]))
    if text:
        middle = (values.min() + values.max()) / 2
        for (row, column), value in np.ndenumerate(values):
            color = "white" if value > middle else "black"
            ax.text(
                column, row, f"{value:{text}}", ha="center", va="center", color=color, fontsize=9
            )
    return ax
