"""Honest work of students with odd ids, which globs, shells and pages may misread."""

from __future__ import annotations

from hostile.case import FULL, Corpus, Outcome

CASES = Corpus()
OR_REFUSED = Outcome(("graded", "failed"), FULL.scores)  # with a reason, if it is not graded

IDS = {
    "space": "Ada Lovelace",
    "apostrophe": "o'brien",
    "quotation-mark": 'quo"te',
    "comma": "Hopper, Grace",
    "semicolon": "semi;colon",
    "star": "an*",  # as a pattern it fits the neighbor
    "question-mark": "an?",
    "brackets": "[a]nn",
    "open-bracket": "open[",
    "braces": "{student_id}",
    "empty-braces": "{}{0}",
    "percent": "per%cent%20s%(x)s",
    "dollar": "$HOME $(touch hostile-was-here) `id`",
    "backslash": "back\\slash\\d",
    "ampersand": "tom&jerry",
    "tag": "<b>bold<i>",
    "markup": "[red]ann[bold]",  # of the library that prints the report
    "plus": "a+b@example.edu",
    "equals": "=1+1",  # a formula in a spreadsheet
    "dashes": "--force",
    "option": "-rf",
    "hash": "#1",
    "tilde": "~root",
    "dots": "a..b",
    "dot-at-the-end": "ends.",
    "sql": "x'); DROP TABLE grade;--",
    "number": "007",
    "none": "None",
    "assignment": "hostile",
    "upper-case": "ANN",  # a neighbor but for the case
    "umlauts": "jürgen-müller",
    "composed": "andr\u00e9",
    "decomposed": "andre\u0301",  # another student, who looks the same
    "chinese": "王小明",
    "arabic": "محمد",
    "emoji": "🐍👩‍💻",
    "long": "x" * 120,
}
for name, student in IDS.items():
    CASES.work(f"id-{name}", student=student)

# Nobody should have such an id; it is graded or refused in words, and the others are graded.
for name, student in {
    "tab": "tab\there",
    "escape": "\x1b[2Jesc",
    "right-to-left": "ann\u202egnp",
    "invisible": "ann\u200b",
    "hidden": ".ann",
    "too-long": "y" * 200,
}.items():
    CASES.work(f"id-{name}", student=student, required=OR_REFUSED)

# nbgrader cannot hold these.
REFUSED = Outcome("failed", says="not graded: The folder's name is no id for nbgrader: it ")
for name, student in {
    "line-end": "two\nlines",
    "space-at-the-end": "ann ",
    "space-in-front": " ann",
    "no-utf-8": "caf\udce9",
}.items():
    CASES.work(f"id-{name}", student=student, required=REFUSED)
