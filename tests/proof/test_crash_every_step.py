"""Power fails at every single step of a day, before and after its effect: the next process makes it all good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import databases
import pytest
from checker import find_faults
from days import full_day, short_day
from household import DIALECTS, Household, OpenHousehold, hand_over
from power import AFTER, BEFORE, Machine, powered
from scenario import Scenario
from tally import count

STRIDE = 503
"""In the suite, every so many steps on both sides; the offsets differ, so that the dialects complement each other."""

PARTS = 8
"""In so many parts the steps of a day are gone through, so that workers can share them."""

PACE = 10
"""In the suite each tenth step, in the soak each one."""


def live(household: Household, scenario: Scenario) -> None:
    """One process: opens, takes each hand-over in, syncs."""
    with household.opened() as core:
        for lines in scenario.handovers:
            hand_over(core, lines)
            household.sync(core)


def recover(household: Household, scenario: Scenario) -> list[str]:
    """The next process: the e-reader hands everything over again, for it has no acknowledgement of the last lines."""
    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.settle(core)
        return find_faults(core, household.server, scenario.facts, scenario.wall)


Remains = tuple[object, ...]
"""How much a process has left behind: how many requests were answered, how often a server's database was changed, and
the sizes of its files."""


def steps_of(household: Household, scenario: Scenario) -> list[Remains]:
    """What is left before each step of the day when nothing goes wrong; it must go right, too."""
    left: list[Remains] = []
    with powered(Machine(household.home, household.home / "never")) as machine:
        machine.before_step = lambda: left.append(remains(household, machine, household.home))
        live(household, scenario)
    assert recover(household, scenario) == []
    return left


_steps: dict[tuple[str, bool, int], list[Remains]] = {}
"""Dialect, whether the database is new and how long the day is → its steps. They are the same each time."""


class Crashes:
    """Crashes of one scenario at one dialect. What was left behind identically before is not recovered again.

    is_new: whether the database is younger than what is read, so that everything is looked for before it is sent.
    """

    def __init__(
        self, open_new_household: OpenHousehold, dialect: str, scenario: Scenario, is_new: bool = False
    ) -> None:
        self._open = lambda: open_new_household(dialect, is_new)
        self._dialect, self._scenario = dialect, scenario
        self._household = self._open()
        self._seen: set[Remains] = set()
        day = (dialect, is_new, len(scenario.lines))
        self._left = _steps[day] = _steps.get(day) or steps_of(self._open(), scenario)
        self.steps = len(self._left)

    def is_news(self, step: int) -> bool:
        """Whether a crash before it leaves anything else than one before the step that precedes it."""
        return step == 1 or self._left[step - 1] != self._left[step - 2]

    def crash(self, step: int, side: str, torn: bool = False) -> None:
        """Raises AssertionError when anything is wrong in the end after power failed at one step."""
        household = self._household
        image = household.home.with_name(f"{household.home.name}-after")
        with powered(Machine(household.home, image, step, side, torn)) as machine:
            live(household, self._scenario)
        assert machine.is_dead, f"step {step} was never reached"
        count("crash points")
        left = (torn, *remains(household, machine, image))
        faults = [] if left in self._seen else self._recover(image)
        self._seen.add(left)
        assert not faults, "\n".join([f"{self._dialect}: power failed {side} step {step}", *faults])
        self._clear(image)

    def _recover(self, image: Path) -> list[str]:
        count("recoveries from different remains")
        return recover(Household(image, self._household.server, self._household.clock), self._scenario)

    def _clear(self, image: Path) -> None:
        databases.remove(self._household.home)
        databases.remove(image)
        if self._household.server.requests:
            self._household.server.stop()
            self._household = self._open()


def remains(household: Household, machine: Machine, folder: Path) -> Remains:
    return (len(household.server.requests), machine.changes, *sizes(folder))


def sizes(folder: Path) -> list[tuple[str, int]]:
    """The files of a folder: they only grow during a day, so files of the same sizes hold the same."""
    files = folder.iterdir() if folder.exists() else ()
    return sorted((path.name, path.stat().st_size) for path in files if not path.name.endswith("-shm"))


@pytest.mark.parametrize("part", range(PARTS))
def test_day_survives_a_crash_at_every_tenth_step(open_new_household: OpenHousehold, part: int) -> None:
    """A part is some steps in a row; of those that leave the same behind, as before and after a read, the first."""
    crashes = Crashes(open_new_household, "custom", short_day())
    first, end = (crashes.steps * which // PARTS for which in (part, part + 1))
    count("steps of the crash scenario", (end - first) // PACE)

    for step in range(first + 1, end + 1, PACE):
        if step == first + 1 or crashes.is_news(step):
            crashes.crash(step, BEFORE)
    if end == crashes.steps:
        crashes.crash(end, AFTER)


@pytest.mark.parametrize("torn", [False, True], ids=["killed", "power lost"])
def test_day_survives_a_crash_on_either_side_of_a_step(
    open_new_household: OpenHousehold, dialect: str, torn: bool
) -> None:
    crashes = Crashes(open_new_household, dialect, short_day(), is_new=torn)

    for step in range(1 + 2 * DIALECTS.index(dialect) + 6 * torn, crashes.steps + 1, STRIDE):
        crashes.crash(step, BEFORE, torn)
        crashes.crash(step, AFTER, torn)


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["killed", "power lost"])
@pytest.mark.parametrize("day", [short_day, full_day])
def test_every_day_survives_a_crash_on_both_sides_of_every_step(
    open_new_household: OpenHousehold, dialect: str, day: Callable[[], Scenario], torn: bool
) -> None:
    crashes = Crashes(open_new_household, dialect, day())

    for step in range(1, crashes.steps + 1):
        crashes.crash(step, BEFORE, torn)
        crashes.crash(step, AFTER, torn)
