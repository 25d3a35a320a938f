"""A BookOrbit that was made anew, or another one: its ids are those of other books now, and nothing goes to these."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import OrbitWorld, dog_ear, highlight, orbit_world, verify

from booklore_core import Request, Result
from booklore_core.actions import start
from booklore_core.testing import MORNING, BookOrbitServer, answer_all, sample_book
from booklore_core.testing.orbit.orbit_state import OrbitBook
from booklore_core.testing.orbit.web_library import delete_books

STRANGE = "f" * 32
"""The partial MD5 of a file that no server has."""

SAME_ADDRESS, OTHER_ADDRESS = False, True


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def make_anew(world: OrbitWorld, *books: OrbitBook, is_elsewhere: bool = SAME_ADDRESS) -> None:
    """A BookOrbit with these books, in the order of their ids, and with nothing else."""
    world.clock.forward(86400)
    port = int(world.server.url.rpartition(":")[2])
    world.server.stop()
    world.server = BookOrbitServer(None, now=world.clock, port=0 if is_elsewhere else port)
    world.server.books.clear()
    world.server.books.update({number: replace(one, id=number) for number, one in enumerate(books, 1)})
    world.server.start()
    world.core.close()
    world.environ["BOOKLORE_BOOKORBIT__URL"] = world.server.url
    world.core = world.open()


def give(world: OrbitWorld, book: dict[str, Any], stars: int | None = None, **marked: Any) -> None:
    """Ten minutes with a book, and a sync."""
    reader = world.reader
    reader.stars, reader.status = stars, "reading"
    reader.open(book)
    reader.turn(10, seconds=60)
    reader.close(annotations=[highlight(2, **marked), dog_ear(3)])
    reader.sleep(7200)
    world.clock.seconds = max(world.clock.seconds, reader.now.timestamp())
    world.take()
    world.sync()


def act(world: OrbitWorld, name: str, book: str | None = None, **args: Any) -> Result:
    return answer_all(start(world.core, name, Request(book=book, args={"target": "bookorbit", **args})), [True, True])


def seconds(world: OrbitWorld) -> Counter[str]:
    """How long each book was read there, by title."""
    total = Counter[str]()
    for one in world.server.sessions:
        total[world.server.books[one["bookId"]].title] += one["durationSeconds"]
    return total


def touched(world: OrbitWorld) -> set[str]:
    """The titles of the books of which anything is there."""
    marks = [one["bookId"] for of in (world.server.annotations, world.server.bookmarks) for one in of]
    rows = [number for number, one in world.server.readings.items() if any(one.values())]
    return {world.server.books[number].title for number in (*marks, *rows)} | seconds(world).keys()


def digests_told(world: OrbitWorld) -> set[str]:
    """Under which digests anything was written."""
    bodies = [json.loads(one.body or "{}") for one in world.server.requests if "match-check" not in one.path]
    told = {one["hash"] for body in bodies for name in ("books", "items") for one in body.get(name, ())}
    return told | {body["document"] for body in bodies if "document" in body}


def titles(world: OrbitWorld) -> list[str]:
    return [one.title for one in world.books]


def test_what_is_read_then_goes_to_the_very_book(world: OrbitWorld) -> None:
    first, *others = world.books
    for number in range(len(world.books)):
        give(world, world.book(number), stars=3)
    about = world.book(0)
    make_anew(world, *others, first)

    give(world, about, stars=5)
    give(world, about, stars=2)

    assert seconds(world) == {first.title: 1200}
    assert touched(world) == {first.title}
    assert digests_told(world) == {first.md5}
    assert world.server.readings[len(others) + 1]["rating"] == 2
    assert world.core.pending() == {}


@pytest.mark.parametrize("is_elsewhere", [SAME_ADDRESS, OTHER_ADDRESS])
@pytest.mark.parametrize("turned", [1, 2])
def test_all_that_was_sent_comes_to_the_new_one_by_verify(world: OrbitWorld, turned: int, is_elsewhere: bool) -> None:
    read = {one.title: 600 * (1 + number) for number, one in enumerate(world.books)}
    for number in range(len(world.books)):
        for _ in range(1 + number):
            give(world, world.book(number), stars=1 + number)
    kept = [(len(world.server.annotations), len(world.server.bookmarks)), read]
    assert seconds(world) == read
    make_anew(world, *world.books[turned:], *world.books[:turned], is_elsewhere=is_elsewhere)

    told = verify(world, resend=True)
    assert "two libraries" not in told.message
    assert not told.data["unavailable"]
    world.clock.forward(700)
    world.sync()

    assert [(len(world.server.annotations), len(world.server.bookmarks)), seconds(world)] == kept
    stars = {world.server.books[number].title: one["rating"] for number, one in world.server.readings.items()}
    assert stars == {title: 1 + number for number, title in enumerate(read)}
    assert all(one["percent"] for one in world.server.readings.values())
    assert world.core.pending() == {}
    assert verify(world).ok


@pytest.mark.parametrize("is_too_much", [False, True])
def test_of_many_books_it_is_asked_together(world: OrbitWorld, is_too_much: bool) -> None:
    many = [OrbitBook(n, f"Book {n}", ["Somebody"], f"{n}.epub", 1000, f"{n:032x}") for n in range(1, 121)]
    make_anew(world, *many)

    def read_all() -> None:
        for one in many:
            world.reader.read(sample_book(one.title, partial_md5=one.md5, size=one.size), pages=2, seconds=60)
            world.reader.sleep(60)
        world.clock.seconds = max(world.clock.seconds, world.reader.now.timestamp())
        world.take()
        world.sync()

    read_all()
    make_anew(world, *many[1:], many[0])
    if is_too_much:
        world.server.fail("status:400", "GET /api/v1/koreader/plugin/catalog/manifest")
    read_all()

    assert seconds(world) == {one.title: 120 for one in many}
    assert world.asked("/plugin/catalog/manifest") <= 5
    assert world.core.pending() == {}


def test_what_the_new_one_does_not_have_waits_and_goes_to_no_other(world: OrbitWorld) -> None:
    first, *others = world.books
    about = world.book(0)
    give(world, about)
    make_anew(world, *others)

    give(world, about, stars=4)
    assert touched(world) == set()
    assert {one["state"] for one in world.waiting()} == {"unmatched"}

    world.server.books[9] = replace(first, id=9)
    world.sync()
    assert seconds(world) == {first.title: 600}
    assert world.core.pending() == {}


def test_what_was_sent_comes_once_the_new_one_has_the_book(world: OrbitWorld) -> None:
    first, *others = world.books
    give(world, world.book(0))
    make_anew(world, *others)
    assert verify(world, resend=True).data["missing"]
    world.sync()
    assert touched(world) == set()

    world.server.books[9] = replace(first, id=9)
    world.clock.forward(700)
    world.sync()

    assert (seconds(world), world.core.pending()) == ({first.title: 600}, {})


def by_hand(world: OrbitWorld, number: int) -> dict[str, Any]:
    """A book of another file than any that the server has, which a person has matched by its number there."""
    book = sample_book("The Second Foundation", partial_md5=STRANGE, size=4711, authors=["Somebody Else"])
    world.reader.read(book, pages=10, seconds=60)
    world.reader.sleep(7200)
    world.take()
    assert act(world, "match_book", STRANGE, id=str(number)).ok
    return book


def test_what_was_matched_by_hand_with_an_id_of_before_waits_and_can_be_matched_anew(world: OrbitWorld) -> None:
    first, *others = world.books
    book = by_hand(world, 1)
    give(world, book)
    assert seconds(world) == {first.title: 1200}
    make_anew(world, *others, first)

    give(world, book)
    assert touched(world) == set()
    assert world.core.books.match_of(STRANGE, "bookorbit") is None
    assert {one["state"] for one in world.waiting()} == {"unmatched"}

    assert act(world, "match_book", STRANGE, id=str(len(world.books))).ok
    assert seconds(world) == {first.title: 600}
    verify(world, resend=True)
    world.clock.forward(700)
    world.sync()
    assert seconds(world) == {first.title: 1800}
    assert (touched(world), world.core.pending()) == ({first.title}, {})


def test_a_choice_of_a_person_counts_for_the_book_that_it_was_about(world: OrbitWorld) -> None:
    """The id that it is for may be the one that another book had at the server of before."""
    first, second, *others = world.books
    about = world.book(0)
    give(world, about)
    make_anew(world, second, *others, first)

    by_hand(world, 1)
    give(world, about)

    assert seconds(world) == {first.title: 600, second.title: 600}
    assert world.core.books.match_of(first.md5, "bookorbit") == str(len(world.books))


def test_what_was_matched_by_hand_goes_on_when_the_server_gets_another_file_of_it(world: OrbitWorld) -> None:
    first = world.books[0]
    book = by_hand(world, 1)
    first.md5 = "a" * 32

    give(world, book)

    assert seconds(world) == {first.title: 1200}
    assert world.core.pending() == {}


def test_what_was_matched_by_hand_is_doubted_when_its_id_has_another_file_title_and_author(world: OrbitWorld) -> None:
    first = world.books[0]
    book = by_hand(world, 1)
    first.md5, first.title, first.authors = "a" * 32, "The Second Foundation", ["Somebody Else"]

    give(world, book)

    assert seconds(world).total() == 600
    assert {one["state"] for one in world.waiting()} == {"unmatched"}


def test_a_book_whose_file_was_exchanged_there_gets_nothing_of_the_one_before(world: OrbitWorld) -> None:
    about = world.book(0)
    give(world, about)
    before = seconds(world)
    world.books[0].md5 = "a" * 32

    give(world, about)

    assert seconds(world) == before
    assert {one["state"] for one in world.waiting()} == {"unmatched"}


def test_a_rematch_says_which_choices_of_a_person_are_gone(world: OrbitWorld) -> None:
    first, *others = world.books
    by_hand(world, 1)
    make_anew(world, *others, first)

    told = act(world, "rematch_all")

    assert "was matched to that by hand" in told.message
    assert "stays" not in told.message
    assert world.core.books.match_of(STRANGE, "bookorbit") is None


def test_a_rematch_leaves_what_a_person_has_matched_with_the_very_book(world: OrbitWorld) -> None:
    by_hand(world, 1)

    assert "1 match by hand stays" in act(world, "rematch_all").message
    assert world.core.books.match_of(STRANGE, "bookorbit") == "1"


def test_an_id_that_becomes_another_books_within_a_run_is_told_nothing(world: OrbitWorld) -> None:
    """Of the second stars of a day the server is told by its id of the book."""
    first, number = world.books[0], len(world.books)
    give(world, world.book(0), stars=3)

    def exchange(record: Any) -> None:
        if any(one.path.endswith("/book-states") and b'"rating":5' in one.body.replace(b" ", b"") for one in told):
            world.server.on_request = None
            with world.server.state.lock:
                world.server.books.update({1: replace(world.server.books[number], id=1), number: first_there})
        told.append(record)

    told, first_there = list[Any](), replace(first, id=number)
    world.server.on_request = exchange
    give(world, world.book(0), stars=5)
    world.sync()

    put = [one.path for one in world.server.requests if one.method == "PUT" and one.path.endswith("/rating")]
    assert not any(path.endswith("/books/1/rating") for path in put)
    assert world.server.on_request is None
    assert world.server.readings[number]["rating"] == 5
    assert world.core.pending() == {}


def test_the_sentence_on_two_libraries_is_said_only_where_the_file_is_there_twice(world: OrbitWorld) -> None:
    first, *others = world.books
    about = world.book(0)
    give(world, about)
    world.server.books[9] = replace(first, id=9, library=2)
    world.server.rewrite(1)

    give(world, about)
    assert "two libraries" in world.waiting()[0]["reason"]

    with world.server.state.lock:
        delete_books(world.server.state, world.server.state.users[0], {"bookIds": [1]})
    world.sync()
    assert world.core.pending() == {}
    assert seconds(world)[first.title] >= 600


def test_a_session_that_is_read_later_is_another_one_half_an_hour_after(world: OrbitWorld) -> None:
    """What is told in the README of those that lie nearer."""
    for minutes in (29, 31):
        world.reader.read(world.book(0), pages=10, seconds=60)
        world.reader.now += timedelta(minutes=minutes)
    world.reader.read(world.book(0), pages=10, seconds=60)
    world.take()
    world.sync()

    assert [one["durationSeconds"] for one in world.server.sessions] == [1200, 600]
    assert world.server.sessions[0]["startedAt"].startswith(f"{MORNING:%Y-%m-%dT%H:%M}")
