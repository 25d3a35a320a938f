"""Lines of a device, KOReader's statistics, the Lua plugin's database and syncs in any order: each second once."""

from __future__ import annotations

import random
from collections import Counter
from itertools import permutations

import pytest
from lua_world import LuaClient, open_world
from past_world import reset, set_up
from told_thrice import Reading, evenings, live_lines, write_lua, write_statistics

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import answer_all

TITLES = ("Dune", "Emma")
LUA, LIVE, NOBODY = ("lua", "lua"), ("live", "live"), ("", "")
SWITCHED = [("lua", "live"), ("live", ""), ("", "live"), ("lua", "")]
STEPS = ("live", "extract", "lua", "sync")
SENT = {"all sent": lambda number: True, "none sent": lambda number: False, "some sent": lambda number: number % 3 > 0}
TOLERATED = 0.001
"""Of the whole, where a session was cut in which nobody knows when each page was shown."""


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


class Past:
    """What was read, three times told, and what is done with it."""

    def __init__(self, world, folder, seed, sent):
        self.world, rng = world, random.Random(seed)
        trackers = [LUA, NOBODY, *SWITCHED, LIVE, LUA, LIVE]
        rng.shuffle(trackers)
        self.readings = [Reading(title, world.book(title).partial_md5, "", list(evenings(rng, trackers)))
                         for title in TITLES]  # fmt: skip
        ids, client = {title: world.book(title).id for title in TITLES}, LuaClient(world.server)
        self.database = world.database()
        write_lua(self.database, self.readings, ids, sent, lambda title, row: client.send_session(
            world.book(title), row))  # fmt: skip
        self.statistics = write_statistics(folder / "statistics.sqlite3", self.readings)
        self.lines = live_lines(self.readings)
        world.elsewhere = client
        set_up(world)

    def do(self, step):
        {"live": self._hear, "extract": self._extract, "lua": self._take_over, "sync": self.world.sync}[step]()

    def _hear(self):
        for begin in range(0, len(self.lines), 5):
            assert not self.world.core.take(self.lines[begin : begin + 5], "test").rejected

    def _extract(self):
        request = Request(args={"path": str(self.statistics)})
        assert answer_all(start(self.world.core, "extract_history", request), [True, True]).ok

    def _take_over(self):
        assert self.world.take_over(self.database).ok

    def settle(self):
        for _ in range(3):
            self.world.sync()
            self.world.clock.forward(minutes=11)

    def on_server(self):
        """Title → seconds of reading there."""
        counts = Counter()
        for row in self.world.server.sessions:
            counts[next(title for title in TITLES if self.world.book(title).id == row["bookId"])] += row[
                "durationSeconds"
            ]
        return dict(counts)

    def here(self):
        """Title → seconds of the sessions that wait or were sent."""
        told = "SELECT book_hash, duration_seconds FROM historical_sessions"
        waiting = "SELECT book_hash, duration_seconds FROM pending_sessions"
        counts = Counter()
        for row in (*self.world.core.database.rows(told), *self.world.core.database.rows(waiting)):
            counts[next(one.title for one in self.readings if one.md5 == row["book_hash"])] += row["duration_seconds"]
        return dict(counts)

    def truth(self):
        return {one.title: pytest.approx(one.seconds, rel=TOLERATED) for one in self.readings}


@pytest.fixture(params=SENT)
def past(request, world, tmp_path):
    return Past(world, tmp_path, 14, SENT[request.param])


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" ".join)
def test_in_any_order_the_server_and_the_journal_have_what_was_read(past, order):
    for step in order:
        past.do(step)
    past.settle()

    assert past.here() == past.truth()
    assert past.on_server() == past.truth()
    assert past.world.core.pending() == {}


@pytest.mark.parametrize("order", list(permutations(STEPS[:3])), ids=" ".join)
def test_with_a_sync_after_each_and_all_of_it_twice_nothing_is_added(past, order):
    for step in (*order, *order):
        past.do(step)
        past.do("sync")
    past.settle()
    before = list(past.world.server.sessions)

    for step in (*reversed(order), "sync"):
        past.do(step)

    assert past.on_server() == past.truth()
    assert past.world.server.sessions == before
    verified = answer_all(start(past.world.core, "verify", Request()), [])
    assert verified.ok, verified.message


@pytest.mark.parametrize("authors", ["", "Cy Comment"])
@pytest.mark.parametrize("has_digest", [False, True], ids=["no digest", "a digest later"])
@pytest.mark.parametrize("order", list(permutations(STEPS[:3])), ids=" ".join)
def test_a_book_without_a_digest_is_one_whoever_tells_of_it(world, tmp_path, order, has_digest, authors):
    book = Reading("Comments", "", authors, list(evenings(random.Random(3), [LUA, NOBODY, LUA, LIVE])))
    database, path = world.database(), write_statistics(tmp_path / "statistics.sqlite3", [book])
    write_lua(database, [book], {}, lambda number: False, None)
    book.md5, lines = "c" * 32, []
    lines = live_lines([book]) if has_digest else []

    for step in order:
        if step == "live":
            world.core.take(lines, "test")
        elif step == "lua":
            world.take_over(database)
        else:
            request = Request(args={"path": str(path)})
            answer_all(start(world.core, "extract_history", request), [True, True])

    assert sum(seconds for _, _, seconds in world.spans()) == pytest.approx(book.seconds, rel=TOLERATED)
    assert has_digest or len({item.book.partial_md5 for item in world.items("session")}) == 1


@pytest.mark.parametrize("past", ["some sent"], indirect=True)
@pytest.mark.parametrize("order", list(permutations(STEPS[:3])), ids=" ".join)
def test_a_database_that_is_lost_after_each_step_doubles_nothing_and_leaves_nothing_out(past, order):
    for step in order:
        past.do(step)
        past.do("sync")
        reset(past.world)
    for step in order:
        past.do(step)
        past.do("sync")
    past.settle()

    assert past.on_server() == past.truth()
    assert past.world.core.pending() == {}
