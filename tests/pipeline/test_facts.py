"""Features see what followed earlier, the batch at hand included, and whether a target may have it."""

import pytest

from booklore_core import TOMBSTONE, BookRef, Item, ItemFailed
from booklore_core.pipeline.facts import Facts
from booklore_core.testing import FakeTarget, sample_book

DUNE, EMMA = BookRef(sample_book("Dune")["partial_md5"], "Dune"), BookRef(sample_book("Emma")["partial_md5"], "Emma")


@pytest.fixture
def core(open_core):
    return open_core(FakeTarget(kinds={"rating"}))


@pytest.fixture
def facts(core, clock):
    return Facts(core.database, clock())


def rating(clock, stars, key="dune"):
    return Item("rating", key, DUNE, {"stars": stars} if stars else TOMBSTONE, clock())


def test_facts_are_the_items_that_followed_newest_first(core, clock):
    core.put([rating(clock, 3, "first")], "test")
    clock.forward(hours=1)
    core.put([rating(clock, 4, "second")], "test")
    facts = Facts(core.database, clock())

    assert [fact.body["stars"] for fact in facts.of("rating", DUNE)] == [4, 3]
    assert facts.of("rating", EMMA) == []


def test_a_fact_is_given_once_a_target_may_have_it(core, clock):
    core.put([rating(clock, 3)], "test")

    [waiting] = Facts(core.database, clock()).known("rating", ["dune", "emma"])
    core.sync()
    [given] = Facts(core.database, clock()).known("rating", ["dune"])

    assert (waiting.is_given, given.is_given) == (False, True)
    assert given.item == rating(clock, 3)


def test_what_followed_from_the_event_before_is_seen_by_the_next(facts, clock):
    facts.note([rating(clock, 3)])
    facts.note([rating(clock, 5)])

    assert [fact.item.body for fact in facts.known("rating", ["dune"])] == [{"stars": 5}]
    assert [item.body for item in facts.of("rating", DUNE)] == [{"stars": 5}]


def test_what_was_taken_out_by_the_event_before_is_not_seen(core, facts, clock):
    core.put([rating(clock, 3)], "test")
    facts.note([rating(clock, None)])

    assert facts.known("rating", ["dune"]) == []


def test_facts_hold_until_something_that_was_read_changes(core, facts, clock):
    core.put([rating(clock, 3)], "test")
    facts.known("rating", ["dune", "emma"])
    assert facts.still_hold()

    core.sync()

    assert not facts.still_hold()


def test_facts_that_were_not_there_must_still_not_be_there(core, facts, clock):
    facts.known("rating", ["dune"])

    core.put([rating(clock, 3)], "test")

    assert not facts.still_hold()


class Nameless(FakeTarget):
    """Gives nothing an id."""

    def deliver(self, item, before):
        super().deliver(item, before)


def test_a_fact_stays_given_when_an_edit_fails_at_a_target_that_tells_no_ids(open_core, clock):
    nameless = Nameless(kinds={"rating"})
    core = open_core(nameless)
    core.put([rating(clock, 3)], "test")
    core.sync()
    clock.forward(hours=1)
    core.put([rating(clock, 5)], "test")
    nameless.fails_with = ItemFailed("busy")
    core.sync()

    [edited] = Facts(core.database, clock()).known("rating", ["dune"])

    assert edited.is_given
