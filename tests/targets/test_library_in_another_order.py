"""A server whose library was read in anew, in another order: every id is another book's, and all that was sent is gone.
A re-match, `verify --resend` and a sync bring it again, each thing to its book."""

from __future__ import annotations

from typing import Any

import pytest
from library_world import Household, on_device

from booklore_core.testing import SampleReader, ServerBook, small_epub

TITLES = ("Dune Alpha", "Emma Beta", "Moby Gamma")
FEATURES = ("sessions", "annotations", "bookmarks", "ratings", "reviews", "finished", "progress")


@pytest.fixture(params=["booklore", "grimmory", "custom"])
def household(request, tmp_path):
    one = Household(tmp_path / "home", request.param, {"books": []}, plugins=FEATURES)
    for title in TITLES:
        one.server.add_book(small_epub(title), f"{title.lower()}.epub", title, ("Author X",))
    yield one
    one.close()


def highlight(title: str, **told: Any) -> dict[str, Any]:
    paragraph = "/body/DocFragment[1]/body/p[1]/text()"
    place = {"pos0": f"{paragraph}.0", "pos1": f"{paragraph}.{len(title)}", "chapter": "One", "text": title}
    return {"datetime": "2026-11-20 09:00:00", **place, **told}


def read(household: Household, book: ServerBook, number: int, **reading: Any) -> None:
    """Ten pages; the book is rated with so many stars, and has a highlight with a note."""
    reader = household.readers.setdefault("kobo-1", SampleReader("kobo-1"))
    reader.stars, reader.status, reader.review = number, reading.get("status", "reading"), reading.get("review")
    start = len(reader.lines)
    reader.open(on_device(book))
    reader.turn(reading.get("pages", 10))
    reader.close(annotations=[highlight(book.title, note=f"A note on {book.title}")])
    reader.sleep(3600)
    assert household.core.take(reader.lines[start:], "test").rejected == []


def held(household: Household) -> dict[str, tuple[Any, ...]]:
    """title → rating, status, place, notes and number of sessions that the server has."""
    server, found = household.server, {}
    for number, book in server.books.items():
        one = server.readings.get(number)
        standing = (one.rating, one.status, one.percentage) if one else (None, None, None)
        notes = [row["noteContent"] for row in server.rows("notes") if row["bookId"] == number]
        found[book.title] = (*standing, notes, household.arrived().count(number))
    return found


def test_everything_comes_again_to_its_book(household: Household) -> None:
    for number, book in enumerate(household.server.books.values(), 1):
        read(household, book, number, pages=10 * number, status="complete" if number == 1 else "reading")
    assert household.sync().is_complete
    before = held(household)

    household.build_anew([2, 3, 1])
    household.act("rematch_all")
    assert not household.act("verify", args={"resend": True}).ok
    assert household.sync().is_complete

    assert held(household) == before
    assert household.act("verify").ok


def test_highlights_come_again_to_their_books(household: Household) -> None:
    for number, book in enumerate(household.server.books.values(), 1):
        read(household, book, number)
    household.sync()

    household.build_anew([2, 3, 1])
    household.act("rematch_all")
    household.act("verify", args={"resend": True})
    household.sync()

    assert {title: one[3] for title, one in held(household).items()} == {one: [f"A note on {one}"] for one in TITLES}


def test_a_highlight_whose_answer_was_lost_goes_to_its_book(household: Household) -> None:
    books = list(household.server.books.values())
    household.read(on_device(books[0]))
    household.read(on_device(books[1]))
    household.sync()
    household.server.fail("close_before", "POST /api/v2/book-notes")
    read(household, books[0], 1)
    assert not household.sync().is_complete

    household.build_anew([2, 3, 1])
    household.act("rematch_all")
    household.clock.forward(3600)
    household.sync()

    assert held(household)["Dune Alpha"][3] == ["A note on Dune Alpha"]


def test_what_was_given_to_an_id_that_is_nobodys_comes_again(household: Household) -> None:
    books = list(household.server.books.values())
    read(household, books[2], 3)
    assert household.sync().is_complete
    before = held(household)["Moby Gamma"]

    household.build_anew([3])
    household.act("rematch_all")
    household.act("verify", args={"resend": True})
    assert household.sync().is_complete

    assert held(household)["Moby Gamma"] == before
    assert household.act("verify").ok


def test_everything_comes_again_beside_what_was_read_since(household: Household) -> None:
    dune, emma, moby = household.server.books.values()
    for number, book in enumerate((dune, emma, moby), 1):
        read(household, book, number, pages=10 * number, status="complete" if number == 1 else "reading")
    household.sync()
    before = held(household)

    household.build_anew([2, 3, 1])
    household.act("rematch_all")
    read(household, emma, 2, pages=5)
    household.sync()
    household.act("verify", args={"resend": True})
    assert household.sync().is_complete

    after = held(household)
    assert after["Dune Alpha"] == before["Dune Alpha"]
    assert after["Moby Gamma"] == before["Moby Gamma"]
    assert after["Emma Beta"][:2] == before["Emma Beta"][:2]
    assert after["Emma Beta"][3:] == (["A note on Emma Beta"], 2)


def test_everything_comes_again_without_a_rematch(household: Household) -> None:
    for number, book in enumerate(household.server.books.values(), 1):
        read(household, book, number, pages=10 * number, status="complete" if number == 1 else "reading")
    household.sync()
    before = held(household)

    household.build_anew([2, 3, 1])
    household.act("verify", args={"resend": True})
    household.sync()
    household.sync()

    assert held(household) == before


def test_no_book_gets_the_status_of_the_one_that_had_its_id(household: Household) -> None:
    dune, emma, _ = household.server.books.values()
    read(household, emma, 2, pages=20, status=None)
    read(household, dune, 1, status="complete")
    household.sync()
    before = held(household)

    household.build_anew([2, 3, 1])
    household.act("rematch_all")
    household.act("verify", args={"resend": True})
    household.sync()

    assert held(household) == before
