"""`booklore database copy`: a house moves to another database and goes on there, and comes back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Booklore, Spool, book_on

from booklore_core.storage.database import Database
from booklore_core.storage.places import sqlite_url
from booklore_core.testing import BookLoreServer, SampleReader

NewDatabase = Callable[[], str]
PASSWORD = "Tr0ub4dor"


@pytest.fixture
def house(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> Booklore:
    """A house whose first session was sent, while a second one waits."""
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    assert booklore("sync").code == 0
    reader.read(book_on(account, "Emma"))
    booklore("ingest", spool())
    return booklore


def test_a_house_moves_to_postgresql_and_back_and_goes_on_where_it_was(
    house: Booklore, account: BookLoreServer, new_database: NewDatabase, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, back = new_database(), sqlite_url(home / "back.sqlite")
    before = house("status", "--json").json

    copied = house("database", "copy", there, "--json").json
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", there)

    assert (copied["from"], copied["tables"]["items"]) == (sqlite_url(home / "booklore.sqlite"), 2)
    assert copied["rows"] == sum(copied["tables"].values())
    assert house("status", "--json").json == before
    assert house("sync", "--json").json["delivered"] == {"session": 1}
    assert house("database", "copy", back).code == 0
    with closing(sqlite3.connect(home / "back.sqlite")) as db:
        assert db.execute("SELECT COUNT(*) FROM historical_sessions").fetchone() == (2,)
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", back)
    assert house("sync", "--json").json["delivered"] == {}
    assert house("status", "--json").json["synced"] == {"session": 2}
    assert len(account.sessions) == 2


def test_what_was_copied_and_what_to_set_is_told(house: Booklore, new_database: NewDatabase, home: Path) -> None:
    ran = house("database", "copy", new_database())

    assert ran.code == 0
    assert f"copied from sqlite:///{home}/booklore.sqlite to postgresql://" in ran.out
    assert "Set BOOKLORE_DATABASE_URL to the new address" in ran.out


def test_a_second_copy_is_refused_in_one_line(house: Booklore, new_database: NewDatabase) -> None:
    there = new_database()
    house("database", "copy", there)

    again = house("database", "copy", there)

    assert (again.code, again.out) == (1, "")
    assert "is not empty" in again.err
    assert again.err.count("\n") == 1


@pytest.mark.parametrize("query", ["", "&password={}"])
def test_a_password_in_an_address_is_never_shown(house: Booklore, tmp_path: Path, query: str) -> None:
    user = "reader" if query else f"reader:{PASSWORD}"

    ran = house("-vv", "database", "copy", f"postgresql://{user}@/books?host={tmp_path}{query.format(PASSWORD)}")

    assert ran.code == 1
    assert "***" in ran.err
    assert PASSWORD not in ran.err + ran.out


def test_it_is_refused_while_the_house_is_served(house: Booklore, new_database: NewDatabase) -> None:
    there = new_database()
    command = [sys.executable, "-m", "booklore_core", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout and "bridge on http" in serving.stdout.readline()

        refused = house("database", "copy", there)

        serving.kill()
    assert refused.code == 1
    assert f"booklore serve (process {serving.pid})" in refused.err
    assert Database(there, migrations=None).names() == ([], [])


def test_no_device_moves_a_house(open_core: Callable[..., object]) -> None:
    from booklore_core.actions import start
    from booklore_core.flows import Request
    from booklore_core.settings import BadSetting
    from booklore_core.testing import answer_all

    request = Request(args={"url": "sqlite:////tmp/stolen.sqlite"}, device="kobo")

    with pytest.raises(BadSetting, match="at the computer"):
        answer_all(start(open_core(), "copy_database", request), [])  # type: ignore[arg-type]
