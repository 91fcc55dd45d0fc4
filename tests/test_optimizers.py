"""The optimizers, schedules and demos of the chapter do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import optim

CONSTANTS = ["double", "generator", "X", "y", "best", "start", "RULES", "SURFACES", "SHAPES"]


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook; nothing is trained."""
    yield Chapter(ROOT / "book/training-well/optimizers.md").definitions(CONSTANTS)
    plt.close("all")


def quadratic():
    generator = torch.Generator().manual_seed(7)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    A = root @ root.T / 6 + 0.1 * torch.eye(6, dtype=torch.float64)
    start = torch.randn(6, generator=generator, dtype=torch.float64)
    return (lambda theta: A @ theta), start


@pytest.mark.parametrize(
    ("rule", "ours", "kind", "theirs"),
    [
        ("sgd", {}, optim.SGD, {}),
        ("momentum", {"mu": 0.8}, optim.SGD, {"momentum": 0.8}),
        ("nesterov", {"mu": 0.8}, optim.SGD, {"momentum": 0.8, "nesterov": True}),
        ("adagrad", {"eps": 1e-4}, optim.Adagrad, {"eps": 1e-4}),
        ("adadelta", {"gamma": 0.8, "eps": 1e-4}, optim.Adadelta, {"rho": 0.8, "eps": 1e-4}),
        ("rmsprop", {"gamma": 0.8, "eps": 1e-4}, optim.RMSprop, {"alpha": 0.8, "eps": 1e-4}),
        ("adam", {"gamma1": 0.8, "gamma2": 0.9}, optim.Adam, {"betas": (0.8, 0.9)}),
        ("adamax", {"gamma1": 0.8, "gamma2": 0.9}, optim.Adamax, {"betas": (0.8, 0.9)}),
        ("nadam", {"gamma1": 0.8, "psi": 0.01}, optim.NAdam,
         {"betas": (0.8, 0.999), "momentum_decay": 0.01}),
    ],
)  # fmt: skip
def test_every_rule_takes_the_steps_of_pytorch(chapter, rule, ours, kind, theirs):
    gradient, start = quadratic()
    path = chapter["descend"](chapter[rule], gradient, start, 60, 0.02, **ours)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product in the default type
    try:
        other = chapter["descend_torch"](kind, gradient, start, 60, lr=0.02, **theirs)
    finally:
        torch.set_default_dtype(default)
    torch.testing.assert_close(path, other, rtol=0, atol=1e-12)
    assert (path[-1] - start).norm() > 1e-3


