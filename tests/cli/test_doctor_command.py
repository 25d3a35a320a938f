"""`booklore doctor`: the health of everything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_world import Booklore, Ran, Spool, book_on
from freezegun import freeze_time

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


def test_names_of_sections_that_nobody_here_knows_are_told_and_no_error(
    booklore: Booklore, account: BookLoreServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("nope = 3\n[ghost]\n[spectre]\nhaunts = true\n")
    monkeypatch.setenv("BOOKLORE_PHANTOM__HAUNTS", "1")

    ran = booklore("doctor", "--json")

    found = checks(ran)
    assert (ran.code, found["config file"]["ok"], found["settings"]["ok"]) == (0, True, True)
    assert found["config file"]["detail"].endswith("nobody here knows ghost, nope, spectre.haunts")
    assert found["settings"]["detail"].endswith("nobody here knows BOOKLORE_PHANTOM__HAUNTS")


def test_lines_in_quarantine_are_shown_with_what_to_do(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.write_text('{"v":1,"id":"kobo-1","event":"dance"}\n')
    booklore("ingest", spool)

    ran = booklore("doctor", "--json")

    found = checks(ran)
    assert (ran.code, found["quarantine"]["ok"]) == (1, False)
    assert "booklore quarantine retry" in found["quarantine"]["advice"]
    assert "place" not in found["quarantine"]["advice"] + found["line in quarantine"]["advice"]
    assert "unknown event 'dance'" in found["line in quarantine"]["detail"]
    assert "booklore quarantine dismiss" in found["line in quarantine"]["advice"]
    assert [line.split()[:2] for line in booklore("doctor").out.splitlines() if "dance" in line] == [["note", "line"]]


def test_of_lines_that_nothing_can_read_the_advice_is_to_dismiss_them(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text('{"v":nonsense\n')
    booklore("ingest", tmp_path / "spool")

    told = [one for one in booklore("doctor", "--json").json if "quarantine" in one["check"]]
    ran = booklore(*told[1]["advice"].split("`")[1].split()[1:])

    assert "retry" not in told[0]["advice"] + told[1]["advice"]
    assert "`booklore quarantine dismiss ID…` gives up what it tells" in told[0]["advice"]
    assert (ran.code, booklore("doctor", "--json").code) == (0, 0)


SECRETS = {
    "HARDCOVER__TOKEN": "a", "WEBHOOK__SECRET": "b", "KOSYNC__SERVERS": "club = http://a:b@127.0.0.1:9",
    "BOOKLORE__HEADERS": "Proxy-Pass: c",
}  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_the_file_of_a_secret_is_no_strange_name(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "secret").write_text(SECRETS[name])
    monkeypatch.setenv(f"BOOKLORE_{name}_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGES_FILE", "it is no secret")

    told = checks(booklore("doctor", "--json"))["settings"]

    assert told["detail"] == "no such setting: BOOKLORE_SESSIONS__MIN_PAGES_FILE"
    assert f"{name}_FILE" not in booklore("config", "show").err + booklore("sync").err


def test_advice_for_lines_without_a_time_is_to_place_them_and_it_works_as_printed(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.now = datetime(2012, 1, 1, tzinfo=UTC)
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    told = [one for one in booklore("doctor", "--json").json if "quarantine" in one["check"]]
    first, second = (one["advice"].split("`")[1] for one in told[1:])
    ran = booklore(*second.replace("TIME", "2026-11-20T21:30").split()[1:])

    assert "retry" not in told[0]["advice"] + told[1]["advice"]
    assert "`booklore quarantine place ID… --at TIME`" in told[0]["advice"]
    assert "dismiss" not in first + told[0]["advice"]
    assert told[1]["advice"].endswith("gives up what it tells")
    assert ran.code == 0


def test_lines_that_are_in_quarantine_for_long_are_no_news(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.write_text('{"v":nonsense\n')
    with freeze_time("2026-11-20T08:00:00Z", tick=True):
        booklore("ingest", spool)

    with freeze_time("2026-11-27T07:00:00Z", tick=True):
        within_the_week = checks(booklore("doctor", "--json"))["quarantine"]
    with freeze_time("2026-11-27T09:00:00Z", tick=True):
        later = checks(booklore("doctor", "--json"))["quarantine"]

    assert (within_the_week["ok"], later["ok"]) == (False, True)
    assert later["detail"] == "1 line could not be taken in"


def test_values_that_do_not_fit_are_reported_each_with_its_place(
    booklore: Booklore, account: BookLoreServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sync]\nwake_delay = 'soon'\n")
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGES", "many")

    ran = booklore("doctor", "--json")

    found = checks(ran)
    assert ran.code == 1
    assert found["setting sync.wake_delay"]["advice"] == "correct it in config.toml"
    assert found["setting sessions.min_pages"]["advice"] == "correct it in the environment"
    assert found["plugin sessions"]["ok"]


def test_what_a_feature_remarked_is_shown(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(book_on(account, "Dune"))
    reader.open(book_on(account, "Emma"))
    begun = reader.now
    reader.turn(20, 60)
    reader.now = begun + timedelta(minutes=5)
    reader.close()
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())

    assert "a session of Emma" in checks(booklore("doctor", "--json"))["remark"]["detail"]


def test_what_waits_before_it_is_sent_again_has_not_failed_until_it_does_so_twice(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    account.fail("status:500", "POST /api/v1/reading-sessions", times=None)
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    booklore("sync")

    waits = checks(booklore("doctor", "--json"))["plugin booklore"]
    booklore("config", "set", "booklore.repeat_after", "0")
    booklore("sync")
    failed = checks(booklore("doctor", "--json"))["plugin booklore"]

    assert (waits["ok"], failed["ok"]) == (True, False)
    assert failed["detail"].startswith("1 delivery to it failed, such as: the server answers 500")


def test_books_that_are_not_matched_are_named_with_what_waits(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    reader.read(sample_book("Unheard of"))
    booklore("ingest", spool())
    booklore("sync")

    queue = checks(booklore("doctor", "--json"))["queue"]

    assert (queue["ok"], queue["detail"]) == (True, "1 session waiting")
    assert queue["advice"] == "1 book not matched yet: run `booklore match`"


def test_database_that_cannot_be_opened_ends_the_examination(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "booklore.sqlite").write_text("no database" * 100)

    ran = booklore("doctor", "--json")

    assert ran.code == 1
    assert not checks(ran)["core"]["ok"]
