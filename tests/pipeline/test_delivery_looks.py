"""Where a repeat would be a second one: what may have arrived is looked for, and sent again only after ten minutes."""

import re
from datetime import timedelta

import pytest
from delivery_world import DUNE, keys, row

from booklore_core import (
    TOMBSTONE,
    BookUnmatched,
    Item,
    ItemFailed,
    ItemRejected,
    LookingTarget,
    Match,
    TargetUnavailable,
)
from booklore_core.testing import FakeTarget, ForgetfulTarget


@pytest.fixture
def fact(clock):
    return lambda key, kind="session", book=DUNE, body=None: Item(kind, key, book, body or {"key": key}, clock())


def reason(core):
    [waiting] = core.status().waiting
    return waiting.reason


def minutes_until_it_is_sent(core, target, clock):
    """Syncs nine minutes from now and ten; None when neither sends it."""
    for minutes, passed in ((9, 9), (10, 1)):
        clock.forward(minutes=passed)
        core.sync()
        if keys(target) == ["a"]:
            return minutes
    return None


@pytest.fixture
def lost(open_core, fact):
    """A core and a target that has been sent an item whose request, or answer, was lost."""

    def lose(what, target=None, **environ):
        forgetful = target or ForgetfulTarget(loses=what)
        core = open_core(forgetful, **environ)
        core.put([fact("a")], "test")
        core.sync()
        return core, forgetful

    return lose


def test_what_has_arrived_is_found_and_not_sent_again(lost):
    core, forgetful = lost("answer")
    forgetful.wake_up()

    report = core.sync()

    assert keys(forgetful) == ["a"]
    assert report.total("delivered") == {"session": 1}
    assert row(core)["remote_id"] == "forgetful-a"


def test_what_is_not_there_waits_ten_minutes_and_says_so(lost, clock):
    core, forgetful = lost("request")
    forgetful.wake_up()
    clock.forward(minutes=3)

    report = core.sync()

    at, again = clock().astimezone(), clock.forward(minutes=7).astimezone()
    due = f"{again:%Y-%m-%d %H:%M %Z}"
    assert keys(forgetful) == []
    assert reason(core) == f"looked for at {at:%H:%M}, not there; the first sync after {due} sends it again"
    assert report.total("waiting") == {"session": 1}
    assert report.total("failed") == {}

    core.sync()
    assert keys(forgetful) == ["a"]
    assert forgetful.befores[-1].maybe_sent


def test_the_minute_from_which_on_it_is_sent_is_no_minute_too_early(lost, clock):
    clock.forward(minutes=0.5)
    core, forgetful = lost("request")
    forgetful.wake_up()
    sent_again_at = clock().astimezone() + timedelta(minutes=10)
    clock.forward(minutes=3)

    core.sync()

    [told] = re.findall(r"the first sync after (\d+-\d+-\d+ \d+:\d+)", reason(core))
    assert told == f"{sent_again_at + timedelta(minutes=0.5):%Y-%m-%d %H:%M}"


def test_three_syncs_while_the_request_is_under_way_leave_one_where_they_left_three(lost, clock):
    core, forgetful = lost("late")
    for _ in range(3):
        clock.forward(minutes=2)
        core.sync()
    forgetful.arrive()
    forgetful.wake_up()

    clock.forward(minutes=30)
    core.sync()

    assert keys(forgetful) == ["a"]
    assert core.pending() == {}


def test_a_look_is_no_attempt_and_puts_nothing_off(lost, clock):
    core, forgetful = lost("request")
    forgetful.wake_up()
    before = row(core)

    for _ in range(5):
        clock.forward(minutes=1, seconds=59)
        core.sync()
        assert (row(core)["tried_at"], row(core)["retry_count"]) == (before["tried_at"], before["retry_count"])
    assert forgetful.looked == ["a"] * 5

    clock.forward(seconds=5)
    core.sync()
    assert keys(forgetful) == ["a"]


