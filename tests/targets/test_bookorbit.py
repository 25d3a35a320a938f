"""Everything that a reader does arrives at a BookOrbit, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core.testing import MORNING


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def test_a_day_of_reading_arrives(world: OrbitWorld) -> None:
    reader = world.reader
    reader.stars, reader.status = 4, "reading"
    reader.open(world.book())
    reader.turn(20, seconds=60)
    reader.close(annotations=[highlight(2, note="How true"), dog_ear(3)])

    world.take()
    report = world.sync()

    assert world.waiting() == []
    assert [run.unavailable for run in report.runs] == [None]
    [session] = world.server.sessions
    assert (session["startedAt"], session["durationSeconds"]) == ("2026-11-20T08:00:00.000Z", 1200)
    [mark] = world.server.annotations
    assert (mark["text"], mark["note"], mark["positionStatus"]) == ("Dune", "How true", "exact")
    assert [one["title"] for one in world.server.bookmarks] == ["in Book One"]
    reading = world.server.readings[1]
    assert (reading["rating"], reading["status"], reading["percent"]) == (4, "reading", 3.5)


def test_a_second_sync_asks_nothing(world: OrbitWorld) -> None:
    test_a_day_of_reading_arrives(world)
    asked = len(world.server.requests)

    world.take()
    world.sync()

    assert len(world.server.requests) == asked


def test_a_highlight_is_edited_and_removed(world: OrbitWorld) -> None:
    reader = world.reader
    for marks in ([highlight(2), highlight(5, MORNING + timedelta(minutes=1))], [highlight(2, note="Now I see")], []):
        reader.open(world.book())
        reader.turn(10)
        reader.close(annotations=marks)
        reader.sleep(3600)
        world.take()
        world.sync()
        held = [(one["pageno"], one["note"]) for one in world.server.annotations]
        assert held == [(one["pageno"], one.get("note")) for one in marks]

    assert world.waiting() == []
