"""Rating, status and place of a book at a BookLore beside what was sent: they are missing where there are none."""

from __future__ import annotations

import pytest
from booklore_world import FRESH, World
from places_world import GET, elsewhere_pushed, place
from reader_world import Person, rating, status, taken_over, writes

from booklore_core import Item

RATINGS, STATUSES = "/api/v1/books/personal-rating", "/api/v1/books/status"


@pytest.fixture
def sent(world: World) -> list[Item]:
    """What the server was told of a book: stars, a status and a place."""
    dune = world.server.books[1]
    items = [rating(dune, 8), status(dune, "reading"), place(dune, 0.4)]
    target = world.target()
    for item in items:
        target.deliver(item, FRESH)
    target.close()
    return items


def missing(world: World, *items: Item) -> dict[str, str]:
    """kind → detail of what is missing."""
    found = world.target().audit(items[0].book, items)
    assert {one.what for one in found} <= {"missing"}
    assert {(one.kind, one.key) for one in found} <= {(one.kind, one.key) for one in items}
    return {one.kind: one.detail for one in found}


def test_nothing_is_found_where_all_is_as_it_was_sent_and_nothing_is_changed(world: World, sent: list[Item]) -> None:
    before = len(world.server.requests)

    assert missing(world, *sent) == {}
    assert writes(world, before) == []


def test_a_server_that_has_nothing_of_a_book_lacks_it(world: World, sent: list[Item]) -> None:
    world.server._state.progress.clear()

    found = missing(world, *sent)

    assert found.pop("status") in ("“unset” there, “reading” here", "“unread” there, “reading” here")
    assert found == {"rating": "rated not at all there, 8 of 10 here", "progress": "no place is there"}
    target = world.target()
    for item in sent:
        target.deliver(item, FRESH)
    target.close()
    assert missing(world, *sent) == {}


def test_what_somebody_has_given_the_book_since_is_no_loss(world: World, sent: list[Item]) -> None:
    dune = world.server.books[1]
    person = Person(world)
    assert person.send("PUT", RATINGS, {"ids": [1], "rating": 3}).status_code == 200
    elsewhere_pushed(world, dune, 0.7)
    assert person.send("POST", STATUSES, {"bookIds": [1], "status": "PAUSED"}).status_code == 200

    assert missing(world, *sent) == {}


def test_a_rating_that_somebody_has_cleared_looks_as_if_it_was_lost(world: World, sent: list[Item]) -> None:
    assert Person(world).send("PUT", RATINGS, {"ids": [1], "rating": None}).status_code == 200

    assert missing(world, *sent) == {"rating": "rated not at all there, 8 of 10 here"}


def test_a_rating_that_its_reader_has_taken_back_is_not_missing(world: World, sent: list[Item]) -> None:
    world.server._state.progress.clear()

    assert missing(world, rating(world.server.books[1], None)) == {}


@pytest.mark.parametrize("told", [{"percent": 0.001}, {"percent": 1.0, "forced_from": 0.4}])
def test_a_place_that_need_not_have_been_sent_is_not_missing(world: World, told: dict[str, float]) -> None:
    assert missing(world, place(world.server.books[1], **told)) == {}


def test_the_place_is_seen_without_the_koreader_account(world: World, sent: list[Item]) -> None:
    world.server.fail("sync_disabled", GET, times=None)

    assert missing(world, *sent) == {}
    world.server._state.progress.clear()
    assert missing(world, *sent)["progress"] == "no place is there"


def test_what_another_book_has_under_the_id_is_not_the_books(world: World, sent: list[Item]) -> None:
    taken_over(world, world.server.books[1])

    assert missing(world, *sent).keys() == {"rating", "status", "progress"}
