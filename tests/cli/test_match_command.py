"""`booklore match` and `booklore rematch`, against servers of all three dialects."""

from typing import Any

import pytest
from cli_world import Booklore, Install, Spool, book_on, in_every_dialect, on_a_terminal

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

EMMA = sample_book("Emma (Annotated)")
UNHEARD = sample_book("Zzyzx 99")


@pytest.fixture
def read(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> Any:
    """Reads books and takes in what was written down."""

    def run(*books: dict[str, Any]) -> None:
        for book in books:
            reader.read(book)
            reader.sleep(900)
        booklore("ingest", spool())

    return run


def id_of(server: BookLoreServer, title: str) -> int:
    return next(number for number, book in server.books.items() if book.title == title)


def sessions_of(server: BookLoreServer) -> list[int]:
    return sorted(row["bookId"] for row in server.sessions)


@in_every_dialect
def test_certain_books_are_matched_and_what_waited_for_them_arrives(
    booklore: Booklore, account: BookLoreServer, read: Any
) -> None:
    read(book_on(account, "Dune"), UNHEARD)

    ran = booklore("match", "--json")

    assert ran.json == {"matched": 1, "unmatched": 1, "books": {"total": 2, "matched": 1, "unmatched": 1}}
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert ran.err.startswith("booklore: 1 session still waiting; see `booklore status`, and `booklore match BOOK ID`")
    assert sessions_of(account) == [id_of(account, "Dune")]


def test_when_everything_is_matched_nothing_waits(booklore: Booklore, account: BookLoreServer, read: Any) -> None:
    read(book_on(account, "Dune"))

    first, second = booklore("match", "--auto"), booklore("match", "--json")

    assert (first.code, first.out, first.err) == (0, "booklore: 1 matched, 0 still unmatched\n", "")
    assert (second.code, second.json["matched"], second.json["unmatched"]) == (0, 0, 0)


def test_unmatched_books_of_which_nothing_waits_are_no_failure(booklore: Booklore, read: Any) -> None:
    read(UNHEARD)
    booklore("clear", "pending", "--yes")

    ran = booklore("match", "--json")

    assert (ran.code, ran.json["unmatched"]) == (0, 1)


@in_every_dialect
def test_book_is_matched_by_the_servers_id(booklore: Booklore, account: BookLoreServer, read: Any) -> None:
    read(EMMA)

    ran = booklore("match", EMMA["partial_md5"][:8], id_of(account, "Emma"), "--json")

    assert ran.code == 0
    assert ran.json == {"matched": 1, "unmatched": 0, "books": {"total": 1, "matched": 1, "unmatched": 0}}
    assert sessions_of(account) == [id_of(account, "Emma")]


@pytest.mark.parametrize(
    ("dialect", "remote_id"), [("booklore", "4711"), ("grimmory", "4711"), ("custom", "1/../2")], indirect=["dialect"]
)
def test_id_that_the_server_does_not_have_is_refused(booklore: Booklore, read: Any, remote_id: str) -> None:
    read(EMMA)

    ran = booklore("match", EMMA["partial_md5"], remote_id, "--json")

    assert (ran.code, ran.out, ran.err) == (1, "", f"booklore: booklore has no book {remote_id}\n")
    assert booklore("status", "--json").json["books"]["matched"] == 0


def test_server_out_of_reach_is_told_in_one_line(booklore: Booklore, account: BookLoreServer, read: Any) -> None:
    read(EMMA)
    account.stop()

    everything = booklore("match", "--json")
    one = booklore("match", EMMA["partial_md5"], "2", "--json")
    anew = booklore("rematch", "--json")

    assert [ran.code for ran in (everything, one, anew)] == [1, 1, 1]
    assert [ran.err.count("\n") for ran in (everything, one, anew)] == [1, 1, 1]
    assert (
        everything.json
        == anew.json
        == {"matched": 0, "unmatched": 1, "books": {"total": 1, "matched": 0, "unmatched": 1}}
    )
    assert one.out == ""
    for ran in (everything, one, anew):
        assert "cannot be reached" in ran.err


@in_every_dialect
def test_rematch_keeps_what_a_person_matched_while_the_server_has_it(
    booklore: Booklore, account: BookLoreServer, read: Any
) -> None:
    dune = book_on(account, "Dune")
    read(dune, EMMA)
    booklore("match", EMMA["partial_md5"], id_of(account, "Emma"))
    booklore("match", dune["partial_md5"], id_of(account, "Moby Dick"))

    ran = booklore("rematch", "--json")

    assert ran.code == 0
    assert ran.json == {"matched": 0, "unmatched": 0, "books": {"total": 2, "matched": 2, "unmatched": 0}}


def test_without_a_terminal_a_single_book_needs_an_id(booklore: Booklore, server: BookLoreServer, read: Any) -> None:
    read(EMMA)

    ran = booklore("match", EMMA["partial_md5"])

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"booklore match {EMMA['partial_md5']} ID" in ran.err
    assert not server.requests


def test_book_never_heard_of_is_refused(booklore: Booklore, account: BookLoreServer) -> None:
    ran = booklore("match", "00ff", "1", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("booklore: no book is known as '00ff': give its title") and ran.err.count("\n") == 1


def test_without_a_target_that_matches_books_nothing_can_be_done(booklore: Booklore) -> None:
    booklore("plugins", "disable", "booklore")

    ran = booklore("match")

    assert (ran.code, ran.err) == (1, "booklore: No enabled target matches books\n")


def test_on_a_terminal_the_others_are_matched_by_hand(booklore: Booklore, account: BookLoreServer, read: Any) -> None:
    read(UNHEARD, EMMA)

    code, out, told = on_a_terminal(["match", "--json"], f"y\n1\n1\n{id_of(account, 'Moby Dick')}\n")

    assert code == 0
    assert '"matched": 2' in out
    for text in ("2 still unmatched", "1 of 2: Emma (Annotated)", "1  79 % · Emma", "Jane Austen", "2 of 2: Zzyzx 99"):
        assert text in told
    assert sessions_of(account) == sorted((id_of(account, "Emma"), id_of(account, "Moby Dick")))


def test_one_book_is_chosen_on_a_terminal(booklore: Booklore, account: BookLoreServer, read: Any) -> None:
    read(EMMA, UNHEARD)

    code, out, told = on_a_terminal(["match", EMMA["partial_md5"]], "1\n")

    assert (code, out) == (3, "Matched at booklore\n")
    assert "Zzyzx" not in told
    assert sessions_of(account) == [id_of(account, "Emma")]


def test_auto_asks_nothing_on_a_terminal_either(booklore: Booklore, read: Any) -> None:
    read(EMMA)

    code, out, told = on_a_terminal(["match", "--auto"], "")

    assert (code, out) == (3, "booklore: 0 matched, 1 still unmatched\n")
    assert "by hand" not in told


ANOTHER = """
from booklore_core import Match, hookimpl

class Another:
    name, kinds = "another", frozenset({"session"})
    def match(self, books): return {}
    def search(self, text, limit): return []
    def book(self, remote_id): return None
    def deliver(self, item, before): return None

@hookimpl
def register_targets():
    return [Another()]
"""


def test_where_several_targets_match_books_the_one_that_is_meant_is_named(
    booklore: Booklore, account: BookLoreServer, read: Any, install: Install
) -> None:
    install("another", ANOTHER)
    read(EMMA)

    unnamed = booklore("match", EMMA["partial_md5"], id_of(account, "Emma"))
    named = booklore("match", EMMA["partial_md5"], id_of(account, "Emma"), "--target", "booklore")

    assert (unnamed.code, unnamed.out, unnamed.err.count("\n")) == (1, "", 1)
    assert "Give --target: another or booklore" in unnamed.err or "Give --target: booklore or another" in unnamed.err
    assert named.out.endswith(" at booklore\n")
    assert sessions_of(account) == [id_of(account, "Emma")]
