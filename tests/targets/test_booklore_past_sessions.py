"""Sessions of the past on a server that another program has told of the same reading: nothing is there twice."""

from __future__ import annotations

import random

import pytest
from lua_world import LuaClient, open_world
from told_thrice import Evening, Reading, evenings, lua_sessions, write_statistics

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import answer_all

WHOLE = [(1_772_395_200 + 60 * number, 60, number + 1) for number in range(20)]


@pytest.fixture(params=["booklore", "grimmory", "custom"])
def world(request, tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock, request.param):
        for name in ("url", "username", "password"):
            world.core.settings.set(f"booklore.{name}", getattr(world.server, name))
        world.core.refresh()
        world.elsewhere = LuaClient(world.server)
        yield world


def extract(world, *read):
    """Takes KOReader's statistics of these evenings in. read: the pages of each."""
    dune = Reading("Dune", world.book("Dune").partial_md5, "", [Evening(list(shown), ("", "")) for shown in read])
    path = write_statistics(world.folder / f"statistics-{len(read)}.sqlite3", [dune])
    return act(world, "extract_history", True, True, path=str(path))


def act(world, name, *answers, **args):
    return answer_all(start(world.core, name, Request(args=args)), answers)


def send_elsewhere(world, *read):
    """As the Lua plugin sends what it has made of statistics."""
    for shown in read:
        for row in lua_sessions(shown):
            world.elsewhere.send_session(world.book("Dune"), row)


def on_server(world):
    return sorted(row["durationSeconds"] for row in world.server.sessions)


def test_what_another_program_has_sent_is_given_up(world):
    send_elsewhere(world, WHOLE)
    extract(world, WHOLE)

    world.sync()

    assert on_server(world) == [1200]
    assert world.core.pending() == {}
    (given_up,) = world.core.status().superseded
    assert "another program" in given_up.reason
    assert act(world, "history_stats").data["synced"] == 1


def test_what_another_program_has_sent_a_part_of_waits_and_says_for_what(world):
    send_elsewhere(world, WHOLE[:10])
    extract(world, WHOLE)

    world.sync()

    assert on_server(world) == [600]
    (waiting,) = world.core.status().waiting
    assert waiting.reason.startswith("another program has sent 600 s of its 1,200 s")
    assert "import-lua-plugin" in waiting.reason


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


def test_what_the_server_lost_and_another_program_told_is_no_loop(world):
    """`verify --resend` has it looked for; from then on it is not missing any more."""
    extract(world, WHOLE)
    world.sync()
    world.server._state.sessions.rows.clear()
    world.server._state.sessions._sorted.clear()
    send_elsewhere(world, WHOLE[:8], WHOLE[8:])

    assert act(world, "verify", resend=True).data["resent"] == 1
    world.sync()

    assert act(world, "verify").data["missing"] == []
