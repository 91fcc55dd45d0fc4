from pathlib import Path

import pytest

from course_lib.tools import syllabus

CHAPTERS, ROWS = syllabus.load(Path(__file__).parents[1] / "book" / "syllabus.yml")


def test_the_syllabus_is_complete():
    counts = {"E": 0, "X": 0, "concept": 0}
    for row in ROWS:
        counts[row.id[0] if row.id[:2] in ("E-", "X-") else "concept"] += 1
    assert counts == {"concept": 426, "E": 105, "X": 31}
    assert len(CHAPTERS) == 24
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_every_row_belongs_to_planned_chapters():
    slugs = {chapter.slug for chapter in CHAPTERS}
    assert all(row.chapters and set(row.chapters) <= slugs for row in ROWS)


def test_markers_are_found_in_comments_only():
    text = "% covers: PER-01, E-016\nsome text covers: PER-02\n  % covers: X-01\n"
    assert syllabus.markers(text) == ["PER-01", "E-016", "X-01"]


def test_a_misspelled_row_is_named():
    with pytest.raises(ValueError, match="'PER-1'"):
        syllabus.markers("% covers: PER-1")
