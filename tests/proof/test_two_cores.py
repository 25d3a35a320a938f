"""Two `booklore serve` on one PostgreSQL server, as on two computers: they share the work, and one goes on alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import databases
import pytest
from books import TITLES
from checker import assert_exact
from databases import POSTGRESQL, asked
from facts import Facts
from household import hand_over
from killing import AHEAD, LONG_AGO, Command, EReader, Killer, lapse_lease
from scenario import CHANGES, Diary, lines_of
from tally import count
from test_sigkill import World, hand_off, pair

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import Record

ROUNDS = 4
HELD = "SELECT owner FROM leases WHERE target = 'booklore' AND expires_at > 0"


class Computer:
    """Has a data folder of its own, and serves the database that the other one serves, too."""

    def __init__(self, world: World, home: Path) -> None:
        self._environ = {**world.household.environ, "BOOKLORE_HOME": str(home)}
        self.start()

    def start(self) -> None:
        self.command = Command(self._environ, "serve", "--port", "0")
        self.url = self.command.first_line().split()[-1]

    @property
    def pid(self) -> int:
        return self.command.process.pid

    def kill(self) -> None:
        self.command.process.kill()
        self.command.finish()


class Traveller(EReader):
    """An e-reader that hands over to whichever computer it finds. Each reads in a season of its own: what two read at a
    time, of one book, the server could not tell apart."""

    def __init__(self, number: int, rng: random.Random, destination: str) -> None:
        super().__init__(rng, destination)
        self.diary = Diary(f"kobo-{number}", LONG_AGO + timedelta(days=40 * number), destination=destination)
        self.device = {"id": f"kobo-{number}", "name": "Libra", "model": "kobo"}
        self.token = ""

    def live(self) -> None:
        """Reads twice, marks something and rates; whether a book of somebody else may go only a person knows."""
        diary, before = self.diary, len(self.diary.units)
        for _ in range(2):
            self.rng.choice((diary.read, diary.checkpoint, diary.wake, diary.nap))(self.rng.choice(TITLES))
        diary.mark(self.rng.choice(TITLES), self.rng.choice(CHANGES))
        diary.rate(self.rng.choice(TITLES), self.rng.choice((2, 5)))
        self._spool += lines_of(diary.units[before:])

    def meet(self, computer: Computer) -> None:
        hand_off(computer.url, self.token, self.device, self)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with databases.chosen(POSTGRESQL):
        world = World(tmp_path, "booklore", 3)
        yield world
        world.server.stop()


@pytest.fixture
def computers(world: World, tmp_path: Path) -> Iterator[list[Computer]]:
    both = [Computer(world, tmp_path / f"computer{number}") for number in range(2)]
    yield both
    for one in both:
        one.kill()


@pytest.fixture
def travellers(world: World, computers: list[Computer]) -> list[Traveller]:
    """Paired at one computer each; the other one knows them, too."""
    found = [Traveller(number, random.Random(number), world.household.destination) for number in range(2)]
    with closing(Core(Places.from_environment(world.household.environ), entry_points=[])) as core:
        for traveller, computer in zip(found, computers, strict=True):
            traveller.token = pair(computer.url, new_code(core)[0], traveller.device)
    return found


def at_once(*works: tuple[Traveller, Computer]) -> None:
    threads = [Thread(target=traveller.meet, args=(computer,)) for traveller, computer in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def settle_exactly(world: World, travellers: list[Traveller]) -> None:
    world.clock.forward(10 * AHEAD)
    facts, wall, left = Facts(), {}, []
    for one in travellers:
        one.diary.read("Dune")
        left += [*one.spool, *one.diary.units[-1].lines]
        facts.add(one.diary.facts())
        wall[one.diary.reader.device] = one.diary.seconds
    with world.household.opened() as core:
        hand_over(core, left)
        world.household.settle(core)
        assert_exact(core, world.server, facts, wall)


def test_they_share_the_work_and_one_goes_on_when_the_other_is_killed(
    world: World, computers: list[Computer], travellers: list[Traveller]
) -> None:
    working: set[int] = set()

    def look(record: Record) -> None:
        """Who delivers as a session arrives: never more than one."""
        if record.method == "POST" and record.path == "/api/v1/reading-sessions":
            holders = asked(world.household.home, HELD)
            assert len(holders) == 1
            working.add(int(holders[0]["owner"].partition("-")[0]))

    world.server.on_request = look
    for number in range(ROUNDS):
        for traveller in travellers:
            traveller.live()
        at_once(*zip(travellers, computers[:: (-1) ** number], strict=True))
    assert working == {one.pid for one in computers}
    assert all(not one.spool for one in travellers)

    for traveller in travellers:
        traveller.live()
    killer = Killer(random.Random(1), world.server, longest=0.2)
    with killer.aimed_at(computers[0].pid):
        at_once(*zip(travellers, computers, strict=True))
    computers[0].kill()
    lapse_lease(world.household.home)
    count("SIGKILLs")

    at_once(*((one, computers[1]) for one in travellers))
    assert all(not one.spool for one in travellers)
    settle_exactly(world, travellers)
