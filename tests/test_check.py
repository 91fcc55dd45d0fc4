import doctest
import importlib
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from course_lib import check
from course_lib.check import CheckError

SECRET = torch.tensor([[0.1234567, -7.654321], [3.1415926, 2.7182818]])


def message(function, *args, **kwargs) -> str:
    with pytest.raises(CheckError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("module", ["behavior", "gradients", "models", "values"])
def test_the_examples_in_the_documentation_run(module):
    results = doctest.testmod(
        importlib.import_module(f"course_lib.check.{module}"), extraglobs={"torch": torch}
    )
    assert results.failed == 0


# Values


@pytest.mark.parametrize(
    "wrong, idea",
    [
        (-SECRET, "opposite sign"),
        (2 * SECRET, "constant factor"),
        (SECRET + 1, "same amount"),
        (SECRET * torch.tensor([[1.0, 1.0], [1.0, 1.5]]), "1 of 4 entries"),
        (SECRET.T, "transposed"),
        (SECRET[[1, 0]], "another order"),
        (0 * SECRET, "every entry is 0"),
        (1.001 * SECRET, "not exact enough"),
        (SECRET / 0, "NaN or infinity"),
        (SECRET.flatten(), "number of axes is 1 instead of 2"),
        (SECRET.tolist(), "type list"),
        (None, "return"),
        (..., "placeholder"),
    ],
)
def test_the_message_names_the_idea_and_never_the_answer(wrong, idea):
    text = message(check.close, wrong, SECRET)
    assert idea in text
    assert not any(digits in text for digits in ("1234", "6543", "1415", "7182"))


@given(
    st.lists(st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3), min_size=1, max_size=6),
    st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6),
    st.sampled_from(["other", "negative", "scaled", "shifted", "reversed"]),
)
def test_no_message_contains_a_number_of_the_answer(secret, noise, kind):
    expected = torch.tensor(secret, dtype=torch.float64)
    other = torch.tensor(noise[: len(secret)], dtype=torch.float64)
    wrong = {
        "other": other,
        "negative": -expected,
        "scaled": 1.5 * expected,
        "shifted": expected + 0.5,
        "reversed": expected.flip(0),
    }[kind]
    assume(not torch.allclose(wrong, expected, rtol=1e-4, atol=1e-6))
    text = message(check.close, wrong, expected)
    counts = {float(n) for n in range(len(secret) + 1)}
    assert {float(n) for n in re.findall(r"\d+\.?\d*", text)} <= counts


def test_equal_values_pass_within_the_tolerance():
    check.close(SECRET + 1e-7, SECRET)
    check.close(SECRET.double(), SECRET)
    check.close(SECRET.clone().requires_grad_(), SECRET)
    check.close(torch.tensor([1.0, -torch.inf]), torch.tensor([1.0, -torch.inf]))
    check.close(torch.tensor([True, False]), torch.tensor([1, 0]))


def test_a_result_is_not_rounded_to_the_type_of_the_answer():
    assert "small" not in message(check.close, torch.tensor([1.9, 0]), torch.tensor([1, 0]))


def test_a_single_wrong_number_is_not_called_a_factor():
    assert "too large" in message(check.close, torch.tensor(3.0), torch.tensor(2.0))
    assert "too small" in message(check.close, torch.tensor(1.0), torch.tensor(2.0))


def test_a_transposed_result_is_recognized():
    assert "opposite order" in message(check.shape, torch.zeros(2, 3), (3, 2))
    check.shape(torch.zeros(2, 3), (-1, 3))
    check.shape(torch.zeros(2, 3), [2, -1])


@pytest.mark.parametrize(
    "value", [2, 2.0, torch.tensor(2), torch.tensor([[2.0]]), SECRET.numpy()[0, 0]]
)
def test_one_finite_number_passes(value):
    assert check.number(value, "steps") == pytest.approx(float(value))


@pytest.mark.parametrize(
    "value, idea",
    [
        (None, "filled in"),
        (..., "placeholder"),
        (True, "type bool"),
        ("2", "type str"),
        (2j, "type complex"),
        (SECRET, "tensor of shape (2, 2)"),
        (torch.tensor([]), "tensor of shape (0,)"),
        (float("nan"), "NaN or infinite"),
        (torch.tensor(torch.inf), "NaN or infinite"),
    ],
)
def test_what_is_not_one_finite_number_is_named(value, idea):
    text = message(check.number, value, "steps")
    assert text.startswith("steps ") and idea in text


def test_a_false_condition_raises_its_message():
    check.that(torch.tensor(1) > 0, "unused")
    assert message(check.that, 1 > 2, "the margin is negative") == "the margin is negative"


# Gradients


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=5))
def test_finite_differences_agree_with_autograd(values):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)

    def function(v):
        return (torch.sin(v) * v**2).sum()

    function(x).backward()
    assert torch.allclose(check.finite_differences(function, x), x.grad, atol=1e-6)
    check.gradient(function, x.grad, x)


