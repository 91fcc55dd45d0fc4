"""``course run``: what is executed, what is kept, and what happens to notebooks that misbehave."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tiny import FRONT_MATTER, cell, claim, make_project, notebook, used_data

import course_lib.tools
from course_lib.tools import chapters as on_disk
from course_lib.tools import execute, machine, report, worker
from course_lib.tools.chapters import Project, ProjectError, UnknownChapter
from course_lib.tools.execute import Settings
from course_lib.tools.report import Outcome

ROOT = Path(course_lib.tools.__file__).parents[2]
GOOD = notebook("print('hello', PROFILE)", claim("size", 2.5))


def run(project: Project, *names: str, jobs: int = 1, **settings) -> dict[str, Outcome]:
    """Execute in a thread of this process, which is quicker to start than a pool of processes."""
    chosen = on_disk.select_chapters(project, names)
    with ThreadPoolExecutor(1) as executor:
        outcomes = execute.run(
            project, chosen, Settings(profile="smoke", jobs=jobs, **settings), executor
        )
    return {outcome.chapter.slug: outcome for outcome in outcomes}


def statuses(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {slug: outcome.status for slug, outcome in outcomes.items()}


def command(project: Project, *arguments: str, **options) -> subprocess.Popen:
    """Start the real command on a project."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "course_lib.tools.cli", *arguments],
        cwd=project.root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def kernels_of(project: Project) -> list[psutil.Process]:
    """Processes whose environment or command line shows that they belong to a project."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd()]
        except psutil.Error:
            continue
        if any(str(project.root) in word for word in words):
            found.append(process)
    return found


# --- what is executed and what is kept ------------------------------------------------------------


@dataclass
class Done:
    project: Project
    outcomes: dict[str, Outcome]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    """Two chapters that have been executed."""
    project = make_project(
        tmp_path_factory.mktemp("done"),
        {"part/one": GOOD, "part/two": notebook("1 + 1", used_data("digits", "stand-in"))},
    )
    return Done(project, run(project))


def copy_of(done: Done, folder: Path) -> Project:
    import shutil

    shutil.copytree(done.project.root, folder / "copy")
    return Project(folder / "copy")


def test_executed_notebook_keeps_outputs_and_measurements(done):
    assert statuses(done.outcomes) == {"one": "executed", "two": "executed"}
    executed = json.loads((done.project.executed("smoke") / "part/one.ipynb").read_text())
    texts = [output.get("text") for c in executed["cells"] for output in c.get("outputs", [])]
    assert "hello smoke\n" in ["".join(text) for text in texts if text]
    record = executed["metadata"]["course"]
    assert record["profile"] == "smoke"
    assert record["seconds"] > 0 and record["peak_memory_mb"] > 10
    assert str(done.project.root) not in json.dumps(executed)


def test_removed_chapter_leaves_the_reports(done, tmp_path):
    project = copy_of(done, tmp_path)
    (project.book / "part/one.md").unlink()
    run(project, "two")
    assert set(report.read_report(project, "smoke")["chapters"]) == {"two"}
    assert json.loads((project.executed("smoke") / "claims.json").read_text())["claims"] == []


def test_reports(done):
    folder = done.project.executed("smoke")
    claims = json.loads((folder / "claims.json").read_text())["claims"]
    assert [(c["chapter"], c["name"], c["value"], c["ok"]) for c in claims] == [
        ("one", "size", 2.5, True)
    ]
    summary = json.loads((folder / "report.json").read_text())
    assert set(summary) == {"chapters", "versions", "date", "profile", "device"}
    assert summary["chapters"]["two"]["data"] == {"digits": "stand-in"}
    assert summary["chapters"]["one"]["claims"] == 1
    assert summary["chapters"]["one"]["status"] == "executed"


def test_nothing_left_behind(done):
    assert [p.name for p in done.project.build.iterdir()] == ["executed"]
    shown = {p.name for p in done.project.executed("smoke").iterdir() if p.name != ".lock"}
    assert shown == {"part", "claims.json", "report.json"}
    assert kernels_of(done.project) == []


def keys(project: Project) -> dict[str, str]:
    """The cache keys of the present chapters."""
    computer = on_disk.Keys(project, "smoke")
    return {c.slug: computer.of(c.read()) for c in on_disk.all_chapters(project)}


def current(project: Project) -> dict[str, bool]:
    """Which chapters need no execution."""
    return {
        chapter.slug: on_disk.is_current(
            on_disk.load_executed(chapter.executed("smoke")), keys(project)[chapter.slug]
        )
        for chapter in on_disk.all_chapters(project)
    }


def test_prose_does_not_count(done, tmp_path):
    project = copy_of(done, tmp_path)
    path = project.book / "part/one.md"
    path.write_text(path.read_text().replace("Some prose.", "Other prose.\n\n+++\n\nAnd more."))
    assert statuses(run(project)) == {"one": "cached", "two": "cached"}


def test_code_counts(done, tmp_path):
    project = copy_of(done, tmp_path)
    path = project.book / "part/one.md"
    path.write_text(path.read_text().replace("hello", "good day"))
    assert statuses(run(project)) == {"one": "executed", "two": "cached"}


@pytest.mark.parametrize(
    ("path", "text", "fresh"),
    [
        ("course_lib/train.py", "x = 1", False),
        ("course_lib/data/card.json", "{}", False),
        ("course_lib/tools/book.py", "x = 1", True),
        ("course_lib/__pycache__/train.pyc", "x", True),
        ("constraints.txt", "torch==2.1\n", False),
        ("constraints.txt", "# a comment\n\ntorch==2.0\n", True),
        ("README.md", "Read me.", True),
    ],
)
def test_what_the_key_covers(done, tmp_path, path, text, fresh):
    project = copy_of(done, tmp_path)
    (project.root / path).parent.mkdir(exist_ok=True)
    (project.root / path).write_text(text)
    assert current(project) == {"one": fresh, "two": fresh}


def test_key_covers_tags_of_execution_only(tmp_path):
    options = [":tags: [hide-input]\n", "", ":tags: [raises-exception]\n"]
    project = make_project(
        tmp_path, {f"c{n}": FRONT_MATTER + cell("1", option) for n, option in enumerate(options)}
    )
    found = keys(project)
    assert found["c0"] == found["c1"] != found["c2"]


def test_key_covers_profile_and_python(done, monkeypatch):
    before = keys(done.project)["one"]
    source = on_disk.all_chapters(done.project)[0].read()
    assert on_disk.Keys(done.project, "cpu").of(source) != before
    monkeypatch.setattr(on_disk.platform, "python_version", lambda: "3.99")
    assert keys(done.project)["one"] != before


@pytest.mark.parametrize("there", [False, True])
def test_stand_in_is_stale_once_the_data_is_there(done, monkeypatch, there):
    monkeypatch.setattr(on_disk, "_available", lambda name: there and name == "digits")
    assert current(done.project) == {"one": True, "two": not there}


def test_data_are_looked_for_without_loading_pytorch():
    code = "import sys\nfrom course_lib.tools import chapters\n"
    code += "answer = chapters._available('mnist')\nassert 'torch' not in sys.modules\n"
    code += "import course_lib.data\nassert answer == course_lib.data.available('mnist')\n"
    code += "assert not chapters._available('no-such-set')"
    env = os.environ | {"COURSE_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)


def test_half_written_notebook_is_executed_again(done, tmp_path):
    project = copy_of(done, tmp_path)
    path = project.executed("smoke") / "part/one.ipynb"
    path.write_text(path.read_text()[:200])
    assert current(project) == {"one": False, "two": True}


def test_force(done, tmp_path):
    project = copy_of(done, tmp_path)
    assert statuses(run(project, "one", force=True)) == {"one": "executed"}


def test_chapter_outside_the_run_keeps_its_report(done, tmp_path):
    project = copy_of(done, tmp_path)
    path = project.book / "part/two.md"
    path.write_text(path.read_text() + cell(claim("more", 1.0)))
    run(project, "two")
    assert set(report.read_report(project, "smoke")["chapters"]) == {"one", "two"}
    claims = json.loads((project.executed("smoke") / "claims.json").read_text())["claims"]
    assert {c["name"] for c in claims} == {"size", "more"}


# --- which chapters -------------------------------------------------------------------------------


def test_names(done):
    for name in ("one", "part/one", "book/part/one.md"):
        assert [c.slug for c in on_disk.select_chapters(done.project, [name])] == ["one"]


def test_file_that_the_toc_does_not_list_yet(tmp_path):
    project = make_project(tmp_path, {"one": GOOD, "new": GOOD}, toc=["one"])
    assert [c.slug for c in on_disk.all_chapters(project)] == ["one"]
    assert [c.slug for c in on_disk.select_chapters(project, ["new"])] == ["new"]


def test_unknown_chapter(tmp_path):
    project = make_project(tmp_path, {"perceptron": GOOD, "transformer": GOOD})
    with pytest.raises(UnknownChapter, match="did you mean perceptron"):
        on_disk.select_chapters(project, ["preceptron"])
    code, output = finish(command(project, "run", "preceptron"))
    assert code == 2 and "did you mean perceptron" in output and "Traceback" not in output


def test_outside_a_project(tmp_path):
    with pytest.raises(ProjectError, match="no _toc.yml"):
        Project.find(tmp_path)


def test_two_chapters_of_one_name(tmp_path):
    project = make_project(tmp_path, {"a/one": GOOD, "b/one": GOOD})
    with pytest.raises(ProjectError, match="two chapters are called one"):
        on_disk.all_chapters(project)


# --- notebooks that misbehave ---------------------------------------------------------------------

HOG = "import time\nblocks = []\nwhile True:\n    blocks.append(b'x' * 50_000_000)\n"
ENDLESS = """import time
while True:
    try:
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass"""
BAD = {
    "good": GOOD,
    "error": notebook("first = 1", "def fail():\n    return 1 / 0\n\nvalue = 3\nfail()"),
    "endless": notebook(ENDLESS),
    "flood": notebook("for n in range(1000):\n    print('x' * 100_000)"),
    "hog": notebook(HOG),
    "child-hog": notebook(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {HOG!r}])"
    ),
    "dying": notebook("import os\nos._exit(3)"),
    "syntax": notebook("x = (1,\n     2"),
    "matter": FRONT_MATTER.replace("{name: python3", "{name: [python3") + cell("1"),
    "unclosed": "---\nkernelspec: {name: python3}\n\n# Title\n\n" + cell("1"),
    "options": notebook().replace(":tags: [parameters]", ":tags: [parameters"),
    "kernel": notebook("1").replace("name: python3", "name: no-such-kernel"),
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> Done:
    """All of them in one run, two at a time, in worker processes, with low limits."""
    project = make_project(tmp_path_factory.mktemp("bad"), BAD, toc=[*BAD, "missing"])
    (project.book / "bytes.md").write_bytes(FRONT_MATTER.encode() + b"\xff\xfe")
    settings = Settings("smoke", jobs=2, timeout=10, memory_limit=1000, output_limit=2, warm=False)
    chosen = on_disk.select_chapters(project, [*BAD, "missing", "bytes"])
    outcomes = execute.run(project, chosen, settings)
    return Done(project, {outcome.chapter.slug: outcome for outcome in outcomes})


def test_the_good_one_is_executed_all_the_same(bad):
    assert {slug for slug, status in statuses(bad.outcomes).items() if status == "executed"} == {
        "good"
    }
    assert kernels_of(bad.project) == []


def line_of(bad: Done, slug: str, code: str) -> int:
    lines = (bad.project.book / f"{slug}.md").read_text().splitlines()
    return next(n for n, line in enumerate(lines, start=1) if line.strip() == code)


def test_failing_cell_is_located(bad):
    text = bad.outcomes["error"].failure
    line = line_of(bad, "error", "return 1 / 0")
    assert f"book/error.md:{line}: code cell 3 of 3: ZeroDivisionError" in text
    assert "return 1 / 0" in re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_syntax_error_is_located(bad):
    line = line_of(bad, "syntax", "2")
    assert f"book/syntax.md:{line}: code cell 2 of 2: SyntaxError" in bad.outcomes["syntax"].failure


@pytest.mark.parametrize(
    ("slug", "code", "reason"),
    [
        ("endless", "import time", "longer than 10 s"),
        ("flood", "for n in range(1000):", "printed more than 2 MB"),
        ("hog", "import time", "more than its limit of 1000 MB"),
        ("child-hog", "import subprocess, sys", "more than its limit of 1000 MB"),
        ("dying", "import os", "the kernel died"),
    ],
)
def test_cell_that_breaks_a_limit(bad, slug, code, reason):
    text = bad.outcomes[slug].failure
    assert f"book/{slug}.md:{line_of(bad, slug, code)}: code cell 2 of 2: " in text
    assert reason in text


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("matter", "not a valid MyST notebook"),
        ("unclosed", "names no kernel"),
        ("options", "not a valid MyST notebook"),
        ("kernel", "no kernel 'no-such-kernel'"),
        ("missing", "no such file"),
        ("bytes", "not UTF-8"),
    ],
)
def test_file_that_is_no_notebook(bad, slug, reason):
    assert bad.outcomes[slug].failure.startswith(f"book/{slug}.md:")
    assert reason in bad.outcomes[slug].failure


def test_failures_are_in_the_report(bad):
    entries = report.read_report(bad.project, "smoke")["chapters"]
    assert entries["error"]["status"] == "failed" and entries["good"]["status"] == "executed"


def test_command_prints_the_failure_without_colours(tmp_path):
    project = make_project(tmp_path, {"error": BAD["error"], "good": GOOD})
    code, output = finish(command(project, "run", "--profile", "smoke", "--no-warm", "-j", "2"))
    assert code == 1
    assert "\x1b" not in output
    assert "ZeroDivisionError" in output and "code cell 3 of 3" in output
    assert "1 of 2 chapters failed: error" in output
    assert (project.executed("smoke") / "good.ipynb").is_file()


# --- before anything starts -----------------------------------------------------------------------


def test_gpu_profile_without_a_gpu(tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    project = make_project(tmp_path, {"one": GOOD})
    with pytest.raises(machine.NoDevice, match="needs a CUDA device"):
        execute.run(project, on_disk.all_chapters(project), Settings("gpu"))
    assert not project.build.exists()


def test_build_folder_that_cannot_be_written(tmp_path):
    project = make_project(tmp_path, {"one": GOOD})
    project.build.write_text("a file where the folder should be")
    with pytest.raises(ProjectError, match="cannot write to .*free some space"):
        run(project)
    code, output = finish(command(project, "run", "--profile", "smoke"))
    assert code == 2 and "cannot write to" in output and "Traceback" not in output


def test_disk_that_fills_up(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    project = make_project(tmp_path, {"one": GOOD})
    monkeypatch.setattr(worker, "write_atomic", full)
    outcome = run(project)["one"]
    assert outcome.status == "failed" and "No space left on device" in outcome.failure


# --- processes ------------------------------------------------------------------------------------


def test_parallel(tmp_path):
    """Two chapters that wait for each other can only finish when they run at the same time."""
    meet = "import time\nfrom pathlib import Path\nPath('{me}').touch()\nend = time.time() + 20\n"
    meet += (
        "while not Path('{other}').exists():\n    assert time.time() < end\n    time.sleep(0.05)"
    )
    project = make_project(
        tmp_path,
        {
            "one": notebook(meet.format(me="1", other="2")),
            "two": notebook(meet.format(me="2", other="1")),
        },
    )
    chosen = on_disk.all_chapters(project)
    outcomes = execute.run(project, chosen, Settings("smoke", jobs=2, warm=False))
    assert [outcome.status for outcome in outcomes] == ["executed", "executed"]


def test_memory_decides_how_many_run(tmp_path, monkeypatch):
    project = make_project(tmp_path, {"one": GOOD, "two": GOOD})
    session = object.__new__(execute._Session)
    session.jobs, session.given, session.folder = 2, None, tmp_path
    _, work = execute._examine(project, on_disk.all_chapters(project), Settings("smoke"))
    session.running = {}
    monkeypatch.setattr(machine, "available_memory_mb", lambda: 2000.0)
    assert session._may_start(work[0])
    session.running = {object(): work[0]}
    assert not session._may_start(work[1])
    monkeypatch.setattr(machine, "available_memory_mb", lambda: 4000.0)
    assert session._may_start(work[1])


def test_longest_first(done, tmp_path):
    project = copy_of(done, tmp_path)
    path = project.executed("smoke") / "report.json"
    entries = json.loads(path.read_text())
    entries["chapters"]["one"]["seconds"], entries["chapters"]["two"]["seconds"] = 5, 50
    path.write_text(json.dumps(entries))
    chosen = on_disk.all_chapters(project)
    _, work = execute._examine(project, chosen, Settings("smoke", force=True))
    assert [item.chapter.slug for item in work] == ["two", "one"]


def test_worker_that_is_killed(tmp_path, monkeypatch):
    """Its notebook gets a second try in a new process."""
    marker = tmp_path / "tried"
    code = f"import os, psutil\nfrom pathlib import Path\nif not Path({str(marker)!r}).exists():\n"
    code += f"    Path({str(marker)!r}).touch()\n    psutil.Process(os.getppid()).kill()\n"
    code += "    import time\n    time.sleep(30)"
    project = make_project(tmp_path, {"one": notebook(code), "two": GOOD})
    outcomes = execute.run(
        project, on_disk.all_chapters(project), Settings("smoke", jobs=2, warm=False)
    )
    assert [outcome.status for outcome in outcomes] == ["executed", "executed"]
    deadline = time.time() + 30
    while kernels_of(project) and time.time() < deadline:
        time.sleep(0.1)
    assert kernels_of(project) == []


def test_worker_that_is_killed_twice(tmp_path):
    code = "import os, psutil, time\npsutil.Process(os.getppid()).kill()\ntime.sleep(30)"
    project = make_project(tmp_path, {"one": notebook(code)})
    outcome = execute.run(project, on_disk.all_chapters(project), Settings("smoke", warm=False))[0]
    assert "worker process was killed twice" in outcome.failure
    assert BrokenProcessPool.__name__ not in outcome.failure


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize(
    ("number", "warm"),
    [(signal.SIGINT, "--warm"), (signal.SIGTERM, "--no-warm"), (signal.SIGKILL, "--warm")],
)
def test_interrupt(tmp_path, number, warm):
    """No process is left, and what had finished is kept."""
    endless = notebook(
        ENDLESS.replace("import time", "import time, pathlib\npathlib.Path('on').touch()")
    )
    project = make_project(tmp_path, {"one": GOOD, "two": endless})
    process = command(project, "run", "--profile", "smoke", warm, "-j", "1", start_new_session=True)
    try:
        kept, started = project.executed("smoke") / "one.ipynb", project.book / "on"
        deadline = time.time() + 40
        while not (kept.exists() and started.exists()):
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.05)
        started_at = time.time()
        process.send_signal(number)
        code, output = finish(process)
        assert time.time() - started_at < 6
        assert code == (-number if number == signal.SIGKILL else 130), output
        while time.time() < deadline and kernels_of(project):
            time.sleep(0.1)
        assert kernels_of(project) == []
    finally:
        process.kill()
    assert current(project) == {"one": True, "two": False}
    if number != signal.SIGKILL:
        assert "Traceback" not in output and "is kept" in output
        assert not list(project.build.glob("executed/.run-*"))


# --- warm kernels ---------------------------------------------------------------------------------

SAME = """import os, random, sys, tempfile
import numpy as np, torch, matplotlib, matplotlib.pyplot as plt
print(torch.get_num_threads())
torch.manual_seed(0); np.random.seed(0); random.seed(0)
print(torch.rand(2), np.random.rand(2), random.random())
net = torch.nn.Linear(64, 64); opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(20):
    loss = net(torch.rand(128, 64)).square().mean(); opt.zero_grad(); loss.backward(); opt.step()
