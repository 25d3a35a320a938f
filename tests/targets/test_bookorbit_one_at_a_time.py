"""BookOrbit mixes up what it is told of a book at the same time: nothing of this household ever does that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import SECRET, OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core.testing import MORNING

READ, BOOKS = 24, 3


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    """Much is owed, and every request takes its time."""
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        world.server.seconds = 0.02
        reader = world.reader
        for number in range(READ):
            reader.stars = 1 + number % 5
            reader.open(world.book(number % BOOKS))
            reader.turn(10, 60)
            marks = [highlight(1 + one, MORNING + timedelta(minutes=one), note=f"{one}") for one in range(number // 3)]
            reader.close(annotations=[*marks, *(dog_ear(20 + one) for one in range(number // 6))])
            reader.sleep(8000)
        world.clock.seconds = reader.now.timestamp()
        world.take()
        yield world


def booklore(world: OrbitWorld, *words: str) -> subprocess.Popen[str]:
    account = {"URL": world.server.url, "USERNAME": "reader", "PASSWORD": SECRET, "SINCE": "all"}
    environ = {**os.environ, **{f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()}}
    environ |= {"BOOKLORE_HOME": str(world.home), "BOOKLORE_BOOKLORE__ENABLED": "false"}
    command = [sys.executable, "-m", "booklore_core", *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(*programs: subprocess.Popen[str]) -> None:
    for one in programs:
        one.communicate(timeout=60)


def is_there_once(world: OrbitWorld) -> bool:
    marks = [(one["bookId"], one["pageno"]) for one in world.server.annotations]
    seconds = [one["durationSeconds"] for one in world.server.sessions]
    return seconds == [600] * READ and len(marks) == len(set(marks)) == 7 * BOOKS


def test_two_programs_that_sync_at_once(world: OrbitWorld) -> None:
    world.core.close()

    end(*(booklore(world, "sync", "--target", "bookorbit") for _ in range(2)))
    end(booklore(world, "sync", "--target", "bookorbit"))

    assert is_there_once(world)
    assert world.server.overlaps == []


def test_a_bridge_that_serves_beside_programs_that_sync_and_compare(world: OrbitWorld) -> None:
    world.core.close()
    bridge = booklore(world, "serve", "--port", "0")
    try:
        for _ in range(2):
            end(*(booklore(world, *one) for one in (("sync",), ("verify", "--target", "bookorbit"))))
    finally:
        bridge.terminate()
        end(bridge)
    end(booklore(world, "sync"))

    assert is_there_once(world)
    assert world.server.overlaps == []


def test_threads_that_sync_and_ask_where_a_reader_is(world: OrbitWorld) -> None:
    [book] = world.core.books.find(world.books[0].md5)
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            world.core.targets["bookorbit"].remote_position(book)
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    others = [threading.Thread(target=world.core.sync) for _ in range(2)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    stop.set()
    asking.join()
    world.sync()

    assert is_there_once(world)
    assert world.server.overlaps == []


def test_a_program_that_compares_beside_one_that_syncs_changes_nothing(world: OrbitWorld) -> None:
    """Sessions are compared by sending them again: those that are there are no news."""
    world.sync()
    for number in range(BOOKS):
        world.reader.read(world.book(number), pages=10, seconds=60)
        world.reader.sleep(8000)
    world.clock.seconds = world.reader.now.timestamp()
    world.take()
    world.core.close()
    world.server.seconds = 0.1

    end(booklore(world, "verify", "--target", "bookorbit"), booklore(world, "sync", "--target", "bookorbit"))
    end(
        booklore(world, "sync", "--target", "bookorbit")
    )  # the first one may have found that something is being compared

    assert [one["durationSeconds"] for one in world.server.sessions] == [600] * (READ + BOOKS)
