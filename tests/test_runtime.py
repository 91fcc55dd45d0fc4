import random

import numpy as np
import pytest
import torch

from course_lib import runtime


def test_the_same_seed_gives_the_same_numbers():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    runtime.start("cpu", seed=7)
    first = draw()
    runtime.start("cpu", seed=7)
    assert draw() == first
    runtime.start("cpu", seed=8)
    assert draw() != first


@pytest.mark.parametrize("profile, expected", [("smoke", 1), ("cpu", 4)])
def test_pick_returns_the_value_of_the_profile(profile, expected):
    assert runtime.start(profile).pick(smoke=1, cpu=4, gpu=20) == expected
    assert runtime.current().profile == profile


def test_an_unknown_profile_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="'fast'.*smoke, cpu, gpu"):
        runtime.start("fast")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_the_gpu_profile_refuses_to_start_without_cuda():
    with pytest.raises(RuntimeError, match="CUDA"):
        runtime.start("gpu")
