"""What a target has, as far as is known, outlives that queues and histories are cleared."""

import pytest

from booklore_core import BookRef, Item
from booklore_core.pipeline.facts import Facts
from booklore_core.pipeline.ledger import DELIVERED, UNMATCHED, Outcome
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


@pytest.fixture
def due(core):
    def due():
        [one] = core.ledger.load("bookworm", core.ledger.due("bookworm"))
        return one

    return due


def test_a_withdrawn_item_that_was_never_tried_leaves_no_trace(core, rate, due, clock):
    rate(3)
    before = due()

    core.ledger.begin([before], "bookworm", clock())
    core.ledger.withdraw([before], "bookworm", clock())

    assert due() == before and due().is_fresh
    assert core.database.rows("SELECT * FROM deliveries") == []


def test_what_was_taken_without_an_id_never_counts_as_new_again(core, rate, due, clock):
    rate(3)
    core.ledger.settle([(due(), Outcome(DELIVERED))], "bookworm", clock())
    rate(5)

    core.ledger.wait([due()], "bookworm", "its match was lost", clock())

    assert not due().is_fresh


def test_an_edit_that_is_withdrawn_and_cleared_leaves_the_earlier_revision_delivered(core, rate, due, clock):
    rate(3)
    core.sync()
    rate(5)
    begun = due()

    core.ledger.begin([begun], "bookworm", clock())
    core.outbox.clear("rating", clock())
    core.ledger.withdraw([begun], "bookworm", clock())

    assert (core.status().synced, core.pending()) == ({"rating": 1}, {})


def test_what_a_person_cleared_stays_known_while_its_next_revision_waits(core, rate, due, clock):
    rate(3)
    core.outbox.clear("rating", clock())
    rate(5)

    core.ledger.wait([due()], "bookworm", "not matched", clock())

    assert due().last.state == UNMATCHED
    assert Facts(core.database, clock()).known("rating", ["dune"])[0].is_given
