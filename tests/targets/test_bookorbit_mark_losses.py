"""The ways of its contract's §13 in which a BookOrbit loses or doubles highlights and bookmarks: none happens."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import PLACE, OrbitWorld, asked, dog_ear, highlight, item, orbit_world, read, verify

from booklore_core.testing import MORNING
from booklore_core.testing.orbit.web_marks import trash
from booklore_targets.bookorbit.mark_exchange import REMOVED_THERE

EXCHANGES = ("/annotations/exchange", "/bookmarks/exchange")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def test_3_a_highlight_whose_answer_was_lost_is_looked_for_and_waits(world: OrbitWorld) -> None:
    """The request is carried out five minutes after it was given up."""
    world.server.fail("late:300", "POST /api/v1/koreader/plugin/annotations")
    read(world, [highlight(1)])
    asked_first = len(asked(world, EXCHANGES[0]))

    world.clock.forward(60)
    world.sync()
    world.clock.forward(300)
    world.sync()
    world.clock.forward(900)
    world.sync()

    assert asked_first == 1
    assert len(world.server.annotations) == 1
    assert world.waiting() == []


def test_4_two_highlights_of_one_second_are_two(world: OrbitWorld) -> None:
    read(world, [highlight(1), highlight(2, text="Dune")])

    assert len(world.server.annotations) == 2
    assert len({one["datetime"] for one in world.server.state.annotations}) == 2


def test_4_a_highlight_made_in_the_second_of_a_removed_one_arrives(world: OrbitWorld) -> None:
    read(world, [highlight(1)])
    read(world, [])
    read(world, [highlight(2)])

    assert [one["pageno"] for one in world.server.annotations] == [2]


def test_4_a_highlight_that_was_removed_comes_back(world: OrbitWorld) -> None:
    read(world, [highlight(1), highlight(3)])
    read(world, [highlight(3)])
    read(world, [highlight(1), highlight(3)])

    assert sorted(one["pageno"] for one in world.server.annotations) == [1, 3]


def test_4_a_highlight_that_somebody_removed_there_is_given_up_with_the_reason(world: OrbitWorld) -> None:
    read(world, [highlight(1), highlight(2)])
    trash(world.server.state.annotations[0], world.clock())
    assert verify(world, resend=True).data["resent"] == 1

    world.sync()

    assert [(one["state"], one["reason"]) for one in world.waiting()] == [("superseded", REMOVED_THERE)]
    assert verify(world).ok
    assert [one["pageno"] for one in world.server.annotations] == [2]


def test_6_bookmarks_of_pages_are_declined_once_and_wait_for_nothing(world: OrbitWorld) -> None:
    read(world, [dog_ear(page=12), highlight(1)])
    asked_first = len(world.server.requests)

    world.sync()

    assert len(world.server.requests) == asked_first
    [declined] = world.waiting()
    assert declined["state"] == "superseded"
    assert "no bookmarks of pages" in declined["reason"]
    assert world.core.pending() == {}


def test_6_a_bookmark_that_the_server_cannot_place_costs_the_others_nothing(world: OrbitWorld) -> None:
    read(world, [dog_ear(1), dog_ear(2, page="/body/DocFragment[77]/body/p[1]/text().0"), dog_ear(3)])

    assert len(world.server.bookmarks) == 2
    assert [one["state"] for one in world.waiting()] == ["superseded"]
    assert world.core.pending() == {}


def test_6_a_bookmark_without_a_place_is_found_in_few_requests(world: OrbitWorld) -> None:
    many = [dog_ear(1 + n % 30, MORNING + timedelta(minutes=n), page=PLACE.format(1 + n % 30, n // 30))
            for n in range(200)]  # fmt: skip
    read(world, [*many[:120], dog_ear(2, page="/body/DocFragment[77]/body/p[1]/text().0"), *many[120:]])

    assert len(world.server.bookmarks) == 200
    assert [one["state"] for one in world.waiting()] == ["superseded"]
    assert world.core.pending() == {}
    assert len(asked(world, EXCHANGES[1])) <= 25


@pytest.mark.parametrize("fault", ["status:500", "commit_then_500"])
def test_15_many_that_were_answered_by_a_500_go_on_at_once_and_are_there_once(world: OrbitWorld, fault: str) -> None:
    many = [highlight(1 + n % 30, MORNING + timedelta(minutes=n), pos0=PLACE.format(1 + n % 30, n // 30))
            for n in range(200)]  # fmt: skip
    world.server.fail(fault, "POST /api/v1/koreader/plugin/annotations", times=2, after=1)
    read(world, many)

    assert (len(world.server.annotations), world.waiting()) == (200, [])
    assert len(asked(world, EXCHANGES[0])) <= 15


def test_8_an_edited_note_arrives_each_time(world: OrbitWorld) -> None:
    """KOReader changes the date of an edit not with its note."""
    for note in (None, "once", "twice", None, "three times"):
        read(world, [highlight(1, note=note)])
        assert [one["note"] for one in world.server.annotations] == [note]


def test_12_a_late_repeat_does_not_raise_a_removed_bookmark(world: OrbitWorld) -> None:
    """Made, its answer lost, and removed before anybody knew whether it was there."""
    world.server.fail("late:420", "POST /api/v1/koreader/plugin/bookmarks")
    read(world, [dog_ear(1)])
    world.reader.now -= timedelta(seconds=7100)
    read(world, [])
    for _ in range(4):
        world.clock.forward(400)
        world.sync()

    assert world.server.bookmarks == []
    assert world.core.pending() == {}


@pytest.mark.parametrize(("order", "others"), [((0, 1, 2), 0), ((2, 1, 0), 0), ((1, 2, 0), 0), ((2, 1, 0), 120)])
def test_4_a_new_database_gives_each_highlight_the_second_that_it_has(
    world: OrbitWorld, order: tuple[int, ...], others: int
) -> None:
    """Three of one second were sent by a database that was lost; their notes are where they were. others: those that
    there were before."""
    many = [highlight(4 + n // 5, MORNING - timedelta(minutes=n), pos0=PLACE.format(4 + n // 5, n % 5))
            for n in range(1, others + 1)]  # fmt: skip
    marks = [highlight(number, note=f"note {number}") for number in (1, 2, 3)]
    read(world, many)
    read(world, [*many, *marks, dog_ear(5)])
    there = sorted((one["pageno"], one["note"], one["cfi"]) for one in world.server.annotations)
    world.core.close()
    world.home = world.home.with_name("anew")
    world.core = world.open()
    told = [dict(line) for line in world.reader.lines]
    told[-1]["annotations"] = [*many, *(marks[number] for number in order), dog_ear(5)]

    world.core.take(told, "test")
    world.sync()
    world.clock.forward(700)
    world.sync()

    assert sorted((one["pageno"], one["note"], one["cfi"]) for one in world.server.annotations) == there
    assert len(world.server.bookmarks) == 1
    assert [one["durationSeconds"] for one in world.server.sessions] == [600, 600]
    read(world, [{**marks[1], "note": "anew"}, marks[0], *many, dog_ear(5)])
    assert (2, "anew") in [(one["pageno"], one["note"]) for one in world.server.annotations]


@pytest.mark.parametrize("lost", [1, 2])
def test_12_a_bookmark_is_set_again_while_nobody_knows_whether_it_was_removed(world: OrbitWorld, lost: int) -> None:
    """The device that has it told of it is not believed again under the same date: BookOrbit calls it a duplicate."""
    read(world, [dog_ear(1)])
    world.server.fail("close_after", "POST /api/v1/koreader/plugin/bookmarks", after=lost - 1)
    read(world, [])
    read(world, [dog_ear(1)])
    for _ in range(3):
        world.clock.forward(700)
        world.sync()

    assert len(world.server.bookmarks) == 1
    assert world.core.pending() == {}


def test_4_a_highlight_is_made_again_while_nobody_knows_whether_it_was_removed(world: OrbitWorld) -> None:
    read(world, [highlight(1)])
    world.server.fail("close_after", "POST /api/v1/koreader/plugin/annotations")
    read(world, [])
    read(world, [highlight(1)])
    for _ in range(3):
        world.clock.forward(700)
        world.sync()

    assert len(world.server.annotations) == 1
    assert world.core.pending() == {}


def test_4_no_second_is_given_again_that_a_removed_mark_once_had(world: OrbitWorld) -> None:
    ears = [[], [dog_ear(1)]] * 4
    for number, told in enumerate(ears):
        read(world, [*told, *([highlight(1)] if number % 2 else [])])
    read(world, [dog_ear(1), highlight(1), highlight(2)])

    assert len(world.server.bookmarks) == 1
    assert sorted(one["pageno"] for one in world.server.annotations) == [1, 2]


def strange(paragraph: int, at: datetime, **fields: Any) -> dict[str, Any]:
    """In a book whose format has other places than an EPUB's."""
    place = f"/FictionBook/body/section[2]/p[{paragraph}]/text()"
    return highlight(paragraph, at, pos0=f"{place}.0", pos1=f"{place}.4", page=f"{place}.0", **fields)


