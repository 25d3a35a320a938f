"""Sessions of several books go to the server at a time: with one login, and one look at what the server is."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import BookUnmatched, Declined
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.identities import Identities
from booklore_targets.booklore.setup import read_setup
from booklore_targets.booklore.target import BookLore

POST, LONG = "/api/v1/reading-sessions", 20.0


@pytest.fixture
def library() -> dict[str, Any]:
    return {"books": [{"title": f"Book {number}", "md5": f"{number:032x}"} for number in range(1, 5)]}


def meet(world: World, count: int) -> None:
    """The first count sessions wait for each other at the server."""
    meeting, lock, met = threading.Barrier(count), threading.Lock(), [0]

    def wait(record: Any) -> None:
        with lock:
            met[0] += record.path == POST and record.method == "POST"
            waits = record.path == POST and met[0] <= count
        if waits:
            meeting.wait(LONG)

    world.server.on_request = wait


def deliver_all(world: World, target: BookLore) -> list[Declined]:
    """A session of each book from a thread of its own. Returns what was declined."""
    refusals: list[Declined] = []

    def deliver(number: int, book: Any) -> None:
        try:
            target.deliver(session(book, minute=60 * number), FRESH)
        except Declined as error:
            refusals.append(error)

    return at_once(
        [lambda n=n, book=book: deliver(n, book) for n, book in enumerate(world.server.books.values())], refusals
    )


def at_once(works: list[Callable[[], None]], refusals: list[Declined]) -> list[Declined]:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    return refusals


@pytest.mark.parametrize(("dialect", "lanes"), [("booklore", 4), ("custom", 4), ("grimmory", 2)])
def test_how_many_depends_on_the_server_once_it_is_known(open_world: OpenWorld, dialect: str, lanes: int) -> None:
    target = open_world(dialect).target()
    assert target.concurrency == 1

    target.check()

    assert target.concurrency == lanes


@pytest.mark.parametrize("refresh_too", [False, True])
def test_a_token_that_all_of_them_are_refused_is_replaced_once(
    open_world: OpenWorld, library: dict[str, Any], refresh_too: bool
) -> None:
    world = open_world("booklore", library)
    target = world.target()
    target.check()
    before = world.asked("/api/v1/auth/")
    world.clock.now += 600
    world.server.expire_tokens(refresh_too)
    meet(world, 4)

    assert deliver_all(world, target) == []

    assert world.asked("/api/v1/auth/") - before == 1 + refresh_too
    assert sorted(row["bookId"] for row in world.server.sessions) == [1, 2, 3, 4]


def test_nobody_there_is_found_out_once(open_world: OpenWorld, library: dict[str, Any]) -> None:
    world = open_world("booklore", library)
    target = world.target()
    world.server.fail("html_200", times=None)

    refusals = deliver_all(world, target)

    assert len(refusals) == 4 and len({error.reason for error in refusals}) == 1
    assert not any(error.maybe_sent for error in refusals)
    assert world.asked("/api/v1/healthcheck") == 1
    assert world.server.sessions == []


def test_book_that_was_looked_at_before_another_lane_logged_in_is_looked_at_again(
    open_world: OpenWorld, library: dict[str, Any]
) -> None:
    world = open_world("booklore", library)
    world.target()
    connection = Connection(read_setup(world.settings.section("booklore")), world.store, world.clock, world.clock.wait)
    identities = Identities(connection)
    identities.check("1")
    world.server.put_book(replace(world.server.books[2], id=1, added=1.0))
    world.server.expire_tokens(refresh_too=True)
    identities.check("1")  # whoever would send something just now

    connection.read("/api/v1/books/3")  # another lane is refused the token first
    with pytest.raises(BookUnmatched, match="another book as number 1"):
        connection.ask("POST", POST, json={}, before=partial(identities.check, "1"))

    assert world.asked(POST, "POST") == 0
    connection.close()
