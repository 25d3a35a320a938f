"""A week of devices, one core and a server or two, in which everything goes wrong by chance: a seed is one run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import databases
from at_bookorbit import AtBookOrbit, stocked
from books import PAGES, TITLES, percent_of, stock
from checker import (
    Push,
    compare,
    excess,
    find_faults,
    mismarked,
    misplaced,
    misrated,
    misread,
    misreviewed,
    overlaps,
    pushes_at,
    shown_sessions,
    undeleted,
    unsettled,
)
from elsewhere import OTHER, read_on
from facts import Facts, Place
from household import REPEAT_AFTER, Clock, Household, hand_over
from notebook import BOTH, IN_BOOK, IN_BOOKLORE
from one_clock import OnClock
from power import AFTER, BEFORE, Machine, powered
from remote import KEPT, KINDS, LATENESS, Remote, RemotePlugin
from scenario import CHANGES, REVIEWS, Diary, Unit, lines_of
from tally import count

from booklore_core.core import Core
from booklore_core.testing import MORNING, BookLoreServer, BookOrbitServer

POST, PUT = "POST /api/v1/reading-sessions", "PUT /api/koreader/syncs/progress"

MARKING = tuple(
    f"{method} /api/{path}"
    for method in ("POST", "PUT", "DELETE", "GET")
    for path in ("v1/annotations", "v2/book-notes", "v1/book-notes", "v1/bookmarks")
) + ("PUT /api/v1/books/personal-rating", "POST /api/v1/books/s", "PUT /api/v1/app")
"""Requests about marks, ratings, statuses and shelves."""

WEEK, DAY = 40, 8
"""How many things happen in it, half of them at devices."""

CRASH_RATE = 0.3
EXIT_RATE = 0.08
LONG = 20 * 86400
"""Seconds: longer than all that devices read in a week takes them."""

LOSS_RATE = 0.08
"""How likely a database is lost between two processes."""

TROUBLES = (
    "close_before",
    "close_after",
    "half_body",
    "status:500",
    "commit_then_500",
    "status:502_html",
    "commit_then_502_html",
    "html_200",
    "commit_then_html_200",
    "status:429",
    "status:401_empty",
    "sync_disabled",
    *(f"late:{seconds}" for seconds in LATENESS),
)


class World(Protocol):
    """The other end. name: the target's. upset: something goes wrong from now on; slow_down: what is written is carried
    out late; calm: nothing goes wrong any more. pushes: every position that came in, once nothing is on its way. read:
    somebody else reads on there."""

    name: str

    def plugin(self, clock: Clock) -> object: ...

    def upset(self, rng: random.Random) -> None: ...

    def slow_down(self, rng: random.Random) -> None: ...

    def calm(self) -> None: ...

    def pushes(self) -> list[Push]: ...

    def read(self, title: str, percent: float) -> None: ...

    def faults(self, core: Core, facts: Facts, wall: Mapping[str, float]) -> list[str]: ...


class InProcess:
    """The remote of this process: quick."""

    name = "remote"

    def __init__(self, rng: random.Random, clock: Clock) -> None:
        self.remote, self._clock = Remote(rng, 0.0, clock), clock

    def plugin(self, clock: Clock) -> object:
        return RemotePlugin(self.remote)

    def upset(self, rng: random.Random) -> None:
        self.remote.rate = rng.choice((0.0, 0.2, 0.5, 1.0))
        self.remote.troubled = rng.choice((KINDS, {"session"}, {"progress"}, KEPT))

    def slow_down(self, rng: random.Random) -> None:
        self.remote.locked_until = self._clock() + rng.choice(LATENESS)
        self.remote.troubled = KINDS

    def calm(self) -> None:
        self.remote.rate = 0.0
        self._clock.forward(3600)
        count("faults in simulations", self.remote.faults)

    def pushes(self) -> list[Push]:
        self.remote.carry_out()
        return self.remote.pushes

    def read(self, title: str, percent: float) -> None:
        self.remote.carry_out()
        self.remote.place(title, percent, None, OTHER)

    def faults(self, core: Core, facts: Facts, wall: Mapping[str, float]) -> list[str]:
        compared = misplaced(self.pushes(), facts.progress, self.remote.unanswered)
        compared += compare(self.remote.held, shown_sessions(facts.session), "session")
        for kind, marks in (("annotation", facts.annotation), ("bookmark", facts.bookmark)):
            compared += mismarked(self.remote.marks(kind), marks, kind)
        compared += misrated(self.remote.ratings(), facts.rating)
        compared += misreviewed(self.remote.reviews(), facts.review)
        compared += misread(self.remote.statuses(), facts.status) + undeleted(self.remote.gone(), facts.deletion)
        return compared + overlaps(facts.session) + excess(facts.session, wall) + unsettled(core)


class OverHttp:
    """The BookLore target and the fake server."""

    name = "booklore"

    def __init__(self, server: BookLoreServer, clock: Clock) -> None:
        self.server, self._clock = server, clock

    def plugin(self, clock: Clock) -> object:
        return OnClock(clock)

    def upset(self, rng: random.Random) -> None:
        match rng.randrange(8):
            case 0:
                self.server.expire_tokens(refresh_too=rng.random() < 0.5)
            case 1:
                self.server.database_away = not self.server.database_away
            case 2:
                self.server.restart()
            case 3:
                self.server.recover()
            case _:
                where = rng.choice(
                    ("* /", POST, "GET /api/v1/reading-sessions", PUT, f"GET {PUT.split()[1]}", *MARKING)
                )
                self.server.fail(rng.choice(TROUBLES), where, rng.choice((1, 1, 2, 5)), rng.randrange(4))
        count("faults in simulations")

    def slow_down(self, rng: random.Random) -> None:
        """What is on its way is carried out first where tables are locked: one lateness upon another would be longer
        than any target waits."""
        if rng.random() < 0.5:
            self.server.recover()
            self.server.carry_out_late()
            self.server.lock_sessions(rng.choice(LATENESS))
        else:
            where = rng.choice((POST, PUT))
            self.server.fail(f"late:{rng.choice(LATENESS)}", where, rng.choice((1, 2, 5)))

    def calm(self) -> None:
        self.server.recover()
        self._clock.forward(3600)

    def pushes(self) -> list[Push]:
        return pushes_at(self.server)

    def read(self, title: str, percent: float) -> None:
        self.server.recover()
        read_on(self.server, title, percent)

    def faults(self, core: Core, facts: Facts, wall: Mapping[str, float]) -> list[str]:
        return find_faults(core, self.server, facts, wall)


class Device:
    """A diary, and what of it the core has not acknowledged. Every second device's clock cannot be relied on."""

    def __init__(self, number: int, rng: random.Random, destination: str) -> None:
        start, up = MORNING + timedelta(minutes=number), 1000 if number % 2 else None
        self.diary = Diary(f"kobo-{number:02d}", start, up, destination)
        self.rng = rng
        self.spool: list[Unit] = []
        self.other_spool: list[Unit] = []
        self.is_offering = False

    def live(self) -> None:
        """Something is read, now or hours later; its lines may stay behind on another spool."""
        diary = self.diary
        diary.reader.sleep(self.rng.choice((0, 0, 1800, 6 * 3600)))
        if diary.reader.up is not None and self.rng.random() < 0.2:
            diary.set_clock(timedelta(hours=self.rng.choice((-10_000, -30, -5, -1, 1, 5, 10_000))))
        acts = (diary.read, diary.checkpoint, diary.forget, diary.wake, diary.nap, diary.run_dry, diary.leaf)
        act, title = self.rng.choice(acts), self.rng.choice(TITLES)
        chance = self.rng.random()
        if chance < 0.6:
            unit = act(title)
        elif chance < 0.8:
            unit = diary.mark(title, *self.rng.choices(CHANGES, k=self.rng.choice((1, 1, 2, 3))))
        elif chance < 0.9:
            rates = self.rng.random() < 0.5
            stars, text = self.rng.choice((None, 1, 3, 5)), self.rng.choice((None, *REVIEWS))
            unit = diary.rate(title, stars) if rates else diary.review(title, text)
        else:
            unit = self.rng.choice((diary.finish, diary.put_aside, diary.take_up, diary.delete, diary.bring_back))()
        (self.other_spool if self.rng.random() < 0.15 else self.spool).append(unit)

    def offer(self, core: Core) -> None:
        """Hands the spool over, from its beginning. Now and then the acknowledgement is lost."""
        self.is_offering = True
        hand_over(core, lines_of(self.spool), self.diary.contact(core.clock()))
        self.is_offering = False
        if self.rng.random() < 0.8:
            self.spool.clear()

    def find_spool(self) -> None:
        self.spool += self.other_spool
        self.other_spool = []


