"""Opening a book that was read elsewhere: who is led where, who is asked, and what is pushed after that."""

from __future__ import annotations

from typing import Any

import pytest
from bridge_world import EReader, wait_for_workers
from progress_world import DUNE, HOUR, MD5, MORNING, PATIENT, Household, goes, opened, read, stays

from booklore_core import RemotePosition, TargetUnavailable
from booklore_core.testing import FakeRemote

ROWS = [(direction, strategy) for direction in ("newer", "older") for strategy in ("silently", "prompt", "disable")]
WEB_PAGE = TargetUnavailable("the server answered with a web page (502)", maybe_sent=False)
PEACEFUL = ("equal", "own", "null", "404", "502 page", "unreachable")
"""States of the remote that lead nobody anywhere, whatever was chosen."""


@pytest.fixture
def home(open_core: Any, serve: Any, clock: Any) -> Household:
    remote = FakeRemote(clock)
    core = open_core(remote, plugins=("progress",))
    core.settings.set("sync.manual_only", True)
    return Household(core, serve(core, **PATIENT), remote)


@pytest.fixture
def kobo(home: Household) -> EReader:
    """A device on which the book was read to page 41 in the morning."""
    ereader = home.device("kobo")
    read(ereader, pages=40)
    return ereader


def choose(home: Household, direction: str, strategy: str) -> None:
    for setting in ("newer", "older"):
        home.core.settings.set(f"progress.{setting}", strategy if setting == direction else "disable")


def put(home: Household, state: str, kobo: EReader) -> None:
    """Brings the remote into a state."""
    if state == "own":
        home.remote.loses = "answer"
        home.core.sync()
        home.remote.wake_up()
    now = kobo.reader.now
    places = {
        "newer": RemotePosition(0.7, "there", "BookLore", now + HOUR / 2),
        "older": RemotePosition(0.1, "there", "BookLore", MORNING - 24 * HOUR),
        "equal": RemotePosition(0.4105, "on the same page", "BookLore", now + HOUR / 2),
        "null": RemotePosition(None, None, "BookLore", now + HOUR / 2),
    }
    if state in places:
        home.remote.places[MD5] = places[state]
    failures = {"502 page": WEB_PAGE, "unreachable": TargetUnavailable("connection refused", maybe_sent=False)}
    home.remote.fails_with = failures.get(state)


def kinds(effects: list[dict[str, Any]]) -> list[str]:
    return [effect["type"] for effect in effects]


@pytest.mark.parametrize(("direction", "strategy"), ROWS)
@pytest.mark.parametrize("state", ["newer", "older"])
def test_a_position_elsewhere_is_treated_as_was_chosen(
    home: Household, kobo: EReader, direction: str, strategy: str, state: str
) -> None:
    choose(home, direction, strategy)
    put(home, state, kobo)

    effects = opened(kobo)

    acts = {"silently": ["goto", "toast"], "prompt": ["confirm"], "disable": []}
    assert kinds(effects) == (acts[strategy] if direction == state else [])
    goto = {"type": "goto", "book": MD5, "position": "there", "percent": 0.7 if state == "newer" else 0.1}
    if kinds(effects) == ["goto", "toast"]:
        assert effects[0] == goto
    if kinds(effects) == ["confirm"]:
        assert effects[0]["on_ok"][0] == goto and effects[0]["book"] == MD5


@pytest.mark.parametrize(("direction", "strategy"), ROWS)
@pytest.mark.parametrize("state", PEACEFUL)
def test_a_position_that_is_none_leads_nobody(
    home: Household, kobo: EReader, direction: str, strategy: str, state: str
) -> None:
    choose(home, direction, strategy)
    put(home, state, kobo)

    assert opened(kobo) == []


@pytest.mark.parametrize(
    ("state", "arrives"),
    [("older", True), ("equal", True), ("own", True), ("null", True), ("404", True), ("newer", False),
     ("502 page", False), ("unreachable", False)],
)  # fmt: skip
def test_what_is_read_after_that_is_pushed_where_it_takes_nothing_away(
    home: Household, kobo: EReader, state: str, arrives: bool
) -> None:
    put(home, state, kobo)
    opened(kobo)
    home.core.sync()
    before = home.remote.places.get(MD5)
    kobo.reader.turn(10)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert (home.remote.places.get(MD5) != before) == arrives
    if not arrives:
        assert home.state().get("retry_count", 0) == 0  # of what never was begun nothing is told


