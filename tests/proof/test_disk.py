"""Disks and databases that fail: what was acknowledged arrives, and no file is ever replaced in silence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from breakage import Disk, failing, files_limited_to, locked, told_to_sqlite
from checker import assert_exact
from days import short_day
from household import Household, OpenHousehold, hand_over
from power import Machine, powered
from scenario import Diary, Line, Scenario, scenario_of
from tally import count

from booklore_core.core import Core
from booklore_core.storage.database import DatabaseUnusable

STRIDE = 59
PARTS = 4
"""In so many parts the writes of a day are gone through, so that workers can share them."""


class Shim:
    """Hands lines over one by one, and forgets each as soon as it is acknowledged."""

    def __init__(self, scenario: Scenario) -> None:
        self.spool: list[Line] = list(scenario.lines)

    def hand_over(self, core: Core) -> None:
        while self.spool:
            acknowledged = hand_over(core, self.spool[:1])
            self.spool = [line for line in self.spool if line["id"] not in acknowledged]


def file_of(household: Household) -> Path:
    return household.home / "booklore.sqlite"


def live(household: Household, shim: Shim) -> None:
    with household.opened() as core:
        shim.hand_over(core)
        household.sync(core)


def recover(household: Household, shim: Shim, scenario: Scenario, story: str) -> None:
    """The disk works again: only what was never acknowledged is handed over again."""
    with household.opened() as core:
        shim.hand_over(core)
        household.settle(core)
        assert_exact(core, household.server, scenario.facts, scenario.wall, story)


def count_writes(household: Household) -> int:
    with failing(Disk()) as disk:
        live(household, Shim(short_day()))
    return disk.writes


def fail_at(household: Household, write: int, times: int) -> None:
    scenario = short_day()
    shim = Shim(scenario)
    with failing(Disk(write, times)) as disk, suppress(DatabaseUnusable):
        live(household, shim)
    assert disk.has_failed, f"write {write} was never reached"
    count("failed writes")
    recover(household, shim, scenario, f"write {write} failed, {times} in a row")
    household.server.stop()


@pytest.mark.parametrize("part", range(PARTS))
def test_acknowledged_lines_survive_a_failed_write(open_new_household: OpenHousehold, part: int) -> None:
    writes = count_writes(open_new_household("custom"))
    first, end = (writes * which // PARTS for which in (part, part + 1))

    for number, write in enumerate(range(first + 1, end + 1, STRIDE)):
        fail_at(open_new_household("custom"), write, times=(1, 1000)[number % 2])


@pytest.mark.parametrize("part", range(3))
def test_target_is_owed_all_that_is_acknowledged_after_a_write_failed_at_the_first_start(
    open_new_household: OpenHousehold, part: int
) -> None:
    household = open_new_household("custom")
    with failing(Disk()) as disk, household.opened():
        pass

    for write in range(disk.writes - 12 + part, disk.writes + 1, 3):  # kinds, views and subscriptions are written last
        fail_at(open_new_household("custom"), write, times=1)


@pytest.mark.soak
@pytest.mark.parametrize("times", [1, 3, 1000])
def test_acknowledged_lines_survive_any_failed_write(
    open_new_household: OpenHousehold, dialect: str, times: int
) -> None:
    for write in range(1, count_writes(open_new_household(dialect)) + 1):
        fail_at(open_new_household(dialect), write, times)


@pytest.mark.parametrize("write", range(10, 120, 25))
def test_core_goes_on_after_a_write_has_failed(open_new_household: OpenHousehold, write: int) -> None:
    household, scenario = open_new_household("booklore"), short_day()
    shim = Shim(scenario)
    with household.opened() as core:
        with failing(Disk(write, 2)):
            for _ in range(2):
                with suppress(DatabaseUnusable):
                    shim.hand_over(core)
                    household.sync(core)
        shim.hand_over(core)
        household.settle(core)
        household.clock.forward(90)
        household.settle(core)

        assert_exact(core, household.server, scenario.facts, scenario.wall)


@contextmanager
def page_limit(household: Household, spare: int) -> Iterator[None]:
    with closing(sqlite3.connect(file_of(household))) as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    with told_to_sqlite(f"max_page_count={pages + spare}"):
        yield


@contextmanager
def size_limit(household: Household, spare: int) -> Iterator[None]:
    with files_limited_to(file_of(household).stat().st_size + spare * 4096):
        yield


def big_day() -> Scenario:
    """More than a few pages of the database hold."""
    diary = Diary()
    for number in range(30):
        diary.read(("Dune", "Emma")[number % 2], 2)
    return scenario_of(diary)


@pytest.mark.sqlite_only("its file")
@pytest.mark.parametrize("limit", [page_limit, size_limit], ids=["full disk", "file too large"])
@pytest.mark.parametrize("spare", [0, 2, 6])
def test_acknowledged_lines_survive_a_full_disk(open_new_household: OpenHousehold, limit: object, spare: int) -> None:
    household, scenario = open_new_household("grimmory"), big_day()
    household.open().close()
    shim = Shim(scenario)

    assert callable(limit)
    with limit(household, spare), pytest.raises(DatabaseUnusable, match="free some space|disk reports errors"):
        live(household, shim)

    assert shim.spool, "it must have been full before the end"
    recover(household, shim, scenario, f"full with {spare} pages to spare")


@pytest.mark.sqlite_only("its file")
def test_disk_that_fills_up_during_a_sync_costs_nothing(open_new_household: OpenHousehold) -> None:
    household, scenario = open_new_household("booklore"), big_day()
    shim = Shim(scenario)
    with household.opened() as core:
        shim.hand_over(core)
    held = []
    for spare in range(6):
        with page_limit(household, spare), suppress(DatabaseUnusable), household.opened() as core:
            household.sync(core)
        held.append(len(household.server.sessions))

    assert max(held) <= len(scenario.facts.session)
    recover(household, shim, scenario, "full while syncing")


def test_lock_of_another_process_is_waited_for(open_new_household: OpenHousehold) -> None:
    household, scenario = open_new_household("booklore"), short_day()
    shim = Shim(scenario)
    household.open().close()

    with locked(household.home, seconds=0.5):
        live(household, shim)

    assert shim.spool == []
    recover(household, shim, scenario, "locked for a while")


@pytest.mark.sqlite_only("its file")
def test_lock_that_lasts_is_told_and_costs_nothing(open_new_household: OpenHousehold) -> None:
    household, scenario = open_new_household("booklore"), short_day()
    shim = Shim(scenario)
    household.open().close()

    refused = pytest.raises(DatabaseUnusable, match="another program")
    with locked(household.home), told_to_sqlite("busy_timeout=100"), refused:
        live(household, shim)

    assert shim.spool == scenario.lines
    recover(household, shim, scenario, "locked for long")


@pytest.mark.sqlite_only("its file")
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_file_is_refused_and_left_as_it_is(open_new_household: OpenHousehold, kept: float) -> None:
    household, scenario = open_new_household("booklore"), short_day()
    shim = Shim(scenario)
    with household.opened() as core:
        shim.hand_over(core)
    whole = file_of(household).read_bytes()
    damaged = whole[: int(len(whole) * kept) // 4096 * 4096]
    file_of(household).write_bytes(damaged)

    with pytest.raises(DatabaseUnusable, match="left as it is"):
        live(household, shim)

    assert file_of(household).read_bytes() == damaged
    file_of(household).write_bytes(whole)
    recover(household, shim, scenario, "the backup is back")


@pytest.mark.sqlite_only("its file")
def test_file_that_is_no_database_is_refused_and_left_as_it_is(open_new_household: OpenHousehold) -> None:
    household = open_new_household("booklore")
    household.home.mkdir()
    file_of(household).write_bytes(b"a letter to a friend" * 100)

    with pytest.raises(DatabaseUnusable, match="left as it is"):
        household.open()

    assert file_of(household).read_bytes() == b"a letter to a friend" * 100


def killed_while_reading(household: Household, scenario: Scenario) -> Path:
    """What a process left that was killed after it had acknowledged everything: most of it is in the -wal file."""
    image = household.home.with_name("image")
    with powered(Machine(household.home, image)) as machine, household.opened() as core:
        hand_over(core, scenario.lines)
        machine.cut_at = machine.steps + 1
        core.pending()
    return image


@pytest.mark.sqlite_only("its file")
def test_wal_of_a_killed_process_holds_what_was_acknowledged(open_new_household: OpenHousehold) -> None:
    household, scenario = open_new_household("custom"), short_day()
    image = killed_while_reading(household, scenario)

    with Household(image, household.server, household.clock).opened() as core:
        household.settle(core)
        assert_exact(core, household.server, scenario.facts, scenario.wall)


@pytest.mark.sqlite_only("its file")
def test_missing_wal_costs_nothing_that_is_handed_over_again(open_new_household: OpenHousehold) -> None:
    """Without it the acknowledged lines are gone; the file opens as of its last checkpoint and takes them again."""
    household, scenario = open_new_household("custom"), short_day()
    image = killed_while_reading(household, scenario)
    for suffix in ("-wal", "-shm"):
        (image / f"booklore.sqlite{suffix}").unlink()

    recover(Household(image, household.server, household.clock), Shim(scenario), scenario, "without -wal")