def test_a_wrong_gradient_is_explained():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert "constant factor" in message(check.gradient, lambda v: (v**2).mean(), 2 * x, x)


# Fresh inputs


def test_random_inputs_depend_on_the_name_and_the_grader_s_seed(monkeypatch):
    def draw(name):
        return torch.rand(4, generator=check.generator(name)).tolist()

    monkeypatch.delenv("COURSE_SEED", raising=False)
    default = draw("task-1")
    assert draw("task-1") == default != draw("task-2")
    monkeypatch.setenv("COURSE_SEED", "autumn 2031")
    assert draw("task-1") == draw("task-1") != default


def test_the_seed_is_the_same_in_every_process(monkeypatch):
    monkeypatch.delenv("COURSE_SEED", raising=False)
    assert check.generator("task-1").initial_seed() == 18857612635763982


# Errors


def strict(a, b):
    if a != b:
        raise ValueError(f"{a} and {b} differ")


def test_the_asked_for_error_passes():
    check.raises(ValueError, strict, 1, 2, when="the sizes differ")
    check.raises(LookupError, [].pop, when="the list is empty")


def test_a_missing_or_other_error_is_named():
    text = message(check.raises, ValueError, strict, 1, 1, when="the sizes differ")
    assert (
        text
        == "strict must raise ValueError when the sizes differ, but it returned without an error"
    )
    text = message(check.raises, KeyError, strict, 1, 2, when="the sizes differ")
    assert text.endswith("but it raised ValueError: 1 and 2 differ")


def test_an_unsolved_function_does_not_pass_for_one_that_raises():
    def stub():
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        check.raises(RuntimeError, stub, when="the input is empty")


# Side effects


def test_changing_an_argument_in_place_is_seen():
    def step(w, g):
        w -= 0.1 * g
        return w

    def run(change):
        w, g = torch.ones(2), torch.tensor([1.0, torch.nan])
        with check.unchanged(w=w, g=g):
            change(w, g)

    assert message(run, step).startswith("w was changed in place")
    assert "g was changed" in message(run, lambda w, g: g.unsqueeze_(0))
    assert "w was changed" in message(run, lambda w, g: w.data.mul_(2))
    run(lambda w, g: w - 0.1 * g)


def test_an_error_in_the_block_is_not_hidden_by_a_change():
    w = torch.ones(2)
    with pytest.raises(KeyError), check.unchanged(w=w):
        w.zero_()
        raise KeyError


# Forbidden calls

X = torch.eye(2)


def leaf() -> Tensor:
    return X.clone().requires_grad_()


@pytest.mark.parametrize(
    "forbidden, code, named",
    [
        (F.mse_loss, lambda: F.mse_loss(X, X), "mse_loss"),
        (F.mse_loss, lambda: nn.MSELoss()(X, X), "mse_loss"),
        (nn.MSELoss, lambda: nn.MSELoss(), "MSELoss"),
        (torch.optim.Optimizer, lambda: torch.optim.SGD([leaf()], lr=0.1), "SGD"),
        (nn.Module, lambda: nn.ReLU6(), "ReLU6"),
        (torch.softmax, lambda: X.softmax(0), "softmax"),
        (Tensor.softmax, lambda: torch.special.softmax(X, 0), "softmax"),
        (torch.matmul, lambda: X @ X, "matmul"),
        (Tensor.__matmul__, lambda: torch.matmul(X, X), "matmul"),
        (torch.relu, lambda: X.clone().relu_(), "relu"),
        (Tensor.backward, lambda: torch.autograd.backward(leaf().sum()), "backward"),
        (torch.autograd.grad, lambda: torch.func.grad(torch.sum)(X), "grad"),
        (torch.linalg.lstsq, lambda: torch.linalg.lstsq(X, X), "lstsq"),
        (F.max_pool2d, lambda: nn.MaxPool2d(2)(X[None]), "max_pool2d"),
        (F.conv2d, lambda: nn.Conv2d(1, 1, 1)(X[None]), "conv2d"),
        (F.unfold, lambda: nn.Unfold(1)(X[None, None]), "unfold"),
        (torch.zeros, lambda: torch.zeros(2), "zeros"),
    ],
)
def test_a_forbidden_call_is_seen_however_it_was_imported(forbidden, code, named):
    def run():
        with check.not_called(torch.logsumexp, forbidden, because="you are to write it"):
            code()

    text = message(run)
    assert named in text.split(" is called")[0] and text.endswith("but you are to write it")
    code()


def test_a_swallowed_refusal_still_fails():
    def run():
        with check.not_called(torch.matmul, because="loops are the point"):
            try:
                return X @ X
            except Exception:
                return X

    assert "matmul is called" in message(run)


