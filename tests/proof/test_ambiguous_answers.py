"""Answers that leave the outcome open, from servers that recognise no repeat: nothing is lost, nothing sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from checker import assert_exact, held_sessions, shown_sessions
from household import REPEAT_AFTER, Household, OpenHousehold, hand_over
from notebook import BOTH, Notebook
from scenario import REVIEWS, TWO, Change, Diary, Scenario, lines_of, scenario_of
from tally import count

import booklore_core.pipeline.gateway
from booklore_core.core import Core
from booklore_core.testing import BookLoreServer, Record
from booklore_targets.booklore import connection

POST = "POST /api/v1/reading-sessions"
LISTING = "GET /api/v1/books$"
LOOK = "GET /api/v1/reading-sessions/book"
LATE = "delay:30"

CUT_OFF = ("close_before", "close_after", "half_body")
ANSWERS = (
    "status:500",
    "commit_then_500",
    "status:502_html",
    "commit_then_502_html",
    "status:503",
    "commit_then_504",
    "html_200",
    "commit_then_html_200",
    "status:429",
    "status:401_empty",
    "sync_disabled",
)
NO_ANSWERS = ("close_before", "half_body", "status:500", "status:502_html", "html_200", "status:401_empty")
MAYBE_SENT = "SELECT state, reason FROM deliveries WHERE maybe_sent = 1"
LOCKED_SECONDS = 20 * 60
"""After too many failed logins the server takes none for a quarter of an hour."""


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late answer is late after a moment, not after half a minute."""
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.5)


def day() -> Scenario:
    """Five sessions of two books: where the server takes batches, they go in batches."""
    diary = Diary()
    for pages in (2, 3, 4):
        diary.read("Dune", pages)
    diary.wake("Emma")
    return scenario_of(diary)


def day_of_marks() -> Scenario:
    """Something for every table of marks, a rating, statuses and a deletion."""
    diary = Diary(destination=BOTH)
    diary.mark("Dune", *TWO, Notebook.mark_page)
    diary.mark("Emma", Notebook.note, Notebook.mark_page)
    diary.rate("Emma", 4)
    diary.review("Emma", REVIEWS[2])
    diary.finish()
    diary.put_aside()
    diary.delete()
    return scenario_of(diary)


def ask(household: Household, core: Core, disturb: Callable[[BookLoreServer], None]) -> None:
    """One sync while something is wrong. Whatever counts as delivered is on the server, whatever waits says why."""
    disturb(household.server)
    household.sync(core)

    assert core.status().synced.get("session", 0) <= len(household.server.sessions)
    assert all(one.reason for one in core.status().waiting)


def settle_exactly(household: Household, core: Core, scenario: Scenario, story: str) -> None:
    """The server is in good health again: whatever waits is brought home."""
    household.server.recover()
    for _ in range(3):
        household.clock.forward(LOCKED_SECONDS)
        household.settle(core)
        if not core.pending():
            break
    assert_exact(core, household.server, scenario.facts, scenario.wall, story)
    count("ambiguous answers")


def ambiguity(household: Household, fault: str, times: int | None, after: int) -> None:
    scenario = day()
    with household.opened() as core:
        hand_over(core, scenario.lines)

        ask(household, core, lambda server: server.fail(fault, POST, times, after))

        settle_exactly(household, core, scenario, f"{fault}, {times} times after {after} requests")


@pytest.mark.parametrize("fault", [*CUT_OFF, *ANSWERS])
def test_answer_to_a_session_leaves_each_on_the_server_once(household: Household, fault: str) -> None:
    ambiguity(household, fault, times=1, after=1)


@pytest.mark.parametrize("fault", [*CUT_OFF, *ANSWERS])
def test_answers_to_all_sessions_leave_each_on_the_server_once(open_household: OpenHousehold, fault: str) -> None:
    ambiguity(open_household("custom"), fault, times=None, after=0)


ROWS = ("v1/annotations", "v2/book-notes", "v1/book-notes", "v1/bookmarks")
TABLES = (*ROWS, "v1/books/personal-rating", "v1/books/s", "v1/app")


@pytest.mark.parametrize(("dialect", "times"), [("custom", 1), ("grimmory", None)])
@pytest.mark.parametrize(
    "fault", [*CUT_OFF, "commit_then_500", "status:502_html", "commit_then_html_200", "status:429"]
)
def test_answers_about_marks_ratings_and_statuses_leave_each_on_the_server_once(
    open_household: OpenHousehold, fault: str, dialect: str, times: int | None
) -> None:
    household, scenario = open_household(dialect, destination=BOTH), day_of_marks()
    with household.opened() as core:
        hand_over(core, scenario.lines)
        for table in TABLES:
            household.server.fail(fault, f"* /api/{table}", times)
        for _ in TABLES:
            household.sync(core)

        settle_exactly(household, core, scenario, f"{fault}, {times} times at each table")


