"""`booklore history …` where nobody answers, and with files that are none."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Booklore
from told_thrice import Evening, Reading, write_statistics

from booklore_core.testing import BookLoreServer

SHOWN = [(1_772_395_200 + 60 * number, 60, number + 1) for number in range(20)]


@pytest.fixture
def statistics(tmp_path: Path, server: BookLoreServer) -> Path:
    read = Reading("Dune", server.books[1].partial_md5, "", [Evening(SHOWN, ("", ""))])
    return write_statistics(tmp_path / "statistics.sqlite3", [read])


def test_resync_says_what_it_would_do_and_how_to_agree(booklore: Booklore, statistics: Path) -> None:
    booklore("history", "extract", statistics)

    told = booklore("history", "resync")

    assert told.code == 1
    assert "Ask the server for all of your past reading that was synced" in told.err
    assert "give --yes to agree" in told.err


def test_a_directory_and_a_pipe_are_no_files(booklore: Booklore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.sqlite3")

    directory = booklore("history", "extract", tmp_path)
    pipe = booklore("history", "extract", tmp_path / "pipe.sqlite3")

    assert f"{tmp_path} is a directory; KOReader keeps its own as" in directory.err
    assert "pipe.sqlite3 is no file" in pipe.err
    assert (directory.code, pipe.code) == (1, 1)


@pytest.mark.parametrize("name", ["pipe.sqlite", "folder"])
def test_the_lua_plugin_s_database_is_no_pipe_or_folder(booklore: Booklore, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.sqlite")

    told = booklore("import-lua-plugin", tmp_path / name, "--yes")

    assert told.code == 1
    assert "cannot be read" in told.out + told.err


def test_without_the_plugin_it_says_that_none_is_enabled(booklore: Booklore, statistics: Path) -> None:
    booklore("config", "set", "history.enabled", "false")

    told = booklore("history", "extract", statistics)

    assert (told.code, "no plugin that reads past reading is enabled" in told.err) == (1, True)


def test_match_says_that_another_sync_is_running(
    booklore: Booklore, statistics: Path, home: Path, account: BookLoreServer
) -> None:
    booklore("history", "extract", statistics)
    with closing(sqlite3.connect(home / "booklore.sqlite")) as database, database:
        row = ("booklore", "another", time.time() + 55)
        database.execute("INSERT INTO leases (target, owner, expires_at) VALUES (?, ?, ?)", row)

    told = booklore("history", "match", "--auto")

    assert "booklore: another sync is running" in told.out