@pytest.mark.parametrize(("direction", "strategy"), ROWS)
@pytest.mark.parametrize("state", ["newer", "older", *PEACEFUL])
def test_a_late_answer_is_fetched_and_bound_to_the_page(
    open_core: Any, serve: Any, clock: Any, direction: str, strategy: str, state: str
) -> None:
    remote = FakeRemote(clock)
    core = open_core(remote, plugins=("progress",))
    core.settings.set("sync.manual_only", True)
    home = Household(core, serve(core, replies=0.2), remote)
    choose(home, direction, strategy)
    kobo = home.device()
    read(kobo, pages=40)
    put(home, state, kobo)
    remote.is_slow = True

    (first,) = opened(kobo)
    assert (first["type"], first["action"]) == ("schedule", "late_reply")
    (again,) = kobo.act("late_reply")["effects"]
    assert again == first
    remote.may_answer.set()
    wait_for_workers()
    effects = kobo.act("late_reply")["effects"]

    acts = {"silently": ["goto", "toast"], "prompt": ["confirm"], "disable": []}
    assert kinds(effects) == (acts[strategy] if direction == state else [])
    assert all(effect["page"] == 41 for effect in effects if effect["type"] != "toast")
    assert kobo.act("late_reply")["effects"] == []


def test_the_question_says_both_positions_the_device_and_how_long_ago(home: Household, kobo: EReader) -> None:
    boox = home.device("boox")
    boox.reader.now = kobo.reader.now
    read(boox, pages=70)

    (asked,) = opened(kobo)

    assert asked["text"] == "Boox read Dune to 71.0% 13 minutes ago. Here it is at 41.0%. Go to 71.0%?"
    assert (asked["ok"], asked["cancel"]) == ("Go there", "Stay here")


def test_a_device_that_was_not_there_before_is_asked_about_the_others(home: Household, kobo: EReader) -> None:
    boox = home.device("boox")
    boox.reader.now = kobo.reader.now

    (asked,) = opened(boox)

    assert asked["text"] == "Kobo read Dune to 41.0% 1 hour ago. Here it is at 1.0%. Go to 41.0%?"


def test_the_answer_to_go_is_the_devices_own_and_pushed_once_read_on(home: Household, kobo: EReader) -> None:
    home.somewhere(0.7, kobo.reader.now)
    goes(kobo, opened(kobo))
    kobo.reader.turn(5)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.pushed == [0.75]
    assert opened(kobo) == []


def test_who_stays_is_not_asked_again_and_what_he_reads_is_pushed(home: Household, kobo: EReader) -> None:
    home.somewhere(0.7, kobo.reader.now)
    stays(kobo, opened(kobo))
    kobo.hand_off(kobo.reader.close())
    home.core.sync()
    assert home.pushed == [] and home.state()["state"] == "superseded"
    assert opened(kobo) == []
    kobo.reader.turn(5)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.pushed == [0.46]
    assert opened(kobo) == []


def test_who_stays_and_hears_of_a_place_later_still_is_asked_again(home: Household, kobo: EReader) -> None:
    home.somewhere(0.7, kobo.reader.now)
    stays(kobo, opened(kobo))
    kobo.hand_off(kobo.reader.close())
    home.somewhere(0.8, kobo.reader.now)

    assert kinds(opened(kobo)) == ["confirm"]


@pytest.mark.parametrize(("hours", "questions"), [(0.99, 2), (0.5, 1)])
def test_of_two_places_that_nobody_wants_to_go_to_none_is_asked_about_twice(
    home: Household, kobo: EReader, hours: float, questions: int
) -> None:
    boox = home.device("boox")
    boox.reader.now = kobo.reader.now
    read(boox, pages=80)
    home.somewhere(0.7, kobo.reader.now + hours * HOUR)

    asked = []
    for _ in range(5):
        effects = opened(kobo)
        asked += effects
        if effects:
            stays(kobo, effects)
        kobo.hand_off(kobo.reader.close())

    assert len(asked) == questions


def test_staying_is_noted_also_where_the_core_hears_of_it_after_the_book_was_read_on(
    home: Household, kobo: EReader
) -> None:
    home.somewhere(0.7, kobo.reader.now)
    effects = opened(kobo)
    kobo.reader.turn(5)
    kobo.hand_off(kobo.reader.close())
    home.core.sync()
    assert home.pushed == []

    stays(kobo, effects)
    home.core.sync()

    assert home.pushed == [0.46]


def test_staying_at_the_very_beginning_is_noted_and_not_pushed(home: Household) -> None:
    boox = home.device("boox")
    line = boox.reader.open(DUNE)
    line["reading"]["percent"] = 0.001
    home.somewhere(0.7, MORNING)

    stays(boox, boox.hand_off(line)["effects"])
    home.core.sync()
    home.remote.places.clear()
    home.core.sync()

    assert home.pushed == []
    boox.reader._begin()
    again = boox.reader.open(DUNE)
    again["reading"]["percent"] = 0.001
    home.somewhere(0.7, MORNING)
    assert boox.hand_off(again)["effects"] == []