class Week:
    """One run. folder: an empty one, for the homes that processes leave to each other. worlds: the other ends."""

    def __init__(
        self, seed: int, folder: Path, clock: Clock, household: Household, *worlds: World, things: int = WEEK
    ) -> None:
        self.rng = random.Random(seed)
        self.folder, self.worlds, self.clock, self.household = folder, worlds, clock, household
        self.plugins = [world.plugin(clock) for world in worlds]
        self.crashes = 0
        self.others = {world.name: Facts() for world in worlds}
        household.destination = self.rng.choice((IN_BOOK, IN_BOOK, IN_BOOKLORE, BOTH))
        numbers = range(self.rng.randint(1, 3))
        self.devices = [Device(number, self.rng, household.destination) for number in numbers]
        self.left = things

    def faults(self) -> list[str]:
        """What is wrong at the end of the week, when everything has calmed down; empty when nothing is."""
        while self.left > 0:
            self._process()
        count("crashes in simulations", self.crashes)
        for world in self.worlds:
            world.calm()
        with self.household.opened(*self.plugins) as core:
            self._enable(core, True)
            for device in self.devices:
                device.find_spool()
                device.spool.append(device.diary.read("Dune"))
                hand_over(core, lines_of(device.spool), device.diary.contact(core.clock()))
            self.household.settle(core)
            return [fault for world in self.worlds for fault in self._faults_of(world, core)]

    def _faults_of(self, world: World, core: Core) -> list[str]:
        facts = self.others[world.name]
        for device in self.devices:
            facts.add(device.diary.facts())
        return world.faults(core, facts, {one.diary.reader.device: one.diary.seconds for one in self.devices})

    def _process(self) -> None:
        """One process lives through some of what happens, until it ends or power fails."""
        machine = Machine(self.household.home, self.folder / f"home-{self.crashes}")
        with powered(machine), self.household.opened(*self.plugins) as core:
            for device in self.devices:
                if device.is_offering:
                    device.offer(core)
            while self.left > 0 and self.rng.random() > EXIT_RATE:
                self.left -= 1
                if self.rng.random() < CRASH_RATE:
                    machine.cut_at = machine.steps + self.rng.randint(1, 120)
                    machine.side = self.rng.choice((BEFORE, AFTER))
                self._happen(core)
        self.left -= 1
        if machine.is_dead:
            databases.remove(self.household.home)
            self.household.home, self.crashes = machine.image, self.crashes + 1
        if self.rng.random() < LOSS_RATE:
            self._lose_database()

    def _lose_database(self) -> None:
        """Nothing is on its way any more; the devices hand all that they ever wrote over to a new one, which takes the
        positions at the other end for somebody else's."""
        self.clock.forward(REPEAT_AFTER)
        for world in self.worlds:
            held = {one.book: one for one in world.pushes()}
            self._note(world, [(one.book, one.at, one.percent) for one in held.values()], "an earlier database")
        databases.remove(self.household.home)
        self.household.begins_at = None
        for device in self.devices:
            device.spool, device.other_spool = list(device.diary.units), []
        count("databases lost in simulations")

    def _read_elsewhere(self) -> None:
        """Somebody else reads a book, mostly further on than anybody was; nothing is on its way then: what would be
        carried out later would be lost upon it."""
        self.clock.forward(REPEAT_AFTER)
        title = self.rng.choice(TITLES)
        known = [one.percent for world in self.worlds for one in world.pushes() if one.book == title]
        page = round(max(known, default=0.0) * PAGES[title]) + self.rng.choice((-3, 1, 1, 20))
        percent = percent_of(max(2, page) + 0.5, title)
        for world in self.worlds:
            world.read(title, percent)
            self._note(world, [(title, self.clock(), percent)], OTHER)
        count("other readers in simulations")

    def _note(self, world: World, told: Sequence[tuple[str, float, float]], who: str) -> None:
        """Whatever devices read from now on is later than these places, which others came to."""
        self.others[world.name].progress |= {Place(who, book, utc(at), percent) for book, at, percent in told}
        for number, device in enumerate(self.devices, start=1):
            device.diary.sleep_until(self.clock.utc() + timedelta(minutes=number))
        self.clock.forward(LONG)

    def _happen(self, core: Core) -> None:
        device = self.rng.choice(self.devices)
        acts: dict[Callable[[], object], int] = {
            device.live: 40,
            lambda: device.offer(core): 20,
            device.find_spool: 3,
            lambda: self.household.sync(core): 22,
            lambda: self.rng.choice(self.worlds).upset(self.rng): 10,
            lambda: self._hurry(core, device): 12,
            lambda: self._enable(core, self.rng.random() < 0.5): 4,
            self._read_elsewhere: 3,
            lambda: self.clock.forward(self.rng.choice((600, 4 * 3600))): 4,
        }
        self.rng.choices(list(acts), list(acts.values()))[0]()

    def _hurry(self, core: Core, device: Device) -> None:
        """Something was read, and is synced again and again while the other end is slow."""
        self._enable(core, True)
        device.live()
        device.offer(core)
        self.rng.choice(self.worlds).slow_down(self.rng)
        for _ in range(3):
            self.household.sync(core)
            self.clock.forward(self.rng.choice((0, 60, 240)))

    def _enable(self, core: Core, on: bool) -> None:
        for world in self.worlds:
            core.settings.set(f"{world.name}.enabled", on)
        core.refresh()


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def simulate_day(seed: int, folder: Path) -> list[str]:
    """One day with the remote of this process."""
    return simulate(seed, folder, DAY)


