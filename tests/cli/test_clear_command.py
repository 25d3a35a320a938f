"""`booklore clear`: pending, synced and cache."""

import pytest
from cli_world import Booklore, Install, Spool, book_on, on_a_terminal

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

QUOTING = """
from booklore_core import Kind, hookimpl

@hookimpl
def register_kinds():
    yield Kind("quote", "Q", "quote", "quotes")
"""


@pytest.fixture(autouse=True)
def one_synced_and_one_waiting(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> None:
    reader.read(book_on(account, "Dune"))
    reader.read(sample_book("Unheard Of"))
    booklore("ingest", spool())
    booklore("sync")


def test_waiting_items_are_discarded_for_good(booklore: Booklore, spool: Spool, account: BookLoreServer) -> None:
    ran = booklore("clear", "pending", "--kind", "session", "--json")
    booklore("ingest", spool())

    assert (ran.code, ran.json) == (0, {"cleared": {"session": 1}})
    assert booklore("status", "--json").json["pending"] == {}
    assert booklore("sync").code == 0
    assert len(account.sessions) == 1


def test_people_are_told_what_was_discarded(booklore: Booklore) -> None:
    first, second = booklore("clear", "pending", "--yes"), booklore("clear", "pending", "--yes")

    assert (first.code, first.out) == (0, "1 session cleared\n")
    assert (second.code, second.out) == (0, "Nothing was cleared\n")


def test_yes_clears_everything_that_there_is(booklore: Booklore) -> None:
    assert booklore("clear", "pending", "--yes", "--json").json == {"cleared": {"session": 1}}
    assert booklore("clear", "pending", "--yes", "--json").json == {"cleared": {}}


def test_yes_clears_only_the_kind_that_is_named(booklore: Booklore, install: Install) -> None:
    install("quoting", QUOTING)
    booklore("status")

    assert booklore("clear", "pending", "--yes", "--kind", "quote", "--json").json == {"cleared": {"quote": 0}}
    assert booklore("status", "--json").json["pending"] == {"session": 1}


@pytest.mark.parametrize("what", ["pending", "synced"])
def test_without_a_terminal_somebody_has_to_say_what(booklore: Booklore, what: str) -> None:
    before = booklore("status", "--json").json

    ran = booklore("clear", what, "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: what shall be cleared? Give --kind, or --yes for everything\n"
    assert booklore("status", "--json").json == before


@pytest.mark.parametrize("what", ["pending", "synced"])
def test_kind_that_there_is_not_is_refused_and_the_known_ones_named(booklore: Booklore, what: str) -> None:
    ran = booklore("clear", what, "--kind", "sessions", "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "expected one of session," in ran.err
    assert "got 'sessions'" in ran.err


def test_history_is_forgotten_and_nothing_sent_again(booklore: Booklore, account: BookLoreServer) -> None:
    ran = booklore("clear", "synced", "--yes")
    booklore("sync")

    assert (ran.code, ran.out) == (0, "1 session cleared from the history\n")
    assert booklore("status", "--json").json["synced"] == {}
    assert len(account.sessions) == 1


def test_cache_is_forgotten_and_queues_stay(booklore: Booklore, account: BookLoreServer) -> None:
    ran = booklore("clear", "cache", "--yes", "--json")
    status = booklore("status", "--json").json

    assert (ran.code, ran.json) == (0, {"cleared": {"matches": 1, "files": 2}})
    assert (status["pending"], status["synced"]) == ({"session": 1}, {"session": 1})
    assert status["books"]["matched"] == 0
    assert booklore("clear", "cache", "--yes").out == "Cache cleared\n"


def test_cache_is_kept_where_nobody_can_be_asked(booklore: Booklore) -> None:
    ran = booklore("clear", "cache")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "--yes" in ran.err
    assert booklore("status", "--json").json["books"]["matched"] == 1


@pytest.mark.parametrize(("typed", "code", "matched"), [("n\n", 1, 1), ("\n", 1, 1), ("y\n", 0, 0)])
def test_cache_is_forgotten_on_a_persons_word_only(booklore: Booklore, typed: str, code: int, matched: int) -> None:
    ended, _, told = on_a_terminal(["clear", "cache"], typed)

    assert "matched by hand" in told
    assert (ended, booklore("status", "--json").json["books"]["matched"]) == (code, matched)


def test_on_a_terminal_one_picks_what_to_clear(booklore: Booklore) -> None:
    code, out, told = on_a_terminal(["clear", "pending"], "1\n")

    assert (code, out) == (0, "1 session cleared\n")
    assert "There is no undo" in told
    assert "1  Sessions (1)" in told


def test_end_of_input_on_a_terminal_clears_nothing(booklore: Booklore) -> None:
    code, out, _ = on_a_terminal(["clear", "pending"], "\x04")

    assert (code, out) == (1, "Nothing was cleared\n")
