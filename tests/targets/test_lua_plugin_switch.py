"""Whoever switches from the Lua plugin: what was read is on the server or waits, and nothing is doubled or lost."""

from __future__ import annotations

import importlib.metadata
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from lua_database import times
from lua_world import LuaClient, open_world

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import SampleReader, answer_all

TITLES = ("Dune", "Emma", "Moby Dick")
DAYS = 120
HAS_HISTORY = any(entry.name == "history" for entry in importlib.metadata.entry_points(group="booklore"))


@pytest.fixture(params=["booklore", "grimmory", "custom"])
def world(request, tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock, request.param)


def evenings(seed=14):
    """When somebody read, in which book, and for how many seconds: one session a day."""
    rng, day = random.Random(seed), datetime(2025, 6, 1, 20, 0, tzinfo=UTC)
    for number in range(DAYS):
        begin = day + timedelta(days=number, minutes=rng.randint(0, 59))
        yield rng.choice(TITLES), begin, 60 * rng.randint(5, 60)


def rows_of(begin, seconds, last_page=0):
    """last_page: seconds of it that the session's end lacks, as where the plugin has made it of statistics (F6)."""
    end = begin + timedelta(seconds=seconds - last_page)
    return times(f"{begin:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}", seconds)


def live_year(world, last_page=0):
    """The plugin's database after a year: what it sent, what it believes it did not, and what waits."""
    database, client = world.database(), LuaClient(world.server)
    for number, title in enumerate(TITLES, start=1):
        database.book(number, world.book(title).partial_md5, book_id=world.book(title).id, title=title)
    sent, waiting = [], []
    for number, (title, begin, seconds) in enumerate(evenings()):
        book, row = world.book(title), rows_of(begin, seconds, last_page)
        about = {**row, "book_hash": book.partial_md5, "book_id": book.id, "created_at": number}
        if number % 10 < 7:
            client.send_session(book, row)
            history = {"koreader_book_id": book.id, "koreader_book_title": title, "matched": 1, "synced": 1}
            sent.append({**about, **history})
        else:
            if number % 10 == 7:
                client.send_session(book, row)  # its answer was lost
            waiting.append({**about, "retry_count": number % 3 if number % 10 > 7 else 1, "book_title": title})
    database.put("historical_sessions", *sent).put("pending_sessions", *waiting)
    return database


def on_server(world):
    return sorted((row["bookId"], row["startTime"], row["durationSeconds"]) for row in world.server.sessions)


def expected(world):
    told = ((world.book(title).id, f"{begin:%Y-%m-%dT%H:%M:%SZ}", seconds) for title, begin, seconds in evenings())
    return sorted(told)


def settle(world):
    for _ in range(3):
        world.sync()
        world.clock.forward(minutes=11)
    assert world.core.pending() == {}


def test_a_year_arrives_once(world):
    database = live_year(world)

    assert world.take_over(database).ok
    settle(world)

    assert on_server(world) == expected(world)


def test_what_was_sent_is_seen_by_verify(world):
    database = live_year(world)
    world.take_over(database)
    settle(world)

    verified = answer_all(start(world.core, "verify", Request()), [])

    assert verified.ok, verified.message
    assert verified.data["checked"] == DAYS


def test_a_session_that_the_server_has_lost_is_told(world):
    database = live_year(world)
    world.take_over(database)
    settle(world)
    row = next(iter(world.server._state.sessions.rows.values()))
    world.server._state.sessions.delete_where(id=row["id"])
    world.server._state.sessions._sorted[(row["userId"], row["bookId"])].remove((-row["startTime"], row["id"]))

    verified = answer_all(start(world.core, "verify", Request()), [])

    assert len(verified.data["missing"]) == 1


def test_twice_and_from_a_copy_is_once(world, tmp_path):
    database = live_year(world)
    world.take_over(database)
    settle(world)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(database.path.read_bytes())

    world.take_over(copy)
    settle(world)

    assert on_server(world) == expected(world)


def test_whoever_goes_on_reading_here_is_heard_once(world):
    database = live_year(world)
    world.take_over(database)
    book, reader = world.book("Dune"), SampleReader()
    reader.now = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
    reader.read({"partial_md5": book.partial_md5, "title": "Dune", "file": "/mnt/onboard/dune.epub", "pages": 600})
    world.core.take(reader.lines, "test")

    settle(world)

    assert len(on_server(world)) == DAYS + 1


def test_another_address_of_the_same_server_doubles_nothing(world):
    database = live_year(world)
    world.core.settings.set("booklore.url", world.server.url.replace("127.0.0.1", "localhost"))
    world.core.settings.set("booklore.username", world.server.username)
    world.core.settings.set("booklore.password", world.server.password)

    result = world.take_over(database)
    settle(world)

    assert "looked for before it is sent" in result.message or "it may have" in result.message
    assert on_server(world) == expected(world)