def test_other_calls_and_errors_pass_and_classes_are_restored():
    before = torch.optim.Optimizer.__init__, nn.ReLU6.__init__
    with check.not_called(torch.optim.Adam, nn.ReLU6, torch.mm, because="unused"):
        torch.optim.SGD([leaf()], lr=0.1)
        assert torch.equal(X @ X, X)
    with pytest.raises(KeyError), check.not_called(nn.ReLU6, because="unused"):
        raise KeyError
    assert (torch.optim.Optimizer.__init__, nn.ReLU6.__init__) == before
    nn.ReLU6()


def test_what_cannot_be_watched_is_refused():
    with pytest.raises(TypeError, match="PyTorch"), check.not_called(len, because="unused"):
        pass


# Training


@pytest.mark.parametrize(
    "losses, idea",
    [
        ([1.0, 9.0, torch.nan, torch.nan], "diverged: value 3 of 4"),
        ([1.0, torch.inf], "diverged"),
        ([1.0, 1.0, 1.0], "never moved"),
        ([0.0, 0.0], "never moved"),
        ([1.0, 1.5, 2.0], "rose from 1 to 2"),
        ([1.0, 0.5, 0.3], "falls from 1 to 0.3, but it should end below 0.05"),
        ([0.01], "at least two"),
        ([], "at least two"),
        (None, "return"),
        (0.01, "sequence of numbers"),
        (["low"], "sequence of numbers"),
        ([SECRET, SECRET], "sequence of numbers"),
    ],
)
def test_a_failed_training_is_described_by_its_form(losses, idea):
    text = message(check.trains, losses, below=0.05, name="the training loss")
    assert text.startswith("the training loss ") and idea in text


@pytest.mark.filterwarnings("error")
def test_a_training_that_works_passes():
    check.trains([1.0, 1.2, 0.04], below=0.05)
    check.trains(torch.tensor([1.0, 0.04], requires_grad=True), below=0.05)
    check.trains([leaf().sum(), torch.tensor([0.04]), 0.03], below=0.05)


# Models


class Small(nn.Module):
    """Two layers; pooling and activation as functions; defined in another order than they run."""

    def __init__(self, bias=True, spare=False):
        super().__init__()
        self.out = nn.Linear(2 * 3 * 3, 4, bias=bias)
        self.convolution = nn.Conv2d(1, 2, kernel_size=3)
        if spare:
            self.spare = nn.Linear(4, 4)

    def forward(self, x):
        return self.out(F.max_pool2d(torch.relu(self.convolution(x)), 2).flatten(1))


EXAMPLE = torch.zeros(1, 1, 8, 8)
EXPECTED = [
    (nn.Conv2d, {"out_channels": 2, "kernel_size": (3, 3), "bias": True}),
    (nn.Linear, {"out_features": 4, "bias": True}),
]


def test_layers_count_in_the_order_in_which_they_run():
    check.layers(Small(), EXPECTED, EXAMPLE)
    modules = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(4)
    )
    check.layers(modules, EXPECTED, EXAMPLE)


@pytest.mark.parametrize(
    "model, idea",
    [
        (Small(bias=False), "layer 2 (Linear): bias should be True, but it is False"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(32, 4)),
            "layer 1 (Conv2d): kernel_size should be (3, 3), but it is (5, 5)",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 4)),
            "layer 1 should be Conv2d",
        ),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), "the model runs Linear"),
        (nn.Flatten(), "the model runs none"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(9, 9)), "does not run on an input of shape"),
        (Small, "make an object of the class"),
        (None, "NoneType"),
    ],
)
def test_a_different_layer_is_named_by_its_position(model, idea):
    assert idea in message(check.layers, model, EXPECTED, EXAMPLE)


def test_a_layer_that_never_runs_is_mentioned():
    three = [*EXPECTED, (nn.Linear, {})]
    assert "holds 3 of them, but forward uses only 2" in message(
        check.layers, Small(spare=True), three, EXAMPLE
    )


def test_looking_at_the_layers_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout())
    check.layers(model, [(nn.BatchNorm2d, {})], EXAMPLE)
    assert model.training and model[0].num_batches_tracked == 0
    assert not model[0]._forward_pre_hooks


def test_the_number_of_parameters_is_never_named():
    check.parameters(Small(), 20 + 76)
    for count, idea in ((1237, "too few"), (17, "too many")):
        text = message(check.parameters, Small(), count)
        assert idea in text and str(count) not in text
        assert "convolution.weight 18" in text


def test_frozen_and_unregistered_parameters_are_explained():
    model = Small()
    model.out.requires_grad_(False)
    assert "2 parameter tensors do not require gradients" in message(check.parameters, model, 96)
    model = nn.Module()
    model.layers = [nn.Linear(2, 2)]
    assert "nn.ModuleList" in message(check.parameters, model, 6)
