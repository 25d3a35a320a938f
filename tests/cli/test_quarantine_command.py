"""`booklore quarantine`: lines that could not be taken in, shown, tried again and put away."""

import sqlite3
from pathlib import Path

import pytest
from cli_world import Booklore, on_a_terminal

from booklore_core.testing import BookLoreServer

GOOD = '{"v":1,"id":"kobo-3","event":"network_connected","at":"2026-11-20T14:00:00Z","device":"kobo"}'


@pytest.fixture(autouse=True)
def two_bad_lines(booklore: Booklore, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.write_text('{"v":1,"id":"kobo-1","event":"dance"}\nnonsense\n')
    assert booklore("ingest", spool).code == 1


def ids(booklore: Booklore) -> list[int]:
    return [one["id"] for one in booklore("quarantine", "list", "--json").json]


def test_lines_are_listed_with_field_and_reason(booklore: Booklore) -> None:
    first, second = booklore("quarantine", "list", "--json").json

    assert set(first) == {"id", "source", "device", "line", "field", "reason", "seen_at"}
    assert (first["line"], second["field"]) == ("nonsense", "event")
    assert "unknown event 'dance'" in booklore("quarantine", "list").out


def test_what_still_cannot_be_taken_stays(booklore: Booklore) -> None:
    ran = booklore("quarantine", "retry", "--json")

    assert (ran.code, ran.json) == (1, {"taken": 0, "left": 2})
    assert ran.err == "booklore: 0 lines taken in, 2 still in quarantine\n"


def test_what_can_be_taken_by_now_is_taken_in(booklore: Booklore, home: Path) -> None:
    newest = ids(booklore)[0]
    mend(home, newest)

    ran = booklore("quarantine", "retry", newest, "--json")

    assert (ran.code, ran.json) == (0, {"taken": 1, "left": 1})
    assert newest not in ids(booklore)


def mend(home: Path, line: int) -> None:
    """As a newer version would: what was refused can be taken."""
    with sqlite3.connect(home / "booklore.sqlite") as database:
        table = database.execute("SELECT name FROM sqlite_master WHERE name IN ('quarantine', 'kept_aside')").fetchone()
        database.execute(f"UPDATE {table[0]} SET line = ? WHERE id = ?", (GOOD, line))


def test_one_line_is_put_away(booklore: Booklore) -> None:
    first, second = ids(booklore)

    ran = booklore("quarantine", "dismiss", first, "--json")

    assert (ran.code, ran.json, ids(booklore)) == (0, {"dismissed": 1}, [second])


def test_all_lines_are_put_away_on_a_persons_word_only(booklore: Booklore) -> None:
    refused, ran = booklore("quarantine", "dismiss", "--all"), booklore("quarantine", "dismiss", "--all", "--yes")

    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert "--yes" in refused.err
    assert (ran.code, ran.out, ids(booklore)) == (0, "2 lines dismissed\n", [])


@pytest.mark.parametrize(("typed", "left"), [("n\n", 2), ("y\n", 0)])
def test_on_a_terminal_the_person_is_asked(booklore: Booklore, typed: str, left: int) -> None:
    _, _, told = on_a_terminal(["quarantine", "dismiss", "--all"], typed)

    assert "Put 2 lines away for good?" in told
    assert len(ids(booklore)) == left


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "--all"), (("4711",), "4711 is not in quarantine"), (("x",), "expected a line's number")],
)
def test_lines_that_there_are_not_are_refused(booklore: Booklore, arguments: tuple[str, ...], said: str) -> None:
    ran = booklore("quarantine", "dismiss", *arguments)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err
    assert len(ids(booklore)) == 2


@pytest.mark.parametrize("command", ["retry", "dismiss"])
def test_of_lines_one_of_which_there_is_not_none_is_touched(booklore: Booklore, home: Path, command: str) -> None:
    newest = ids(booklore)[0]
    mend(home, newest)

    ran = booklore("quarantine", command, newest, "4711", "99999", "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "4711, 99999 are not in quarantine" in ran.err
    assert newest in ids(booklore)


def test_empty_quarantine_is_said_to_be_so(booklore: Booklore) -> None:
    booklore("quarantine", "dismiss", "--all", "--yes")

    assert booklore("quarantine", "list").out == "No line is in quarantine\n"
    assert booklore("quarantine", "retry").code == 0


def test_the_doctor_is_content_with_lines_that_were_dismissed(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text('{"v":nonsense\n')
    booklore("ingest", tmp_path / "spool")
    before = booklore("doctor", "--json").code

    booklore("quarantine", "dismiss", "--all", "--yes")

    after = booklore("doctor", "--json")
    assert (before, after.code) == (1, 0)
    assert "nonsense" not in after.out
