"""The pages made from the record of the runs: status, and our numbers beside the sources'."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import pytest
from chapter import ROOT, chapters

from course_lib.tools import syllabus

SYLLABUS = """
chapters:
- {slug: one, part: First, title: One, rows: [{id: ONE-01, title: t, kind: [code]}]}
errors:
- {id: E-001, chapter: one, says: "$1+1=3$", correct: "it is `2`"}
experiments:
- {id: X-01, chapters: [one], data: digits, model: net, settings: "–", claimed: "97 %",
   measured: {accuracy: "acc:.1%", "passes": passes}}
- {id: X-02, chapters: [one], data: none, model: none, settings: slow, claimed: nothing}
"""


def claim(name, value, low=None, high=None, ok=True):
    return {"chapter": "one", "name": name, "value": value, "low": low, "high": high, "ok": ok}


CLAIMS = [
    claim("acc", 0.9876, low=0.97),
    claim("passes", 12000, 12000, 12000),
    claim("loss", 0.51, high=0.5, ok=False),
    claim("free", 1.5),
]


def report(profile, device, seconds, status="executed"):
    entry = {
        "seconds": seconds,
        "peak_memory_mb": 812.4,
        "status": status,
        "data": {"mnist": "stand-in"},
        "claims": 4,
    }
    return {
        "profile": profile,
        "date": "2026-01-02T03:04:05+00:00",
        "device": device,
        "versions": {"python": "3.12.1", "torch": "2.9.0"},
        "chapters": {"one": entry},
    }


def build(root, runs, text=SYLLABUS):
    stage = root / "stage"
    stage.mkdir(exist_ok=True)
    (stage / "conf.py").write_text(
        "extensions = ['myst_parser', 'course_lib.tools.sphinx_ext']\nhtml_theme = 'basic'\n"
        "myst_enable_extensions = ['dollarmath']\n"
    )
    (stage / "syllabus.yml").write_text(text, encoding="utf-8")
    (stage / "one.md").write_text("# The one\n\n## Part\n\n% covers: X-01 E-001\n")
    (stage / "aaa.md").write_text(
        "# Status\n\n```{run-status}\n```\n\n```{source-experiments} /syllabus.yml\n```\n\n"
        "```{source-corrections} /syllabus.yml\n```\n"
    )
    (stage / "index.md").write_text("# Index\n\n```{toctree}\naaa\none\n```\n")
    for profile, (device, seconds, claims) in runs.items():
        folder = root / "executed" / profile
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report(profile, device, seconds)))
        (folder / "claims.json").write_text(json.dumps({"claims": claims}))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n"]
    done = subprocess.run(
        [*command, str(stage), str(root / "html")], capture_output=True, text=True, check=False
    )
    page = root / "html" / "aaa.html"
    return done, page.read_text(encoding="utf-8") if page.exists() else ""


def cells(page):
    """The text of each row of each table."""
    rows = re.findall(r"<tr.*?</tr>", page, re.S)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)
        ]
        for row in rows
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("measured")
    runs = {"cpu": ("A CPU", 71.2, CLAIMS), "gpu": ("A GPU", 33.0, [claim("acc", 0.995, 0.97)])}
    done, page = build(root, runs)
    assert done.returncode == 0, done.stderr
    return root, page


def test_times_memory_and_claims_of_both_profiles(built):
    _root, page = built
    row = next(row for row in cells(page) if row and row[0] == "The one")
    assert row[1:7] == ["71 s", "812 MB", "3 of 4 hold", "33 s", "812 MB", "1"]
    assert row[7] == "mnist (stand-in)"
    assert 'href="one.html"' in page


def test_date_device_and_versions(built):
    _root, page = built
    text = re.sub(r"<[^>]+>", "", page)
    assert "cpu: 2026-01-02 03:04 UTC, A CPU, with python 3.12.1, torch 2.9.0." in text
    assert "gpu: 2026-01-02 03:04 UTC, A GPU" in text


def test_every_claim_stands_beside_its_band(built):
    _root, page = built
    rows = {row[0]: row[1:] for row in cells(page) if len(row) == 4}
    assert rows["acc"] == ["0.9876", "0.995", "≥ 0.97"]
    assert rows["passes"] == ["12,000", "–", "= 12,000"]
    assert rows["loss"] == ["0.51, outside its band", "–", "≤ 0.5"]
    assert rows["free"] == ["1.5", "–", "none"]


def test_what_a_source_claims_stands_beside_what_was_measured(built):
    _root, page = built
    rows = {row[0]: row[1:] for row in cells(page) if row}
    assert rows["X-01"] == ["digits; net", "97 %", "accuracy: 98.8%; passes: 12000", "Part"]
    assert rows["X-02"] == ["none; none; slow", "nothing", "–", "not yet"]
    assert rows["E-001"][1:] == ["it is 2", "Part"]
    assert "1+1=3" in page and "mathjax" in page.lower()  # the formula is set, not shown as source


def test_a_new_run_changes_the_page(tmp_path):
    build(tmp_path, {"cpu": ("A CPU", 71.2, CLAIMS)})
    done, page = build(tmp_path, {"cpu": ("A CPU", 64.0, [claim("acc", 0.91), *CLAIMS[1:]])})
    assert done.returncode == 0 and "64 s" in page and "accuracy: 91.0%" in page


def test_before_the_first_run_the_page_says_so(tmp_path):
    done, page = build(tmp_path, {}, re.sub(r",\s+measured: \{.*\}\}", "}", SYLLABUS))
    assert done.returncode == 0, done.stderr
    assert "Nothing has been run yet." in page


def test_a_claim_that_nobody_makes_is_reported(tmp_path):
    done, _page = build(tmp_path, {"cpu": ("A CPU", 1, CLAIMS)}, SYLLABUS.replace("acc:", "ac:"))
    assert done.returncode != 0 and "no claim is called 'ac'" in done.stderr


def test_every_experiment_of_a_written_chapter_names_what_we_measured(book):
    slugs = {chapter.slug for chapter in chapters()}
    path = ROOT / "book" / "syllabus.yml"
    rows = {row.id: row for row in syllabus.load(path)[1]}
    written = [x for x in syllabus.experiments(path) if set(rows[x.id].chapters) <= slugs]
    assert written and all(x.measured for x in written)
    page = (book.html / "appendix" / "claims.html").read_text(encoding="utf-8")
    shown = {row[0]: row for row in cells(page) if row}
    for x in written:
        assert shown[x.id][3] != "–" and shown[x.id][4] != "not yet"
        for description in x.measured:
            assert re.sub(r"[\W_]", "", description) in re.sub(r"[\W_]", "", shown[x.id][3])


def test_the_status_page_lists_every_chapter(book):
    page = (book.html / "appendix" / "status.html").read_text(encoding="utf-8")
    executed = json.loads((book.executed / "report.json").read_text())["chapters"]
    for chapter in chapters():
        assert f"{executed[chapter.slug]['seconds']:.0f} s" in page
        assert f"{chapter.slug}.html" in page
    claims = json.loads((book.executed / "claims.json").read_text())["claims"]
    assert all(f">{claim['name']}<" in page for claim in claims)