@pytest.mark.parametrize("edit", [Notebook.note, Notebook.clear_note, Notebook.remove, Notebook.highlight_again])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("fault", ["close_before", "close_after", f"late:{REPEAT_AFTER - 10}"])
def test_answer_to_a_mark_that_is_changed_meanwhile_leaves_its_last_form(
    open_household: OpenHousehold, fault: str, method: str, edit: Change
) -> None:
    household, diary = open_household("grimmory"), Diary()
    diary.mark("Dune", *TWO)
    with household.opened() as core:
        for change in (Notebook.note, Notebook.remove, edit, Notebook.highlight):
            unit = diary.mark("Dune", change)
            hand_over(core, lines_of(diary.units))
            for table in TABLES:
                household.server.fail(fault, f"{method} /api/{table}")
            household.sync(core)
            assert unit.facts.annotation
        household.clock.forward(REPEAT_AFTER)

        settle_exactly(household, core, scenario_of(diary), f"{fault} to {method}")


@pytest.mark.soak
@pytest.mark.parametrize("times", [1, 2, 3, None])
@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("fault", [*CUT_OFF, *ANSWERS, LATE])
def test_answer_to_any_session_leaves_each_on_the_server_once(
    household: Household, fault: str, times: int | None, after: int
) -> None:
    ambiguity(household, fault, times, after)


@pytest.mark.parametrize("fault", [*CUT_OFF, *ANSWERS])
def test_answer_to_any_request_leaves_each_session_on_the_server_once(
    open_household: OpenHousehold, fault: str
) -> None:
    """Every request of the first run gets the fault once: login, probes, listing, digest, sessions."""
    for number in range(1, 16, 7):
        household = open_household("custom")
        scenario = day()
        with household.opened() as core:
            hand_over(core, scenario.lines)

            ask(household, core, lambda server, skip=number: server.fail(fault, "* /", 1, skip))  # type: ignore[misc]

            settle_exactly(household, core, scenario, f"{fault} after {number} requests")
        household.server.stop()


def test_late_answer_leaves_each_session_on_the_server_once(household: Household) -> None:
    ambiguity(household, LATE, 1, 2)


IN_TIME = REPEAT_AFTER - 10
"""Seconds: later than this nothing is carried out any more, or a repeat would be a second one."""


@pytest.mark.parametrize("times", [1, None])
def test_late_request_leaves_each_session_on_the_server_once(household: Household, times: int | None) -> None:
    """Every sync until then finds nothing, and every repeat would have come in, too."""
    scenario = day()
    with household.opened() as core:
        hand_over(core, scenario.lines)
        ask(household, core, lambda server: server.fail(f"late:{IN_TIME}", POST, times))
        for _ in range(4):
            household.clock.forward(60)
            household.sync(core)
        household.clock.forward(IN_TIME)

        settle_exactly(household, core, scenario, f"{times} late requests")


@pytest.mark.parametrize("minutes", [2, 9])
def test_syncs_while_the_table_is_locked_leave_each_session_on_the_server_once(
    household: Household, minutes: int
) -> None:
    """A backup's lock lets looks find nothing, and carries out everything in the end (contract 17)."""
    scenario = day()
    with household.opened() as core:
        hand_over(core, scenario.lines)
        ask(household, core, lambda server: server.lock_sessions(minutes * 60))
        for _ in range(minutes):
            household.clock.forward(50)
            household.sync(core)
            assert household.server.sessions == [] or household.server.requests[-1].status == 202

        settle_exactly(household, core, scenario, f"locked for {minutes} minutes")


def test_killed_process_leaves_its_late_request_to_the_next_one(household: Household) -> None:
    scenario = day()
    with household.opened() as core:
        hand_over(core, scenario.lines)
        household.server.fail(f"late:{IN_TIME}", POST)
        household.sync(core)
    with household.opened() as core:
        household.sync(core)
        household.clock.forward(IN_TIME)

        settle_exactly(household, core, scenario, "another process")


@pytest.mark.parametrize("fault", ["status:500", "delay:30", "close_before"])
def test_one_unknown_book_and_a_listing_that_fails_cost_the_known_books_nothing(
    household: Household, fault: str
) -> None:
    known, unknown = Diary(), Diary("kobo-2")
    known.read("Dune")
    with household.opened() as core:
        hand_over(core, known.lines)
        household.settle(core)
        known.read("Dune")
        unknown.read("Emma")
        scenario = scenario_of(known, unknown)
        hand_over(core, scenario.lines)

        ask(household, core, lambda server: server.fail(fault, LISTING, times=None))

        expected = shown_sessions(known.facts().session)
        assert held_sessions(household.server) & expected == expected
        settle_exactly(household, core, scenario, f"listing: {fault}")


