"""A month of two devices at a BookOrbit at which one kind of trouble comes again and again: all arrives exactly."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import PLACE, OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core.testing import MORNING, SampleReader

TROUBLES = ("close_after", "late:590", "commit_then_500", "gone")
MORE = ("close_before", "half_body", "late:60", "status:500", "status:503", "status:502_html", "status:401_empty")
MORE += ("status:429", "html_200", "commit_then_html_200")
WRITES = ("POST /api/v1/koreader/plugin/", "PUT /api/v1/koreader/", "* /")
OWN_BOOKS = {"kobo": (0, 1), "boox": (2,)}
"""Which books each device reads: no book is read on both, so that all of it can be foretold."""


class MonthOfOrbit:
    """held: of each book its marks by paragraph, with their notes. stars: of each book, given last."""

    def __init__(self, world: OrbitWorld, trouble: str, seed: int) -> None:
        self.world, self.trouble, self.rng = world, trouble, random.Random(f"{trouble} {seed}")
        world.clock.seconds = (MORNING + timedelta(days=8)).timestamp()
        self.devices = {name: SampleReader(name, MORNING + timedelta(days=8)) for name in OWN_BOOKS}
        self.marks: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.ears: dict[int, set[int]] = defaultdict(set)
        self.stars: dict[int, int | None] = {}
        self.percents: dict[int, float] = {}
        self.sessions: list[tuple[int, int, int]] = []

    def live(self, days: int) -> None:
        for _ in range(days):
            for name, reader in self.devices.items():
                self.read(reader, self.rng.choice(OWN_BOOKS[name]))
                reader.sleep(self.rng.randint(3, 9) * 3600)
            latest = max(one.now for one in self.devices.values())
            for reader in self.devices.values():
                reader.sleep((latest - reader.now).total_seconds() + 60)
            self.sync(latest.timestamp())

    def read(self, reader: SampleReader, number: int) -> None:
        book = self.world.book(number)
        if self.rng.random() < 0.3:
            self.stars[number] = self.rng.choice((1, 2, 3, 4, 5))
        reader.stars = self.stars.get(number, "unknown")
        reader.open(book)
        begun = int(reader.now.timestamp())
        pages, seconds = self.rng.randint(6, 20), self.rng.randint(30, 90)
        reader.turn(pages, seconds)
        self.change_marks(reader, number)
        told = [*self.marks[number].values(), *(dog_ear(one, MORNING) for one in sorted(self.ears[number]))]
        reader.close(annotations=told)
        self.sessions.append((number + 1, begun, pages * seconds))
        self.percents[number] = reader.page / 600

    def change_marks(self, reader: SampleReader, number: int) -> None:
        """Two new highlights of one second now and then, a note changed, one removed, a page marked or no more."""
        marks, free = self.marks[number], [one for one in range(1, 30) if one not in self.marks[number]]
        for paragraph in self.rng.sample(free, self.rng.choice((0, 1, 2))):
            marks[paragraph] = highlight(paragraph, reader.now)
        if marks and self.rng.random() < 0.5:
            paragraph = self.rng.choice(list(marks))
            marks[paragraph] = {**marks[paragraph], "note": f"note {self.rng.randint(1, 99)}"}
        if len(marks) > 3 and self.rng.random() < 0.4:
            del marks[self.rng.choice(list(marks))]
        self.ears[number] ^= {self.rng.randint(31, 34)} if self.rng.random() < 0.4 else set()

    def sync(self, now: float) -> None:
        """Perhaps twice within minutes, and perhaps with a process that begins anew in between."""
        world = self.world
        world.clock.seconds = now + 60
        world.take(*self.devices.values())
        for _ in range(self.rng.randint(1, 3)):
            if self.rng.random() < 0.6:
                self.break_something()
            world.sync()
            world.server.recover()
            world.clock.forward(self.rng.choice((30, 200)))
            if self.rng.random() < 0.1:
                world.core.close()
                world.core = world.open()

    def break_something(self) -> None:
        server = self.world.server
        if self.trouble != "gone":
            server.fail(
                self.trouble, self.rng.choice(WRITES), times=self.rng.choice((1, 2)), after=self.rng.randint(0, 4)
            )
        elif self.rng.random() < 0.5:
            server.stop()
        else:
            count = self.rng.randint(1, 4)
            server.fail("close_after", "* /", times=1, after=count)
            server.fail("close_before", "* /", times=None, after=count)

    def settle(self) -> None:
        for _ in range(4):
            self.world.clock.forward(700)
            self.world.sync()


@pytest.mark.parametrize("trouble", [*TROUBLES, *(pytest.param(one, marks=pytest.mark.soak) for one in MORE)])
def test_a_month_arrives_exactly(tmp_path: Path, trouble: str) -> None:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        month = MonthOfOrbit(world, trouble, 1)
        month.live(30)
        month.settle()

        server, ids = world.server, {number: number + 1 for number in range(3)}
        held = [(one["bookId"], one["startedAt"], one["durationSeconds"]) for one in server.sessions]
        told = [(book, iso(begun), seconds) for book, begun, seconds in month.sessions]
        assert sorted(held) == sorted(told)
        marks = sorted((one["bookId"], one["pageno"], one["note"]) for one in server.annotations)
        assert marks == sorted((ids[n], p, m.get("note")) for n, of in month.marks.items() for p, m in of.items())
        ears = sorted((one["bookId"], one["cfi"]) for one in server.bookmarks)
        wanted = [(ids[n], world.books[n].places.cfi(PLACE.format(p, 0))) for n, of in month.ears.items() for p in of]
        assert ears == sorted(wanted)
        readings = server.readings
        assert {n: readings[ids[n]]["rating"] for n in month.stars} == month.stars
        for number, percent in month.percents.items():
            assert readings[ids[number]]["percent"] == pytest.approx(100 * percent, abs=0.02)
        assert world.core.pending() == {}


def iso(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