def test_a_new_server_gets_all_of_it(world, tmp_path):
    database = live_year(world)
    world.server._state.sessions.rows.clear()
    world.server._state.sessions._sorted.clear()
    world.core.settings.set("booklore.url", world.server.url.replace("127.0.0.1", "localhost"))
    world.core.settings.set("booklore.username", world.server.username)
    world.core.settings.set("booklore.password", world.server.password)

    world.take_over(database)
    settle(world)

    assert on_server(world) == expected(world)


@pytest.fixture
def statistics(world, tmp_path):
    """KOReader's own record of the same evenings: a page a minute."""
    path = tmp_path / "statistics.sqlite3"
    with closing(sqlite3.connect(path)) as koreader, koreader:
        koreader.executescript(
            "CREATE TABLE book (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, authors TEXT, notes INTEGER, "
            "last_open INTEGER, highlights INTEGER, pages INTEGER, series TEXT, language TEXT, md5 TEXT, "
            "total_read_time INTEGER, total_read_pages INTEGER);"
            "CREATE TABLE page_stat_data (id_book INTEGER, page INTEGER NOT NULL DEFAULT 0, start_time INTEGER NOT "
            "NULL DEFAULT 0, duration INTEGER NOT NULL DEFAULT 0, total_pages INTEGER NOT NULL DEFAULT 0, "
            "UNIQUE (id_book, page, start_time)); CREATE TABLE numbers (number INTEGER PRIMARY KEY);"
            "CREATE VIEW page_stat AS SELECT id_book, page, start_time, duration FROM page_stat_data;"
            "PRAGMA user_version = 20221111;"
        )
        for number, title in enumerate(TITLES, start=1):
            koreader.execute("INSERT INTO book (id, title, authors, pages, md5) VALUES (?, ?, '', 600, ?)",
                             (number, title, world.book(title).partial_md5))  # fmt: skip
        pages = [(TITLES.index(title) + 1, minute + 1, int(begin.timestamp()) + 60 * minute, 60, 600)
                 for title, begin, seconds in evenings() for minute in range(seconds // 60)]  # fmt: skip
        koreader.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", pages)
    return path


def extract(world, path):
    return answer_all(start(world.core, "extract_history", Request(args={"path": str(path)})), [True, True])


@pytest.mark.skipif(not HAS_HISTORY, reason="no plugin reads KOReader's statistics")
@pytest.mark.parametrize("last_page", [0, 60])
@pytest.mark.parametrize("order", ["plugin first", "statistics first", "statistics twice"])
def test_beside_koreaders_statistics_nothing_is_doubled(world, statistics, order, last_page):
    database = live_year(world, last_page)
    if order == "plugin first":
        world.take_over(database)
    assert extract(world, statistics).ok
    world.take_over(database)
    if order == "statistics twice":
        extract(world, statistics)
    settle(world)

    assert {(book, begin) for book, begin, _ in on_server(world)} == {one[:2] for one in expected(world)}
    assert len(on_server(world)) == DAYS


def command(world, home, path):
    environ = {**os.environ, "BOOKLORE_HOME": str(home)}
    words = [sys.executable, "-m", "booklore_core", "import-lua-plugin", str(path), "--yes"]
    return subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def taken(home):
    """Key → how its delivery stands, of what was taken over so far."""
    file = home / "booklore.sqlite"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT i.key, i.body, d.state, d.given_to FROM items i LEFT JOIN deliveries d "
                                     "ON d.item_id = i.id").fetchall()  # fmt: skip
    except sqlite3.OperationalError:
        return {}
    return {key: told for key, *told in found}


def test_killed_in_the_middle_and_begun_again_it_is_as_if_it_was_not(tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock):
        database = live_year(world)
        for number in range(12):
            md5 = f"{number:032x}"
            database.book(100 + number, md5, title=f"Book {number}")
            for day in range(1, 11):
                database.waiting(md5, f"2025-01-{day:02} 20:00", f"2025-01-{day:02} 20:30", 1800)
        whole = command(world, tmp_path / "whole", database.path)
        assert whole.wait(60) == 0, whole.stderr.read()
        expected_there = taken(tmp_path / "whole")

        for least in (1, 150):
            killed = command(world, tmp_path / "killed", database.path)
            while killed.poll() is None and len(taken(tmp_path / "killed")) < least:
                time.sleep(0.002)
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
            told = taken(tmp_path / "killed")
            assert {key: expected_there[key] for key in told} == told
        last = command(world, tmp_path / "killed", database.path)
        assert last.wait(60) == 0, last.stderr.read()

        assert taken(tmp_path / "killed") == expected_there