def test_a_look_that_fails_puts_nothing_off_either(lost, clock):
    core, forgetful = lost("request")
    for error in (TargetUnavailable("away"), ItemFailed("cannot look"), RuntimeError("a bug"), ItemRejected("odd")):
        forgetful.fails_with = error
        clock.forward(minutes=2)
        core.sync()
        assert row(core)["maybe_sent"] == 1
        assert row(core)["retry_count"] == 0

    forgetful.wake_up()
    clock.forward(minutes=2)
    core.sync()

    assert keys(forgetful) == ["a"]


def test_a_look_that_cannot_be_had_ends_the_run_and_changes_nothing(lost):
    core, forgetful = lost("request")
    before = row(core)
    forgetful.fails_with = TargetUnavailable("away")

    report = core.sync()

    assert report.unavailable == {"forgetful": "away"}
    assert row(core) == before


def test_what_cannot_be_looked_for_is_held_however_long_it_takes(lost, clock):
    core, forgetful = lost("answer")
    forgetful.fails_with, forgetful.loses = ItemFailed("the list is empty"), None
    clock.forward(days=3)

    core.sync()

    assert keys(forgetful) == ["a"]
    assert reason(core) == "the list is empty"


def test_every_attempt_begins_the_ten_minutes_anew(lost, clock):
    core, forgetful = lost("request")
    clock.forward(minutes=10)
    core.sync()
    assert len(forgetful.befores) == 2
    forgetful.wake_up()

    assert minutes_until_it_is_sent(core, forgetful, clock) == 10


def test_an_attempt_that_certainly_sent_nothing_does_not_begin_them_anew(lost, clock):
    core, forgetful = lost("request")
    forgetful.wake_up()
    clock.forward(minutes=10)
    forgetful.deliver = lambda item, before: refuse()
    core.sync()

    del forgetful.deliver
    clock.forward(seconds=1)
    core.sync()

    assert keys(forgetful) == ["a"]


def refuse():
    raise TargetUnavailable("no route", maybe_sent=False)


@pytest.mark.parametrize(("seconds", "waits"), [("0", 0), ("60", 60), ("3600", 3600)])
def test_how_long_is_a_setting_of_every_target(lost, clock, seconds, waits):
    core, forgetful = lost("request", BOOKLORE_FORGETFUL_PLUGIN__REPEAT_AFTER=seconds)
    forgetful.wake_up()

    if waits:
        clock.forward(seconds=waits - 1)
        core.sync()
        assert keys(forgetful) == []
        clock.forward(seconds=1)
    core.sync()

    assert keys(forgetful) == ["a"]


def test_the_setting_is_ten_minutes_and_bounded(open_core):
    core = open_core(FakeTarget())

    assert core.settings["bookworm_plugin.repeat_after"] == 600
    with pytest.raises(ValueError, match="from 0 to 86400"):
        core.settings.set("bookworm_plugin.repeat_after", -1)
    assert "sessions.repeat_after" not in core.settings


def test_a_repeat_that_changes_nothing_is_not_put_off(open_core, fact):
    class Rating(FakeTarget):
        """Overwrites, so that it has nothing to look for."""

    rating = Rating(kinds={"rating"}, fails_with=TargetUnavailable("lost"))
    core = open_core(rating)
    core.put([fact("a", "rating")], "test")
    core.sync()
    rating.wake_up()

    core.sync()

    assert keys(rating) == ["a"]


def test_a_target_may_look_for_some_of_its_kinds_only(open_core, fact):
    class Mixed(ForgetfulTarget):
        looked_for = frozenset({"session"})

    mixed = Mixed(kinds={"session", "rating"}, loses="request")
    core = open_core(mixed)
    core.put([fact("a", "rating")], "test")
    core.sync()
    core.put([fact("b")], "test")
    core.sync()
    mixed.wake_up()

    core.sync()

    assert isinstance(mixed, LookingTarget)
    assert (keys(mixed), mixed.looked) == (["a"], ["b"])


def test_what_has_an_id_at_the_target_is_not_looked_for(open_core, fact, clock):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put([fact("a")], "test")
    core.sync()
    clock.forward(minutes=1)
    core.put([fact("a", body={"changed": True})], "test")
    forgetful.loses = "request"
    core.sync()
    forgetful.wake_up()

    core.sync()

    assert forgetful.looked == []
    assert forgetful.befores[-1].remote_id == "forgetful-1"


