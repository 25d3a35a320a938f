"""Places in books that are marked as read or on hold: whatever is told there takes the mark away (contract §4.2)."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from booklore_world import FRESH, World
from places_world import elsewhere_pushed, mark, on_the_page, place, pushes
from reader_world import status

from booklore_core import Declined, Item, Superseded

GIVEN_UP = "the book is marked as read on the server: told now, this place would take that mark away or move its finish"


def shown(world: World) -> tuple[str | None, str | None]:
    """Status and finish date of the first book."""
    book = on_the_page(world, world.server.books[1])
    return book["readStatus"], book.get("dateFinished")


def given(world: World, word: str, minute: int) -> Item:
    """A status of the first book that was given so many minutes after seven, as places are read."""
    item = status(world.server.books[1], word)
    return Item(item.kind, item.key, item.book, item.body, item.occurred_at + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("percent", "more"), [(1.0, {}), (0.96, {}), (0.3, {"is_opening": True}), (0.3, {"is_laid_aside": True})]
)
def test_place_that_would_take_a_read_mark_or_move_its_date_is_given_up(
    world: World, percent: float, more: dict[str, Any]
) -> None:
    dune = world.server.books[1]
    mark(world, dune, "READ")
    before = shown(world)
    world.clock.wait(86400)

    with pytest.raises(Superseded, match=GIVEN_UP):
        world.target().deliver(place(dune, percent, 1500, **more), FRESH)

    assert shown(world) == before
    assert pushes(world) == []


def test_place_that_was_given_up_is_not_taken_for_one_that_was_pushed(world: World) -> None:
    dune = world.server.books[1]
    mark(world, dune, "READ")
    with pytest.raises(Superseded):
        world.target().deliver(place(dune, 1.0), FRESH)

    elsewhere_pushed(world, dune, 1.0, progress=None)

    remote = world.target().remote_progress(place(dune, 1.0).book)
    assert remote is not None
    assert remote.device_id is None


def test_end_that_is_there_already_is_nothing_to_give_up(world: World) -> None:
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 1.0)
    before = shown(world)

    world.target().deliver(place(dune, 1.0, 1500), FRESH)

    assert shown(world) == before


def test_rating_takes_a_book_that_is_read_for_read_in_silence(world: World) -> None:
    dune = world.server.books[1]
    mark(world, dune, "READ")

    world.target().deliver(place(dune, 1.0, forced_from=0.4), FRESH)

    assert pushes(world) == []


def test_whoever_reads_a_finished_book_again_is_told(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "complete", 10), FRESH)

    target.deliver(place(dune, 0.3, 20), FRESH)

    assert pushes(world) == [0.3]
    assert shown(world)[0] == "READING"


@pytest.mark.parametrize("minute", [9, 10])
def test_place_that_waited_does_not_take_the_mark_of_who_finished_the_book_since(world: World, minute: int) -> None:
    """It is the place where the reader took the book as finished, or one before it."""
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "complete", 10), FRESH)
    before = shown(world)
    world.clock.wait(3600)

    with pytest.raises(Superseded, match=GIVEN_UP):
        target.deliver(place(dune, 0.93, minute), FRESH)

    assert shown(world) == before
    assert pushes(world) == []


@pytest.mark.parametrize("minute", [9, 10])
def test_place_that_waited_is_told_of_a_book_that_is_on_hold_since_and_stays_so(world: World, minute: int) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "abandoned", 10), FRESH)

    target.deliver(place(dune, 0.3, minute), FRESH)

    assert pushes(world) == [0.3]
    assert shown(world)[0] == "ABANDONED"


def test_whoever_looks_into_a_book_that_stays_on_hold_does_not_take_it_up(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "abandoned", 10), FRESH)

    target.deliver(place(dune, 0.3, 11, is_laid_aside=True), FRESH)

    assert pushes(world) == [0.3]
    assert shown(world)[0] == "ABANDONED"


def test_book_that_is_read_again_and_put_on_hold_is_finished_by_nobody(world: World, dialect: str) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "complete", 10), FRESH)
    target.deliver(place(dune, 0.1, 20), FRESH)
    finished = shown(world)[1]
    world.clock.wait(3600)

    target.deliver(place(dune, 0.15, 30, is_laid_aside=True), FRESH)
    with suppress(Superseded):
        target.deliver(given(world, "abandoned", 30), FRESH)

    assert shown(world) == ("ABANDONED" if dialect == "grimmory" else "READING", finished)


@pytest.mark.parametrize(("word", "name"), [("complete", "UNREAD"), ("complete", "PAUSED"), ("abandoned", "READING")])
def test_status_that_somebody_took_away_is_not_brought_back_by_who_looks_into_the_book(
    world: World, word: str, name: str
) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, word, 10), FRESH)
    mark(world, dune, name)

    target.deliver(place(dune, 0.3, 20, is_laid_aside=True), FRESH)

    assert shown(world) == ("READING", None)


def test_whoever_reads_on_in_a_book_on_hold_takes_it_up(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "abandoned", 10), FRESH)

    target.deliver(place(dune, 0.3, 11), FRESH)

    assert shown(world)[0] == "READING"


@pytest.mark.parametrize(("minute", "more"), [(9, {}), (11, {"is_laid_aside": True})])
def test_status_that_could_not_be_put_back_is_put_back_in_the_next_run(
    world: World, dialect: str, minute: int, more: dict[str, Any]
) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(given(world, "abandoned", 10), FRESH)
    route = "PUT /api/v1/app/books" if dialect == "grimmory" else "POST /api/v1/books/status"
    world.server.fail("status:500", route, times=None)
    with pytest.raises(Declined):
        target.deliver(place(dune, 0.3, minute, **more), FRESH)
    world.server.recover()
    assert shown(world)[0] == "READING"

    world.target().deliver(place(dune, 0.3, minute, **more), FRESH)

    assert shown(world)[0] == "ABANDONED"
    assert pushes(world) == [0.3]


def test_mark_of_somebody_else_is_put_back_by_nobody(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    mark(world, dune, "PAUSED")

    target.deliver(place(dune, 0.3), FRESH)

    assert shown(world)[0] == "READING"
