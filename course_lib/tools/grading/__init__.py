"""Assignments: release, collect, grade, feedback and export, on nbgrader's formats and gradebook.

Each command is a thin layer over nbgrader's own API, so that stock ``nbgrader`` commands and these
can be mixed at will. What nbgrader does not do lives here: MyST sources, LMS downloads,
explanations of damaged notebooks, feedback without hidden tests.
"""
