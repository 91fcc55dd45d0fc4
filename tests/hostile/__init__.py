"""Odd and hostile submissions as data: what each is, and what has to come out when it is graded.

Nothing here may run outside a sandbox. ``CASES`` are the submissions, ``NEIGHBORS`` the answers of
three honest students who are graded beside them.
"""

from hostile import broken, cheating, honest_code, honest_files, names, spying, ungradable
from hostile.assignment import FULL_MARKS, RIGHT, WRONG
from hostile.case import Case, Outcome

__all__ = ["CASES", "NEIGHBORS", "Case", "Outcome"]

CASES: list[Case] = [
    *honest_files.CASES,
    *honest_code.CASES,
    *names.CASES,
    *ungradable.CASES,
    *broken.CASES,
    *cheating.CASES,
    *spying.CASES,
]
# The answers that are not the release's, and the points of each test.
NEIGHBORS: dict[str, tuple[dict[str, str], dict[str, float]]] = {
    "ann": (RIGHT, FULL_MARKS),
    "ben": (
        RIGHT | {"task-3": WRONG["task-3"], "task-4": WRONG["task-4"]},
        FULL_MARKS | {"task-3-partial": 0.0, "task-4-train": 0.0},
    ),
    "cat": ({}, dict.fromkeys(FULL_MARKS, 0.0)),
}