def test_what_is_found_without_an_id_is_looked_for_the_next_time_too(lost, fact, clock):
    class Nameless(ForgetfulTarget):
        def deliver(self, item, before):
            super().deliver(item, before)

        def find(self, item):
            return None if super().find(item) is None else ""

    core, nameless = lost("answer", Nameless(loses="answer"))
    core.sync()
    assert (row(core)["state"], row(core)["remote_id"]) == ("delivered", None)
    clock.forward(minutes=1)
    core.put([fact("a", body={"changed": True})], "test")
    core.sync()

    core.sync()

    assert nameless.looked == ["a", "a"]


def test_a_new_revision_is_looked_for_like_the_one_before(lost, fact, clock):
    core, forgetful = lost("late")
    clock.forward(minutes=1)
    core.put([fact("a", body={"longer": True})], "test")
    forgetful.wake_up()

    core.sync()
    assert keys(forgetful) == []
    forgetful.arrive()
    core.sync()

    assert keys(forgetful) == ["a"]
    assert core.pending() == {}


def test_what_was_removed_meanwhile_is_not_looked_for_and_goes_after_ten_minutes(lost, fact, clock):
    """The lost request may still make what is to be removed."""
    core, forgetful = lost("late")
    clock.forward(minutes=1)
    core.put([fact("a", body=TOMBSTONE)], "test")
    forgetful.wake_up()

    core.sync()
    assert forgetful.received == []
    clock.forward(minutes=10)
    core.sync()

    assert forgetful.looked == []
    assert [item.is_tombstone for item in forgetful.received] == [True]


def test_a_book_that_is_gone_at_the_look_is_matched_anew_and_the_item_stays_in_doubt(lost, clock):
    class Library(ForgetfulTarget):
        def match(self, books):
            return {book.partial_md5: Match(self.number, "digest") for book in books}

    library = Library(loses="request")
    library.number = "1"
    core, _ = lost("request", library)
    library.loses, library.fails_with, library.number = None, BookUnmatched("404"), "2"
    core.sync()
    assert (row(core)["state"], row(core)["maybe_sent"]) == ("unconfirmed", 1)
    assert library.received == []

    library.wake_up()
    clock.forward(minutes=10)
    core.sync()

    assert [item.book.match for item in library.received] == ["2"]
    assert library.looked == ["a", "a", "a"]


class PowerCut(BaseException):
    """Ends the program in the middle of everything."""


def test_what_was_begun_when_the_power_failed_waits_as_well(open_core, fact, clock, monkeypatch):
    """Nobody knows whether it had been sent; it costs ten minutes at most."""
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put([fact("a")], "test")
    forgetful.deliver = lambda item, before: None

    def power_cut(*_):
        raise PowerCut

    monkeypatch.setattr(core.ledger, "settle", power_cut)
    with pytest.raises(PowerCut):
        core.sync()
    monkeypatch.undo()
    del forgetful.deliver

    assert minutes_until_it_is_sent(core, forgetful, clock) == 10


def test_what_is_owed_again_because_it_is_missing_is_sent_at_once_when_it_was_tried_long_ago(open_core, fact, clock):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put([fact("a")], "test")
    core.sync()
    forgetful.received.clear()
    clock.forward(hours=1)

    core.ledger.owe_again("forgetful", "session", "a")
    core.sync()

    assert forgetful.looked == ["a"]
    assert keys(forgetful) == ["a"]


@pytest.mark.parametrize("ahead", [60, 3600, 5 * 365 * 86400])
def test_an_attempt_in_the_future_of_a_clock_that_was_set_back_costs_ten_minutes_and_not_years(lost, clock, ahead):
    clock.forward(seconds=ahead)
    core, forgetful = lost("request")
    forgetful.wake_up()
    clock.forward(seconds=-ahead)
    core.sync()
    assert keys(forgetful) == []

    assert minutes_until_it_is_sent(core, forgetful, clock) == 10


def test_fresh_items_do_not_wait_for_one_in_doubt(lost, fact, clock):
    core, forgetful = lost("request")
    forgetful.wake_up()
    core.put([fact("b"), fact("c")], "test")

    core.sync()

    assert keys(forgetful) == ["b", "c"]