@pytest.mark.parametrize("args", [{}, {"device": "kobo", "at": "soon", "here": [0.4, None], "there": [0.7, None]},
    {"device": "kobo", "at": "2026-11-20T10:00:00Z", "here": [4, None], "there": [0.7, None]},
    {"device": "kobo", "at": "2026-11-20T10:00:00Z", "here": [0.4, None], "there": "far away"}])  # fmt: skip
def test_an_answer_that_is_none_changes_nothing(home: Household, kobo: EReader, args: dict[str, Any]) -> None:
    before = home.core.database.rows("SELECT * FROM items")

    (told,) = kobo.act("stay_here", book=MD5, **args)["effects"]

    assert told["type"] == "toast" and home.core.database.rows("SELECT * FROM items") == before


def test_what_is_not_followed_by_choice_is_overwritten_by_what_is_read(home: Household, kobo: EReader) -> None:
    home.core.settings.set("progress.newer", "disable")
    home.somewhere(0.7, kobo.reader.now)
    assert opened(kobo) == []
    home.core.sync()
    assert home.pushed == []
    kobo.reader.turn(5)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.pushed == [0.46]


def test_a_stale_position_that_waited_is_given_up_and_said_so(home: Household, kobo: EReader) -> None:
    home.somewhere(0.7, kobo.reader.now + HOUR)

    home.core.sync()

    assert home.pushed == []
    assert home.state() == {"state": "superseded", "retry_count": 0, "reason": "BookLore is at 70.0%, read later"}


def test_a_position_without_place_leads_by_percent(home: Household, kobo: EReader) -> None:
    home.somewhere(0.646, kobo.reader.now, position=None)

    (asked,) = opened(kobo)

    assert asked["on_ok"][0] == {"type": "goto", "book": MD5, "position": None, "percent": 0.646}


@pytest.mark.parametrize("at", [None, MORNING + 10_000 * HOUR])
def test_a_remote_without_clock_or_with_a_wrong_one_asks_once(home: Household, kobo: EReader, at: Any) -> None:
    home.somewhere(0.7, at)

    effects = opened(kobo)
    assert effects[0]["text"].startswith(f"BookLore read Dune to 70.0%{' just now' if at else ''}. Here")
    stays(kobo, effects)
    kobo.reader.turn(1)
    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.pushed == [0.42]
    assert opened(kobo) == []


def test_a_remote_without_clock_that_is_behind_is_older(home: Household, kobo: EReader) -> None:
    home.somewhere(0.2, None)

    assert opened(kobo) == []


@pytest.mark.parametrize("percent", [float("nan"), float("inf"), 45.0, -1.0, 0.0])
def test_a_percent_that_is_none_leads_nobody_and_is_overwritten(home: Household, kobo: EReader, percent: float) -> None:
    home.somewhere(percent, kobo.reader.now + HOUR)

    assert opened(kobo) == []
    home.core.sync()

    assert home.pushed == [0.41]


def test_pages_that_were_never_told_make_no_older_place_a_newer_one(home: Household, kobo: EReader) -> None:
    """The battery died over them: the book opens further on than it was last told of."""
    home.somewhere(0.1, kobo.reader.now - HOUR / 4)
    kobo.reader.wait(3600)
    read(kobo, pages=5)
    kobo.reader._pages[MD5] += 9

    assert opened(kobo) == []
    kobo.reader._pages[MD5] += 2
    assert opened(kobo) == []


def test_who_goes_back_and_reads_to_the_same_page_again_is_there(home: Household, kobo: EReader) -> None:
    home.core.sync()
    home.somewhere(0.3, kobo.reader.now + HOUR / 2)
    goes(kobo, opened(kobo))
    kobo.reader.turn(11)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.pushed == [0.41, 0.41]
    assert opened(kobo) == []


def test_who_went_there_and_came_back_is_not_asked_again(home: Household, kobo: EReader) -> None:
    home.somewhere(0.7, kobo.reader.now + HOUR / 2)
    goes(kobo, opened(kobo))
    kobo.reader.page = 50
    kobo.reader.turn(5)

    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert opened(kobo) == []
    assert home.pushed == [0.55]


def test_a_place_that_was_declined_stays_so_when_another_is_declined(home: Household, kobo: EReader) -> None:
    early = kobo.reader.now + HOUR / 2
    home.somewhere(0.7, early)
    stays(kobo, opened(kobo))
    kobo.hand_off(kobo.reader.close())
    home.somewhere(0.6, kobo.reader.now + HOUR / 2, "elsewhere")
    stays(kobo, opened(kobo))
    kobo.hand_off(kobo.reader.close())

    assert opened(kobo) == []
    home.somewhere(0.7, early)
    assert opened(kobo) == []
