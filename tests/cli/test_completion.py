"""Completion of the command line in a shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "from booklore_core.cli import main; main()"
PROGRAMS = [[sys.executable, "-m", "booklore_core"], [sys.executable, "-c", SCRIPT]]


def ran(*arguments: str, program: list[str] = PROGRAMS[0], **environ: str) -> str:
    return subprocess.run(
        [*program, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def proposed(words: str) -> list[str]:
    """What bash shows after a press of the tabulator key."""
    last = str(len(words.split(" ")) - 1)
    return ran(COMP_WORDS=words, COMP_CWORD=last, _BOOKLORE_COMPLETE="complete_bash").split()


@pytest.mark.parametrize("program", PROGRAMS, ids=["module", "script"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_completes_the_command_by_its_name(shell: str, program: list[str]) -> None:
    assert f"_BOOKLORE_COMPLETE=complete_{shell}" in ran(program=program, _BOOKLORE_COMPLETE=f"source_{shell}")


@pytest.mark.parametrize(
    ("words", "words_proposed"),
    [
        ("booklore hist", ["history"]),
        ("booklore history re", ["resync"]),
        ("booklore sync --b", ["--book"]),
        ("booklore track dune o", ["on", "off"]),
    ],
)
def test_commands_options_and_choices_are_completed(home: Path, words: str, words_proposed: list[str]) -> None:
    assert proposed(words) == words_proposed
    assert not home.exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_it_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    line = f"{sys.executable} -m booklore_core --install-completion; true"

    subprocess.run(["bash", "-c", line], env={**os.environ, "HOME": str(tmp_path)}, timeout=60, check=True)

    assert (tmp_path / ".bash_completions" / "booklore.sh").is_file()
    assert "booklore.sh" in (tmp_path / ".bashrc").read_text()
