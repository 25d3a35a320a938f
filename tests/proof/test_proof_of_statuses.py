"""What only statuses and deletions can suffer: a finish date that moves, a mark that a place takes away, a file that is
there again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from books import ASIDE, DROPPED, SHORT
from checker import assert_exact, find_faults, held_statuses, statuses_at, unshelved
from elsewhere import read_on
from household import REPEAT_AFTER, Household, OpenHousehold, hand_over
from scenario import Diary, Scenario, Unit, scenario_of
from simulation import PUT
from test_ambiguous_answers import settle_exactly

from booklore_core.core import Core

SET, RATING = ("POST /api/v1/books/status", "PUT /api/v1/app"), "PUT /api/v1/books/personal-rating"
SHELVES = "POST /api/v1/books/shelves"
DAY = 86_400


def bring(household: Household, core: Core, diary: Diary) -> Scenario:
    """Hands everything over and syncs; a day passes."""
    hand_over(core, diary.lines)
    household.sync(core)
    household.clock.forward(DAY)
    return scenario_of(diary)


def fail_statuses(household: Household, fault: str) -> None:
    for where in SET:
        household.server.fail(fault, where, times=None)


@pytest.mark.parametrize("fault", [None, "commit_then_500", "close_after", "status:500"])
def test_finished_book_stays_so_whatever_is_done_with_it_afterwards(household: Household, fault: str | None) -> None:
    diary = Diary()
    diary.finish()
    with household.opened() as core:
        fail_statuses(household, fault or "delay:0")
        for act in (diary.finish, lambda: diary.put_aside(SHORT), lambda: diary.take_up(SHORT), diary.finish):
            bring(household, core, diary)
            act()

        settle_exactly(household, core, bring(household, core, diary), f"{fault} at each status")


@pytest.mark.parametrize("fault", ["commit_then_500", "close_after", "sync_disabled"])
def test_book_on_hold_and_taken_up_is_so_on_the_server(household: Household, fault: str) -> None:
    diary = Diary()
    with household.opened() as core:
        for act in (diary.put_aside, diary.take_up, diary.put_aside, diary.take_up, diary.put_aside):
            act()
            fail_statuses(household, fault)
            scenario = bring(household, core, diary)
            settle_exactly(household, core, scenario, f"{fault} at {act.__name__}")


@pytest.mark.parametrize("fault", ["status:500", "commit_then_500"])
@pytest.mark.parametrize("times", [1, 2])
def test_place_whose_telling_failed_takes_no_mark_away_that_came_before_it(
    household: Household, fault: str, times: int
) -> None:
    """The status is told although the place was not, and the place comes in the run after."""
    diary = Diary()
    diary.read(ASIDE, 20)
    diary.put_aside()
    diary.finish()
    with household.opened() as core:
        hand_over(core, diary.lines)
        household.server.fail(fault, PUT, times)
        household.sync(core)

        settle_exactly(household, core, scenario_of(diary), f"{fault}, {times} times")


def test_late_place_that_takes_a_mark_away_is_made_good(household: Household) -> None:
    diary = Diary()
    diary.read(ASIDE, 20)
    with household.opened() as core:
        hand_over(core, diary.lines)
        household.server.fail(f"late:{REPEAT_AFTER - 10}", PUT)
        household.sync(core)
        diary.read(ASIDE, 20)
        diary.put_aside()
        hand_over(core, diary.lines)
        household.sync(core)

        settle_exactly(household, core, scenario_of(diary), "a place comes late")


GIVEN: dict[str, Callable[[Diary], tuple[Callable[[], Unit], Callable[[], Unit]]]] = {
    "rated anew": lambda diary: (lambda: diary.rate("Dune", 5), lambda: diary.rate("Dune", 2)),
    "taken up": lambda diary: (diary.put_aside, diary.take_up),
    "put aside again": lambda diary: (diary.take_up, diary.put_aside),
    "finished again": lambda diary: (diary.finish, diary.finish),
}


@pytest.mark.parametrize("given", GIVEN)
def test_late_request_undoes_nothing_that_was_given_after_it(household: Household, given: str) -> None:
    """A server that takes it minutes later than everybody has given it up, and over what came since."""
    diary = Diary()
    first, then = GIVEN[given](diary)
    first()
    with household.opened() as core:
        for where in (*SET, RATING):
            household.server.fail(f"late:{REPEAT_AFTER - 10}", where)
        hand_over(core, diary.lines)
        household.sync(core)
        household.sync(core)
        then()
        hand_over(core, diary.lines)
        household.sync(core)

        settle_exactly(household, core, scenario_of(diary), f"{given}, and what came before it comes late")

    assert not [one for one in statuses_at(household.server)[SHORT] if one["status"] != "READ"]


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted again"])
def test_deletion_that_is_taken_back_while_it_waits_is_never_asked_for(household: Household, again: bool) -> None:
    diary = Diary()
    diary.delete()
    with household.opened() as core:
        household.server.fail("status:500", "* /api/v1/shelves", times=None)
        bring(household, core, diary)
        diary.bring_back()
        bring(household, core, diary)
        if again:
            diary.delete()
        household.server.recover()

        settle_exactly(household, core, bring(household, core, diary), "it came back while the server had trouble")

        assert (DROPPED in unshelved(household.server)) == again
        asked = [one for one in household.server.requests if f"{one.method} {one.path}" == SHELVES]
        assert len(asked) == again


def test_deletion_whose_line_comes_after_that_of_the_file_that_is_back_is_never_asked_for(
    household: Household,
) -> None:
    diary = Diary()
    late, early = diary.delete(), diary.bring_back()
    with household.opened() as core:
        for unit in (early, late):
            hand_over(core, unit.lines)
            household.sync(core)

        settle_exactly(household, core, scenario_of(diary), "late line of a deletion")

        assert DROPPED not in unshelved(household.server)


def signed(household: Household) -> dict[str, str]:
    household.clock.forward(5)
    account = {"username": household.server.username, "password": household.server.password}
    answer = requests.post(f"{household.server.url}/api/v1/auth/login", json=account, timeout=5)
    return {"Authorization": f"Bearer {answer.json()['accessToken']}"}


def mark(household: Household, status: str) -> None:
    """The short book gets a status, without a look at the one that it has."""
    book = next(book.id for book in household.server.books.values() if book.title == SHORT)
    body = {"bookIds": [book], "status": status}
    household.clock.forward(DAY)
    url, headers = f"{household.server.url}/api/v1/books/status", signed(household)
    assert requests.post(url, json=body, headers=headers, timeout=5).status_code == 200


WRONG: dict[str, Callable[[Household], Any]] = {
    "read twice": lambda household: mark(household, "READ"),
    "read, then lower": lambda household: mark(household, "READING"),
    "pushed again": lambda household: read_on(household.server, SHORT, 1.0, "kobo-7f3a"),
    "lower place": lambda household: read_on(household.server, SHORT, 0.5, "kobo-7f3a"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_proof_sees_a_finish_date_that_moves(open_household: OpenHousehold, wrong: str) -> None:
    """Also where in the end the book is read since the first time again."""
    household, diary = open_household("grimmory"), Diary()
    diary.finish()
    with household.opened() as core:
        scenario = bring(household, core, diary)
        assert_exact(core, household.server, scenario.facts, scenario.wall)

        WRONG[wrong](household)

        faults = find_faults(core, household.server, scenario.facts, scenario.wall)
        assert any(one.startswith(f"moved finish: {SHORT}") for one in faults), faults


def test_proof_accepts_an_end_that_was_given_up_only_where_it_says_so(open_household: OpenHousehold) -> None:
    household, diary = open_household("booklore"), Diary()
    diary.finish()
    with household.opened() as core:
        household.server.fail("status:500", PUT)
        scenario = bring(household, core, diary)
        household.settle(core)
        assert find_faults(core, household.server, scenario.facts, scenario.wall) == []

        core.database.run("UPDATE deliveries SET state = 'delivered', reason = NULL WHERE state = 'superseded'")

        lost, verified = find_faults(core, household.server, scenario.facts, scenario.wall)
        assert lost == f"lost progress: {SHORT}, of whose end nobody says why"
        assert verified.startswith("verify: ") and "no place is there" in verified


def test_proof_accepts_no_lost_end_of_a_book_that_is_not_read(open_household: OpenHousehold) -> None:
    household, diary = open_household("booklore"), Diary()
    diary.finish()
    with household.opened() as core:
        household.server.fail("status:500", "* /api/", times=None)
        scenario = bring(household, core, diary)

        faults = find_faults(core, household.server, scenario.facts, scenario.wall)

        assert f"lost progress: {SHORT} is nowhere, {{1.0}}" in faults
        assert held_statuses(household.server).get(SHORT) is None