@pytest.mark.parametrize("refresh_too", [False, True], ids=["refreshable", "spent"])
def test_expired_token_leaves_each_session_on_the_server_once(household: Household, refresh_too: bool) -> None:
    scenario, more = day(), day()
    with household.opened() as core:
        hand_over(core, scenario.handovers[0][:4])
        household.sync(core)

        hand_over(core, more.lines)
        ask(household, core, lambda server: server.expire_tokens(refresh_too))

        settle_exactly(household, core, scenario, "expired token")


@pytest.mark.parametrize("after", [0, 2])
def test_token_that_expires_between_two_sessions_costs_nothing(household: Household, after: int) -> None:
    scenario = day()
    seen: list[str] = []

    def expire(record: Record) -> None:
        seen.append(record.path)
        if sum(path.startswith("/api/v1/reading-sessions") for path in seen) == after + 2:
            household.clock.forward(2)
            household.server.expire_tokens()

    with household.opened() as core:
        hand_over(core, scenario.lines)

        ask(household, core, lambda server: setattr(server, "on_request", expire))

        household.server.on_request = None
        settle_exactly(household, core, scenario, f"token expired after {after} sessions")


@pytest.mark.parametrize("after", [0, 3])
def test_database_that_goes_away_is_no_refusal(household: Household, after: int) -> None:
    """Health is UP, tokens get 401, logins 500: contract 2.6."""
    scenario = day()
    left = [after + 1]

    def take_away(record: Record) -> None:
        left[0] -= record.path.startswith("/api/v1/reading-sessions")
        household.server.database_away = left[0] <= 0

    with household.opened() as core:
        hand_over(core, scenario.lines)

        ask(household, core, lambda server: setattr(server, "on_request", take_away))
        household.sync(core)

        household.server.on_request = None
        settle_exactly(household, core, scenario, f"database away after {after} sessions")


@pytest.mark.parametrize("answer", NO_ANSWERS)
@pytest.mark.parametrize("lost", ["close_after", "commit_then_500"])
def test_session_of_unknown_outcome_is_held_while_the_server_cannot_be_asked(
    household: Household, lost: str, answer: str
) -> None:
    hold(household, lost, answer)


@pytest.mark.soak
@pytest.mark.parametrize("answer", [*CUT_OFF, *ANSWERS, LATE])
@pytest.mark.parametrize("lost", ["close_after", "half_body", LATE, "commit_then_504", "commit_then_html_200"])
def test_session_of_any_unknown_outcome_is_held_whatever_the_server_answers(
    household: Household, lost: str, answer: str
) -> None:
    hold(household, lost, answer)


def hold(household: Household, lost: str, answer: str) -> None:
    scenario = day()

    def lose_and_hush(server: BookLoreServer) -> None:
        server.fail(lost, POST, times=None, after=1)
        server.fail(answer, LOOK, times=None)

    def hush(server: BookLoreServer) -> None:
        server.recover()
        server.fail(answer, LOOK, times=None)

    with household.opened() as core:
        hand_over(core, scenario.lines)
        ask(household, core, lose_and_hush)
        stored = set(held_sessions(household.server))
        assert stored, "nothing became ambiguous"

        for _ in range(2):
            ask(household, core, hush)

        held = [row for row in core.database.rows(MAYBE_SENT) if row["state"] != "delivered"]
        assert held
        assert len(core.status().waiting) >= len(held)
        assert max(held_sessions(household.server).values()) == 1
        settle_exactly(household, core, scenario, f"{lost}, then {answer} to the question")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
def test_call_that_was_given_up_sends_nothing_afterwards(
    household: Household, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """The core gives up a target's call after a minute; what the call was about is sent by a later run."""
    scenario = day()
    with household.opened() as core, household.opened() as other:
        hand_over(core, scenario.lines)
        household.server.fail("close_before", POST, times=1, after=1)
        household.sync(core)
        monkeypatch.setattr(booklore_core.pipeline.gateway, "CALL_LIMIT", 0.1)
        ask(household, core, lambda server: server.fail("delay:0.4", LOOK))
        monkeypatch.undo()

        household.settle(other if elsewhere else core)
        for thread in [one for one in threading.enumerate() if one.name == "booklore"]:
            thread.join()

        settle_exactly(household, core, scenario, "after the call that was given up has ended")
