"""Power fails at steps of a day at a BookOrbit, before and after their effect: the next process makes it all good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import OrbitWorld, dog_ear, highlight
from power import AFTER, BEFORE, Machine, powered

from booklore_core.testing import MORNING, SampleReader

STRIDE, PARTS = 29, 4
"""In the suite every so many steps, each on one side; in so many parts, so that workers can share them."""


def day() -> list[list[dict[str, object]]]:
    """Two hand-overs of two devices: all kinds, two highlights of one second, an edit, a removal, stars given twice."""
    reader, other = SampleReader("kobo-7f3a"), SampleReader("boox-0001", MORNING + timedelta(hours=1))
    first, second, third = highlight(1), highlight(2), highlight(4, MORNING + timedelta(minutes=1))
    reader.stars, reader.review = 4, "A desert."
    reader.open(BOOK)
    reader.turn(10, 60)
    reader.close(annotations=[first, second, third, dog_ear(3, MORNING + timedelta(minutes=2))])
    begun = list(reader.lines)
    other.open(BOOK)
    other.turn(12, 60)
    other.close()
    reader.sleep(4 * 3600)
    reader.stars, reader.status, reader.review = 2, "complete", "A desert, and people."
    reader.open(BOOK)
    reader.turn(10, 60)
    reader.close(annotations=[first, {**second, "note": "Now I see"}, dog_ear(5, MORNING + timedelta(hours=4))])
    return [begun, other.lines, reader.lines]


BOOK: dict[str, object] = {}


def opened(home: Path) -> OrbitWorld:
    world = OrbitWorld(home, BOOKLORE_BOOKORBIT__SINCE="all")
    BOOK.update(world.book())
    return world


def live(world: OrbitWorld) -> None:
    for lines in day():
        world.core.take(lines, "test")
        world.sync()


def faults(world: OrbitWorld) -> list[object]:
    """What is not as it has to be once the next process has had its time."""
    for lines in day():
        world.core.take(lines, "test")
    for _ in range(4):
        world.clock.forward(700)
        world.sync()
    server = world.server
    held = {
        "sessions": sorted(one["durationSeconds"] for one in server.sessions),
        "marks": [(one["pageno"], one["note"]) for one in server.annotations],
        "bookmarks": [one["cfi"] for one in server.bookmarks],
        "stars": server.readings.get(1, {}).get("rating"),
        "status": server.readings.get(1, {}).get("status"),
        "review": server.readings.get(1, {}).get("review"),
        "waiting": world.core.pending(),
    }
    wanted = {
        "sessions": [600, 600, 720], "marks": [(1, None), (2, "Now I see")], "bookmarks": ["epubcfi(/6/2!/4/10/1:0)"],
        "stars": 2, "status": "read", "review": "A desert, and people.", "waiting": {},
    }  # fmt: skip
    return [(name, held[name], value) for name, value in wanted.items() if held[name] != value]


def crash(home: Path, step: int, side: str) -> int:
    """The steps that the day took, or came to."""
    world, image = opened(home), home.with_name(f"{home.name}-after")
    with powered(Machine(home, image, step, side)) as machine:
        live(world)
    world.core.close()
    try:
        if machine.is_dead:
            world.home = image
        world.core = world.open()
        assert faults(world) == [], f"power failed {side} step {step}"
    finally:
        world.close()
    return machine.steps


def crash_at(tmp_path: Path, first: int, stride: int) -> None:
    steps = crash(tmp_path / "whole", 0, BEFORE)
    assert steps > 100
    for number, step in enumerate(range(first, steps + 1, stride)):
        crash(tmp_path / f"home{step}", step, (BEFORE, AFTER)[number % 2])


@pytest.mark.parametrize("part", range(PARTS))
def test_a_day_survives_crashes(tmp_path: Path, part: int) -> None:
    crash_at(tmp_path, 1 + part * STRIDE, PARTS * STRIDE)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_a_day_survives_a_crash_at_every_step(tmp_path: Path, part: int) -> None:
    crash_at(tmp_path, 1 + part, 8)
