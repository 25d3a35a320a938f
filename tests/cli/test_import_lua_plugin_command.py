"""`booklore import-lua-plugin FILE`: the whole way of somebody who switches, in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Booklore
from lua_database import LuaDatabase

from booklore_core.testing import BookLoreServer


@pytest.fixture
def database(tmp_path: Path, server: BookLoreServer) -> Path:
    book, made = server.books[1], LuaDatabase(tmp_path / "booklore-sync.sqlite")
    made.settings(server_url=server.url, booklore_username=server.username, booklore_password=server.password)
    made.book(1, book.partial_md5, book_id=1, title=book.title)
    made.waiting(book.partial_md5, "2026-03-01 20:00", "2026-03-01 20:30", 1800, book_id=1)
    return made.path


def test_it_says_what_it_takes_over_and_the_next_sync_sends_it(
    booklore: Booklore, database: Path, server: BookLoreServer
) -> None:
    told = booklore("import-lua-plugin", database, "--yes")

    assert (told.code, "1 session to be sent." in told.out, "Taken over." in told.out) == (0, True, True)
    assert booklore("sync").code == 0
    assert [row["durationSeconds"] for row in server.sessions] == [1800]
    assert server.password not in told.out + told.err + booklore("config", "show").out


def test_without_a_word_nothing_is_taken_over(booklore: Booklore, database: Path) -> None:
    told = booklore("import-lua-plugin", database)

    assert (told.code, told.out.strip()) == (1, "Nothing was taken over.")


def test_it_counts_for_a_script(booklore: Booklore, database: Path) -> None:
    told = booklore("import-lua-plugin", database, "--arg", "dry_run=true", "--json")

    assert told.json["data"]["session"] == {"due": 1}
    assert told.json["data"]["found"] == {"book_cache": 1, "pending_sessions": 1}


def test_a_file_that_is_none_ends_in_a_sentence(booklore: Booklore, tmp_path: Path) -> None:
    told = booklore("import-lua-plugin", tmp_path / "nothing.sqlite", "--yes")

    assert told.code == 1
    assert "cannot be read: No such file or directory." in told.out + told.err


def test_without_anybody_it_says_what_was_found_and_how_to_agree(booklore: Booklore, database: Path) -> None:
    told = booklore("import-lua-plugin", database)

    assert "1 session to be sent." in told.err
    assert "give --yes to agree" in told.err
    assert "give --answer y to agree" in booklore("run", "import_lua_plugin", "--arg", f"path={database}").err
