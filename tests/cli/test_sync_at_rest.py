"""A sync that has nothing to do is answered at once, for as long as it has nothing to do."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Booklore, Ran, Spool, book_on
from test_help import heavy_imports

from booklore_core.cli.at_rest import say_again
from booklore_core.testing import BookLoreServer, SampleReader, sample_book

NOTHING = "booklore: nothing waited, so no server was asked\n"


@pytest.fixture
def at_rest(booklore: Booklore, account: BookLoreServer) -> Ran:
    """What a sync says that found nothing to do, and of which the next one says the same."""
    booklore("sync")  # the first one writes down who is there
    ran = booklore("sync")
    assert say_again(as_json=False)
    return ran


def test_sync_of_nothing_says_the_same_again_and_asks_nobody(
    at_rest: Ran, booklore: Booklore, account: BookLoreServer, capfd: pytest.CaptureFixture[str]
) -> None:
    before, document = len(account.requests), booklore("sync", "--json").json
    capfd.readouterr()

    assert say_again(as_json=False)
    assert capfd.readouterr() == (at_rest.out, at_rest.err)
    assert at_rest.err == NOTHING
    assert say_again(as_json=True)
    out, err = capfd.readouterr()
    assert (json.loads(out), err) == (document, NOTHING)
    assert len(account.requests) == before


def test_sync_of_nothing_loads_nothing_heavy(at_rest: Ran) -> None:
    heavy_imports(["sync"])  # another program than the tests: it looks around for itself
    heavy_imports(["sync"])

    assert heavy_imports(["sync"]).endswith("\nloaded: rich")  # of which a table needs how wide a letter is


def test_what_was_said_is_for_nobody_else_to_read(at_rest: Ran, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = home / "cache" / "at-rest.json"

    assert note.stat().st_mode & 0o077 == 0
    assert "adminadmin" not in note.read_text()


def in_database(sql: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        with closing(sqlite3.connect(home / "booklore.sqlite")) as db, db:
            db.execute(sql)

    return change


CHANGES: dict[str, Callable[[Path], None]] = {
    "a setting": in_database("INSERT INTO settings VALUES ('webhook.url', '\"http://127.0.0.1:1/\"')"),
    "what a plugin keeps": in_database("INSERT INTO plugin_store VALUES ('booklore', 'dialect', '1')"),
    "a target that another process has": in_database(
        "INSERT INTO subscriptions (target, kind, enabled, since, registered_at) VALUES ('diary', 'session', 1, 0, 0)"
    ),
    "a line in quarantine": in_database(
        "INSERT INTO quarantine (digest, source, line, field, reason, seen_at, version) "
        "VALUES ('d', 's', '{', 'v', 'r', 0, '')"
    ),
    "the configuration": lambda home: (home / "config.toml").write_text("[sessions]\nmin_pages = 2\n") and None,
    "a secret": lambda home: (home / "secrets.json").write_text('{"webhook/secret": "s"}') and None,
    "a variable": lambda home: os.environ.update(BOOKLORE_SESSIONS__MIN_PAGES="2"),
    "a note that is none": lambda home: (home / "cache" / "at-rest.json").write_text("[]") and None,
    "no note": lambda home: (home / "cache" / "at-rest.json").unlink(),
    "no database": lambda home: (home / "booklore.sqlite").unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_sync_looks_again_when_anything_has_changed(
    at_rest: Ran, home: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOOKLORE_SESSIONS__MIN_PAGES", raising=False)

    CHANGES[what](home)

    assert not say_again(as_json=False)


def test_sync_looks_again_when_a_plugin_was_installed_or_edited(
    at_rest: Ran, booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)

    assert not say_again(as_json=False)


def test_what_was_read_since_is_sent(
    at_rest: Ran, booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    assert not say_again(as_json=False)
    assert booklore("sync", "--json").json["delivered"] == {"session": 1}


def test_feature_that_is_behind_is_led_on(
    at_rest: Ran, booklore: Booklore, home: Path, reader: SampleReader, spool: Spool, account: BookLoreServer
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    booklore("sync")
    booklore("sync")
    assert say_again(as_json=False)

    in_database("UPDATE features SET place = 0 WHERE name = 'sessions'")(home)

    assert not say_again(as_json=False)


def test_nothing_is_said_again_while_something_waits(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(sample_book("Unheard Of"))
    booklore("ingest", spool())

    for _ in range(3):
        assert booklore("sync").code == 3

    assert not say_again(as_json=False)
