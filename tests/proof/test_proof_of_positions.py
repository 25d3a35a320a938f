"""What only positions can suffer: others who read too, answers to a push that stay open, and books at their end."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from books import SHORT, percent_of
from checker import assert_exact, misplaced, pushes_at, statuses_at
from elsewhere import OTHER, read_on
from facts import Facts, Place
from household import REPEAT_AFTER, Household, OpenHousehold, hand_over
from scenario import Diary, Scenario, Unit, lines_of, scenario_of
from simulation import PUT
from test_ambiguous_answers import ANSWERS, CUT_OFF, settle_exactly

from booklore_core.core import Core
from booklore_core.testing import MORNING

GET = f"GET {PUT.split()[1]}"
STATES = "SELECT d.state FROM deliveries d JOIN items i ON i.id = d.item_id WHERE i.kind = 'progress'"


def states(core: Core) -> list[str]:
    return [row["state"] for row in core.database.rows(STATES)]


def at_hand(household: Household) -> Diary:
    """A device whose reader reads now."""
    return Diary(start=household.clock.utc().replace(minute=0))


def go_on(diary: Diary, household: Household) -> None:
    """Who reads from now on reads later than all others, and nothing is on its way."""
    household.clock.forward(REPEAT_AFTER)
    diary.sleep_until(household.clock.utc())
    household.clock.forward(3600)


@pytest.mark.parametrize("where", [PUT, GET])
@pytest.mark.parametrize("fault", [*CUT_OFF, *ANSWERS, "late:590"])
def test_answer_about_a_position_leaves_the_last_one_on_the_server(
    open_household: OpenHousehold, fault: str, where: str
) -> None:
    household, diary = open_household("grimmory-3.5"), Diary()
    diary.read("Dune")
    diary.finish()
    with household.opened() as core:
        hand_over(core, diary.lines)
        household.server.fail(fault, where, times=2)
        household.sync(core)
        diary.read("Dune")
        hand_over(core, diary.lines)
        household.sync(core)

        settle_exactly(household, core, scenario_of(diary), f"{fault} at {where}")


def scenario_with(diary: Diary, *others: Place) -> Scenario:
    scenario = scenario_of(diary)
    scenario.facts.add(Facts(progress=set(others)))
    return scenario


def read_by_another(household: Household, percent: float) -> Place:
    read_on(household.server, "Dune", percent)
    return Place(OTHER, "Dune", household.clock.utc(), percent)


def test_position_that_waited_gives_way_to_another_readers_newer_one(household: Household) -> None:
    diary = Diary()
    diary.read("Dune")
    with household.opened() as core:
        hand_over(core, diary.lines)
        other = read_by_another(household, 0.4)

        household.settle(core)

        assert states(core) == ["superseded"]
        assert [one.device for one in pushes_at(household.server)] == [OTHER]
        scenario = scenario_with(diary, other)
        assert_exact(core, household.server, scenario.facts, scenario.wall)


@pytest.mark.parametrize("fault", ["close_before", "close_after", "commit_then_500", "late:590"])
def test_position_of_unknown_outcome_never_overwrites_another_readers_newer_one(
    household: Household, fault: str
) -> None:
    diary = Diary()
    diary.read("Dune")
    with household.opened() as core:
        hand_over(core, diary.lines)
        household.server.fail(fault, PUT, times=None)
        household.sync(core)
        household.server.recover()
        household.clock.forward(REPEAT_AFTER)
        other = read_by_another(household, 0.4)

        household.settle(core)

        assert [one.device for one in pushes_at(household.server)][-1] == OTHER
        scenario = scenario_with(diary, other)
        assert_exact(core, household.server, scenario.facts, scenario.wall)


def test_whoever_reads_on_further_than_another_reader_is_on_the_server_again(household: Household) -> None:
    diary = at_hand(household)
    with household.opened() as core:
        other = read_by_another(household, percent_of(2.5, "Dune"))
        go_on(diary, household)
        diary.read("Dune", 5)
        hand_over(core, diary.lines)

        household.settle(core)

        assert states(core) == ["delivered"]
        scenario = scenario_with(diary, other)
        assert_exact(core, household.server, scenario.facts, scenario.wall)


def finishing(household: Household, core: Core, diary: Diary) -> None:
    diary.finish()
    hand_over(core, diary.lines)
    household.sync(core)


@pytest.mark.parametrize("fault", ["close_before", "close_after", "commit_then_502_html", "html_200", "sync_disabled"])
def test_finished_book_stays_finished_since_the_first_push(household: Household, fault: str) -> None:
    one, other = Diary(), Diary("phone-02", MORNING + timedelta(days=1))
    with household.opened() as core:
        household.server.fail(fault, PUT, times=2)
        for diary in (one, other, one, one):
            finishing(household, core, diary)
            household.clock.forward(86_400)
        household.server.recover()

        household.settle(core)

        scenario = scenario_of(one, other)
        assert_exact(core, household.server, scenario.facts, scenario.wall)
        assert len({one["finished"] for one in statuses_at(household.server)[SHORT]}) == 1


@pytest.mark.parametrize("hours", [5, 10_000])
def test_position_by_a_clock_that_is_ahead_is_no_newer_than_it_was(household: Household, hours: int) -> None:
    """The phone was further on, but before the e-reader: its boot clock tells."""
    phone, kobo = Diary("phone-02", MORNING, up=1000), Diary("kobo-7f3a", MORNING + timedelta(hours=2))
    phone.set_clock(timedelta(hours=hours))
    phone.read("Dune", 9)
    kobo.read("Dune", 3)
    scenario = scenario_of(phone, kobo)

    with household.opened() as core:
        bring(household, core, kobo)
        bring(household, core, phone)

        assert [one.device for one in pushes_at(household.server)] == ["kobo-7f3a"]
        assert_exact(core, household.server, scenario.facts, scenario.wall)


@pytest.mark.parametrize("hours", [-10_000, -5])
def test_position_by_a_clock_that_is_behind_is_no_older_than_it_was(household: Household, hours: int) -> None:
    kobo, phone = Diary(), Diary("phone-02", MORNING + timedelta(hours=2), up=1000)
    kobo.read("Dune", 3)
    phone.set_clock(timedelta(hours=hours))
    phone.read("Dune", 9)
    scenario = scenario_of(kobo, phone)

    with household.opened() as core:
        bring(household, core, kobo)
        bring(household, core, phone)

        assert_exact(core, household.server, scenario.facts, scenario.wall)


def bring(household: Household, core: Core, diary: Diary) -> None:
    hand_over(core, diary.lines, diary.contact(core.clock()))
    household.settle(core)


def unit_at(moment: datetime, pages: int, device: str) -> Unit:
    return Diary(device, moment).read("Dune", pages)


def told_to(household: Household, *units: Unit) -> None:
    """What a core would push that looks at nothing: everything, in this order."""
    for unit in units:
        for one in sorted(unit.facts.progress, key=lambda one: one.at):
            if one.is_read:
                read_on(household.server, one.book, one.percent, one.device)


@pytest.mark.parametrize("fault", ["lost", "stale", "wrong", "repeated"])
def test_proof_sees_what_it_is_there_for(open_household: OpenHousehold, fault: str) -> None:
    household = open_household("grimmory")
    early, late = unit_at(MORNING, 3, "kobo"), unit_at(MORNING + timedelta(hours=1), 9, "phone")
    order = {"lost": (early,), "stale": (late, early), "wrong": (early, late), "repeated": (late, late)}

    told_to(household, *order.get(fault, ()))
    facts = Facts(progress=late.facts.progress)
    facts.add(Facts(progress=set() if fault == "wrong" else early.facts.progress))
    found = misplaced(pushes_at(household.server), facts.progress, unanswered=Counter())
    assert any(one.startswith(fault) for one in found), found


@pytest.mark.parametrize("parts", [[(0, 2), (1,)], [(0,), (2,), (1,)], [(2,), (0, 1)]], ids=str)
def test_place_before_a_dead_battery_is_told_however_late(
    open_household: OpenHousehold, parts: list[tuple[int, ...]]
) -> None:
    """The book opens where it was closed before, and whoever just looks at it does not read it again."""
    household, diary = open_household("custom"), Diary()
    units = [diary.read("Emma", 10), diary.run_dry("Emma"), diary.leaf("Emma")]
    last = diary.read("Dune")
    with household.opened() as core:
        for part in parts:
            hand_over(core, lines_of([units[number] for number in part]))
            household.sync(core)
        hand_over(core, last.lines)
        household.settle(core)

        assert_exact(core, household.server, diary.facts(), {diary.reader.device: diary.seconds})
