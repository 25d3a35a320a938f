"""What occurred before the target was owed anything may be there from an earlier database: it is looked for first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booklore_core import TOMBSTONE, Before, BookRef, Item, ItemFailed, TargetUnavailable
from booklore_core.testing import FakeTarget, ForgetfulTarget

DUNE = BookRef("d" * 32, "Dune")


class Batching(ForgetfulTarget):
    """batches: the keys that came together."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def deliver_batch(self, items):
        self.batches.append([item.key for item in items])
        self.received += items


@pytest.fixture
def past(clock):
    """Facts that occurred before every database that is opened later."""
    moment = clock()
    clock.forward(hours=1)
    return lambda *keys, body=None: [Item("session", key, DUNE, body or {"key": key}, moment) for key in keys]


def keys(target):
    return [item.key for item in target.received]


def test_what_an_earlier_database_has_sent_is_found_and_not_sent_again(open_core, past):
    forgetful = ForgetfulTarget()
    for home in ("first", "second", "third"):
        core = open_core(forgetful, home=home)
        core.put(past("a", "b"), "test")
        report = core.sync()

        assert report.total("delivered") == {"session": 2}
        assert core.pending() == {}
    assert keys(forgetful) == ["a", "b"]


def test_what_is_not_there_is_sent_in_the_same_run(open_core, past):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put(past("a"), "test")

    core.sync()

    assert (forgetful.looked, keys(forgetful)) == (["a"], ["a"])
    assert forgetful.befores == [Before()]


def test_what_was_removed_before_it_was_sent_may_have_been_sent_by_an_earlier_database(open_core, past):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    (item,) = past("a")
    later = item.occurred_at + timedelta(minutes=1)
    core.put([item, replace(item, body={**item.body, "removed": True}, occurred_at=later)], "test")

    core.sync()

    assert forgetful.befores == [Before(maybe_sent=True)]


def test_what_occurred_since_costs_no_look(open_core, clock):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put([Item("session", "a", DUNE, {}, clock())], "test")

    core.sync()

    assert (forgetful.looked, keys(forgetful)) == ([], ["a"])


def test_target_is_told_what_occurred_before_it_was_owed_anything(open_core, past, clock):
    bookworm = FakeTarget()
    core = open_core(bookworm)
    core.put([*past("a"), Item("session", "b", DUNE, {}, clock())], "test")

    core.sync()

    assert [before.is_older for before in bookworm.befores] == [True, False]


def test_target_that_cannot_be_looked_at_is_sent_everything(open_core, past):
    bookworm = FakeTarget()
    core = open_core(bookworm)
    core.put(past("a"), "test")

    core.sync()

    assert keys(bookworm) == ["a"]


def test_what_is_not_there_still_goes_together(open_core, past):
    forgetful = Batching()
    forgetful.received += past("b", "e")
    core = open_core(forgetful)
    core.put(past(*"abcdef"), "test")

    report = core.sync()

    assert forgetful.batches == [list("acdf")]
    assert report.total("delivered") == {"session": 6}


def test_batch_whose_answer_was_lost_is_in_doubt_like_any_other(open_core, past, clock):
    forgetful = Batching()
    forgetful.deliver_batch = refuse
    core = open_core(forgetful)
    core.put(past("a", "b"), "test")

    core.sync()
    assert keys(forgetful) == []
    clock.forward(minutes=10)
    core.sync()

    assert keys(forgetful) == ["a", "b"]


def refuse(_):
    raise ItemFailed("500", maybe_sent=True)


@pytest.mark.parametrize(("error", "told"), [
    (ItemFailed("the list is empty"), "the list is empty"),
    (RuntimeError("a bug"), "find failed: RuntimeError: a bug"),
])  # fmt: skip
def test_what_cannot_be_looked_for_is_held_and_says_why(open_core, past, error, told):
    forgetful = ForgetfulTarget(fails_with=error)
    core = open_core(forgetful)
    core.put(past("a"), "test")
    core.sync()
    [waiting] = core.status().waiting
    assert waiting.reason.partition(" (/")[0] == told  # where it is told, too, in which file and line

    forgetful.wake_up()
    core.sync()

    assert keys(forgetful) == ["a"]


def test_server_that_is_away_at_the_look_leaves_no_trace(open_core, past):
    forgetful = ForgetfulTarget(fails_with=TargetUnavailable("away"))
    core = open_core(forgetful)
    core.put(past("a"), "test")

    report = core.sync()

    assert report.unavailable == {"forgetful": "away"}
    assert core.database.rows("SELECT * FROM deliveries") == []


def test_what_was_removed_before_it_was_ever_sent_goes_without_a_look(open_core, past):
    forgetful = ForgetfulTarget()
    core = open_core(forgetful)
    core.put(past("a", body=TOMBSTONE), "test")

    core.sync()

    assert forgetful.looked == []
    assert [item.is_tombstone for item in forgetful.received] == [True]


def test_revision_of_what_this_database_has_sent_is_no_thing_of_the_past(open_core, past, clock):
    class Silent(ForgetfulTarget):
        """Tells no id."""

        def deliver(self, item, before):
            super().deliver(item, before)

    silent = Silent()
    core = open_core(silent)
    core.put(past("a"), "test")
    core.sync()

    clock.forward(minutes=1)
    core.put(past("a", body={"changed": True}), "test")
    core.sync()

    assert [item.body for item in silent.received] == [{"key": "a"}, {"changed": True}]