def simulate(seed: int, folder: Path, things: int = WEEK, repeat_after: int = REPEAT_AFTER) -> list[str]:
    """One week, or as many things as are asked for, with the remote of this process."""
    clock = Clock()
    household = Household(folder / "home", BookLoreServer("booklore"), clock, repeat_after)
    return Week(seed, folder, clock, household, InProcess(random.Random(seed + 1), clock), things=things).faults()


def simulate_over_http(seed: int, folder: Path, dialect: str) -> list[str]:
    """One week with the BookLore target and a server of the dialect."""
    clock = Clock()
    with stock(BookLoreServer(dialect, now=clock, lock_patience=0)) as server:
        household = Household(folder / "home", server, clock)
        return Week(seed, folder, clock, household, OverHttp(server, clock)).faults()


def simulate_bookorbit(seed: int, folder: Path, is_beside: bool) -> list[str]:
    """One week with the BookOrbit target; is_beside: beside a BookLore."""
    clock = Clock()
    booklore = stock(BookLoreServer("booklore", now=clock, lock_patience=0))
    with booklore, BookOrbitServer(now=clock) as server:
        household, orbit = Household(folder / "home", booklore, clock), AtBookOrbit(stocked(server), clock)
        household.more = orbit.environ
        worlds = (OverHttp(booklore, clock), orbit) if is_beside else (orbit,)
        return Week(seed, folder, clock, household, *worlds).faults()
