"""How fast a class is graded: ``course grade`` against stock ``nbgrader autograde``.

    python benchmarks/grading.py light             # 24 light submissions, both in turn; the ratio
    python benchmarks/grading.py sizes 24 200 1000 # seconds for each, and memory, by class size
    python benchmarks/grading.py heavy             # against the students' own compute time
    python benchmarks/grading.py feedback          # releases and feedback pages, both in turn

Each works in a temporary course folder. The light assignment has five graded cells and a training
of 60 steps; the heavy one trains for some seconds. Students differ in their numbers, and some are
wrong. Times are wall-clock and from start to end of each command; the ratios count.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from classroom import ROOT, answered, environment, submit
from small_source import HEAD, TEST, cell

JOBS = 2
IMPORTS = cell("imports", "import torch", locked=True)
TRAIN = """
def train(steps):
    ### BEGIN SOLUTION
    torch.manual_seed({seed})
    x = torch.randn({samples}, {width})
    y = torch.tanh(x @ torch.randn({width}, 1))
    model = torch.nn.Sequential(
        torch.nn.Linear({width}, {hidden}), torch.nn.ReLU(), torch.nn.Linear({hidden}, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses
    ### END SOLUTION
""".strip()
SMALL = {"seed": 0, "samples": 64, "width": 8, "hidden": 16}
LARGE = {"seed": 0, "samples": 2000, "width": 100, "hidden": 400}
TASKS = (
    (
        "def standardize(x):\n    ### BEGIN SOLUTION\n    return (x - x.mean(0)) / x.std(0)\n"
        "    ### END SOLUTION",
        "x = torch.randn(50, 3)\nassert torch.allclose(standardize(x).std(0), torch.ones(3))",
    ),
    (
        "def softmax(x):\n    ### BEGIN SOLUTION\n    e = torch.exp(x - x.max(1, True).values)\n"
        "    return e / e.sum(1, True)\n    ### END SOLUTION",
        "x = torch.randn(20, 4)\nassert torch.allclose(softmax(x), torch.softmax(x, 1))",
    ),
    (
        "def slope(f, x):\n    ### BEGIN SOLUTION\n"
        "    x = torch.tensor(float(x), requires_grad=True)\n    f(x).backward()\n"
        "    return float(x.grad)\n    ### END SOLUTION",
        "assert abs(slope(torch.sin, 1.0) - 0.5403) < 1e-3",
    ),
    (
        TRAIN.format(**SMALL),
        "losses = train(60)\nassert len(losses) == 60 and losses[-1] < 0.5 * losses[0]",
    ),
    (
        "def accuracy(scores, labels):\n    ### BEGIN SOLUTION\n"
        "    return float((scores.argmax(1) == labels).float().mean())\n    ### END SOLUTION",
        "assert accuracy(torch.eye(4), torch.tensor([0, 1, 2, 0])) == 0.75",
    ),
)
HEAVY_STEPS = 900
HEAVY = (
    (
        TRAIN.format(**LARGE) + f"\n\n\nlosses = train({HEAVY_STEPS})",
        "assert losses[-1] < 0.5 * losses[0]",
    ),
)


def assignment(tasks: tuple[tuple[str, str], ...]) -> str:
    """The MyST source of an assignment: an answer and a graded cell for each task."""
    parts = [HEAD, IMPORTS]
    for number, (answer, test) in enumerate(tasks, 1):
        hidden = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
        parts.append(f"## Task {number}: Function {number} (1 point)\n\n")
        parts.append(cell(f"task-{number}", answer, solution=True))
        parts.append(cell(f"task-{number}-test", hidden, points=1, **TEST))
    return "".join(parts)


def solved(source: str) -> str:
    """An answer as a student writes it, without nbgrader's markers."""
    return "\n".join(line for line in source.splitlines() if "###" not in line)


class Class:
    """A course folder with one assignment and some submissions."""

    def __init__(self, root: Path, tasks: tuple[tuple[str, str], ...], students: int):
        self.root, self.tasks, self.students = root, tasks, students
        (root / "solutions" / "work").mkdir(parents=True)
        (root / "solutions" / "work" / "work.md").write_text(assignment(tasks))
        for name in ("nbgrader_config.py", "_toc.yml"):
            shutil.copy(ROOT / name, root)
        run(root, course("release"))
        release = json.loads((root / "exercises" / "work" / "work.ipynb").read_text())
        for number in range(students):
            submit(root, f"student-{number:04}", "work", answered(release, self.answers(number)))

    def answers(self, number: int) -> dict[str, str]:
        """What a student answers; every third one leaves out a task, every fifth fails at one."""
        found = {}
        for position, (source, _test) in enumerate(self.tasks):
            answer = solved(source).replace("manual_seed(0)", f"manual_seed({number})")
            if number % 5 == 4 and position == number % len(self.tasks) and len(self.tasks) > 1:
                answer = answer.replace("return ", "return 2 * ")
            if not (number % 3 == 2 and position == 1):
                found[f"task-{position + 1}"] = answer
        return found

    def copy(self, root: Path) -> Path:
        """The folder, once more, as it is."""
        shutil.copytree(self.root, root)
        return root


def course(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "course_lib.tools.cli", *arguments]


def nbgrader(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nbgrader", *arguments]


GRADE = course("grade", "work", "--jobs", str(JOBS))
STOCK = nbgrader("autograde", "work", "--create")


def run(root: Path, command: list[str]) -> tuple[float, float]:
    """Run a command; its seconds, and the most memory that its own process had, in MB.

    Raises:
        RuntimeError: it failed; the message ends with what it printed.
    """
    env = environment(COURSE_SEED="1", PYTHONPATH=str(ROOT))
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log)
        peak, watcher = [0.0], threading.Event()
        thread = threading.Thread(target=watch, args=(process.pid, peak, watcher))
        thread.start()
        code = process.wait()
        seconds = time.perf_counter() - started
        watcher.set()
        thread.join()
        if code:
            log.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{log.read()[-3000:]}")
    return seconds, peak[0]


def watch(pid: int, peak: list[float], end: threading.Event) -> None:
    """Remember the most memory that a process has had, as long as it runs."""
    while not end.wait(0.2):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return
        peak[0] = max([peak[0], *(int(x.split()[1]) / 1024 for x in lines if "VmHWM" in x)])


def scores(root: Path) -> dict[tuple[str, str], float]:
    """The points in a gradebook, by student and cell."""
    from nbgrader.api import Gradebook

    found = {}
    with Gradebook(f"sqlite:///{root}/grading/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions("work"):
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    found[submission.student.id, grade.cell.name] = grade.score
    return found


def light(folder: Path, students: int, repeat: int) -> None:
    """Both in turn; the ratio of their throughputs."""
    group = Class(folder / "course", TASKS, students)
    times: dict[str, list[float]] = {"course grade": [], "nbgrader autograde": []}
    for turn in range(repeat):
        found = []
        for name, command in (("course grade", GRADE), ("nbgrader autograde", STOCK)):
            root = group.copy(folder / f"{turn}-{len(found)}")
            times[name].append(run(root, command)[0])
            found.append(scores(root))
        assert found[0] == found[1] and len(found[0]) == students * len(TASKS), "scores differ"
    for name, seconds in times.items():
        each = statistics.median(seconds) / students
        print(f"{name:20}", *(f"{s:7.1f} s" for s in seconds), f"  {each:.3f} s a submission")
    ratio = statistics.median(times["nbgrader autograde"]) / statistics.median(
        times["course grade"]
    )
    print(f"{students} submissions, identical scores: {ratio:.1f} times the throughput")


def sizes(folder: Path, numbers: list[int]) -> None:
    """Seconds and memory by the size of the class."""
    before = (0, 0.0)
    for students in numbers:
        group = Class(folder / f"course-{students}", TASKS, students)
        seconds, memory = run(group.root, GRADE)
        more = (seconds - before[1]) / (students - before[0])
        print(
            f"{students:5} submissions {seconds:7.1f} s, {seconds / students:.3f} s each, "
            f"{more:.3f} s each further one; trusted process {memory:.0f} MB"
        )
        before = students, seconds
        shutil.rmtree(group.root)


def heavy(folder: Path, students: int) -> None:
    """Against the same code in plain Python processes, as many at a time, imports not counted."""
    group = Class(folder / "course", HEAVY, students)
    programs = []
    for number in range(students):
        code = "\n".join(["import time, torch", "began = time.perf_counter()"])
        code += "\n" + "\n".join([*group.answers(number).values(), HEAVY[0][1]])
        programs.append(code + "\nprint(time.perf_counter() - began)")

    def bare(code: str) -> float:
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True
        )
        return float(done.stdout)

    with ThreadPoolExecutor(JOBS) as pool:
        own = sum(pool.map(bare, programs)) / JOBS
    seconds = run(group.root, GRADE)[0]
    print(f"students' own code   {own:7.1f} s, {JOBS} at a time")
    print(f"course grade         {seconds:7.1f} s = {seconds / own:.3f} times, start included")


def feedback(folder: Path, students: int, repeat: int) -> None:
    """Releases of all assignments of this course, and pages of a class."""
    home = folder / "home"
    home.mkdir()
    shutil.copytree(ROOT / "solutions", home / "solutions")
    for name in ("nbgrader_config.py", "_toc.yml"):
        shutil.copy(ROOT / name, home)
    run(home, course("release"))  # which also makes the sources that stock nbgrader reads
    names = sorted(path.name for path in (home / "exercises").iterdir())
    group = Class(folder / "course", TASKS, students)
    run(group.root, GRADE)
    stock_release = [nbgrader("generate_assignment", name, "--force") for name in names]
    for title, root, ours, theirs in (
        (f"{len(names)} releases", home, [course("release", "--force")], stock_release),
        (
            f"{students} pages",
            group.root,
            [course("feedback", "work")],
            [nbgrader("generate_feedback", "work", "--force")],
        ),
    ):
        pairs = []
        for _ in range(repeat):
            pairs.append([sum(run(root, one)[0] for one in each) for each in (ours, theirs)])
        mine, stock = (statistics.median(each) for each in zip(*pairs, strict=True))
        print(f"{title}: course {mine:.1f} s, nbgrader {stock:.1f} s, {stock / mine:.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["light", "sizes", "heavy", "feedback"])
    parser.add_argument("numbers", nargs="*", type=int, help="of submissions")
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    numbers = options.numbers or [24]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.what == "light":
            light(folder, numbers[0], options.repeat)
        elif options.what == "sizes":
            sizes(folder, options.numbers or [24, 200, 1000])
        elif options.what == "heavy":
            heavy(folder, numbers[0])
        else:
            feedback(folder, numbers[0], options.repeat)


if __name__ == "__main__":
    main()
