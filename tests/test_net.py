"""The net that whoever forks this has, hooks before a commit and a workflow: what `.ci/run` does, and no more."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def values(text: str, key: str) -> list[str]:
    """What stands behind a key, wherever it is."""
    return [value.strip("\"'") for value in re.findall(rf"^ *(?:- )?{key}: *(.+)$", text, re.MULTILINE)]


def job(name: str) -> str:
    found = re.search(rf"^  {name}:\n((?: {{4}}.*\n|\n)+)", WORKFLOW, re.MULTILINE)
    assert found, name
    return found[1]


def test_the_files_are_indented_as_yaml_wants_it() -> None:
    for text in (HOOKS, WORKFLOW):
        assert "\t" not in text
        assert not [line for line in text.splitlines() if (len(line) - len(line.lstrip(" "))) % 2]
        assert not [line for line in text.splitlines() if line.strip() and not re.match(r" *(#|- |[\w-]+:)", line)]


def test_hooks_are_what_ci_looks_at_after_the_tests_with_the_same_tools() -> None:
    lint = [line for line in CI.splitlines() if line.startswith(".venv/bin/")]

    assert values(HOOKS, "entry") == lint
    assert values(HOOKS, "repo") == ["local"] and set(values(HOOKS, "language")) == {"system"}
    assert set(values(HOOKS, "pass_filenames")) == {"false"} and len(set(values(HOOKS, "id"))) == len(lint)


def test_linux_runs_ci_with_every_python_that_is_promised() -> None:
    least = PROJECT["requires-python"].removeprefix(">=")

    [versions] = values(job("linux"), "python")
    assert versions == f'["{least}", "3.12", "3.13"]'
    assert values(job("linux"), "run") == [".ci/run"]


def test_elsewhere_it_installs_shows_itself_and_is_tested_without_the_shims_lua() -> None:
    elsewhere = job("elsewhere")
    install, demo, _, suite = values(elsewhere, "run")

    assert values(elsewhere, "system") == ["[windows-latest, macos-latest]"]
    assert (install, demo) == ("python -m pip install .", "booklore demo")
    ignored = re.findall(r"--ignore=(\S+)", suite)
    assert suite.startswith("pytest ") and "tests/bridge" in ignored
    assert all((ROOT / name).is_dir() for name in ignored)


def test_the_workflow_may_read_and_no_more() -> None:
    assert re.search(r"^permissions:\n  contents: read\n$", WORKFLOW, re.MULTILINE)
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in values(WORKFLOW, "uses"))
