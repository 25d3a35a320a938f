"""The Lua plugin and our shim on one device at a time: what both tell counts once, what one of them tells counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import permutations

import pytest
from lua_database import times
from lua_world import LuaClient, open_world
from past_world import set_up
from told_thrice import BEGIN, PAGES, lua_sessions

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import SampleReader, answer_all

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


@pytest.mark.parametrize("order", list(permutations(("live", "lua"))) , ids=" ".join)
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

    print(part, order, read_seconds(world) / read)
    assert read_seconds(world) == pytest.approx(read, rel=0.02)
