"""`booklore books` and `booklore unmatch`: books by their names, what each is matched to, and what waits."""

import pytest
from cli_world import Booklore, Spool, book_on

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

UNHEARD = sample_book("Zzyzx 99")


@pytest.fixture
def home_library(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> BookLoreServer:
    """Two sessions in a book that the server has, one in a book that it does not have, and one sync."""
    reader.read(book_on(account, "Dune"))
    reader.read(UNHEARD)
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    booklore("sync")
    return account


def test_a_book_is_told_with_all_that_is_known_of_it(booklore: Booklore, home_library: BookLoreServer) -> None:
    dune, unheard = booklore("books", "--json").json

    assert dune["title"] == "Dune" and dune["authors"] == ["Frank Herbert"] and dune["tracked"] is True
    assert dune["partial_md5"] == book_on(home_library, "Dune")["partial_md5"]
    assert dune["file"] == book_on(home_library, "Dune")["file"]
    assert dune["matches"]["booklore"] == {"id": "1", "how": "digest", "title": "Dune"}
    assert (dune["sessions"], dune["waiting"]) == (2, {})
    assert (unheard["matches"], unheard["sessions"], unheard["waiting"]) == ({}, 1, {"session": 1})
    assert dune["last_read"] > unheard["last_read"] and dune["last_read"].endswith("Z")


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        (["dune"], ["Dune"]),
        (["herBERT"], ["Dune", "Zzyzx 99"]),
        (["zyzx-99.epub"], ["Zzyzx 99"]),
        ([UNHEARD["partial_md5"][:7]], ["Zzyzx 99"]),
        (["--unmatched"], ["Zzyzx 99"]),
        (["--unmatched", "dune"], []),
    ],
)
def test_books_are_found_by_what_a_person_knows_of_them(
    booklore: Booklore, home_library: BookLoreServer, asked: list[str], titles: list[str]
) -> None:
    assert [book["title"] for book in booklore("books", "--json", *asked).json] == titles


def test_people_see_a_table(booklore: Booklore, home_library: BookLoreServer) -> None:
    booklore("track", "zzyzx", "off")

    ran = booklore("books")

    heading, dune, unheard = ran.out.splitlines()
    assert heading.split() == ["BOOK", "MATCHED", "TO", "KNOWN", "WAITING", "LAST", "READ"]
    assert dune.startswith("Dune – Frank Herbert  ") and "Dune (1) at booklore, by digest" in dune
    assert "2 sessions" in dune
    assert unheard.startswith("Zzyzx 99 – Frank Herbert (not tracked)  ") and unheard.count("1 session") == 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], "no book is known yet: open one"),
        (["--unmatched"], "no book waits for a match"),
        (["ulysses"], "no book has 'ulysses' in its title, author or path"),
    ],
)
def test_nothing_found_is_said(booklore: Booklore, asked: list[str], told: str) -> None:
    ran = booklore("books", *asked)

    assert (ran.code, ran.out) == (0, "") and ran.err.startswith(f"booklore: {told}")
    assert booklore("books", "--json", *asked).json == []


def test_a_match_is_forgotten_and_found_anew(booklore: Booklore, home_library: BookLoreServer) -> None:
    ran = booklore("unmatch", "dune")

    assert ran.code == 0
    assert ran.out.startswith("Dune – Frank Herbert is no longer matched to Dune at booklore\n")
    assert "2 sessions stay with Dune" in ran.out
    assert booklore("books", "dune", "--json").json[0]["matches"] == {}
    assert booklore("match", "--auto").code == 3
    assert booklore("books", "dune", "--json").json[0]["matches"]["booklore"]["id"] == "1"
    assert len(home_library.sessions) == 2


def test_a_book_without_a_match_is_told(booklore: Booklore, home_library: BookLoreServer) -> None:
    ran = booklore("unmatch", "zzyzx", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: Zzyzx 99 – Frank Herbert is not matched anywhere\n"
    assert booklore("unmatch", "dune", "--target", "nowhere").code == 1
