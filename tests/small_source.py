"""The MyST source of a small assignment, in pieces, for the tests of release and grading."""

import json

HEAD = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Sums

"""


def cell(grade_id: str, source: str, **metadata) -> str:
    standard = {"grade": False, "locked": False, "schema_version": 3, "solution": False}
    meta = {"grade_id": grade_id, "task": False} | standard | metadata
    lines = "\n".join(f"  {name}: {json.dumps(value)}" for name, value in sorted(meta.items()))
    return f"```{{code-cell}} ipython3\n---\nnbgrader:\n{lines}\n---\n{source}\n```\n\n"


ANSWER = "def add(a, b):\n    ### BEGIN SOLUTION\n    return a + b\n    ### END SOLUTION"
HIDDEN = (
    "# Negative numbers.\n### BEGIN HIDDEN TESTS\nassert add(-1, -2) == -3\n### END HIDDEN TESTS"
)
TEST = {"grade": True, "locked": True}
SUMS = (
    HEAD
    + "## Task 1: Add (3 points)\n\n"
    + cell("task-1", ANSWER, solution=True)
    + cell("task-1-example", "assert add(1, 2) == 3, 'not the sum'", points=1, **TEST)
    + cell("task-1-negative", HIDDEN, points=2, **TEST)
)


def question(grade_id: str, text: str, points: float) -> str:
    """A Markdown cell that a person grades."""
    meta = {"grade": True, "locked": False, "schema_version": 3, "solution": True, "task": False}
    own = {"grade_id": grade_id, "points": points}
    return f"+++ {json.dumps({'nbgrader': meta | own})}\n\n{text}\n\n"


ESSAY = question("essay", "Your words.", 4)
BONUS = question("bonus", "More, for points on top of the full marks.", 0)
