"""`booklore plugins new`: a package that installs, and whose tests pass as it is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cli_world import Booklore
from installed_plugins import Distributions

from booklore_core.cli.scaffold import PLACES


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the command runs."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def install(package: Path, site: Path) -> None:
    """What `pip install -e` comes to: the module is found, and the entry point that the package declares."""
    declared = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, module),) = declared["entry-points"]["booklore"].items()
    source = (package / f"{module}.py").read_text(encoding="utf-8")
    Distributions(site).add(source, declared["name"], name, module)


def python(site: Path, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("option", "kind"), [("--target", "target"), ("--feature", "feature")])
def test_a_new_package_installs_and_its_own_tests_pass(
    booklore: Booklore, here: Path, tmp_path: Path, option: str, kind: str
) -> None:
    made = booklore("plugins", "new", "reading-log", option, "--json")
    package, site = here / made.json["folder"], tmp_path / "site"
    install(package, site)

    tested = python(site, "-m", "pytest", "-p", "no:cacheprovider", folder=package)
    listed = python(site, "-m", "booklore_core", "plugins", "list", folder=here)

    assert (made.code, made.json["kind"]) == (0, kind)
    assert tested.returncode == 0, tested.stdout
    (line,) = [line.split() for line in listed.stdout.splitlines() if line.startswith("reading-log")]
    assert line[:6] == ["reading-log", kind, "on", "booklore-reading-log", "1.2", "-"]
    assert ("reading-log.url" in line) is (kind == "target")  # what it still needs


@pytest.mark.parametrize(
    ("name", "option"), [("setting", "--target"), ("session", "--feature"), ("class", "--feature")]
)
def test_a_name_that_means_something_to_the_core_or_to_python_does_no_harm(
    booklore: Booklore, here: Path, tmp_path: Path, name: str, option: str
) -> None:
    package, site = here / booklore("plugins", "new", name, option, "--json").json["folder"], tmp_path / "site"
    install(package, site)

    tests = [] if option == "--feature" else ["-k", "address or without_one"]
    tested = python(site, "-m", "pytest", "-p", "no:cacheprovider", *tests, folder=package)
    listed = python(site, "-m", "booklore_core", "plugins", "list", "--json", folder=here)

    assert tested.returncode == 0, tested.stdout
    (told,) = [one for one in json.loads(listed.stdout) if one["name"] == name]
    assert (told["enabled"], told["error"]) == (True, None)


@pytest.mark.parametrize("option", ["--target", "--feature"])
def test_it_is_as_ruff_wants_it(booklore: Booklore, here: Path, tmp_path: Path, option: str) -> None:
    package = here / booklore("plugins", "new", "reading-log", option, "--json").json["folder"]

    for command in (["check", "--extend-select", "I"], ["format", "--check"]):
        ran = python(tmp_path, "-m", "ruff", command[0], "--no-cache", *command[1:], ".", folder=package)
        assert ran.returncode == 0, ran.stdout


def test_it_has_all_that_a_package_needs(booklore: Booklore, here: Path) -> None:
    booklore("plugins", "new", "reading-log")

    package = here / "booklore-reading-log"
    written = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    assert written == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "booklore_reading_log.py",
        "pyproject.toml",
        "tests/test_booklore_reading_log.py",
    }
    texts = [(package / name).read_text(encoding="utf-8") for name in written]
    assert not [text for text in texts if any(f"@{word}@" in text for word in ("NAME", "MODULE", "CLASS", "KIND"))]
    assert "python-version: ${{ matrix.python }}" in (package / ".github/workflows/test.yml").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Reading Log", "'Reading Log' is no name for a new plugin: expected small letters, digits and single -"),
        ("-log", "no such option"),
        ("../log", "'../log' is no name for a new plugin"),
        ("sync", "the settings of 'sync' are the core's own; choose another name"),
        ("sessions", "there is a plugin sessions already, of booklore-sync; choose another name"),
        ("core", "the settings of 'core' are the core's own"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(booklore: Booklore, here: Path, name: str, said: str) -> None:
    ran = booklore("plugins", "new", name)

    assert ran.code in (1, 2)
    assert said.lower() in ran.err.lower()
    assert list(here.iterdir()) == []


def test_a_folder_that_holds_something_is_left_as_it_is(booklore: Booklore, here: Path) -> None:
    kept = here / "booklore-log" / "thesis.txt"
    kept.parent.mkdir()
    kept.write_text("years of work")

    ran = booklore("plugins", "new", "log")

    assert ran.code == 1
    assert ran.err == ("booklore: booklore-log is there already and is no empty folder; name another one by --folder\n")
    assert list(kept.parent.iterdir()) == [kept]


def test_another_folder_may_be_named(booklore: Booklore, here: Path) -> None:
    ran = booklore("plugins", "new", "log", "--folder", here / "deep" / "down")

    assert ran.code == 0
    assert (here / "deep" / "down" / "booklore_log.py").is_file()
    assert f"cd {here / 'deep' / 'down'}" in ran.out


def test_every_template_is_used() -> None:
    folder = Path(__file__).parents[2] / "booklore_core" / "cli" / "templates"
    known = {name.format(kind=kind) for name in PLACES for kind in ("target", "feature")}

    assert {str(file.relative_to(folder)).removesuffix(".template") for file in folder.rglob("*.template")} == known
