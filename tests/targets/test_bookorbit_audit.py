"""`booklore verify` at a BookOrbit: whatever it lets one read back is compared, and comes back where it is missing."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import OrbitWorld, asked, dog_ear, highlight, orbit_world, read, verify

from booklore_core.testing import MORNING, SampleReader


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def missing(world: OrbitWorld) -> list[tuple[str, str]]:
    return [(one["kind"], one["detail"]) for one in verify(world).data["missing"]]


def resent(world: OrbitWorld) -> None:
    verify(world, resend=True)
    world.clock.forward(3600)
    world.sync()


def test_a_place_that_is_not_there_is_missed_and_sent_again(world: OrbitWorld) -> None:
    read(world, [])
    kept = [dict(of) for of in (world.server.state.places, world.server.state.shared)]
    assert missing(world) == []
    world.server.state.places.clear()
    world.server.state.shared.clear()

    assert missing(world) == [("progress", "no place is there")]
    resent(world)

    assert missing(world) == []
    assert world.server.readings[1]["percent"] == kept[1][1, 1]["percent"]


def test_a_place_of_before_is_missed_and_somebody_elses_is_not(world: OrbitWorld) -> None:
    state = world.server.state
    read(world, [])
    before = deepcopy((state.places, state.shared))
    read(world, [])
    now = deepcopy((state.places, state.shared))

    state.places, state.shared = before
    assert missing(world) == [("progress", "1.8% there, 3.5% here")]

    state.places, state.shared = now
    state.shared[1, 1].update(percent=1.0, place=None, written=10**6, is_web=True)
    assert missing(world) == []


def test_a_place_that_another_device_has_told_is_not_missed(world: OrbitWorld) -> None:
    other = SampleReader("kindle", world.reader.now + timedelta(days=1))
    for reader in (world.reader, other):
        read(world, [], reader=reader)

    assert missing(world) == []


def test_a_place_is_not_missed_where_another_device_was_further_on_before(world: OrbitWorld) -> None:
    """It was told of later, when the same pages had been read once more."""
    other = SampleReader("kindle", world.reader.now + timedelta(days=1))
    other.read(world.book(), pages=20)
    world.reader.open(world.book())
    world.reader.turn(10, seconds=60)
    world.reader.checkpoint()
    world.reader.die()
    world.take()
    world.sync()
    world.reader.sleep(2 * 86400)
    read(world, [])
    world.take(other)
    world.sync()

    assert world.server.pushes[-1]["percent"] == 3.5
    assert missing(world) == []


@pytest.mark.parametrize(("given", "there"), [("complete", "read"), ("abandoned", "abandoned")])
def test_a_status_that_is_not_there_is_missed_and_sent_again(world: OrbitWorld, given: str, there: str) -> None:
    world.reader.status = given
    read(world, [])
    assert missing(world) == []
    state = world.server.state.state_of(world.server.state.users[0], world.books[0])
    state["status"] = "reading"

    assert missing(world) == [("status", f"“reading” there, “{there}” here")]
    resent(world)

    assert world.server.readings[1]["status"] == there
    assert missing(world) == []


@pytest.mark.parametrize("kind", ["annotation", "bookmark"])
@pytest.mark.parametrize("count", [99, 102, 103, 330])
def test_of_hundreds_of_marks_the_one_that_is_not_there_is_found(world: OrbitWorld, kind: str, count: int) -> None:
    mark = highlight if kind == "annotation" else dog_ear
    read(world, [mark(1 + n % 30, MORNING + timedelta(minutes=n), **places(kind, n)) for n in range(count)])
    rows = getattr(world.server.state, f"{kind}s")
    assert (len(rows), missing(world)) == (count, [])
    for lost in (rows[count // 2], rows[-1]):
        rows.remove(lost)

    assert [found[0] for found in missing(world)] == [kind] * 2
    resent(world)
    assert missing(world) == []


def test_a_look_at_hundreds_leaves_nothing_new_when_it_is_taken_again(world: OrbitWorld) -> None:
    read(world, [highlight(1 + n % 30, MORNING + timedelta(minutes=n), **places("annotation", n)) for n in range(330)])
    rows = world.server.state.annotations
    missing(world)
    devices = [set(row["links"]) for row in rows]

    missing(world)

    assert [set(row["links"]) for row in rows] == devices
    changed = asked(world, "/annotations/exchange")[-4:]
    assert [[book["changes"] for book in one["books"]] for one in changed] == [[[]]] * 4


def places(kind: str, number: int) -> dict[str, Any]:
    """Each at a place of its own, of which the paragraphs have enough."""
    start = f"/body/DocFragment[1]/body/p[{1 + number % 30}]/text().{number // 30}"
    return {"page": start, "pos0": start} if kind == "annotation" else {"page": start}
