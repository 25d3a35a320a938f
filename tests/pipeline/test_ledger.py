"""What a target has, as far as is known, outlives that queues and histories are cleared."""

import pytest

from booklore_core import BookRef, Item
from booklore_core.testing import FakeTarget

DUNE = BookRef("d" * 32, "Dune")


@pytest.fixture
def bookworm():
    return FakeTarget(kinds={"rating"})


@pytest.fixture
def core(open_core, bookworm):
    return open_core(bookworm)


@pytest.fixture
def rate(core, clock):
    def rate(stars):
        clock.forward(minutes=1)
        core.put([Item("rating", "dune", DUNE, {"stars": stars}, clock())], "test")

    return rate


def stars(target):
    return [item.body["stars"] for item in target.received]


def test_what_is_missing_is_sent_again_and_the_target_looks_first(core, rate, bookworm):
    rate(3)
    core.sync()

    core.ledger.owe_again("bookworm", "rating", "dune")
    assert core.pending() == {"rating": 1}
    core.sync()

    assert (stars(bookworm), bookworm.befores[-1].maybe_sent) == ([3, 3], True)


def test_what_was_cleared_while_it_was_on_its_way_is_not_sent_again_for_being_missing(open_core, clock):
    class Cleared(FakeTarget):
        def deliver(self, item, before):
            core.outbox.clear("rating", clock())
            return super().deliver(item, before)

    bookworm = Cleared(kinds={"rating"})
    core = open_core(bookworm)
    core.put([Item("rating", "dune", DUNE, {"stars": 3}, clock())], "test")
    core.sync()

    core.ledger.owe_again("bookworm", "rating", "dune")
    core.sync()

    assert (stars(bookworm), core.pending(), core.status().synced) == ([3], {}, {"rating": 1})


def test_a_target_that_is_off_is_not_owed_what_it_misses(core, rate):
    rate(3)
    core.sync()
    core.settings.set("bookworm_plugin.enabled", False)
    core.refresh()

    core.ledger.owe_again("bookworm", "rating", "dune")

    assert core.pending() == {}


def test_an_edit_that_was_cleared_stays_so_when_the_history_is_forgotten(core, rate, clock, bookworm):
    rate(3)
    core.sync()
    rate(5)
    core.outbox.clear("rating", clock())

    core.ledger.forget("rating")
    for on in (False, True):
        core.settings.set("bookworm_plugin.enabled", on)
        core.refresh()
    core.sync()

    assert (stars(bookworm), core.pending()) == ([3], {})


def test_an_edit_that_waits_goes_on_waiting_when_the_history_is_forgotten(core, rate, bookworm):
    rate(3)
    core.sync()
    rate(5)

    core.ledger.forget("rating")
    core.sync()

    assert stars(bookworm) == [3, 5]
