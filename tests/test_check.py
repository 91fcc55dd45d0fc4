import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import check
from course_lib.check import CheckError

SECRET = torch.tensor([[0.1234567, -7.654321], [3.1415926, 2.7182818]])


@pytest.mark.parametrize(
    "wrong, idea",
    [
        (-SECRET, "opposite sign"),
        (2 * SECRET, "constant factor"),
        (SECRET + 1, "same amount"),
        (SECRET * torch.tensor([[1.0, 1.0], [1.0, 1.5]]), "1 of 4 entries"),
        (SECRET / 0, "NaN or infinity"),
        (SECRET.flatten(), "number of axes is 1 instead of 2"),
        (SECRET.tolist(), "type list"),
        (None, "return"),
    ],
)
def test_the_message_names_the_idea_and_never_the_answer(wrong, idea):
    with pytest.raises(CheckError, match=idea) as caught:
        check.close(wrong, SECRET)
    assert not any(digits in str(caught.value) for digits in ("1234", "6543", "1415", "7182"))


def test_equal_values_pass_within_the_tolerance():
    check.close(SECRET + 1e-7, SECRET)
    check.close(SECRET.double(), SECRET)


def test_a_transposed_result_is_recognized():
    with pytest.raises(CheckError, match="opposite order"):
        check.shape(torch.zeros(2, 3), (3, 2))
    check.shape(torch.zeros(2, 3), (-1, 3))


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
    with pytest.raises(CheckError, match="constant factor"):
        check.gradient(lambda v: (v**2).mean(), 2 * x, x)