print(repr(loss.item()), matplotlib.get_backend(), os.getcwd())
print(sorted(n for n in os.environ if n.startswith(("COURSE", "OMP", "MKL", "OPENBLAS", "MPL"))))
print(__name__, [p.rpartition("/")[2] for p in sys.path])
print(tempfile.gettempdir() == os.environ["TMPDIR"])
plt.plot([1, 2]);"""


UNSEEDED = """import random, numpy, torch
print(random.random(), numpy.random.rand(), torch.rand(1))"""


linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="kernels are forked on Linux only"
)


@linux_only
def test_warm_kernel_gives_what_a_cold_one_gives(tmp_path):
    """The same results and the same environment, but not the same unseeded random numbers."""
    texts = {"seeded": SAME, "unseeded": UNSEEDED, "again": UNSEEDED}
    project = make_project(tmp_path, {slug: notebook(code) for slug, code in texts.items()})
    chapters = on_disk.all_chapters(project)
    execute.run(project, chapters, Settings("smoke", jobs=1))
    seeded, unseeded, again = map(outputs_of, chapters)
    execute.run(project, chapters[:1], Settings("smoke", jobs=1, warm=False, force=True))
    assert seeded == outputs_of(chapters[0])
    assert "image/png" in str(seeded)
    numbers = re.findall(r"0\.\d+", str(unseeded + again))
    assert len(numbers) == len(set(numbers)) == 6


def outputs_of(chapter: on_disk.Chapter) -> list:
    executed = json.loads(chapter.executed("smoke").read_text())
    outputs = [output for c in executed["cells"] for output in c.get("outputs", [])]
    return [(output.get("text"), output.get("data")) for output in outputs]


def test_broken_nursery_falls_back_to_an_ordinary_kernel(tmp_path, monkeypatch):
    from course_lib.tools import warm

    monkeypatch.setattr(warm, "CONNECT_SECONDS", 0)
    address = contextlib.nullcontext(str(tmp_path / "nothing"))
    monkeypatch.setattr(execute._Session, "_kernels", lambda self: address)
    assert run(make_project(tmp_path, {"one": GOOD}))["one"].status == "executed"
