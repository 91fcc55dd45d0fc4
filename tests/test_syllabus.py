from pathlib import Path

import pytest

from course_lib.tools import syllabus

BOOK = Path(__file__).parents[1] / "book"
CHAPTERS, ROWS = syllabus.load(BOOK / "syllabus.yml")


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


def test_all_chapters_are_written_and_every_row_is_taught_in_one_of_its_chapters():
    texts = {path.stem: path.read_text(encoding="utf-8") for path in BOOK.glob("*/*.md")}
    missing = [chapter.slug for chapter in CHAPTERS if chapter.slug not in texts]
    assert not missing, f"not written: {missing}"
    taught = {chapter.slug: set(syllabus.markers(texts[chapter.slug])) for chapter in CHAPTERS}
    open_rows = [row.id for row in ROWS if not any(row.id in taught[c] for c in row.chapters)]
    assert not open_rows, f"not taught: {open_rows}"


def test_every_chapter_has_an_assignment():
    solutions = BOOK.parent / "solutions"
    missing = [c.slug for c in CHAPTERS if not (solutions / c.slug / f"{c.slug}.md").is_file()]
    assert not missing, f"no assignment: {missing}"


def test_every_experiment_has_a_measurement():
    experiments = syllabus.experiments(BOOK / "syllabus.yml")
    assert len(experiments) == 31
    assert not [experiment.id for experiment in experiments if not experiment.measured]


def test_markers_are_found_in_comments_only():
    text = "% covers: PER-01, E-016\nsome text covers: PER-02\n  % covers: X-01\n"
    assert syllabus.markers(text) == ["PER-01", "E-016", "X-01"]


def test_a_misspelled_row_is_named():
    with pytest.raises(ValueError, match="'PER-1'"):
        syllabus.markers("% covers: PER-1")
