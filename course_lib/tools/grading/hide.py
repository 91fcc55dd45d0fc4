"""What students must not see in feedback: nbgrader's preprocessor that removes hidden tests."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

SHORTEST = 12  # characters of a line that says something
STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")  # messages of tests, which students may read
TOLD = re.compile(r"#.*|\b\d[\d.e+-]{7,}")  # comments, and numbers with many digits
WORD = re.compile(r"[\w.+-]{8,}")
REGION = re.compile(
    r"^[ \t]*###[ \t]*BEGIN HIDDEN TESTS.*?###[ \t]*END HIDDEN TESTS[^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)


class HideTests(NbGraderPreprocessor):
    """Take hidden tests out of a graded notebook before a student sees it.

    The source loses its hidden regions. What a test cell printed, and the lines of code that a
    traceback quotes, could show them too: of the outputs of a test cell only the message of the
    error and the partial credit stay. A student's own code can print lines of the tests that called
    it, so these lines, and what only their comments and long numbers say, are taken out of all
    outputs.
    """

    secret: list[str] = []  # lines of hidden tests, the longest first

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        regions, seen = [], []
        for cell in nb.cells:
            hidden = REGION.findall(cell.source) if is_grade(cell) else []
            regions += hidden
            seen.append(REGION.sub("", cell.source) if hidden else cell.source)
        lines = {line.strip() for region in regions for line in region.splitlines()[1:-1]}
        told = "\n".join(TOLD.findall(STRING.sub("", "\n".join(regions))))
        messages = [text for region in regions for text in STRING.findall(region)]
        words = set(WORD.findall(told)) - set(WORD.findall("\n".join([*seen, *messages])))
        secrets = {line for line in lines if len(line) >= SHORTEST} | words
        self.secret = sorted(secrets, key=len, reverse=True)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.source = REGION.sub("", cell.source).rstrip()
            cell.outputs = [kept for output in cell.outputs if (kept := _visible(output))]
        if cell.cell_type == "code":
            cell.outputs = [self.without_secrets(output) for output in cell.outputs]
        return cell, resources

    def without_secrets(self, value: Any) -> Any:
        """An output without lines of hidden tests, also where they are quoted or escaped."""
        if isinstance(value, str):
            for line in self.secret:
                for form in (line, repr(line)[1:-1], json.dumps(line)[1:-1], html.escape(line)):
                    value = value.replace(form, "(hidden)")
            return value
        if isinstance(value, list):
            return [self.without_secrets(item) for item in value]
        if isinstance(value, dict):
            for key in list(value):
                value[key] = self.without_secrets(value[key])
        return value


def _visible(output: Any) -> Any:
    """What a student may see of one output of a test cell, or None."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
        return output
    if output.output_type == "execute_result":
        return output
    return None
