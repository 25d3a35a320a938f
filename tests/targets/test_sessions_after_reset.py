"""A core that was reset, and a server that still has everything: what was read since comes to it, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lua_world import open_world
from past_world import WHOLE, act, extract, on_server, reset, send_elsewhere, set_up

from booklore_core.testing import SampleReader


@pytest.fixture(params=["booklore", "custom"])
def world(request, tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock, request.param):
        set_up(world)
        yield world


def test_a_session_of_the_past_that_has_grown_is_sent_as_far_as_the_server_lacks_it(world):
    extract(world, WHOLE[:12])
    world.sync()
    reset(world)
    extract(world, WHOLE)

    assert world.sync() == {"session": 1}

    assert on_server(world) == [480, 720]
    assert world.core.pending() == {}
    assert act(world, "verify").ok
    world.sync()
    assert len(on_server(world)) == 2


def test_what_grew_at_both_ends_and_in_the_middle_comes_in_parts(world):
    extract(world, WHOLE[2:4], WHOLE[12:14])
    world.sync()
    reset(world)
    extract(world, WHOLE)
    world.sync()

    assert sum(on_server(world)) == 1200
    assert act(world, "verify").ok


def test_what_was_told_live_before_the_reset_is_not_sent_once_more_from_the_statistics(world):
    reader, book = SampleReader(), world.book("Dune")
    reader.now = datetime.fromtimestamp(WHOLE[0][0] + 3, UTC)
    reader.open({"partial_md5": book.partial_md5, "title": "Dune", "file": "/mnt/onboard/dune.epub", "pages": 600})
    for _ in range(9):
        reader.turn(1, 60)
    reader.wait(55)
    reader.close()
    world.core.take(reader.lines, "test")
    world.sync()
    assert on_server(world) == [595]
    reset(world)
    extract(world, WHOLE)
    world.sync()

    assert sum(on_server(world)) == pytest.approx(1200, abs=10)
    assert world.core.pending() == {}


def test_a_lost_answer_to_a_part_is_looked_for_and_not_repeated(world):
    send_elsewhere(world, WHOLE[:10])
    extract(world, WHOLE)
    world.server.fail("close_after", "POST /api/v1/reading-sessions")

    world.sync()
    world.sync()

    assert on_server(world) == [600, 600]
    assert world.core.pending() == {}
