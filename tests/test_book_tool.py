"""``course book``, ``serve`` and ``clean``: what is staged, rendered and shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from tiny import claim, make_project, notebook

import course_lib.tools
from course_lib.tools import book, execute, serve
from course_lib.tools import chapters as on_disk
from course_lib.tools.chapters import Project, ProjectError
from course_lib.tools.execute import Settings

ROOT = Path(course_lib.tools.__file__).parents[2]
WIDGET = """from IPython.display import display
view = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/plain": "slider"}
display(view, raw=True)"""


def course(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "course_lib.tools.cli", *arguments]
    return subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True)


def build(project: Project, *options: str) -> subprocess.CompletedProcess:
    return course(project, "book", "--profile", "smoke", "--no-warm", *options)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Project:
    """A project that has been executed and rendered once."""
    project = make_project(
        tmp_path_factory.mktemp("book"),
        {
            "part/one": notebook("print('first output')", claim("size", 2.5)),
            "part/two": notebook(WIDGET, "x = 2", "x"),
            "notes": "# Notes\n\nNo notebook.\n",
        },
    )
    (project.book / "part/one.ipynb").write_text("{}")  # the author's paired copy
    (project.book / "assets").mkdir()
    (project.book / "assets/data.txt").write_text("a file")
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Next: " in done.stdout
    return project


def staged(project: Project, name: str) -> dict:
    return json.loads((project.stage / f"{name}.ipynb").read_text())


def pages_of(project: Project) -> list[book.Page]:
    """The pages of a project whose executed notebooks are up to date."""
    return [
        book.Page(c.docname, c.read(), c.executed("smoke")) for c in on_disk.all_chapters(project)
    ]


def code_cells(content: dict) -> list[dict]:
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def test_addresses_do_not_begin_with_book(built):
    for page in ("index", "notes", "part/one", "part/two"):
        assert (built.html / f"{page}.html").is_file()
    assert yaml.safe_load((built.stage / "_toc.yml").read_text())["root"] == "index"


def test_page_shows_text_and_outputs(built):
    page = (built.html / "part/one.html").read_text()
    assert "Some prose." in page and "first output" in page
    assert "injected" not in page and "Parameters" not in page


def test_stage_holds_every_file_once(built):
    names = {p.relative_to(built.stage).as_posix() for p in built.stage.rglob("*") if p.is_file()}
    assert names == {
        *("_config.yml", "_toc.yml", "index.md", "notes.md", "assets/data.txt"),
        *("part/one.ipynb", "part/two.ipynb"),
    }


def test_staged_notebook(built):
    content = staged(built, "part/two")
    assert len(code_cells(content)) == 4
    assert "widgets" not in content["metadata"]
    assert code_cells(content)[1]["outputs"][0]["data"] == {"text/plain": ["slider"]}
    assert code_cells(content)[3]["outputs"][0]["data"] == {"text/plain": ["2"]}
    record = content["metadata"]["course"]
    assert record["profile"] == "smoke" and record["seconds"] > 0 and record["date"]
    assert str(built.root) not in json.dumps(content)


def test_staged_notebook_is_valid(built):
    import nbformat

    for name in ("part/one", "part/two"):
        nbformat.validate(nbformat.read(built.stage / f"{name}.ipynb", as_version=4))


def test_present_text_with_executed_outputs(built):
    source_path = built.book / "part/one.md"
    text = source_path.read_text().replace("Some prose.", "New prose.")
    source = on_disk.Source(source_path, text)
    executed = on_disk.load_executed(built.executed("smoke") / "part/one.ipynb")
    merged = book.merge(source, executed)
    assert "New prose." in json.dumps(merged) and "Some prose." not in json.dumps(merged)
    assert "first output" in json.dumps(code_cells(merged)[1]["outputs"])


def test_unchanged_project_changes_nothing(built):
    assert book.assemble(built, pages_of(built)) == []


@pytest.fixture
def copy(built, tmp_path) -> Project:
    import shutil

    shutil.copytree(
        built.root, tmp_path / "copy", ignore=shutil.ignore_patterns("html")
    )  # keeps the times
    return Project(tmp_path / "copy")


def test_only_changed_files_are_written(copy):
    path = copy.book / "part/one.md"
    path.write_text(path.read_text().replace("Some prose.", "New prose."))
    assert book.assemble(copy, pages_of(copy)) == [copy.stage / "part/one.ipynb"]


def test_removed_files_disappear(copy):
    (copy.book / "assets/data.txt").unlink()
    (copy.book / "part/two.md").unlink()
    toc = copy.toc.read_text().replace("- file: book/part/two\n", "")
    copy.toc.write_text(toc)
    changed = {p.relative_to(copy.stage).as_posix() for p in book.assemble(copy, pages_of(copy))}
    assert changed == {"_toc.yml", "assets/data.txt", "part/two.ipynb"}
    assert not (copy.stage / "part/two.ipynb").exists()


def test_paths_in_the_configuration_lose_their_prefix(copy):
    copy.config.write_text("bibtex_bibfiles: [book/references.bib]\ntitle: A book/b\n")
    book.assemble(copy, pages_of(copy))
    content = yaml.safe_load((copy.stage / "_config.yml").read_text())
    assert content == {"bibtex_bibfiles": ["references.bib"], "title": "A book/b"}


def test_change_of_prose_renders_again_without_executing(built):
    path = built.book / "part/one.md"
    path.write_text(path.read_text().replace("Some prose.", "Changed prose."))
    executed = built.executed("smoke") / "part/one.ipynb"
    before = executed.stat().st_mtime_ns
    done = build(built)
    assert done.returncode == 0 and executed.stat().st_mtime_ns == before
    assert "1 file of the book changed" in done.stdout
    page = (built.html / "part/one.html").read_text()
    assert "Changed prose." in page and "first output" in page


def test_builds_wait_for_each_other(built):
    with FileLock(built.build / "book.lock"):
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "course_lib.tools.cli", "book", "--profile", "smoke"]
        process = subprocess.Popen(
            command, cwd=built.root, env=env, stdout=subprocess.PIPE, text=True
        )
        lines = iter(process.stdout.readline, "")
        assert any("Waiting for another build" in line for line in lines)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_warning_names_the_line_of_the_text_and_fails_a_strict_build(tmp_path):
    text = notebook("1") + "\nSee {doc}`nowhere`.\n"
    project = make_project(tmp_path, {"one": text})
    done = build(project, "--strict")
    line = text.splitlines().index("See {doc}`nowhere`.") + 1
    assert done.returncode == 1
    assert f"{project.book / 'one.md'}:{line}: WARNING" in done.stderr and "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert build(project).returncode == 0


def test_failed_chapter_is_rendered_without_outputs(tmp_path):
    broken = "---\nkernelspec: [\n---\n\n# Broken\n"
    chapters = {"bad": notebook("1 / 0"), "good": notebook("print('fine')"), "broken": broken}
    project = make_project(tmp_path, chapters)
    with ThreadPoolExecutor(1) as executor:
        execute.run(project, on_disk.all_chapters(project), Settings("smoke"), executor)
    done = build(project)
    assert done.returncode == 1 and "bad, broken" in done.stderr
    assert "fine" in (project.html / "good.html").read_text()
    assert "Some prose." in (project.html / "bad.html").read_text()
    assert build(project, "--strict").returncode == 1


def test_broken_configuration(tmp_path):
    project = make_project(tmp_path, {"one": notebook("1")})
    project.config.write_text("title: [")
    done = build(project)
    assert done.returncode == 2 and "_config.yml" in done.stderr and "Traceback" not in done.stderr


def test_broken_table_of_contents(tmp_path):
    project = make_project(tmp_path, {"one": notebook("1")})
    project.toc.write_text("root: [")
    done = build(project)
    assert done.returncode == 2 and "_toc.yml" in done.stderr and "Traceback" not in done.stderr


def test_serve(built):
    with serve.bind(built, 0) as server, serve.bind(built, server.server_port) as second:
        assert second.server_port != server.server_port
        thread = threading.Thread(target=second.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{second.server_port}/part/one.html"
        with urllib.request.urlopen(address) as answer:
            assert b"first output" in answer.read()
        (built.html / "404.html").write_text("there is no page at this address")
        wrong = f"http://127.0.0.1:{second.server_port}/part/no-such-page.html"
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(wrong)
        assert missing.value.code == 404 and b"no page at this address" in missing.value.read()
        second.shutdown()


def test_serve_before_the_book_is_built(tmp_path):
    project = make_project(tmp_path, {})
    with pytest.raises(ProjectError, match="course book"):
        serve.serve_book(project)


def test_clean(tmp_path):
    project = make_project(tmp_path, {})
    (project.build / "html").mkdir(parents=True)
    assert course(project, "clean").returncode == 0
    assert not project.build.exists()
    assert course(project, "clean").returncode == 0


def test_help_is_quick():
    started = time.perf_counter()
    command = [sys.executable, "-m", "course_lib.tools.cli", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    assert done.returncode == 0 and "book" in done.stdout
    assert seconds < 3  # 0.1 s on an idle machine; more only when it loads PyTorch or Sphinx
