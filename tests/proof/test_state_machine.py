"""Whatever happens, in whatever order: once all is calm the server holds exactly what was read."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from books import TITLES, percent_of, stock
from checker import HELD, assert_exact
from elsewhere import OTHER, read_on
from facts import Facts, Place
from household import DIALECTS, REPEAT_AFTER, Clock, Household, hand_over
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from notebook import BOTH, IN_BOOK, IN_BOOKLORE
from past import DEVICE, LONG_AGO, Statistics, extract
from scenario import CHANGES, REVIEWS, Change, Diary, Unit, lines_of
from simulation import LONG, MARKING, POST, PUT, TROUBLES
from tally import count

from booklore_core.testing import MORNING, BookLoreServer

titles = st.sampled_from(TITLES)
devices = st.integers(0, 1)


class ReadingLife(RuleBasedStateMachine):
    """Two devices, one core that may be opened anew at any time, one server."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="proof-"))
        self.clock = Clock()
        self.spools: list[list[Unit]] = [[], []]
        self.late: list[list[Unit]] = [[], []]
        self.others = Facts()
        self.statistics = [
            Statistics(self.folder / f"{number}.sqlite3", random.Random(number), evening)
            for number, evening in enumerate(LONG_AGO)
        ]

    @initialize(dialect=st.sampled_from(DIALECTS), destination=st.sampled_from([IN_BOOK, IN_BOOKLORE, BOTH]))
    def set_up(self, dialect: str, destination: str) -> None:
        starts = MORNING, MORNING + timedelta(seconds=3)  # nobody marks something in two copies within one second
        self.diaries = [Diary(f"kobo-{number}", start, destination=destination) for number, start in enumerate(starts)]
        self.server = stock(BookLoreServer(dialect, now=self.clock)).start()
        self.household = Household(self.folder / "home", self.server, self.clock)
        self.household.destination = destination
        self.core = self.household.open()
        self.is_online = True

    @rule(number=devices, title=titles, pages=st.integers(1, 30), seconds=st.integers(31, 600))
    def read(self, number: int, title: str, pages: int, seconds: int) -> None:
        self._note(number, self.diaries[number].read(title, pages, seconds))

    @rule(number=devices, title=titles)
    def read_with_a_checkpoint(self, number: int, title: str) -> None:
        self._note(number, self.diaries[number].checkpoint(title))

    @rule(number=devices, title=titles, hours=st.integers(1, 5))
    def idle(self, number: int, title: str, hours: int) -> None:
        self._note(number, self.diaries[number].forget(title, hours))

    @rule(number=devices, title=titles, asleep=st.integers(1, 4000))
    def suspend_and_resume(self, number: int, title: str, asleep: int) -> None:
        self._note(number, self.diaries[number].wake(title, asleep))

    @rule(number=devices, title=titles)
    def nap(self, number: int, title: str) -> None:
        self._note(number, self.diaries[number].nap(title))

    @rule(number=devices, title=titles)
    def run_dry(self, number: int, title: str) -> None:
        self._note(number, self.diaries[number].run_dry(title))

    @rule(number=devices, title=titles)
    def turn_no_page(self, number: int, title: str) -> None:
        self._note(number, self.diaries[number].leaf(title))

    @rule(number=devices, title=titles, stars=st.sampled_from([None, 1, 3, 5]))
    def rate(self, number: int, title: str, stars: int | None) -> None:
        self._note(number, self.diaries[number].rate(title, stars))

    @rule(number=devices, title=titles, text=st.sampled_from([None, *REVIEWS]))
    def review(self, number: int, title: str, text: str | None) -> None:
        self._note(number, self.diaries[number].review(title, text))

    @rule(number=devices, title=titles, what=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))
    def mark(self, number: int, title: str, what: list[Change]) -> None:
        self._note(number, self.diaries[number].mark(title, *what))

    @rule(number=devices)
    def finish(self, number: int) -> None:
        self._note(number, self.diaries[number].finish())

    @rule(number=devices, again=st.booleans())
    def put_aside_or_take_up(self, number: int, again: bool) -> None:
        diary = self.diaries[number]
        self._note(number, diary.take_up() if again else diary.put_aside())

    @rule(number=devices, is_back=st.booleans())
    def delete_or_bring_back(self, number: int, is_back: bool) -> None:
        diary = self.diaries[number]
        self._note(number, diary.bring_back() if is_back else diary.delete())

    @rule(number=devices, evenings=st.integers(1, 20))
    def have_read_long_ago(self, number: int, evenings: int) -> None:
        self.statistics[number].grow(evenings)

    @rule(number=devices)
    def extract(self, number: int) -> None:
        """The statistics know of what was handed over, too."""
        for unit in self.diaries[number].units:
            if unit not in self.spools[number] and unit not in self.late[number]:
                self.statistics[number].live(unit)
        extract(self.core, self.statistics[number])

    @rule(title=titles, page=st.integers(2, 300))
    def read_elsewhere(self, title: str, page: int) -> None:
        """Somebody else reads, and tells the server; nothing is on its way to it then. Devices read on after that."""
        if self.is_online:
            self.server.recover()
            self.clock.forward(REPEAT_AFTER)
            percent = percent_of(page + 0.5, title)
            read_on(self.server, title, percent)
            self.others.progress.add(Place(OTHER, title, self.clock.utc(), percent))
            for minutes, diary in enumerate(self.diaries, start=1):
                diary.sleep_until(self.clock.utc() + timedelta(minutes=minutes))
            self.clock.forward(LONG)

    @rule(number=devices)
    def leave_lines_behind(self, number: int) -> None:
        """What was spooled last is handed over late."""
        if self.spools[number]:
            self.late[number].append(self.spools[number].pop())

    @rule(number=devices, is_late=st.booleans(), is_acknowledged=st.booleans())
    def hand_over(self, number: int, is_late: bool, is_acknowledged: bool) -> None:
        spool = (self.late if is_late else self.spools)[number]
        hand_over(self.core, lines_of(spool))
        if is_acknowledged:
            spool.clear()

    @rule(number=devices)
    def hand_everything_over_again(self, number: int) -> None:
        waiting = {id(line) for line in lines_of([*self.spools[number], *self.late[number]])}
        hand_over(self.core, [line for line in self.diaries[number].lines if id(line) not in waiting])

    @rule()
    def sync(self) -> None:
        self.household.sync(self.core)

    @rule(fault=st.sampled_from(TROUBLES), after=st.integers(0, 5), times=st.sampled_from([1, 2, None]))
    def get_into_trouble(self, fault: str, after: int, times: int | None) -> None:
        self.server.fail(fault, "* /", times, after)

    @rule(
        number=devices,
        fault=st.sampled_from(TROUBLES),
        after=st.integers(0, 2),
        lasts=st.booleans(),
        where=st.sampled_from([POST, PUT, *MARKING]),
    )
    def sync_and_be_answered_badly(self, number: int, fault: str, after: int, lasts: bool, where: str) -> None:
        """Something new is sent, and the answer to one of it leaves its outcome open."""
        hand_over(self.core, lines_of([*self.spools[number], *self._live(number)]))
        self.server.fail(fault, where, None if lasts else 1, after)
        self.household.sync(self.core)

    @rule()
    def get_out_of_trouble(self) -> None:
        self.server.recover()

    @rule(away=st.booleans())
    def lose_the_database(self, away: bool) -> None:
        self.server.database_away = away

    @rule()
    def go_offline_or_online(self) -> None:
        (self.server.stop if self.is_online else self.server.start)()
        self.is_online = not self.is_online

    @rule(refresh_too=st.booleans())
    def expire_token(self, refresh_too: bool) -> None:
        self.clock.forward(2)
        self.server.expire_tokens(refresh_too)

    @rule(enabled=st.booleans())
    def enable_or_disable_the_target(self, enabled: bool) -> None:
        self.core.settings.set("booklore.enabled", enabled)
        self.core.refresh()

    @rule()
    def open_anew(self) -> None:
        self.core.close()
        self.core = self.household.open()

    @rule(hours=st.integers(1, 12))
    def wait(self, hours: int) -> None:
        self.clock.forward(hours * 3600)

    @invariant()
    def nothing_is_there_twice_or_from_nowhere(self) -> None:
        if hasattr(self, "server"):
            facts = self._facts()
            faults = [fault for faults_of in HELD.values() for fault in faults_of(self.server, facts)]
            assert not [fault for fault in faults if not fault.startswith("lost")], faults

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        try:
            self._calm_down()
            wall = {one.reader.device: one.seconds for one in self.diaries}
            wall[DEVICE] = sum(one.seconds for one in self.statistics)
            assert_exact(self.core, self.server, self._facts(), wall)
            count("state machine runs")
        finally:
            self.core.close()
            self.server.stop()
            shutil.rmtree(self.folder)

    def _calm_down(self) -> None:
        """Everything works again, and everything is handed over; a last opening ends what a dead battery left."""
        self.server.recover()
        if not self.is_online:
            self.server.start()
        self.core.settings.set("booklore.enabled", True)
        self.core.refresh()
        for number, diary in enumerate(self.diaries):
            self._note(number, diary.read("Dune"))
            hand_over(self.core, lines_of([*self.late[number], *self.spools[number]]))
            self.extract(number)
        for _ in range(2):
            self.clock.forward(3600)
            self.household.settle(self.core)

    def _live(self, number: int) -> list[Unit]:
        diary = self.diaries[number]
        return [diary.read("Emma", 2), diary.mark("Emma", *CHANGES[:4]), diary.rate("Emma", number + 3)]

    def _note(self, number: int, unit: Unit) -> None:
        self.spools[number].append(unit)

    def _facts(self) -> Facts:
        facts = Facts()
        for other in (self.others, *(one.facts for one in self.statistics)):
            facts.add(other)
        for diary in self.diaries:
            facts.add(diary.facts())
        return facts


def live(**profile: Any) -> None:
    run_state_machine_as_test(ReadingLife, settings=settings(settings.get_profile("proof"), **profile))


def test_reading_life_loses_and_doubles_nothing() -> None:
    live(max_examples=18, stateful_step_count=30)


@pytest.mark.soak
def test_many_reading_lives_lose_and_double_nothing() -> None:
    examples = int(os.environ.get("BOOKLORE_PROOF_EXAMPLES", "2000"))
    live(max_examples=examples, stateful_step_count=60)
