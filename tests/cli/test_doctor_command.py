"""`booklore doctor`, `reset` and `track`."""

from pathlib import Path
from typing import Any

import pytest
from cli_world import Booklore, Ran, Spool, book_on

from booklore_core.testing import BookLoreServer, SampleReader, sample_book


def checks(ran: Ran) -> dict[str, Any]:
    assert all(set(check) == {"check", "ok", "detail", "advice"} for check in ran.json)
    return {check["check"]: check for check in ran.json}


def test_all_is_well(booklore: Booklore, account: BookLoreServer) -> None:
    ran = booklore("doctor", "--json")

    found = checks(ran)
    assert (ran.code, [name for name, check in found.items() if not check["ok"]]) == (0, [])
    for name in ("data folder", "secrets", "database", "config file", "settings", "plugin sessions", "server", "queue"):
        assert name in found


def test_without_a_server_the_doctor_says_what_to_do(booklore: Booklore) -> None:
    ran = booklore("doctor")

    assert ran.code == 1
    assert "run `booklore login`" in ran.out


def test_secrets_that_others_can_read_are_reported(booklore: Booklore, account: BookLoreServer, home: Path) -> None:
    booklore("config", "set", "booklore.koreader_password", "-", stdin="secret\n")
    (home / "secrets.json").chmod(0o644)

    ran = booklore("doctor", "--json")

    assert ran.code == 1
    assert checks(ran)["secrets"]["advice"] == f"chmod 600 {home / 'secrets.json'}"


def test_misspelt_names_are_reported(
    booklore: Booklore, account: BookLoreServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sessions]\nmin_duratoin = 3\n")
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGE", "3")

    found = checks(booklore("doctor", "--json"))

    assert "sessions.min_duratoin" in found["config file"]["detail"]
    assert "BOOKLORE_SESSIONS__MIN_PAGE" in found["settings"]["detail"]


def test_lines_kept_aside_are_shown(booklore: Booklore, account: BookLoreServer, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.write_text('{"v":1,"id":"kobo-1","event":"dance"}\n')
    booklore("ingest", spool)

    ran = booklore("doctor", "--json")

    found = checks(ran)
    assert (ran.code, found["kept aside"]["ok"]) == (1, False)
    assert "unknown event 'dance'" in found["line kept aside"]["detail"]


def test_what_a_feature_remarked_is_shown(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.now = reader.now.replace(year=1999)
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    assert "begins in 1999" in checks(booklore("doctor", "--json"))["remark"]["detail"]


def test_database_that_cannot_be_opened_ends_the_examination(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "booklore.sqlite").write_text("no database" * 100)

    ran = booklore("doctor", "--json")

    assert ran.code == 1
    assert not checks(ran)["core"]["ok"]


def test_reset_without_yes_removes_nothing(booklore: Booklore, home: Path) -> None:
    booklore("status")

    ran = booklore("reset")

    assert ran.code == 1
    assert "--yes" in ran.err
    assert ran.err.count("\n") == 1
    assert (home / "booklore.sqlite").exists()


def test_reset_removes_only_what_is_ours(booklore: Booklore, home: Path) -> None:
    booklore("config", "set", "booklore.password", "-", stdin="secret\n")
    (home / "config.toml").write_text("")
    (home / "holiday.jpg").write_text("")

    ran = booklore("reset", "--yes")

    assert ran.code == 0
    assert str(home / "booklore.sqlite") in ran.out
    assert {path.name for path in home.iterdir()} == {"config.toml", "holiday.jpg"}


def test_reset_leaves_a_database_elsewhere_alone(
    booklore: Booklore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", f"sqlite:///{tmp_path / 'mine.sqlite'}")
    booklore("config", "set", "booklore.password", "-", stdin="secret\n")

    ran = booklore("reset", "--yes")

    assert ran.code == 0
    assert (tmp_path / "mine.sqlite").exists()
    assert "outside" in ran.err
    assert not home.exists()


def test_reset_of_nothing_is_no_mistake(booklore: Booklore, home: Path) -> None:
    assert booklore("reset", "--yes").code == 0


def test_tracking_of_one_book_is_switched_off(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    dune = sample_book()
    reader.open(dune)
    booklore("ingest", spool())

    ran = booklore("track", dune["partial_md5"][:6], "off", "--json")
    reader.turn(20)
    reader.close()
    booklore("ingest", spool())

    assert ran.json == {"book": dune["partial_md5"], "title": "Dune", "tracked": False}
    assert booklore("status", "--json").json["pending"] == {}


def test_tracking_of_a_book_never_heard_of_is_refused(booklore: Booklore) -> None:
    ran = booklore("track", "00ff", "on", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: no book is known whose partial MD5 begins with '00ff'\n"


def test_start_that_fits_two_books_is_refused(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    for ending in "ab":
        reader.read(sample_book(ending, partial_md5="0" * 31 + ending))
    booklore("ingest", spool())

    ran = booklore("track", "000", "off")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "give more digits" in ran.err