def test_adamw_takes_the_steps_of_pytorch(chapter):
    gradient, start = quadratic()
    path = chapter["descend_adamw"](gradient, start, 60, 0.02, decay=0.2)
    other = chapter["descend_torch"](optim.AdamW, gradient, start, 60, lr=0.02, weight_decay=0.2)
    torch.testing.assert_close(path, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("lr", [1.0, 0.5])
def test_lbfgs_takes_the_steps_of_pytorch(chapter, lr):
    gradient, start = quadratic()
    theta = start.clone()
    optimizer = optim.LBFGS([theta], lr=lr, max_iter=1, tolerance_grad=0, tolerance_change=0)
    path = chapter["descend"](chapter["lbfgs"], gradient, start, 12, lr)
    for ours in path[1:]:
        theta.grad = gradient(theta)
        optimizer.step(lambda: 0.0)
        torch.testing.assert_close(ours, theta, rtol=0, atol=1e-9)
    assert gradient(path[-1]).norm() < gradient(start).norm() / 10


def test_the_momentum_of_rmsprop_in_the_demo_is_that_of_pytorch(chapter):
    gradient, start = quadratic()
    path = chapter["descend"](chapter["RULES"]["RMSprop"], gradient, start, 60, 0.02, mu=0.9)
    other = chapter["descend_torch"](
        optim.RMSprop, gradient, start, 60, lr=0.02, alpha=0.9, momentum=0.9
    )
    torch.testing.assert_close(path, other, rtol=0, atol=1e-12)


def test_errors_shrink_by_the_root_of_mu_whatever_the_curvature(chapter):
    mu, rate = 0.81, 0.1
    inside = torch.tensor([0.11, 1.0, 20.0, 36.0], dtype=torch.float64)
    assert (rate * inside > (1 - 0.9) ** 2).all() and (rate * inside < (1 + 0.9) ** 2).all()
    path = chapter["descend"](
        chapter["momentum"], lambda e: inside * e, torch.ones(4).double(), 400, rate, mu=mu
    )
    size = torch.stack((path[:-1], path[1:])).norm(dim=0)  # oscillates less than |e| itself
    shrink = (size[380:].mean(dim=0) / size[180:200].mean(dim=0)) ** (1 / 200)
    torch.testing.assert_close(shrink, torch.full((4,), 0.9).double(), rtol=0, atol=0.01)


def test_adamax_is_the_limit_of_high_powers():
    g = [0.3, -2.0, 0.5, 0.1, -0.7]
    u = 0.0
    for value in g:
        u = max(0.9 * u, abs(value))
    v = 0.0
    for value in g:
        v = 0.9**300 * v + (1 - 0.9**300) * abs(value) ** 300
    assert v ** (1 / 300) == pytest.approx(u, rel=0.01)


def test_the_gradient_of_the_whole_set_is_that_of_the_loss(chapter):
    theta = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    X, y = chapter["X"], chapter["y"]
    assert X.shape == (256, 2)
    (((X @ theta - y) ** 2).sum() / (2 * 256)).backward()
    found = chapter["sampled"](256)(theta.detach())
    torch.testing.assert_close(found, theta.grad)
    many = torch.stack([g(theta.detach()) for g in [chapter["sampled"](16)] for _ in range(4000)])
    torch.testing.assert_close(many.mean(dim=0), theta.grad, rtol=0, atol=0.05)


@pytest.mark.parametrize("size", [3, 12])
def test_conjugate_gradients_need_as_many_steps_as_unknowns(chapter, size):
    generator = torch.Generator().manual_seed(size)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    A = root @ root.T + torch.eye(size, dtype=torch.float64)
    b = torch.randn(size, generator=generator, dtype=torch.float64)
    wanted = torch.linalg.solve(A, b)
    x = chapter["conjugate_gradient"](A, b, size)
    torch.testing.assert_close(x, wanted, rtol=0, atol=1e-6)
    assert (chapter["conjugate_gradient"](A, b, size - 1) - wanted).norm() > 1e-6


@pytest.mark.parametrize("rule", ["SGD", "RMSprop", "Adam"])
@pytest.mark.parametrize(("lr", "mu"), [(0.003, 0.0), (0.01, 0.9), (0.1, 0.9)])
def test_every_frame_of_the_surfaces_shows_the_path(chapter, rule, lr, mu):
    panels = chapter["draw_surfaces"](rule, lr, mu).axes
    for ax, name in zip(panels, chapter["SURFACES"], strict=True):
        f, _, _, start = chapter["SURFACES"][name]
        line, end = ax.lines[-2:]
        p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = {
            "SGD": lambda p: optim.SGD([p], lr=lr, momentum=mu),
            "RMSprop": lambda p: optim.RMSprop([p], lr=lr, alpha=0.9, momentum=mu),
            "Adam": lambda p: optim.Adam([p], lr=lr, betas=(mu, 0.999)),
        }[rule](p)
        drawn = line.get_xdata()
        for x in drawn:
            assert float(x) == pytest.approx(p[0].item(), abs=1e-8)
            optimizer.zero_grad()
            f(*p).backward()
            optimizer.step()
        assert float(end.get_xdata()[0]) == float(drawn[-1])
        assert len(drawn) == 81 or p.abs().max() > 20


@pytest.mark.parametrize("shape", ["constant", "factor", "milestones", "cosine"])
@pytest.mark.parametrize("w", [0, 20])
def test_every_frame_of_the_schedules_shows_the_rate(chapter, shape, w):
    above, below = chapter["draw_schedule"](shape, w, 1).axes
    rates = [float(v) for v in above.lines[0].get_ydata()]
    left = 100 - w
    formula = {
        "constant": lambda t: 1.0,
        "factor": lambda t: math.exp(t * math.log(0.97)),
        "milestones": lambda t: 1.0 if t < left / 2 else 0.1 if t < 0.8 * left else 0.01,
        "cosine": lambda t: math.cos(math.pi * t / (2 * left)) ** 2,
    }[shape]
    for t, rate in enumerate(rates):
        expected = 0.1 + 0.9 * t / w if t < w else formula(t - w)
        assert rate == pytest.approx(0.3 * expected, abs=1e-12)
    far = below.lines[0].get_ydata()
    assert len(rates) == 100 and len(far) == 101
    assert float(far[0]) == pytest.approx(float((chapter["start"] - chapter["best"]).norm()))
    assert float(far[-1]) < float(far[0]) / 3


def test_the_solution_about_the_best_momentum():
    root = 99 / 101
    assert root**2 == pytest.approx(0.961, abs=5e-4)
    assert (1 + root) ** 2 / 1e4 == pytest.approx(3.92e-4, abs=5e-7)
    assert math.log(1e-6) / math.log(root) == pytest.approx(690, abs=5)
    assert math.log(1e-6) / math.log(9999 / 10001) == pytest.approx(69_000, rel=0.01)
