"""A core whose database was lost, at a BookOrbit that holds what the one before has sent; devices tell all again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import databases
import pytest
from orbit_world import OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core.testing import MORNING, SampleReader


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def read(
    world: OrbitWorld, marks: list[dict[str, Any]] | None = None, stars: Any = "unknown", status: Any = None
) -> None:
    """Ten minutes with a book."""
    reader = world.reader
    reader.stars, reader.status = stars, status
    reader.open(world.book())
    reader.turn(10, seconds=60)
    reader.close(annotations=marks)
    reader.sleep(3600)


def lose_database(world: OrbitWorld) -> None:
    """Some time after all that was sent has arrived."""
    world.clock.forward(3600)
    world.core.close()
    databases.remove(world.home)
    world.core = world.open()


def settle(world: OrbitWorld) -> None:
    world.take()
    for _ in range(3):
        world.sync()
        world.clock.forward(700)
    assert world.core.pending() == {}


def test_stars_of_before_are_not_taken_for_those_of_somebody_else(world: OrbitWorld) -> None:
    read(world, stars=None)
    read(world, stars=3)
    settle(world)
    read(world, stars=5)
    lose_database(world)
    settle(world)

    assert world.server.readings[1]["rating"] == 5


def test_stars_that_a_device_had_before_others_were_known_are_not_taken_for_those_of_somebody_else(
    world: OrbitWorld,
) -> None:
    """Those of the other device stand first in the new database, and were never told of to the one before."""
    other = SampleReader("kindle", MORNING - timedelta(days=1))
    other.stars = 5
    other.read(world.book())
    read(world, stars=1)
    settle(world)
    read(world, stars=3)
    lose_database(world)
    world.take(other)
    settle(world)

    assert world.server.readings[1]["rating"] == 3


def test_a_status_of_before_is_not_taken_for_that_of_somebody_else(world: OrbitWorld) -> None:
    read(world, status="reading")
    read(world, status="abandoned")
    settle(world)
    read(world, status="complete")
    lose_database(world)
    settle(world)

    assert world.server.readings[1]["status"] == "read"


def test_a_book_that_was_taken_up_again_is_on_hold_no_more(world: OrbitWorld) -> None:
    """Without a page having been turned, and a new database hears of both words at once."""
    for status in ("reading", "abandoned", "reading"):
        world.reader.open(world.book())
        world.reader.status = status
        world.reader.close()
        world.reader.sleep(3600)
        if status == "abandoned":
            settle(world)
    lose_database(world)
    settle(world)

    assert world.server.readings[1]["status"] == "reading"


def test_a_place_that_is_said_to_be_of_a_browser_is_no_later_than_any(world: OrbitWorld) -> None:
    """The first place of a book is told as one of the browser, and as late as it came in."""
    read(world)
    world.clock.forward(30 * 86400)
    world.take()
    world.sync()
    read(world)
    lose_database(world)
    settle(world)

    assert world.server.readings[1]["place"] == "/body/p[21].0"


def in_pdf(number: int, at: datetime = MORNING, **fields: Any) -> dict[str, Any]:
    ends = {name: {"page": number, "x": 10.5, "y": 20.25} for name in ("pos0", "pos1")}
    return highlight(number, at, page=number, **ends, **fields)


@pytest.mark.parametrize("mark", [highlight, dog_ear, in_pdf])
def test_a_mark_of_before_goes_where_its_list_has_it_no_more(world: OrbitWorld, mark: Any) -> None:
    first, second = mark(1), mark(2, MORNING + timedelta(minutes=1), text="second")
    read(world, [first, second])
    settle(world)
    read(world, [second])
    lose_database(world)
    settle(world)

    held = world.server.bookmarks if mark is dog_ear else world.server.annotations
    assert [one.get("title") or one["text"] for one in held] == ["second"]