def test_a_highlight_whose_place_it_cannot_find_is_listed_there_and_its_reader_is_told(world: OrbitWorld) -> None:
    one, other = strange(3, MORNING), highlight(5, MORNING + timedelta(minutes=1))
    read(world, [one, other])

    assert sorted(mark["pageno"] for mark in world.server.annotations) == [3, 5]
    [told] = world.core.status().superseded
    assert (told.book, told.target) == ("Dune", "bookorbit")
    assert "without its place" in (told.reason or "")
    assert world.core.pending() == {}

    read(world, [{**one, "note": "Now I see"}, other])
    assert sorted(mark["note"] or "" for mark in world.server.annotations) == ["", "Now I see"]
    read(world, [other])
    assert [mark["pageno"] for mark in world.server.annotations] == [5]
    assert world.core.status().superseded == []


def test_what_is_no_place_at_all_waits_with_its_reason(world: OrbitWorld) -> None:
    read(world, [highlight(3, pos0=None, pos1=None, page=None), highlight(5, MORNING + timedelta(minutes=1))])

    assert [mark["pageno"] for mark in world.server.annotations] == [5]
    [waiting] = world.core.status().waiting
    assert (waiting.kind, waiting.reason) == ("annotation", "it has no place in the book that BookOrbit could keep")


@pytest.mark.parametrize("field", ["text", "note", "chapter"])
def test_what_the_database_does_not_take_is_left_out_of_a_text(world: OrbitWorld, field: str) -> None:
    """PostgreSQL has no U+0000 in a text; lines of a device are mended, what other programs bring is not."""
    marked = item(
        world, "annotation", {**highlight(2), "note": "Now I see", field: "A\0 word", "device": "kobo\0"}, key="one"
    )
    eared = item(world, "bookmark", {**dog_ear(4), field: "A\0 word"}, key="other")

    world.send(marked, eared)
    world.send(item(world, "progress", {"device_id": "kobo\0", "device": "Ko\0bo", "percent": 0.5}))

    assert world.waiting() == []
    assert "A word" in json.dumps(world.server.annotations)
    assert len(world.server.bookmarks) == 1
    assert world.server.readings[1]["percent"] == 50
