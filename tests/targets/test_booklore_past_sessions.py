"""Sessions of the past on a server that another program has told of the same reading: nothing is there twice."""

from __future__ import annotations

import random

import pytest
from lua_world import open_world
from past_world import WHOLE, act, extract, on_server, send_elsewhere, set_up
from told_thrice import evenings


@pytest.fixture(params=["booklore", "grimmory", "custom"])
def world(request, tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock, request.param):
        set_up(world)
        yield world


def test_what_another_program_has_sent_is_given_up(world):
    send_elsewhere(world, WHOLE)
    extract(world, WHOLE)

    world.sync()

    assert on_server(world) == [1200]
    assert world.core.pending() == {}
    (given_up,) = world.core.status().superseded
    assert "another program" in given_up.reason
    assert act(world, "history_stats").data["synced"] == 1


def test_of_what_another_program_has_sent_a_part_of_the_rest_is_sent(world):
    send_elsewhere(world, WHOLE[:10])
    extract(world, WHOLE)

    world.sync()

    assert on_server(world) == [600, 600]
    assert world.core.pending() == {}
    assert act(world, "verify").ok


def test_what_lies_beside_another_program_s_sessions_is_sent(world):
    send_elsewhere(world, WHOLE[:10])
    extract(world, WHOLE[10:])

    world.sync()

    assert on_server(world) == [600, 600]


def test_many_sessions_of_a_book_are_looked_for_at_once(world):
    extract(world, *(one.shown for one in evenings(random.Random(1), [("", "")] * 250)))
    before = len(world.server.requests)

    world.sync()

    looked = [one for one in world.server.requests[before:] if "/reading-sessions/book/" in one.path]
    assert len(on_server(world)) >= 250
    assert len(looked) < 10


def test_a_server_that_was_emptied_is_sent_everything_at_once(world):
    extract(world, WHOLE)
    world.sync()
    world.server._state.sessions.rows.clear()
    world.server._state.sessions._sorted.clear()

    result = act(world, "resync_history", True)

    assert on_server(world) == [1200]
    assert result.data["delivered"] == {"session": 1}
    assert act(world, "verify").ok


def test_what_was_given_up_is_sent_when_the_server_has_it_no_more(world):
    send_elsewhere(world, WHOLE)
    extract(world, WHOLE)
    world.sync()
    world.server._state.sessions.rows.clear()
    world.server._state.sessions._sorted.clear()

    act(world, "resync_history", True)

    assert on_server(world) == [1200]


def test_what_the_server_lost_and_another_program_told_is_not_missing(world):
    """Its time is there: `verify --resend` has nothing to send."""
    extract(world, WHOLE)
    world.sync()
    world.server._state.sessions.rows.clear()
    world.server._state.sessions._sorted.clear()
    send_elsewhere(world, WHOLE[:8], WHOLE[8:])

    assert act(world, "verify", resend=True).data["resent"] == 0
    world.sync()

    assert act(world, "verify").data["missing"] == []
    assert sum(on_server(world)) == 1200
