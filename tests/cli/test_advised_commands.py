"""Every command that a text advises exists, with its options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from booklore_core.cli.app import app

ROOT = Path(__file__).parents[2]
ADVICE = re.compile(r"`booklore ([^`]+)`")
PLACEHOLDER = re.compile(r"[A-Z{<(].*|…")
"""What stands for something that a person fills in."""


def advised() -> set[tuple[str, str]]:
    files = [*ROOT.glob("booklore_core/**/*.py"), *ROOT.glob("plugins/**/*.py"), ROOT / "README.md"]
    lua = ROOT.glob("bridge_lua/**/*.lua")
    texts = {file: " ".join(file.read_text(encoding="utf-8").split()) for file in (*files, *lua)}
    return {(found, file.name) for file, text in texts.items() for found in ADVICE.findall(text)}


def faults(command: str) -> Iterator[str]:
    """What of a command line there is not."""
    found: Any = get_command(app)
    for word in command.split():
        nested = getattr(found, "commands", None)
        if word.startswith("-") and word != "-":
            if word.partition("=")[0] not in options_of(found):
                yield f"`booklore {command}`: {word} is no option of {found.name}"
        elif nested is not None and not PLACEHOLDER.fullmatch(word):
            found = found.get_command(None, word)  # of a plugin, too
            if found is None:
                yield f"`booklore {command}`: there is no {word}"
                return


def options_of(command: Any) -> set[str]:
    return {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}


def test_every_command_that_is_advised_exists() -> None:
    found = advised()

    assert len(found) > 10
    assert [f"{fault} ({file})" for command, file in sorted(found) for fault in faults(command)] == []


@pytest.mark.parametrize("command", ["sing", "sync --loud", "plugins sing", "import-lua-plugins"])
def test_command_that_there_is_not_would_be_found(command: str) -> None:
    assert len(list(faults(command))) == 1
