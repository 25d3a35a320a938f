"""Where what commands print goes: closed and full outputs, and hostile titles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Booklore, Spool, on_a_terminal

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

COMMANDS = ["status", "status --limit 3"]
"""At once, and by the whole program."""

NEXT_STEP = (
    "booklore: nothing was read yet: `booklore login` sets up your server, "
    "`booklore bridge install` or `booklore bridge pair` an e-reader\n"
)
"""What `status` says where there is nothing else to say."""

BOOKLORE = f"{sys.executable} -m booklore_core"


def in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(autouse=True)
def database(booklore: Booklore) -> None:
    booklore("status")


@pytest.mark.parametrize("command", [*COMMANDS, "plugins list --json"])
def test_closed_streams_are_no_mistake(command: str) -> None:
    ran = in_a_shell(f"{BOOKLORE} {command} >&- <&-")

    assert (ran.returncode, ran.stderr.replace(NEXT_STEP, "")) == (0, "")


def test_with_everything_closed_the_work_is_done(
    booklore: Booklore, reader: SampleReader, spool: Spool, home: Path
) -> None:
    reader.read(sample_book())

    ran = in_a_shell(f"{BOOKLORE} ingest {spool()} <&- >&- 2>&-")

    assert ran.returncode == 0
    assert (home / "booklore.sqlite").read_bytes().startswith(b"SQLite format 3")
    assert booklore("ingest", spool(), "--json").json["repeated"] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", COMMANDS)
def test_full_disk_is_told_in_one_line(command: str) -> None:
    ran = in_a_shell(f"{BOOKLORE} {command} >/dev/full")

    assert (ran.returncode, ran.stderr) == (1, "booklore: standard output: No space left on device\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_reader_that_is_gone_ends_the_command_quietly(command: str) -> None:
    nobody, end = os.pipe()
    os.close(nobody)

    ran = subprocess.run(
        [*BOOKLORE.split(), *command.split()], stdout=end, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(end)

    assert (ran.returncode, ran.stderr) == (1, "")


def test_table_without_rows_shows_its_columns(booklore: Booklore, account: BookLoreServer) -> None:
    assert booklore("sync").out.splitlines()[0].split() == ["TARGET", "DELIVERED", "WAITING", "REJECTED", "UNAVAILABLE"]


def test_lines_of_a_table_end_where_their_text_ends(booklore: Booklore) -> None:
    for command in (("plugins", "list"), ("config", "show"), ("run",), ("doctor",)):
        lines = booklore(*command).out.splitlines()
        assert lines == [line.rstrip() for line in lines]


def test_controls_in_a_title_reach_no_terminal(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    hostile = {**sample_book(), "title": "Du\x1b]0;gone\x07ne\r\u00a0II"}
    reader.read(hostile)
    booklore("ingest", spool())

    shown = [booklore("status").out, on_a_terminal(["match", hostile["partial_md5"]], "\n")[2]]

    for text in shown:
        assert "Du\ufffd]0;gone\ufffdne" in text
        assert "\x07" not in text
