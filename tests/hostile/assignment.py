"""The assignment that the corpus attacks: 4 tasks, 5 tests, 13 points, and an essay for 2 more."""

from small_source import HEAD, TEST, cell, question

from hostile.canaries import CANARIES

NAME = "hostile"
NUMBERS = "2.5 1 7\n3.5 -4 0.25\n-1 6 2\n0 8.5 -3\n"  # numbers.csv, which a given cell reads
POINTS = 15

SETUP = """
from pathlib import Path

import numpy as np
import torch

from course_lib import check
""".strip()
READ = """
lines = Path("numbers.csv").read_text().splitlines()
NUMBERS = torch.tensor([[float(number) for number in line.split()] for line in lines])
""".strip()

STUBS = {
    "task-1": '''
def clip(values, low, high):
    """A new list: what is below ``low`` or above ``high`` is replaced by that bound."""
    ### BEGIN SOLUTION
    # {solution}
    return [min(max(value, low), high) for value in values]
    ### END SOLUTION
''',
    "task-2": '''
def standardize(x):
    """The columns of ``x`` with mean 0 and standard deviation 1."""
    ### BEGIN SOLUTION
    return (x - x.mean(0)) / x.std(0)
    ### END SOLUTION
''',
    "task-3": '''
def median(values):
    """The middle of the sorted values, or the mean of the two in the middle."""
    ### BEGIN SOLUTION
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
    ### END SOLUTION
''',
    "task-4": '''
def train(x, y):
    """Losses (MSE) before three SGD steps, rate 0.05, of a linear layer that starts at 0."""
    ### BEGIN SOLUTION
    layer = torch.nn.Linear(x.shape[1], 1)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(3):
        loss = (layer(x).squeeze(1) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION
''',
}
STUBS = {
    name: text.strip().replace("{solution}", CANARIES["solution"]) for name, text in STUBS.items()
}

TESTS = {
    "task-1-general": (
        3,
        """
clipped = clip([1, 5, 9], 2, 7)
assert type(clipped) is list and all(type(value) is int for value in clipped), "no list of int"
assert clipped == [2, 5, 7], "a value is not between the bounds"
### BEGIN HIDDEN TESTS
# {hidden}
before = [-3, 0, 4]
clipped = clip(before, -1, 2)
assert type(clipped) is list and all(type(value) is int for value in clipped), "no list of int"
assert clipped == [-1, 0, 2] and before == [-3, 0, 4], "wrong below 0, or the list was changed"
### END HIDDEN TESTS
""",
    ),
    "task-2-example": (
        1,
        """
check.shape(standardize(NUMBERS), (4, 3))
### BEGIN HIDDEN TESTS
# {hidden}
centered = NUMBERS - NUMBERS.mean(0)
assert torch.allclose(standardize(NUMBERS), centered / NUMBERS.std(0), atol=1e-5), "not standard"
### END HIDDEN TESTS
""",
    ),
    "task-2-general": (
        3,
        """
x = torch.randn(6, 3, generator=check.generator("task-2"))
check.shape(standardize(x), (6, 3))
### BEGIN HIDDEN TESTS
# {hidden}
expected = (x - x.mean(0)) / x.std(0)
check.close(standardize(x), expected, "the standardized matrix")
check.close(standardize(3 * x + 1), expected, "the matrix after a change of unit")
### END HIDDEN TESTS
""",
    ),
    "task-3-partial": (
        3,
        """
rows = [([3, 1, 2], 2)]
### BEGIN HIDDEN TESTS
# {hidden}
rows += [([4, 1], 2.5), ([7, -7, 1, 0, 7], 1)]
### END HIDDEN TESTS
results = [(median(list(values)), wanted) for values, wanted in rows]
3 * sum(type(got) in (int, float) and got == wanted for got, wanted in results) / len(rows)
""",
    ),
    "task-4-train": (
        3,
        """
x = torch.randn(8, 2, generator=check.generator("task-4"))
y = x @ torch.tensor([1.0, -2.0]) + 0.5
losses = train(x, y)
check.trains(losses, below=float(y.square().mean()))
### BEGIN HIDDEN TESTS
# {hidden}
a, w, expected = torch.cat([x, torch.ones(8, 1)], 1), torch.zeros(3), []
for _ in range(3):
    error = a @ w - y
    expected.append(float(error.square().mean()))
    w = w - 0.05 * 2 * a.T @ error / len(y)
assert np.allclose(losses, expected, rtol=1e-3), "the losses are not those of three steps"
### END HIDDEN TESTS
""",
    ),
}
FULL_MARKS = {name: float(points) for name, (points, _) in TESTS.items()}


def _test(name: str) -> str:
    points, text = TESTS[name]
    source = text.strip().replace("{hidden}", CANARIES["hidden"])
    return cell(name, source, points=points, **TEST)


def _task(number: int, title: str, points: int, *tests: str) -> str:
    name = f"task-{number}"
    head = f"## Task {number}: {title} ({points} points)\n\n"
    return head + cell(name, STUBS[name], solution=True) + "".join(map(_test, tests))


SOURCE = (
    HEAD.replace("# Sums", "# Small functions")
    + cell("setup", SETUP, locked=True)
    + cell("numbers", READ, locked=True)
    + _task(1, "Clip", 3, "task-1-general")
    + _task(2, "Standardize", 4, "task-2-example", "task-2-general")
    + _task(3, "Median", 3, "task-3-partial")
    + _task(4, "Train", 3, "task-4-train")
    + "## Question (2 points)\n\n"
    + question("essay", "What is a median good for?", 2)
)

RIGHT = {
    "task-1": """
def clip(values, low, high):
    return [low if v < low else high if v > high else v for v in values]
""",
    "task-2": """
def standardize(x):
    centered = x - x.mean(dim=0, keepdim=True)
    return centered / centered.std(dim=0, keepdim=True)
""",
    "task-3": """
import statistics

def median(values):
    return statistics.median(values)
""",
    "task-4": """
def train(x, y):
    w = torch.zeros(x.shape[1], requires_grad=True)
    b, losses = torch.zeros(1, requires_grad=True), []
    optimizer = torch.optim.SGD([w, b], lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(x @ w + b, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
    "essay": "It does not care about a few odd values.",
}
WRONG = {
    "task-1": "def clip(values, low, high):\n    return list(values)",
    "task-2": "def standardize(x):\n    return torch.zeros_like(x)",
    "task-3": "def median(values):\n    return None",
    "task-4": "def train(x, y):\n    return [3.0, 2.0, 1e-3]",
    "essay": RIGHT["essay"],
}
RIGHT = {name: text.strip() for name, text in RIGHT.items()}
