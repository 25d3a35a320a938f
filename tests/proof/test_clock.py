"""Clocks that jump, stand at 1970 or agree too well: what was read arrives once, and nothing absurd arrives."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from checker import assert_exact, held_sessions, overlaps
from household import Household, OpenHousehold, hand_over
from scenario import Diary, Line, scenario_of

from booklore_core.testing import MORNING


def deliver(household: Household, *batches: list[Line]) -> None:
    """Lines that cannot have been written when they say so wait."""
    with household.opened() as core:
        for lines in batches:
            core.take(lines, "spool")
            household.settle(core)
        assert core.pending() == {}


def deliver_by_hand_over(household: Household, diary: Diary) -> None:
    with household.opened() as core:
        hand_over(core, diary.lines, diary.contact(core.clock()))
        household.settle(core)
        assert core.pending() == {}


def jump_during(by: timedelta, title: str = "Dune", up: float | None = None) -> Diary:
    """A session in whose middle the clock is set, and an ordinary one afterwards."""
    diary = Diary(up=up)
    reader = diary.reader
    diary.read(title)
    reader.open(diary.book(title))
    reader.turn(3, 40)
    diary.set_clock(by)
    reader.turn(3, 40)
    reader.close()
    reader.sleep(400)
    return diary


@pytest.mark.parametrize("hours", [1, -1, 5, -5])
def test_clock_set_between_two_sessions_costs_none(household: Household, hours: int) -> None:
    diary = Diary(up=1000)
    diary.read("Dune")
    diary.reader.sleep(6 * 3600)
    diary.wake("Emma")
    diary.set_clock(timedelta(hours=hours))
    diary.read("Dune", 4)

    deliver_by_hand_over(household, diary)

    expected = {session[1:]: 1 for session in diary.facts().session}
    assert held_sessions(household.server) == expected


@pytest.mark.parametrize("hours", [1, -1])
def test_clock_set_within_a_session_costs_nothing(household: Household, hours: int) -> None:
    diary = jump_during(timedelta(hours=hours), up=1000)
    diary.read("Emma")

    deliver_by_hand_over(household, diary)

    rows = held_sessions(household.server)
    assert rows.keys() >= {session[1:] for session in diary.facts().session}
    assert sorted((start, end) for _, start, end, *_ in rows)[1] == ("2026-11-20T08:10:00Z", "2026-11-20T08:14:00Z")


@pytest.mark.parametrize("hours", [1, -1])
def test_clock_set_within_a_session_makes_no_absurd_session(household: Household, hours: int) -> None:
    diary = jump_during(timedelta(hours=hours))
    ordinary = diary.read("Emma")
    told = {(row[1], *row[4:]) for row in ordinary.facts.session}

    deliver(household, diary.lines)

    rows = held_sessions(household.server)
    assert max(rows.values()) == 1
    assert all(start <= end and 0 < seconds <= 600 for _, start, end, seconds, *_ in rows)
    assert told <= {(book, *rest) for book, _, _, *rest in rows}


def test_clock_that_was_reset_to_1970_makes_no_session_of_then(household: Household) -> None:
    diary = Diary()
    diary.read("Dune")
    now = diary.reader.now
    diary.reader.now = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    diary.reader.read(diary.book("Dune"))
    diary.reader.now = now + timedelta(hours=3)
    good = diary.read("Dune")

    deliver(household, diary.lines)

    starts = [row[1] for row in held_sessions(household.server)]
    assert min(starts) >= "2026"
    assert {session[1:] for session in good.facts.session} <= held_sessions(household.server).keys()


def test_clock_that_comes_back_from_1970_within_a_session_makes_no_session_of_50_years(household: Household) -> None:
    diary = jump_during(MORNING - datetime(1970, 1, 1, tzinfo=UTC))
    diary.reader.now = MORNING + timedelta(hours=12)
    diary.read("Emma")

    deliver(household, diary.lines)

    assert all(seconds <= 600 for _, _, _, seconds, *_ in held_sessions(household.server))


@pytest.mark.parametrize("offset", [-11, 2])
def test_local_time_of_a_traveller_is_kept_aside_and_never_taken_for_utc(household: Household, offset: int) -> None:
    """Lines are in UTC, so a time zone that changes in a session changes nothing; one that is not in UTC is no line."""
    diary = Diary()
    good = diary.checkpoint("Dune")
    travelled = dict(diary.read("Emma").lines[-1])
    zone = timezone(timedelta(hours=offset))
    travelled["at"] = datetime.fromisoformat(travelled["at"]).astimezone(zone).isoformat()

    with household.opened() as core:
        taken = core.take([*diary.lines[:-1], travelled], "spool")
        household.settle(core)

    assert [(one.field, one.id) for one in taken.rejected] == [("at", travelled["id"])]
    assert held_sessions(household.server) == {session[1:]: 1 for session in good.facts.session}


def begin_together(household: Household, lost: str, after: int) -> None:
    """Two devices begin the same book in the same second: only end and duration tell their sessions apart."""
    one, other = Diary("kobo-1"), Diary("kobo-2")
    one.read("Dune", 5)
    other.read("Dune", 3, 60)
    scenario = scenario_of(one, other)

    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.server.fail(lost, "POST /api/v1/reading-sessions", times=None, after=after)
        for _ in range(3):
            household.sync(core)
        household.server.recover()
        household.settle(core)
        assert_exact(core, household.server, scenario.facts, scenario.wall)


def test_two_sessions_that_begin_in_the_same_second_both_arrive(household: Household) -> None:
    begin_together(household, "close_after", after=2)


def test_two_sessions_of_the_same_second_both_arrive_after_a_lost_request(open_household: OpenHousehold) -> None:
    begin_together(open_household("custom"), "close_before", after=1)


def test_facts_of_the_same_second_all_arrive(household: Household) -> None:
    """The network comes back, stars are given and a book is closed within one second."""
    diary = Diary()
    diary.reader.stars = 5
    diary.read("Dune")
    diary.reader.now -= timedelta(seconds=400)
    diary.connect()
    diary.reader.now -= timedelta(seconds=400)
    diary.read("Emma")
    scenario = scenario_of(diary)

    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.settle(core)
        assert_exact(core, household.server, scenario.facts, {"kobo-7f3a": 86400})


def test_order_is_that_of_the_counter_when_the_clock_went_back(household: Household) -> None:
    diary = Diary()
    for title in ("Dune", "Emma", "Dune"):
        diary.read(title)
        diary.reader.now -= timedelta(minutes=5)

    deliver(household, list(reversed(diary.lines)))

    assert held_sessions(household.server) == Counter({session[1:]: 1 for session in diary.facts().session})


@pytest.mark.parametrize("seconds", [3600, 365 * 86400])
def test_core_whose_own_clock_goes_back_still_delivers(open_household: OpenHousehold, seconds: int) -> None:
    """A home server without a battery for its clock boots in the past until the network tells it the time."""
    household = open_household("booklore")
    diary = Diary("kobo-7f3a", MORNING - timedelta(days=800))
    household.clock.forward(10 * 60)
    with household.opened() as core:
        household.sync(core)
    household.clock.forward(-seconds)
    diary.read("Dune")
    diary.read("Emma")
    scenario = scenario_of(diary)

    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.settle(core)

        assert_exact(core, household.server, scenario.facts, scenario.wall)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_core_whose_own_clock_jumps_while_it_delivers_repeats_nothing(household: Household, seconds: int) -> None:
    diary = Diary()
    for _ in range(3):
        diary.wake("Dune", asleep=500)
    scenario = scenario_of(diary)

    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.server.fail("close_after", "POST /api/v1/reading-sessions", times=1, after=2)
        household.sync(core)
        household.clock.forward(seconds)
        household.settle(core)
        household.clock.forward(2 * abs(seconds))
        household.settle(core)
        assert_exact(core, household.server, scenario.facts, scenario.wall)
        assert overlaps(scenario.facts.session) == []
