"""The files that describe the project agree with each other."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())


def constraints() -> dict[str, str]:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, pin = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()
            pins[canonicalize_name(name)] = pin
    return pins


def requirements() -> list[Requirement]:
    listed = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        listed += extra
    parsed = [Requirement(text) for text in listed]
    return [r for r in parsed if canonicalize_name(r.name) != PROJECT["name"]]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(requirement):
    pin = constraints()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin), f"{requirement} against {pin}"


def test_what_is_installed_is_what_is_pinned():
    different = {}
    for name, pin in constraints().items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # of another platform
        if installed != pin:
            different[name] = (installed, pin)
    assert not different, f"installed and pinned versions differ: {different}"


def test_conda_installs_the_same_package_with_the_same_constraints():
    pip = next(item["pip"] for item in ENVIRONMENT["dependencies"] if isinstance(item, dict))
    assert pip == ["-c constraints.txt", "-e .[all]"]
    others = [item for item in ENVIRONMENT["dependencies"] if isinstance(item, str)]
    python = next(item for item in others if item.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python=") + ".0")
    assert {re.split("[=<>]", item)[0] for item in others} == {"python", "pip", "make"}


def test_all_installs_every_extra():
    extras = set(PROJECT["optional-dependencies"]) - {"all"}
    (everything,) = [Requirement(text) for text in PROJECT["optional-dependencies"]["all"]]
    assert everything.extras == extras


def test_the_actions_of_the_workflow_are_pinned_to_commits():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    uses = re.findall(r"uses: (\S+)", workflow)
    assert uses and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)


def test_the_pythons_of_the_workflow_are_those_that_the_package_allows():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    tested = workflow["jobs"]["cpu"]["strategy"]["matrix"]["python"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert tested == [f"3.{minor}" for minor in range(8, 20) if allowed.contains(f"3.{minor}.0")]


def test_importing_the_package_loads_nothing_heavy():
    code = "import course_lib, sys; print(any(m in sys.modules for m in ('torch', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_code_passes_the_linter():
    folders = ["course_lib", "tests", "benchmarks"]
    for command in (["check", *folders], ["format", "--check", *folders]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
