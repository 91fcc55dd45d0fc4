"""Every chapter keeps its tensors on one device; see ``pretended_gpu.py`` for how this is found."""

import multiprocessing
import re
import sys
from concurrent.futures import ProcessPoolExecutor

import pretended_gpu
import pytest
from chapter import chapters

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")

PRELOADED = ["torch", "torchvision", "matplotlib.pyplot", "pandas", "sklearn.svm"]
# The other chapters name no device: all their tensors stay on the CPU, with a GPU or without one.
CHAPTERS = [
    chapter
    for chapter in chapters()
    if any(re.search("device|cuda", cell.source) for cell in chapter.cells)
]


@pytest.fixture(scope="module")
def failure():
    """``pretended_gpu.failure`` in a new process, forked from one that has imported PyTorch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        yield lambda path: processes.submit(pretended_gpu.failure, path).result(timeout=300)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=repr)
def test_chapter_keeps_its_tensors_on_one_device(chapter, failure):
    assert failure(chapter.path) == ""


# --- the pretended GPU itself ---------------------------------------------------------------------

START = """import copy
import io

import numpy as np
import matplotlib.pyplot as plt
import torch
from torch import nn

from course_lib import data, explore, plot, runtime

run = runtime.start("gpu")
here, there = torch.ones(3), torch.ones(3, device=run.device)
"""


@pytest.fixture
def failure_of(failure, tmp_path):
    """The failure of a notebook that has one cell after the usual start."""

    def run(code: str, option: str = "") -> str:
        path = tmp_path / "notebook.md"
        cells = [("", START), (option, code)]
        path.write_text(
            "\n".join(f"```{{code-cell}} ipython3\n{head}\n{body}\n```\n" for head, body in cells)
        )
        return failure(path)

    return run


MIXED = {
    "sum": "here + there",
    "matrix product": "torch.eye(3) @ there",
    "a view": "here[1:] * there.reshape(3, 1)[:2, 0]",
    "a model that stayed": "nn.Linear(3, 1)(there)",
    "a copy of it": "copy.deepcopy(nn.Linear(3, 1))(there)",
    "inputs that stayed": "nn.Linear(3, 1).to(run.device)(here)",
    "a lazy model that stayed": "nn.LazyLinear(2)(there)",
    "a mask from the GPU": "here[there > 0]",
    "a value from the CPU": "there[[0, 1]] = here[:2]",
    "a number from the GPU": "here * there.sum()",
    "a list of both": "torch.stack([here, there])",
    "a new tensor": "torch.zeros_like(there) + torch.zeros(3)",
    "moved back": "there.cpu() + there",
    "moved and forgotten": "there.to('cpu')\nhere.to(run.device)\nhere + there",
    "a class for each": "nn.functional.cross_entropy(there[None], torch.tensor([1]))",
    "batches": "next(iter(data.mnist(device=run.device).test[:9].batches(9)))[1] + torch.zeros(9)",
    "a file": (
        "file = io.BytesIO()\ntorch.save(here, file)\nfile.seek(0)\n"
        "torch.load(file, map_location=run.device) + here"
    ),
    "a file from the GPU": (
        "file = io.BytesIO()\ntorch.save(there, file)\nfile.seek(0)\ntorch.load(file) + here"
    ),
    "the backward pass": (
        "class Half(torch.autograd.Function):\n"
        "    forward = staticmethod(lambda context, x: x / 2)\n"
        "    backward = staticmethod(lambda context, gradient: gradient * here)\n"
        "Half.apply(there.requires_grad_()).sum().backward()"
    ),
    "an optimizer": (
        "optimizer = torch.optim.Adam([there.requires_grad_()])\n(2 * there).sum().backward()\n"
        "there.grad.data = here.clone()\noptimizer.step()"
    ),
}


@pytest.mark.parametrize("code", MIXED.values(), ids=MIXED)
def test_mixed_devices_are_found(failure_of, code):
    text = failure_of(code)
    assert "WrongDevice" in text and "two devices" in text
    assert text.startswith("notebook.md, cell at line 18:"), text


NUMPY = {
    "numpy": "there.numpy()",
    "array": "np.asarray(there)",
    "plot": "plt.plot(there, there)",
    "picture": "plt.imshow(there.reshape(1, 3))",
    "a demo": (
        "explore(lambda size: plot.axes()[1].plot(there * size), size=[1, 2], alt='A line.')"
    ),
}


@pytest.mark.parametrize("code", NUMPY.values(), ids=NUMPY)
def test_a_tensor_of_the_gpu_given_to_numpy_is_found(failure_of, code):
    assert "WrongDevice: NumPy gets a tensor on the GPU" in failure_of(code)


@pytest.mark.parametrize(
    "code",
    [
        "torch.rand(3, generator=torch.Generator(), device=run.device)",
        "there.normal_(generator=torch.Generator())",
    ],
)
def test_a_generator_of_the_cpu_is_found(failure_of, code):
    assert "WrongDevice" in failure_of(code) and "generator" in failure_of(code)


def test_an_error_that_the_chapter_catches_or_expects_is_found_all_the_same(failure_of):
    assert "WrongDevice" in failure_of("try:\n    here + there\nexcept RuntimeError:\n    pass")
    assert "WrongDevice" in failure_of("here + there", ":tags: [raises-exception]")


def test_other_errors_are_failures_too_unless_expected(failure_of):
    assert "ZeroDivisionError" in failure_of("1 / 0")
    assert failure_of("1 / 0", ":tags: [raises-exception]") == ""


RIGHT = {
    "moved": "here.to(run.device) + there\nhere + there.cpu()\nhere + there.to('cpu')",
    "like another": "here.to(there) + there\ntorch.ones(3).to(there.device) + there",
    "type and device": "assert here.to(run.device, torch.float64).dtype == torch.float64\n"
    "here.double().to(run.device) + here.to(there.double())",
    "the device is the same": "assert there.device == run.device != here.device\n"
    "assert there.double().device == (there[:1] * 2).device == run.device\n"
    "assert there.tolist() == [1, 1, 1] and there.sum().item() == 3",
    "numbers of the CPU": "there * torch.tensor(2.0) + there.sum() * torch.tensor(1.0)",
    "indices of the CPU": "there[torch.tensor([0, 2])] + there[:2]\n"
    "there[here > 0] + there\nthere[[0, 1]] = torch.ones(2, device=run.device)",
    "copies": "there.copy_(here) + there\nthere[:2] = here[:2]",
    "new beside": "torch.zeros_like(there) + there.new_ones(3) + torch.empty(3, device=run.device)",
    "conversions": "torch.as_tensor(here, device=run.device) + there\n"
    "torch.tensor([1.0, 2.0, 3.0], device=run.device) + torch.as_tensor(there)",
    "numpy after a move": "there.cpu().numpy()\nthere.detach().to('cpu').numpy()",
    "shapes only": "assert there.to('meta').device.type == 'meta'\n"
    "with torch.device('meta'):\n    nn.Linear(9, 9)(torch.ones(1, 9))",
    "a lazy model": "model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), "
    "nn.LazyLinear(2)).to(run.device)\n"
    "model(torch.ones(1, 1, 8, 8, device=run.device)).sum().backward()\n"
    "torch.optim.Adam(model.parameters(), fused=True).step()\n"
    "assert {p.device for p in model.parameters()} == {run.device}",
    "a file": "file = io.BytesIO()\ntorch.save(nn.Linear(3, 1).state_dict(), file)\nfile.seek(0)\n"
    "model = nn.Linear(3, 1).to(run.device)\n"
    "state = torch.load(file, map_location=run.device, weights_only=True)\n"
    "state['weight'] @ there\nmodel.load_state_dict(state)\nmodel(there)",
    "batches": "mnist = data.mnist(device=run.device)\nx, y = next(iter(mnist.test.batches(9)))\n"
    "nn.Linear(784, 10).to(run.device)(x.flatten(1))[y == 1]",
}


@pytest.mark.parametrize("code", RIGHT.values(), ids=RIGHT)
def test_code_that_is_right_passes(failure_of, code):
    assert failure_of(code) == ""
