"""A file that lies in two libraries of a BookOrbit is two books there, and which of them a device's words are about may
change without a word: nothing is lost by that, and nothing is there twice. Source: bookorbit contract 4, 13.14."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import SECRET, OrbitWorld, dog_ear, highlight, item, orbit_world, read

from booklore_core import TOMBSTONE, Item, Match, Request
from booklore_core.actions import start
from booklore_core.testing import MORNING, answer_all
from booklore_core.testing.orbit.web_library import delete_books

FIRST, TWIN, OTHER = 1, 2, 3
DUNE, EMMA = "d" * 32, "e" * 32


def listed(number: int, library: int, title: str, md5: str) -> dict[str, object]:
    about = {"id": number, "libraryId": library, "title": title, "authors": ["Frank Herbert"], "md5": md5}
    return {**about, "fileName": f"{title}.epub", "sizeBytes": 1000}


LIBRARY = {
    "web_login": {"username": "admin", "password": "adminadmin"},
    "koreader_account": {"username": "reader", "password": SECRET},
    "books": [listed(FIRST, 2, "Dune", DUNE), listed(TWIN, 1, "Dune", DUNE), listed(OTHER, 1, "Emma", EMMA)],
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", LIBRARY, BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def books_of(world: OrbitWorld) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """How much each book has there: seconds, highlights, bookmarks."""
    seconds = Counter[int]()
    for one in world.server.sessions:
        seconds[one["bookId"]] += one["durationSeconds"]
    marks = (Counter(one["bookId"] for one in rows) for rows in (world.server.annotations, world.server.bookmarks))
    return seconds, *marks


def test_what_is_told_while_it_is_the_other_book_waits_and_arrives_where_the_rest_is(world: OrbitWorld) -> None:
    first, second = highlight(1), highlight(2, MORNING + timedelta(minutes=1))
    read(world, [first, second, dog_ear(3), dog_ear(4)])
    world.server.rewrite(FIRST)
    read(world, [{**first, "note": "anew"}, highlight(5, MORNING + timedelta(minutes=2)), dog_ear(4)])

    assert books_of(world) == ({FIRST: 600}, {FIRST: 2}, {FIRST: 2})
    assert "two libraries" in world.waiting()[0]["reason"]

    world.server.rewrite(TWIN)
    world.sync()

    assert books_of(world) == ({FIRST: 1200}, {FIRST: 2}, {FIRST: 1})
    assert sorted((one["pageno"], one["note"]) for one in world.server.annotations) == [(1, "anew"), (5, None)]
    assert world.core.pending() == {}


def test_the_other_books_do_not_wait(world: OrbitWorld) -> None:
    read(world, [highlight(1)])
    world.server.rewrite(FIRST)
    world.reader.read(world.book(0), pages=10, seconds=60)
    world.reader.sleep(7200)
    read(world, [highlight(1), dog_ear(2)], number=next(n for n, one in enumerate(world.books) if one.id == OTHER))

    assert books_of(world) == ({FIRST: 600, OTHER: 600}, {FIRST: 1, OTHER: 1}, {OTHER: 1})


@pytest.mark.parametrize("fault", ["close_after", "close_before", "commit_then_500"])
def test_what_nobody_knows_the_end_of_is_not_repeated_at_the_other_book(world: OrbitWorld, fault: str) -> None:
    world.server.fail(fault, "POST /api/v1/koreader/plugin/page-stats")
    read(world, [highlight(1), dog_ear(2)])
    world.server.rewrite(FIRST)
    for _ in range(3):
        world.clock.forward(700)
        world.sync()
    world.server.rewrite(TWIN)
    world.clock.forward(700)
    world.sync()

    assert books_of(world) == ({FIRST: 600}, {FIRST: 1}, {FIRST: 1})
    assert world.core.pending() == {}


def test_comparing_doubles_nothing_at_the_other_book(world: OrbitWorld) -> None:
    read(world, [highlight(1), dog_ear(2)])
    world.server.rewrite(FIRST)

    told = answer_all(start(world.core, "verify", Request()), [])

    assert not told.ok
    assert "two libraries" in str(told.data["unavailable"])
    assert books_of(world) == ({FIRST: 600}, {FIRST: 1}, {FIRST: 1})


def test_a_place_and_stars_do_not_go_to_the_other_book(world: OrbitWorld) -> None:
    world.send(item(world, "rating", {"rating": 8, "stars": 4}))
    world.server.rewrite(FIRST)
    place = {"device_id": "kobo-7f3a", "device": "Kobo", "percent": 0.5, "position": "/body/DocFragment[1]/body"}
    book = item(world, "rating", {}).book
    at = MORNING + timedelta(hours=1)
    world.send(Item("progress", DUNE, book, place, at), Item("rating", DUNE, book, TOMBSTONE, at))
    assert TWIN not in world.server.readings

    world.server.rewrite(TWIN)
    world.sync()

    assert (world.server.readings[FIRST]["rating"], world.server.readings[FIRST]["percent"]) == (None, 50)
    assert world.core.pending() == {}


def test_once_the_first_is_taken_away_all_goes_to_the_other(world: OrbitWorld) -> None:
    read(world, [highlight(1)])
    with world.server.state.lock:
        delete_books(world.server.state, world.server.state.users[0], {"bookIds": [FIRST]})
    read(world, [highlight(1), highlight(2, MORNING + timedelta(minutes=1))])
    world.sync()

    assert books_of(world)[0][TWIN] >= 600
    assert world.core.pending() == {}


def test_a_person_may_choose_the_other_one(world: OrbitWorld) -> None:
    read(world, [highlight(1)])
    world.server.rewrite(FIRST)
    read(world, [highlight(1)])

    world.core.books.match(DUNE, "bookorbit", Match(str(TWIN), "person"), world.clock.utc())
    world.sync()

    assert books_of(world)[0] == {FIRST: 600, TWIN: 600}
    assert world.core.pending() == {}
