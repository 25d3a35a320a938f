"""What a reader writes about a book is a note on the book at a BookLore server, which tells no two notes apart."""

from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, World
from marks_world import removed
from reader_world import Person, fact

from booklore_core import Before, Declined, Item, Superseded
from booklore_core.testing import ServerBook

GOOD, BETTER = "A desert, and people in it.", "A desert, and what it makes of people."
NOTES = "/api/v1/book-notes"
POST = f"POST {NOTES}"


def review(book: ServerBook, text: str, how: str = "given") -> Item:
    return fact("review", book, {"text": text, "how": how, "device": "kobo-7f3a"})


def with_a_new_database(world: World) -> World:
    return World(world.server, world.clock, world.home.with_name("anew"))


def held(world: World) -> list[tuple[Any, ...]]:
    return [(one["bookId"], one["title"], one["content"]) for one in world.server.rows("book_notes")]


def test_a_review_is_one_note_on_the_book_whatever_becomes_of_it(world: World) -> None:
    dune, target = world.server.books[1], world.target()

    first = target.deliver(review(dune, GOOD), FRESH)
    assert held(world) == [(1, "Review (KOReader)", GOOD)]
    second = target.deliver(review(dune, BETTER), Before(first))
    assert (held(world), second) == ([(1, "Review (KOReader)", BETTER)], first)
    target.deliver(removed(review(dune, BETTER)), Before(second))
    assert held(world) == []


@pytest.mark.parametrize("fault", ["close_after", "half_body", "commit_then_500"])
def test_one_whose_answer_was_lost_is_found(stock: World, fault: str) -> None:
    dune, target = stock.server.books[1], stock.target()
    target.deliver(review(stock.server.books[2], GOOD), FRESH)
    stock.server.fail(fault, POST)
    with pytest.raises(Declined):
        target.deliver(review(dune, GOOD), FRESH)

    found = target.find(review(dune, BETTER))
    target.deliver(review(dune, BETTER), Before(found, maybe_sent=True))

    assert found
    assert held(stock)[1:] == [(1, "Review (KOReader)", BETTER)]


def test_one_that_was_lost_and_taken_away_is_gone(stock: World) -> None:
    dune, target = stock.server.books[1], stock.target()
    stock.server.fail("close_after", POST)
    with pytest.raises(Declined):
        target.deliver(review(dune, GOOD), FRESH)

    target.deliver(removed(review(dune, GOOD)), MAYBE_SENT)

    assert held(stock) == []


def test_what_an_earlier_database_has_sent_is_taken_over(stock: World) -> None:
    dune = stock.server.books[1]
    stock.target().deliver(review(dune, GOOD), FRESH)

    with_a_new_database(stock).target().deliver(review(dune, BETTER), FRESH)

    assert held(stock) == [(1, "Review (KOReader)", BETTER)]


def test_one_of_unknown_age_takes_the_place_of_none(stock: World) -> None:
    dune = stock.server.books[1]
    stock.target().deliver(review(dune, BETTER), FRESH)
    anew = with_a_new_database(stock)

    with pytest.raises(Superseded, match="another review"):
        anew.target().deliver(review(dune, GOOD, "found"), FRESH)
    anew.target().deliver(review(dune, BETTER, "found"), FRESH)

    assert held(stock) == [(1, "Review (KOReader)", BETTER)]


def test_a_note_of_the_reader_s_own_is_left_alone(stock: World) -> None:
    dune, target = stock.server.books[1], stock.target()
    Person(stock).send("POST", NOTES, {"bookId": 1, "title": "Mine", "content": GOOD})

    remote = target.deliver(review(dune, GOOD), FRESH)
    target.deliver(removed(review(dune, GOOD)), Before(remote))

    assert held(stock) == [(1, "Mine", GOOD)]


def test_what_no_page_shows_is_replaced_and_what_is_too_long_is_cut(stock: World) -> None:
    stock.target().deliver(review(stock.server.books[1], "A\0 desert 𝄞" + "é" * 99_000), FRESH)

    [(_, _, content)] = held(stock)
    assert content.startswith("A\ufffd desert 𝄞é") and len(content.encode()) <= 65_535


def test_verify_misses_one_that_was_removed_there_and_sees_a_second_one(stock: World) -> None:
    dune, target = stock.server.books[1], stock.target()
    one = review(dune, GOOD)
    target.deliver(one, FRESH)
    assert target.audit(one.book, [one]) == []

    Person(stock).send("POST", NOTES, {"bookId": 1, "title": "Review (KOReader)", "content": GOOD})
    stock.clock.now += 120
    assert [found.what for found in target.audit(one.book, [one])] == ["duplicate"]

    for row in stock.server.rows("book_notes"):
        Person(stock).send("DELETE", f"{NOTES}/{row['id']}")
    stock.clock.now += 120
    assert [found.what for found in target.audit(one.book, [one])] == ["missing"]
