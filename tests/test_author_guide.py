"""The author guide is complete, and every block of code in it runs."""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from installed_plugins import Distributions
from typer.main import get_command

import booklore_core
from booklore_core import (
    API_VERSION,
    Declined,
    Effect,
    Facts,
    Journal,
    Setting,
    Store,
    flows,
    hookspecs,
    targets,
    testing,
)
from booklore_core.cli.app import app
from booklore_core.plugin_manager import LOAD_SECONDS
from booklore_core.testing import target_contract

GUIDE = (Path(__file__).parents[1] / "plugins" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
FILES = {text.partition("\n")[0].removeprefix("# "): text for kind, text in BLOCKS if kind == "python"}
SAID = set(re.findall(r"`([A-Za-z_]+)(?:\([^`]*\))?`", GUIDE))
"""The names that stand in it, without their arguments."""

HOOKS = {name: value for name, value in vars(hookspecs).items() if hasattr(value, "booklore_spec")}
PARTS = [one for name, one in vars(targets).items() if name.endswith("Target") and name != "Target"]


def own_members(part):
    """What a target has to have for a part, beside what every target has."""
    named = {*vars(part), *inspect.get_annotations(part)}
    return {name for name in named if not name.startswith("_")}


def test_every_hook_stands_in_the_table_with_its_arguments():
    table = GUIDE.partition("## All hooks")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", table, re.MULTILINE))

    assert rows.keys() == HOOKS.keys()
    for name, hook in HOOKS.items():
        arguments = re.findall(r"`(\w+)`", rows["on_book_open" if rows[name] == "the same" else name])
        assert arguments == list(inspect.signature(hook).parameters), name


def test_every_exception_of_a_target_is_documented():
    raised = {name for name, one in vars(targets).items() if inspect.isclass(one) and issubclass(one, Declined)}

    assert raised - SAID == set()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_optional_part_of_a_target_is_documented(part):
    assert {part.__name__, *own_members(part)} - SAID == set()


@pytest.mark.parametrize(
    "name", ["about", "address", "batch_size", "looked_for", "audited", "token_credentials", "close"]
)
def test_what_a_gateway_asks_a_target_by_name_is_documented(name):
    assert name in SAID


def test_every_question_and_effect_is_documented():
    effects = {one.__name__ for one in Effect.__subclasses__() if one.__module__ == flows.__name__}
    questions = {one.__name__ for one in flows.Question.__args__}

    assert (effects | questions) - SAID == set()


@pytest.mark.parametrize("kit", [testing, target_contract], ids=lambda kit: kit.__name__)
def test_everything_that_the_test_kit_has_is_documented(kit):
    assert set(kit.__all__) - SAID == set()


def test_every_word_that_a_setting_may_have_is_documented():
    assert {one.name for one in dataclasses.fields(Setting)} - {"name", "type", "default", "help"} - SAID == set()


@pytest.mark.parametrize("part", [name for name in vars(Store) if not name.startswith("_")])
def test_every_part_of_a_store_is_documented(part):
    assert re.search(rf"`store\.{part}\b", GUIDE)


def test_what_can_be_asked_of_facts_and_journal_is_there():
    asked = re.findall(r"^\| `(facts|journal)\.(\w+)", GUIDE, re.MULTILINE)

    assert len(asked) == 11
    assert all(hasattr({"facts": Facts, "journal": Journal}[one], name) or name == "now" for one, name in asked)


@pytest.mark.parametrize("name", ["HOME", "TRACE_HOOKS", "NO_PLUGINS"])
def test_every_variable_that_is_for_authors_is_documented(name):
    assert f"BOOKLORE_{name}=" in GUIDE


def test_every_name_of_the_core_that_is_said_is_public():
    code = "".join(FILES.values())
    imported = re.findall(r"from booklore_core import (.*)", code)

    assert {name for line in imported for name in line.split(", ")} <= set(booklore_core.__all__)


def test_numbers_are_those_of_the_core():
    assert f"API_VERSION = {API_VERSION}" in GUIDE
    assert f"hook has {LOAD_SECONDS:g} seconds" in GUIDE


def test_the_first_target_is_short():
    lines = FILES["booklore_diary.py"].splitlines()[1:]

    assert sum(bool(line.strip()) and "import" not in line for line in lines) <= 10


def test_every_block_of_code_runs(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    modules = {Path(name).stem for name in FILES if name.startswith("booklore_")}
    tested = {name for name in modules for file in FILES if file.startswith("test_") and f"{name}" in FILES[file]}

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", tmp_path]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stdout
    assert tested == modules


def test_the_first_target_is_tried_as_the_guide_says(tmp_path):
    distributions = Distributions(tmp_path / "site")
    distributions.add(FILES["booklore_diary.py"], "booklore-diary", "diary", "booklore_diary")
    (tmp_path / "reading.py").write_text(FILES["reading.py"], encoding="utf-8")
    shown = next(text for kind, text in BLOCKS if kind == "console" and "reading.py" in text)
    commands = [line[2:] for line in shown.splitlines() if line.startswith("$ ") and "pip install" not in line]
    (tmp_path / "bin").mkdir()
    for name, module in {"booklore": "-m booklore_core", "python": ""}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
        program.chmod(0o755)

    found = os.pathsep.join([str(distributions.folder), *sys.path])
    environ = {**os.environ, "PYTHONPATH": found, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    script = ["sh", "-ec", "\n".join(commands)]
    ran = subprocess.run(script, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr
    answered = [line.split() for line in shown.splitlines() if not line.startswith("$ ")]
    told = [line.split() for line in ran.stdout.splitlines()]
    assert [line for line in answered[:-1] if line not in told] == []
    assert told[-1][1:] == answered[-1][1:]  # but for the time


def test_the_project_file_declares_what_the_first_module_is():
    (text,) = [text for kind, text in BLOCKS if kind == "toml"]
    declared = tomllib.loads(text)

    assert declared["project"]["entry-points"]["booklore"] == {"diary": "booklore_diary"}
    assert declared["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"] == ["booklore_diary.py"]


def test_every_command_that_is_shown_exists():
    root = get_command(app)
    shown = [text for kind, text in BLOCKS if kind == "console"] + re.findall(r"`(booklore [^`]*)`", GUIDE)

    for words in re.findall(r"booklore (?:-v )?([a-z][a-z-]+)(?: ([a-z]+))?", "\n".join(shown)):
        known = root.commands.get(words[0])
        assert known or words[0] == "greet", words  # of the plugin that is shown
        nested = getattr(known, "commands", None)
        assert not nested or not words[1] or words[1] in nested, words
