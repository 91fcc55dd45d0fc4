"""The functions and demos of the chapter on initialization do what the page says."""

import ast
import math
from itertools import product

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn

CONSTANTS = {
    "ACTIVATIONS", "STARTS", "CHANGES", "RULES", "corners", "xor", "FRAME", "DEMO_STARTS", "flow"
}  # fmt: skip
LAYERS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}


@pytest.fixture(scope="module")
def chapter():
    """Imports, functions and constants of the notebook, over 300 random pictures."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(300, 784, generator=generator)
    digits = torch.randint(10, (300,), generator=generator)
    names = {
        "digits": (pictures, digits, pictures[:100], digits[:100]), "STEPS": 3, "xor_steps": 300
    }  # fmt: skip
    for cell in Chapter(ROOT / "book/training-well/initialization.md").cells:
        whole = "KEEP =" in cell.source  # the paths that the first demo shows
        for node in ast.parse(cell.source).body:
            constant = isinstance(node, ast.Assign) and CONSTANTS & {
                target.id for target in node.targets if isinstance(target, ast.Name)
            }
            kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
            if whole or constant or isinstance(node, kinds):
                exec(compile(ast.Module([node], []), str(cell.line), "exec"), names)
    yield names
    plt.close("all")


def as_modules(W, b, activation):
    """One of the chapter's networks as a PyTorch model."""
    parts = []
    for weight, bias in zip(W, b, strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias[0])
        parts += [linear, LAYERS[activation]()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("activation", list(LAYERS))
def test_many_networks_at_once_learn_what_each_learns_alone(chapter, activation):
    sizes, rates, steps = [784, 20, 20, 10], (0.03, 0.1), 4
    x, y, x_test, y_test = chapter["digits"]
    f = chapter["ACTIVATIONS"][activation]
    (found,) = chapter["learn"](chapter["digits"], sizes, ["He"], f, rates, steps)
    rows = torch.randint(len(x), (steps, 64), generator=torch.Generator().manual_seed(0))
    losses = {}
    for rate, seed in product(rates, range(3)):
        model = as_modules(*chapter["start_values"]("He", sizes, seed), activation)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for batch in rows:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x[batch]), y[batch]).backward()
            optimizer.step()
        losses[rate, seed] = nn.CrossEntropyLoss()(model(x), y).item()
        if rate == found.rate:
            torch.testing.assert_close(
                found.W[1][seed], model[2].weight.detach(), atol=1e-5, rtol=1e-4
            )
            right = (model(x_test).argmax(1) == y_test).float().mean().item()
            assert float(found.accuracy[seed]) == pytest.approx(right, abs=0.011)
    means = {rate: sum(losses[rate, seed] for seed in range(3)) / 3 for rate in rates}
    assert found.rate == min(means, key=means.get)
    assert float(found.loss) == pytest.approx(min(means.values()), rel=1e-4)


def test_start_values_have_the_stated_size(chapter):
    sizes = [600, 300, 200]
    expected = {
        "small": lambda i, o: 0.02, "large": lambda i, o: 0.5,
        "default": lambda i, o: math.sqrt(1 / (3 * i)),
        "Xavier": lambda i, o: math.sqrt(2 / (i + o)), "He": lambda i, o: math.sqrt(2 / i),
    }  # fmt: skip
    for start, std in expected.items():
        W, b = chapter["start_values"](start, sizes, 0)
        for w, n_in, n_out in zip(W, sizes, sizes[1:], strict=False):
            assert w.shape == (n_out, n_in)
            error = 4 / math.sqrt(2 * w.numel())
            assert float(w.std()) == pytest.approx(std(n_in, n_out), rel=error)
        edges = [float(c.abs().max()) for c in b]
        if start == "default":
            for edge, n_in in zip(edges, sizes, strict=False):
                assert 0.9 * n_in**-0.5 < edge <= n_in**-0.5
        else:
            assert edges == [0, 0]


