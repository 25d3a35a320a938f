"""`booklore sync` and `booklore status`, against a server on loopback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Booklore, Install, Spool, book_on, on_a_terminal

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

NONE: dict[str, int] = {}

NOISY = """
import os
print("noise at import")
from booklore_core import hookimpl

class Noisy:
    name, kinds = "noisy", frozenset({"session"})

    def deliver(self, item, before):
        print("noise of a target")
        os.write(1, b"noise below Python")

@hookimpl
def register_targets():
    return [Noisy()]
"""


def test_what_was_read_arrives(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    ran = booklore("sync", "--json")

    assert ran.code == 0
    assert ran.json["delivered"] == {"session": 1}
    assert (ran.json["waiting"], ran.json["rejected"], ran.json["unavailable"]) == (NONE, NONE, [])
    assert ran.json["requests"] > 0
    assert ran.json["targets"]["booklore"]["delivered"] == {"session": 1}
    assert [row["durationSeconds"] for row in account.sessions] == [400]


def test_book_that_the_server_does_not_have_waits_with_the_reason(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    reader.read(sample_book("Unheard Of"))
    booklore("ingest", spool())

    ran = booklore("sync")
    status = booklore("status", "--json")

    assert ran.code == 3
    assert ran.err.startswith("booklore: 1 session still waiting")
    assert status.code == 0
    assert status.json["books"] == {"total": 2, "matched": 1, "unmatched": 1}
    assert status.json["pending"] == {"session": 1}
    assert status.json["synced"] == {"session": 1}
    (waiting,) = status.json["waiting"]
    assert (waiting["kind"], waiting["book"], waiting["attempts"]) == ("session", "Unheard Of", 0)
    assert "match" in waiting["reason"]


def test_server_that_is_away_is_named_and_everything_waits(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    account.stop()

    ran = booklore("sync", "--json")

    assert ran.code == 3
    assert ran.json["unavailable"] == ["booklore"]
    assert ran.json["waiting"] == {"session": 1}
    assert "cannot be reached" in ran.err
    assert ran.err.count("\n") == 1


def test_with_nothing_to_send_sync_ends_well(booklore: Booklore) -> None:
    ran = booklore("sync", "--json")

    assert (ran.code, ran.json["delivered"], ran.json["unavailable"]) == (0, NONE, [])


def test_target_that_there_is_not_is_refused(booklore: Booklore) -> None:
    ran = booklore("sync", "--target", "nowhere", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: there is no enabled target 'nowhere'; `booklore plugins list` shows them\n"


def test_status_shows_counts_and_what_waits(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    for number in range(25):
        reader.read(sample_book(f"Book [{number}]"))
    booklore("ingest", spool())

    out = booklore("status").out

    assert "25 books: 0 matched, 25 unmatched\n" in out
    assert [line.split() for line in out.splitlines()[4:6]] == [["WAITING", "SYNCED"], ["Sessions", "25", "0"]]
    assert "Book [0]" in out
    assert out.endswith("… and 5 more\n")


def test_sync_of_nothing_says_that_nobody_was_asked(booklore: Booklore, account: BookLoreServer) -> None:
    account.stop()

    ran = booklore("sync")

    assert (ran.code, ran.err) == (0, "booklore: nothing waited, so no server was asked\n")


def test_status_says_what_keeps_books_from_being_matched(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(sample_book("Unheard of"))
    booklore("ingest", spool())
    booklore("sync")
    account.fail("status:500", "GET /api/v1/books", times=None)
    before = booklore("status", "--json").json["waiting"]
    booklore("sync")
    meanwhile = booklore("status", "--json").json["waiting"]
    account.recover()
    booklore("sync")
    after = booklore("status", "--json").json["waiting"]

    assert [one["reason"] for one in (*before, *after)] == ["the book is not matched yet"] * 2
    assert meanwhile[0]["reason"].startswith("the server's list of books cannot be had: the server answers 500")


def test_status_tells_what_is_alike_in_one_line_with_what_names_the_book(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    first, second = sample_book("Twins", partial_md5="ab" * 16), sample_book("Twins", partial_md5="cd" * 16)
    for book in (first, first, first, second):
        reader.read(book)
    booklore("ingest", spool())

    booklore("sync")
    ran = booklore("status")

    rows = [line.split()[:4] for line in ran.out.splitlines() if "Twins" in line]
    assert sorted(rows) == [["1", "session", "Twins", "cdcdcdcd"], ["3", "sessions", "Twins", "abababab"]]
    assert "`booklore match` finds the books that are not matched yet" in ran.err
    assert booklore("track", "cdcdcdcd", "off", "--json").json["book"] == "cd" * 16


def test_status_of_one_line_in_quarantine_is_a_sentence(booklore: Booklore, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text('{"v":nonsense\n')
    booklore("ingest", tmp_path / "spool")

    assert "1 line of the devices waits in quarantine, see" in booklore("status").out


def test_status_lists_as_many_as_asked_for(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    for number in range(3):
        reader.read(sample_book(f"Book {number}"))
    booklore("ingest", spool())

    status = booklore("status", "--json", "--limit", 2).json

    assert len(status["waiting"]) == 2
    assert status["pending"] == {"session": 3}


def test_plugin_that_prints_does_not_spoil_the_document(
    booklore: Booklore, install: Install, home: Path, reader: SampleReader, spool: Spool
) -> None:
    install("noisy", NOISY)
    reader.read(sample_book())
    booklore("ingest", spool())

    command = [sys.executable, "-m", "booklore_core", "sync", "--target", "noisy", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert json.loads(ran.stdout)["delivered"] == {"session": 1}
    for noise in ("noise at import", "noise of a target", "noise below Python"):
        assert noise in ran.stderr


def test_status_on_another_schema_version_says_what_to_do(booklore: Booklore, home: Path) -> None:
    import sqlite3

    booklore("status")
    with sqlite3.connect(home / "booklore.sqlite") as database:
        database.execute("INSERT INTO schema_version VALUES (999)")

    ran = booklore("status", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert "newer version" in ran.err
    assert ran.err.count("\n") == 1


def test_file_that_is_no_database_is_left_alone(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "booklore.sqlite").write_text("my diary, by accident under this name" * 100)

    ran = booklore("status")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert (home / "booklore.sqlite").read_text().startswith("my diary")


def test_one_book_alone_can_be_synced(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    dune, emma = book_on(account, "Dune"), book_on(account, "Emma")
    reader.read(dune)
    reader.sleep(600)
    reader.read(emma)
    booklore("ingest", spool())

    ran = booklore("sync", "--book", emma["partial_md5"][:10], "--json")

    assert (ran.code, ran.json["delivered"], ran.json["waiting"]) == (0, {"session": 1}, {})
    assert [one["bookId"] for one in account.sessions] == [2]


def test_of_one_book_nothing_is_told_of_the_others(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Emma"))
    reader.read(sample_book("Zzyzx"))
    reader.read(sample_book("Qwerty"))
    booklore("ingest", spool())
    booklore("sync")

    matched, unknown = booklore("sync", "--book", "Emma"), booklore("sync", "--book", "Zzyzx")

    assert (matched.code, matched.err) == (0, "booklore: nothing waited, so no server was asked\n")
    assert unknown.code == 3 and "1 session still waiting; booklore does not know “Zzyzx” yet;" in unknown.err
    assert "Qwerty" not in unknown.err


def test_value_that_does_not_fit_is_told_and_everything_is_sent_all_the_same(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGES", "many")

    ran = booklore("sync", "--json")

    assert (ran.code, ran.json["delivered"], ran.err.count("\n")) == (1, {"session": 1}, 1)
    assert "sessions.min_pages" in ran.err


def test_progress_is_shown_on_a_terminal(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    code, out, told = on_a_terminal(["sync", "--json"], "")

    assert (code, json.loads(out)["delivered"]) == (0, {"session": 1})
    assert "100%" in told


def test_status_says_why_nobody_answered(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    account.stop()
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    told = booklore("sync").err
    [waiting] = booklore("status", "--json").json["waiting"]

    assert "cannot be reached" in told
    assert "cannot be reached" in waiting["reason"]
    assert waiting["attempts"] == 0
    assert "cannot be reached" in booklore("status").out


def test_status_tells_server_device_last_sync_and_the_next_step(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    before = booklore("status")
    booklore("sync")
    after = booklore("status", "--json").json

    assert "not synced yet" in before.out
    assert before.err == "booklore: nothing was synced yet: `booklore sync` does it\n"
    [server], [device] = after["targets"], after["devices"]
    assert server["name"] == "booklore" and account.url in server["about"] and server["unavailable"] is None
    assert server["last_sync"] == after["last_sync"] and after["last_sync"].endswith("Z")
    assert (device["id"], device["waiting"]) == (reader.device, 0)
    assert after["synced"]["session"] == 1
    assert booklore("status").err == ""


def test_status_tells_what_is_set_up_before_the_first_sync(
    booklore: Booklore, server: BookLoreServer, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(server.password)
    (koreader := tmp_path / "koreader").mkdir()
    (koreader / "reader.lua").touch()
    (koreader / "plugins").mkdir()
    account = ("--username", server.username, "--password-file", tmp_path / "password")

    booklore("login", "--url", server.url, *account)
    logged_in = booklore("status")
    booklore("bridge", "install", koreader, "--url", "http://nas:8765")
    installed = booklore("status")

    assert f", {server.url}; not synced yet" in logged_in.out
    assert (
        logged_in.err == "booklore: nothing was read yet: `booklore bridge install` or `booklore bridge pair`"
        " an e-reader\n"
    )
    assert f"{koreader}: installed, not seen yet" in installed.out
    assert "nothing was read yet: restart KOReader" in installed.err and "login" not in installed.err


def test_status_tells_the_address_that_is_set_up_now(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    booklore("sync")
    monkeypatch.delenv("BOOKLORE_URL")

    booklore("config", "set", "booklore.url", "http://elsewhere.example:6060")

    assert "http://elsewhere.example:6060; last sync " in booklore("status").out


def test_status_of_lines_without_a_server_asks_for_the_server_first(
    booklore: Booklore, reader: SampleReader, spool: Spool
) -> None:
    reader.read(sample_book("Dune"))
    booklore("ingest", spool())

    told = [booklore("status").err, booklore("sync").err and booklore("status").err]

    assert told == ["booklore: nothing can be synced yet: `booklore login` sets up your server\n"] * 2


def test_status_tells_that_nobody_was_there(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    account.stop()

    ran = booklore("sync")
    status = booklore("status")

    assert ran.code == 3 and "nothing listens there; see `booklore status`" in ran.err
    assert "which ended early: " in status.out and "nothing listens there" in status.out
    assert status.err == "booklore: `booklore sync` tries what waits again\n"


def test_sync_names_the_books_that_are_not_known(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    for number in range(5):
        reader.read(sample_book(f"Zzyzx {number}"))
    booklore("ingest", spool())

    ran = booklore("sync")

    assert "booklore does not know “Zzyzx 0”, “Zzyzx 1”, “Zzyzx 2” and 2 more yet" in ran.err
    assert booklore("sync", "--json").json["reasons"] == [
        "booklore does not know “Zzyzx 0”, “Zzyzx 1”, “Zzyzx 2” and 2 more yet"
    ]


def test_sync_with_nothing_set_up_says_so(booklore: Booklore) -> None:
    ran = booklore("sync")

    told = "booklore: nothing can be synced yet: booklore does nothing until booklore.url is set: `booklore login`\n"
    assert (ran.code, ran.out, ran.err) == (0, "", told)
