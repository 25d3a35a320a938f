"""Everything that a reader does arrives at a BookOrbit, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core import Candidate, Match, Request
from booklore_core.actions import start
from booklore_core.testing import MORNING, answer_all
from booklore_core.testing.orbit.web_devices import remove


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


def test_a_book_of_another_file_goes_where_a_person_has_matched_it(world: OrbitWorld) -> None:
    world.reader.stars = 3
    world.reader.open(world.book(partial_md5="f" * 32))
    world.reader.turn(20, seconds=60)
    world.reader.close(annotations=[highlight(1), dog_ear(2)])
    world.take()
    world.sync()
    assert world.server.sessions == []

    world.core.books.match("f" * 32, "bookorbit", Match("1", "person"), world.clock.utc())
    world.sync()

    assert world.core.pending() == {}
    assert [one["bookId"] for one in world.server.sessions] == [1]
    assert (len(world.server.annotations), len(world.server.bookmarks)) == (1, 1)
    assert world.server.readings[1]["rating"] == 3


def test_a_file_that_the_server_has_rewritten_is_still_known(world: OrbitWorld) -> None:
    book = world.book()
    world.books[0].former.add(world.books[0].md5)
    world.books[0].md5 = "e" * 32
    world.reader.read(book)
    world.take()
    world.sync()

    assert [one["bookId"] for one in world.server.sessions] == [1]


def test_what_went_with_a_device_comes_back_by_verify(world: OrbitWorld) -> None:
    """The eleventh way of contract 13: removing it on the web leaves its sessions, and takes what they were made of."""
    world.reader.read(world.book(), pages=20, seconds=60)
    world.take()
    world.sync()
    for _, _, device in list(world.server.state.events):
        remove(world.server.state, world.server.state.users[0], device)
    world.reader.sleep(300)
    world.reader.read(world.book(), pages=10, seconds=60)
    world.take()
    world.clock.forward(60)
    world.sync()

    first, second = (answer_all(start(world.core, "verify", Request()), []) for _ in range(2))

    assert [one["kind"] for one in first.data["missing"]] == ["session"]
    assert second.ok
    assert sum(one["durationSeconds"] for one in world.server.sessions) == 1800


def test_the_reader_in_a_browser_is_asked_about(world: OrbitWorld) -> None:
    world.reader.read(world.book(), pages=20)
    world.take()
    world.sync()
    [book] = world.core.books.find(world.books[0].md5)
    own = world.core.targets["bookorbit"].remote_position(book)
    world.server.state.shared[1, 1].update(
        percent=62.5, place="/body/DocFragment[2]/body", at=world.clock.seconds + 60, written=10**6, is_web=True
    )

    web = world.core.targets["bookorbit"].remote_position(book)

    assert own is not None
    assert own.device_id == "kobo-7f3a"
    assert web is not None
    assert (web.percent, web.position, web.device) == (0.625, None, "web")


def test_a_place_that_arrived_behind_a_web_page_is_known_as_ones_own(world: OrbitWorld) -> None:
    """A proxy answers with a page of its own what the server has carried out."""
    world.reader.read(world.book(), pages=20)
    world.take()
    world.server.fail("commit_then_html_200", "PUT /api/v1/koreader/syncs/progress")
    world.sync()
    [book] = world.core.books.find(world.books[0].md5)

    there = world.core.targets["bookorbit"].remote_position(book)

    assert there is not None
    assert (there.percent, there.device_id) == (0.035, "kobo-7f3a")


def test_sync_that_is_switched_off_there_ends_the_run_and_rejects_nothing(world: OrbitWorld) -> None:
    world.reader.read(world.book())
    world.take()
    world.server.state.users[0].sync = False
    [run] = world.sync().runs
    world.server.state.users[0].sync = True

    assert "switched off" in (run.unavailable or "")
    assert sum(run.rejected.values()) == 0
    world.sync()
    assert world.core.pending() == {}


def test_a_book_is_found_by_its_title_and_its_number(world: OrbitWorld) -> None:
    target = world.core.targets["bookorbit"]

    assert [(one.remote_id, one.title) for one in target.search("emma", 5)] == [("2", "Emma")]
    assert target.book("2") == Candidate("2", "Emma", ("Jane Austen",))
    assert target.book("99") is None