def test_the_default_is_what_a_linear_layer_does(chapter):
    torch.manual_seed(5)
    layer = nn.Linear(40, 30)
    ours = chapter["STARTS"]["default"](torch.empty(30, 40), torch.Generator().manual_seed(5))
    assert torch.equal(layer.weight.detach(), ours)


def test_equal_units_stay_equal_and_zeros_stay_zero(chapter):
    W = torch.stack([torch.zeros(2, 2), torch.full((2, 2), 0.3)])
    v = torch.stack([torch.zeros(2, 1), torch.full((2, 1), -0.7)])
    _, kept = chapter["train_xor"](W, v, 50, (50,))
    weights, offsets, out, _ = kept[50]
    assert not weights[0].any() and not out[0].any()
    assert torch.equal(weights[1, 0], weights[1, 1]) and torch.equal(out[1, 0], out[1, 1])
    assert torch.equal(offsets[1, 0, 0], offsets[1, 0, 1])
    assert not torch.equal(weights[1], W[1])  # it did move


def test_batch_normalization_of_many_models_is_that_of_each(chapter):
    generator = torch.Generator().manual_seed(2)
    ours, theirs = chapter["BatchNorm"](3, 1, 6), [nn.BatchNorm1d(6) for _ in range(3)]
    for _ in range(4):
        z = 5 * torch.randn(3, 7, 6, generator=generator) - 3
        expected = torch.stack([layer(part) for layer, part in zip(theirs, z, strict=True)])
        torch.testing.assert_close(ours(z), expected)
    ours.training = False
    for index, layer in enumerate(theirs):
        torch.testing.assert_close(ours.mean[index, 0], layer.running_mean)
        torch.testing.assert_close(ours.var[index, 0], layer.running_var)
        torch.testing.assert_close(ours(z)[index], layer.eval()(z[index]))


