"""The Lua plugin and our shim on one device at a time: what both tell counts once, what one of them tells counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise, permutations

import pytest
from lua_database import times
from lua_world import open_world
from past_world import act, set_up
from told_thrice import BEGIN, PAGES, lua_sessions

from booklore_core.testing import SampleReader

EVENINGS = 12


@pytest.fixture
def world(tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock):
        set_up(world)
        yield world


def pages_of(rng, day):
    """Pages of an evening, with pauses in between that are longer in its first half."""
    at, page, shown = int(BEGIN.timestamp()) + 86400 * day, 1, []
    for number in range(rng.randint(16, 30)):
        seconds = rng.randint(20, 110)
        shown.append((at, seconds, page))
        at += seconds + (rng.randint(60, 170) if number < 8 and rng.random() < 0.5 else 0)
        page += 1
    return shown


def statistics_rows(shown):
    return list(lua_sessions(shown))


def live_rows(shown):
    """As the plugin counts what it has tracked itself: from opening to closing."""
    first, last = shown[0], shown[-1]
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (first[0], last[0] + last[1]))
    row = times("2026-01-01 20:00", "2026-01-01 20:00", int((end - begin).total_seconds()))
    return [{**row, "start_time": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}"}]


def told_live(reader, book, shown, late=0):
    """Opened some seconds after the first page was shown, closed after the last."""
    reader.now = datetime.fromtimestamp(shown[0][0] + late, UTC)
    reader.open({"partial_md5": book.partial_md5, "title": book.title, "file": "/mnt/onboard/d.epub", "pages": PAGES})
    for at, seconds, page in shown:
        reader.sleep(max(0, at - reader.now.timestamp()))
        reader.page = page
        reader.turn(1, at + seconds - reader.now.timestamp())
    reader.close()


def read_seconds(world):
    return sum(seconds for *_, seconds in world.spans())


def on_server(world):
    return sum(row["durationSeconds"] for row in world.server.sessions)


PARTS = {"begin": (0, 0.5), "end": (0.5, 1), "middle": (0.3, 0.7), "most": (0, 0.9), "all": (0, 1), "few": (0.8, 1)}


@pytest.mark.parametrize("order", list(permutations(("live", "lua"))), ids=" ".join)
@pytest.mark.parametrize("part", PARTS)
def test_the_sum_of_what_waits_is_what_was_read(world, part, order):
    rng, book, reader = random.Random(5), world.book("Dune"), SampleReader()
    database, read = world.database().book(1, book.partial_md5, book_id=book.id, title="Dune"), 0
    for day in range(EVENINGS):
        shown = pages_of(rng, day)
        low, high = (round(len(shown) * share) for share in PARTS[part])
        for row in statistics_rows(shown):
            about = {"koreader_book_id": 1, "koreader_book_title": "Dune", "book_hash": book.partial_md5}
            database.put("historical_sessions", {**row, **about, "matched": 0, "synced": 0})
        told_live(reader, book, shown[low:high])
        reader.sleep(3600)
        read += sum(seconds for _, seconds, _ in shown)

    for step in order:
        if step == "live":
            assert not world.core.take(reader.lines, "test").rejected
        else:
            world.take_over(database)

    assert read_seconds(world) == pytest.approx(read, rel=0.025)


@pytest.mark.parametrize("part", PARTS)
def test_of_a_session_that_the_plugin_tracked_what_our_lines_leave_is_due(world, part):
    """It counts from opening to closing, and so does what is left of it."""
    rng, book, reader = random.Random(6), world.book("Dune"), SampleReader()
    shown = pages_of(rng, 1)
    low, high = (round(len(shown) * share) for share in PARTS[part])
    (row,) = live_rows(shown)
    database = world.database().book(1, book.partial_md5, book_id=book.id, title="Dune")
    database.put("pending_sessions", {**row, "book_hash": book.partial_md5, "book_id": book.id})
    told_live(reader, book, shown[low:high], late=4)
    world.core.take(reader.lines, "test")

    world.take_over(database)

    live = [item for item in world.items("session") if item.body["stretches"]]
    rest = [item for item in world.items("session") if not item.body["stretches"]]
    assert len(live) == 1
    spans = sorted((item.body["start"], item.body["end"]) for item in (*live, *rest))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    outside = row["duration_seconds"] - (shown[high - 1][0] + shown[high - 1][1] - shown[low][0])
    assert sum(item.body["duration"] for item in rest) == pytest.approx(outside, abs=60)


LATE = [-20, -3, 0, 3, 20]


@pytest.mark.parametrize("rows_of", [statistics_rows, live_rows])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("order", list(permutations(("live", "lua"))), ids=" ".join)
def test_what_the_plugin_has_sent_and_our_lines_tell_is_not_sent_again(world, order, late, rows_of):
    rng, book, reader = random.Random(7), world.book("Dune"), SampleReader()
    database = world.database().book(1, book.partial_md5, book_id=book.id, title="Dune")
    for day in range(EVENINGS):
        shown = pages_of(rng, day)
        for row in rows_of(shown):
            about = {"koreader_book_id": 1, "koreader_book_title": "Dune", "book_hash": book.partial_md5}
            database.put("historical_sessions", {**row, **about, "book_id": book.id, "matched": 1, "synced": 1})
            world.elsewhere.send_session(book, row)
        told_live(reader, book, shown, late)
        reader.sleep(3600)
    there = world.server.sessions

    for step in order:
        if step == "live":
            assert not world.core.take(reader.lines, "test").rejected
        else:
            world.take_over(database)
    for _ in range(3):
        world.sync()
        world.clock.forward(minutes=11)

    assert world.server.sessions == there
    assert world.core.pending() == {}
    assert act(world, "verify").ok


def test_what_both_have_sent_is_told_by_the_import_and_by_verify(world):
    shown, book, reader = pages_of(random.Random(8), 1), world.book("Dune"), SampleReader()
    told_live(reader, book, shown, late=3)
    world.core.take(reader.lines, "test")
    assert world.sync() == {"session": 1}
    database = world.database().book(1, book.partial_md5, book_id=book.id, title="Dune")
    for row in statistics_rows(shown):
        about = {"koreader_book_id": 1, "koreader_book_title": "Dune", "book_hash": book.partial_md5}
        database.put("historical_sessions", {**row, **about, "book_id": book.id, "matched": 1, "synced": 1})
        world.elsewhere.send_session(book, row)

    result = world.take_over(database)
    world.sync()

    (told,) = [line for line in result.message.splitlines() if "twice" in line]
    assert told.startswith("1 session sent from here and by the plugin: the server may have that reading twice")
    assert "`booklore verify`" in told
    (overlap,) = act(world, "verify").data["overlapping"]
    assert "overlaps" in overlap["detail"]
    assert len(world.server.sessions) == 2


def test_what_was_tried_in_vain_and_has_arrived_is_not_sent_again_by_our_lines(world):
    shown, book, reader = pages_of(random.Random(9), 1), world.book("Dune"), SampleReader()
    (row,) = live_rows(shown)
    world.elsewhere.send_session(book, row)
    database = world.database().book(1, book.partial_md5, book_id=book.id, title="Dune")
    waiting = {**row, "book_hash": book.partial_md5, "book_id": book.id, "retry_count": 1}
    database.put("pending_sessions", waiting)
    told_live(reader, book, shown, late=3)
    world.core.take(reader.lines, "test")

    world.take_over(database)
    for _ in range(3):
        world.sync()
        world.clock.forward(minutes=11)

    assert len(world.server.sessions) == 1
    assert world.core.pending() == {}
