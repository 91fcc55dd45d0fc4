"""The functions and demos of the chapter on regularization do what the page says."""

import ast
import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from chapter import ROOT, Chapter
from sklearn.linear_model import Ridge

CONSTANTS = {"double", "N", "x", "x_new", "samples", "H", "w_star", "LAYERS"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook."""
    names = {"EPOCHS": 1}
    for cell in Chapter(ROOT / "book/training-well/regularization.md").cells:
        for node in ast.parse(cell.source).body:
            targets = getattr(node, "targets", [])
            assigned = {name.id for t in targets for name in ast.walk(t) if hasattr(name, "id")}
            kept = ast.Import | ast.ImportFrom | ast.FunctionDef
            if isinstance(node, kept) or (assigned & CONSTANTS and cell.line < 900):
                if assigned & {"X", "w", "y"} or "run.pick" in ast.unparse(node):
                    continue
                exec(compile(ast.Module([node], []), str(cell.line), "exec"), names)
    yield names
    plt.close("all")


@pytest.mark.parametrize(("n", "k"), [(20, 5), (23, 5), (7, 7), (10, 2)])
def test_folds_cut_the_data_into_equal_parts(chapter, n, k):
    parts = chapter["folds"](n, k, torch.Generator().manual_seed(0))
    assert sorted(torch.cat([valid for _, valid in parts]).tolist()) == list(range(n))
    sizes = [len(valid) for _, valid in parts]
    assert max(sizes) - min(sizes) <= 1 and len(parts) == k
    for fit, valid in parts:
        assert sorted(torch.cat((fit, valid)).tolist()) == list(range(n))
    with pytest.raises(ValueError, match=f"not k = {n + 1} for n = {n}"):
        chapter["folds"](n, n + 1)


@pytest.mark.parametrize("degree", [1, 3, 6])
@pytest.mark.parametrize("lam", [0.01, 0.1, 1.0])
def test_the_fits_of_the_demo_are_ridge_regressions(chapter, degree, lam):
    x, x_new = chapter["x"].numpy(), chapter["x_new"].numpy()
    features = np.polynomial.legendre.legvander(x, degree)[:, 1:]
    model = Ridge(alpha=lam * len(x), tol=1e-12)
    fig = chapter["draw_fits"](degree, lam)
    lines = fig.axes[0].lines
    for y, line in zip(chapter["samples"][:12], lines, strict=False):
        model.fit(features, y.numpy())
        new = np.polynomial.legendre.legvander(x_new, degree)[:, 1:]
        np.testing.assert_allclose(line.get_ydata(), model.predict(new), atol=1e-9)
    truth, mean = lines[12].get_ydata(), lines[13].get_ydata()
    bias = ((np.asarray(mean) - np.asarray(truth)) ** 2).mean()
    assert chapter["parts"](degree, lam)[0] == pytest.approx(bias)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 1.6])
def test_the_dots_of_the_second_demo_are_minima(chapter, share):
    hessian, star = chapter["H"], chapter["w_star"]
    w1, w2 = chapter["solutions"](share)
    for j in range(2):  # the slope of the loss balances the pull of the penalty
        slope = float(hessian[j] @ (w1 - star))
        if w1[j] == 0:
            assert abs(slope) <= share + 1e-9
        else:
            assert slope == pytest.approx(-share * math.copysign(1, w1[j]), abs=1e-9)
        assert float(hessian[j] @ (w2 - star)) == pytest.approx(-share * float(w2[j]), abs=1e-12)
    lines = chapter["draw_corners"](share).axes[0].lines
    dots = [(float(d.get_xdata()[0]), float(d.get_ydata()[0])) for d in lines[-3:-1]]
    assert dots == [tuple(w1.tolist()), tuple(w2.tolist())]
    corner = np.abs(lines[0].get_xdata()).max()
    assert float(corner) == pytest.approx(float(w1.abs().sum()))


def test_from_which_penalty_on_the_second_weight_is_lost(chapter):
    assert chapter["solutions"](0.649)[0][1] > 0 and chapter["solutions"](0.651)[0][1] == 0
    assert chapter["solutions"](1.6)[1][1] > 0  # with L2 it never is


def test_the_lasso_meets_its_optimality_conditions(chapter):
    X, y = chapter["sparse_task"](3, 50)
    w = chapter["lasso"](X, y, 0.2, steps=20_000)
    slope = X.T @ (X @ w - y) / len(X)
    on = w != 0
    assert 0 < int(on.sum()) < 50
    torch.testing.assert_close(slope[on], -0.2 * torch.sign(w[on]), atol=1e-6, rtol=0)
    assert float(slope[~on].abs().max()) <= 0.2


def test_one_step_with_each_penalty_is_a_step_on_the_penalized_loss(chapter):
    for w0 in (-1.3, 0.7):
        w = torch.tensor(w0, dtype=torch.float64, requires_grad=True)
        loss, rate, share = (w - 2) ** 2, 0.1, 0.3
        (slope,) = torch.autograd.grad(loss, w, retain_graph=True)
        for step, penalty in (("l2_step", w**2 / 2), ("l1_step", w.abs())):
            (full,) = torch.autograd.grad(loss + share * penalty, w, retain_graph=True)
            expected = w.detach() - rate * full
            torch.testing.assert_close(chapter[step](w.detach(), slope, rate, share), expected)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_thinned_network_shows_the_connections_between_units_that_are_on(chapter, p, step):
    on = chapter["masks"](p, step)
    assert on[0].all() and on[3].all()
    plt.close("all")
    edges = sum(int(a.sum()) * int(b.sum()) for a, b in zip(on[:-1], on[1:], strict=True))
    fig = chapter["draw_thinned"](p, step)
    assert len(fig.axes[0].lines) == edges


def test_dropout_keeps_the_mean_and_follows_pytorch(chapter):
    a = torch.linspace(-2, 3, 50_000)
    torch.manual_seed(5)
    ours = chapter["dropout"](a, 0.3)
    torch.manual_seed(5)
    torch.testing.assert_close(ours, F.dropout(a, 0.3))
    assert float((ours == 0).float().mean()) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("patience", [1, 2, 3, 5, 8])
def test_early_stopping_against_its_definition(chapter, patience):
    generator = torch.Generator().manual_seed(patience)
    for _ in range(50):
        losses = torch.randint(0, 9, (12,), generator=generator).tolist()
        stop, best = chapter["early_stop"](losses, patience)
        until = losses[: stop + 1]
        assert losses[best] == min(until) and best == max(
            i for i, loss in enumerate(until) if loss == min(until)
        )
        assert stop == len(losses) - 1 or stop - best == patience
        for earlier in range(1, stop):  # it could not have stopped before
            so_far = losses[: earlier + 1]
            last_best = max(i for i, loss in enumerate(so_far) if loss == min(so_far))
            assert earlier - last_best < patience


class Scripted(torch.nn.Module):
    """A model whose validation loss in epoch t is the t-th number of a list."""

    def __init__(self, losses):
        super().__init__()
        self.w, self.losses = torch.nn.Parameter(torch.zeros(1)), iter(losses)

    def forward(self, x):
        return self.w * 0 + (0.0 if self.training else next(self.losses))


@pytest.mark.parametrize("patience", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "losses", [[1.0, 0.7, 0.8, 0.6, 0.65, 0.64, 0.7, 0.5, 0.9, 0.9, 0.9, 0.9], [2, 1, 1, 1, 2, 2]]
)
def test_fit_stops_by_the_rule_of_the_page(chapter, losses, patience):
    model, batches = Scripted(losses), [(torch.zeros(1), torch.zeros(1))]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    history = chapter["train"].fit(
        model, batches, lambda o, t: o.mean(), optimizer, epochs=len(losses), valid=batches,
        patience=patience, progress=False,
    )  # fmt: skip
    stopped = len(history.valid_loss) - 1, history.best_epoch
    assert chapter["early_stop"](losses, patience) == stopped


def test_the_markers_of_the_patience_demo(chapter):
    chapter["losses"] = losses = [3.0, 2.0, 2.5, 1.5, 1.6, 1.7, 1.8, 1.2]
    for patience, (stop, best) in {1: (2, 1), 2: (5, 3), 4: (7, 7)}.items():
        *_, square, circle = chapter["draw_stop"](patience).axes[0].lines
        assert (square.get_xdata()[0], square.get_ydata()[0]) == (stop + 1, losses[stop])
        assert (circle.get_xdata()[0], circle.get_ydata()[0]) == (best + 1, losses[best])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.3])
def test_mislabeled_digits_have_another_class(chapter, share):
    y = torch.arange(1000) % 10
    changed, which = chapter["mislabel"](y, torch.Generator().manual_seed(0), share)
    assert sorted((changed != y).nonzero()[:, 0].tolist()) == sorted(which.tolist())
    assert len(which) == round(share * 1000) and set(changed.tolist()) <= set(range(10))