def test_batch_normalization_does_not_see_the_size_of_weights(chapter):
    z = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    outputs = [chapter["BatchNorm"](1, 4)(scale * z) for scale in (1, 10)]
    torch.testing.assert_close(*outputs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_is_pytorchs_for_each_model(chapter, limit):
    generator = torch.Generator().manual_seed(4)
    grads = [torch.randn(2, 5, 3, generator=generator), torch.randn(2, 1, 3, generator=generator)]
    ours = chapter["clipped"](grads, limit)
    for model in range(2):
        parameters = [nn.Parameter(torch.zeros_like(g[model])) for g in grads]
        for parameter, g in zip(parameters, grads, strict=True):
            parameter.grad = g[model].clone()
        nn.utils.clip_grad_norm_(parameters, limit)
        for parameter, g in zip(parameters, ours, strict=True):
            torch.testing.assert_close(parameter.grad, g[model])


@pytest.mark.parametrize("activation", list(LAYERS))
@pytest.mark.parametrize("start", ["default", "He"])
def test_signals_are_those_of_a_pytorch_network(chapter, activation, start):
    seen, arriving, own = chapter["signals"](chapter["ACTIVATIONS"][activation], start, 6, seed=1)
    W, b = chapter["start_values"](start, chapter["layers"](6), 1)
    model = as_modules([w.double() for w in W], [c.double() for c in b], activation)
    x, y = chapter["digits"][:2]
    sums = []
    for layer in model[::2]:
        layer.register_forward_hook(lambda _layer, _inputs, z: sums.append(z) or z.retain_grad())
    nn.CrossEntropyLoss()(model(x[:256].double()), y[:256]).backward()
    torch.testing.assert_close(own, torch.stack([part.weight.grad.norm() for part in model[::2]]))
    torch.testing.assert_close(arriving, torch.stack([z.grad.norm() for z in sums]))
    torch.testing.assert_close(seen[-1], model[:10](x[:256].double()).detach())


def test_what_the_preparations_do(chapter):
    x = torch.tensor([[0.0, 10.0], [4.0, 30.0]])
    change = chapter["CHANGES"]
    assert change["centered"](x, x).tolist() == [[-2, -10], [2, 10]]
    torch.testing.assert_close(change["unit"](x, x), torch.tensor([[0, 1 / 3], [1, 1]]))
    later = change["standard"](torch.tensor([[2.0, 40.0]]), x)  # statistics of the training rows
    torch.testing.assert_close(later, torch.tensor([[0, 20 / math.sqrt(200)]]))


def test_the_constants_of_imagenet_are_those_of_torchvision():
    from torchvision.models import ResNet18_Weights

    prepare = ResNet18_Weights.IMAGENET1K_V1.transforms()
    text = (ROOT / "book/training-well/initialization.md").read_text()
    assert f"IMAGENET_MEAN = torch.tensor({prepare.mean})" in text
    assert f"IMAGENET_STD = torch.tensor({prepare.std})" in text


@pytest.mark.parametrize("step", [0, 30, 300])
def test_every_frame_of_the_first_demo_follows_from_gradient_descent(chapter, step):
    for index, start in enumerate(chapter["XOR_STARTS"]):
        W, _, v, _ = (p[index] for p in chapter["xor_kept"][0])
        model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
        with torch.no_grad():
            for p, value in zip(model.parameters(), (W, 0, v.T, 0), strict=True):
                p.copy_(torch.as_tensor(value).expand_as(p))
        optimizer, loss_fn = torch.optim.SGD(model.parameters(), lr=0.5), nn.BCEWithLogitsLoss()
        for _ in range(step):
            optimizer.zero_grad()
            loss_fn(model(chapter["corners"])[:, 0], chapter["xor"]).backward()
            optimizer.step()
        loss = loss_fn(model(chapter["corners"])[:, 0], chapter["xor"]).item()
        left, right = chapter["draw_xor"](start, step).axes
        dot = right.lines[1]
        assert int(dot.get_xdata()[0]) == step
        assert float(dot.get_ydata()[0]) == pytest.approx(loss, abs=2e-3)
        for k, line in enumerate(left.lines):  # on it the weighted sum of a hidden unit is 0
            points = torch.tensor([line.get_xdata().tolist(), line.get_ydata().tolist()]).T
            sums = model[0](points)[:, k] / model[0].weight[k].norm()
            assert float(sums.detach().abs().max()) < 2e-2 * (1 + float(points.abs().max()))
        plt.close("all")


def test_frames_of_the_second_demo_show_shares_and_norms(chapter):
    shown = {}
    for setting in product(LAYERS, chapter["DEMO_STARTS"], (5, 10, 20)):
        top, bottom = chapter["draw_flow"](*setting).axes
        seen, *norms = chapter["flow"][setting]
        shares = torch.tensor(top.images[0].get_array().data) ** 2  # (bins, layers)
        torch.testing.assert_close(shares.sum(0), torch.ones_like(shares[0]))
        low, high = chapter["FRAME"][setting[0]]
        middle = ((seen[0] >= low + 0.25 * (high - low)) & (seen[0] < high)).double().mean()
        assert float(shares[6:, 0].sum()) >= float(middle) - 1e-6
        drawn = torch.tensor([line.get_ydata().tolist() for line in bottom.lines]).double()
        expected = torch.stack(norms).clamp(1e-30, 1e15)
        torch.testing.assert_close(drawn, expected, rtol=1e-6, atol=0)
        shown[setting] = (shares, drawn.log10())
        plt.close("all")
    for (a, first), (b, second) in product(shown.items(), repeat=2):
        if sum(x != y for x, y in zip(a, b, strict=True)) == 1 and a[2] == b[2]:
            change = max(float((x - y).abs().max()) for x, y in zip(first, second, strict=True))
            assert change > 0.05, f"{a} and {b} look the same"


def test_the_solutions_of_the_exercises():
    a = 0.2
    assert nn.init.calculate_gain("leaky_relu", a) == pytest.approx(math.sqrt(2 / (1 + a * a)))
    assert nn.init.calculate_gain("leaky_relu", math.sqrt(5)) == pytest.approx(math.sqrt(1 / 3))
    keeps = math.sqrt(1 / 6)
    assert keeps**7 > 1e-3 > keeps**8
    assert 0.25**4 > 1e-3 > 0.25**5
