"""What students must not see in feedback: nbgrader's preprocessor that removes hidden tests."""

from __future__ import annotations

import re
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

REGION = re.compile(
    r"^[ \t]*###[ \t]*BEGIN HIDDEN TESTS.*?###[ \t]*END HIDDEN TESTS[^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)


class HideTests(NbGraderPreprocessor):
    """Take hidden tests out of a graded notebook before a student sees it.

    The source loses its hidden regions. What a test cell printed, and the lines of code that a
    traceback quotes, could show them too: of the outputs of a test cell only the message of the
    error and the partial credit stay.
    """

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.source = REGION.sub("", cell.source).rstrip()
            cell.outputs = [kept for output in cell.outputs if (kept := _visible(output))]
        return cell, resources


def _visible(output: Any) -> Any:
    """What a student may see of one output of a test cell, or None."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
        return output
    if output.output_type == "execute_result":
        return output
    if output.output_type == "stream" and output.name == "stderr":
        output.text = "(text on stderr, which costs this test's points)"
        return output
    return None
