"""`--help`, `--version`, and misuse of the command line."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_world import Booklore

import booklore_core.cli
from booklore_core.cli.app import app
from booklore_core.cli.contents import COMMANDS, first_sentence

HEAVY = ("dataset", "sqlalchemy", "requests", "pydantic", "fastapi", "pluggy", "uvicorn", "lxml", "rich")

LIST_IMPORTS = f"""
import sys
from booklore_core.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
found = {{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r})
sys.stderr.write("loaded: " + ",".join(sorted(found)))
"""


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help(booklore: Booklore, path: tuple[str, ...]) -> None:
    ran = booklore(*path, "--help")

    assert ran.code == 0
    assert "Usage" in ran.out
    assert ran.err == ""
    assert booklore(*path, "-h") == ran


ASKING_OR_DESTROYING = (
    "clear cache", "clear pending", "clear synced", "config set", "login", "match", "quarantine dismiss", "rematch",
    "reset", "run",
)  # fmt: skip


@pytest.mark.parametrize("command", ASKING_OR_DESTROYING)
def test_every_command_that_asks_or_destroys_takes_yes(command: str) -> None:
    found: Any = typer.main.get_command(app)
    for word in command.split():
        found = found.commands[word]

    assert {"--yes", "-y"} <= {option for one in found.params for option in one.opts}


def test_commands_read_neither_clock_nor_database_themselves() -> None:
    """The actions do; but for the status, which has to be quick, and the demo, which makes up its own day."""
    sources = Path(booklore_core.cli.__file__).parent.rglob("*.py")
    own = re.compile(r"\.database\b|sqlite3\.\w+\(|datetime\.now|time\.time\(|\.clock\(")

    found = {path.name for path in sources if own.search(path.read_text(encoding="utf-8"))}

    assert found <= {"status_view.py", "demo.py", "errors.py"}


def test_version_is_told(booklore: Booklore) -> None:
    ran = booklore("--version")

    assert ran.code == 0
    assert ran.out.startswith("booklore 0.")


@pytest.mark.parametrize(
    "arguments", [("sing",), ("sync", "--loud"), ("ingest",), ("track", "00ff", "maybe"), ("status", "--limit", "-1")]
)
def test_misuse_ends_with_two(booklore: Booklore, arguments: tuple[str, ...]) -> None:
    ran = booklore(*arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert "Usage" in ran.err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["sync", "-h"], ["plugins", "--help"], ["plugins", "info", "--help"]],
    ids=" ".join,
)  # fmt: skip
def test_help_loads_nothing_heavy(home: Path, arguments: list[str]) -> None:
    assert heavy_imports(arguments) == "loaded: "


def test_help_loads_no_command() -> None:
    program = "import sys, booklore_core.cli.app; print([one for one in sys.modules if 'cli.commands' in one])"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_list_of_commands_says_what_each_of_them_does() -> None:
    group = typer.main.get_command(app)

    assert {name: first_sentence(command.help) for name, command in group.commands.items()} == {
        name: told for name, (_, told) in COMMANDS.items()
    }


def test_status_of_a_database_loads_nothing_heavy(home: Path, booklore: Booklore) -> None:
    booklore("status")

    assert heavy_imports(["status"]).endswith("\nloaded: ")
    assert heavy_imports(["status", "--json"]) == "loaded: "


def heavy_imports(arguments: list[str]) -> str:
    command = [sys.executable, "-c", LIST_IMPORTS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr


def test_python_m_is_the_same_program(home: Path) -> None:
    command = [sys.executable, "-m", "booklore_core", "--version"]

    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.startswith("booklore")
