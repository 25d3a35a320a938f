"""A target that does not know whether an item is to be carried out yet gives it up, and a person is asked."""

import pytest

from booklore_core import WITHDRAWN, BookRef, Item, Superseded
from booklore_core.testing import FakeTarget

DUNE, EMMA = BookRef("d" * 32, "Dune"), BookRef("e" * 32, "Emma")
WHY = "somebody may have had it back since"


def doubts(item):
    return None if item.body.get("agreed") else Superseded(WHY, question=f"Take these?\n“{item.book.title}”")


@pytest.fixture
def core(open_core, bookworm):
    return open_core(bookworm)


@pytest.fixture
def bookworm():
    return FakeTarget(kinds={"note"}, fails_with=doubts)


@pytest.fixture
def asked(core, clock):
    """Two items that a sync has found to be in doubt."""
    core.put([Item("note", book.title, book, {"says": "a"}, clock()) for book in (DUNE, EMMA)], "test")
    core.sync()
    return core


def test_it_is_given_up_and_asked_about_once_for_all_and_stands_in_the_status_once(asked, bookworm):
    status = asked.status()

    assert (bookworm.received, status.pending, status.superseded) == ([], {}, [])
    assert [(one.book, one.state) for one in status.waiting] == [("Dune", "asked"), ("Emma", "asked")]
    assert asked.questions() == ["Take these? (2: “Dune”, “Emma”)"]


def test_it_is_not_tried_again_before_that_is_answered(asked, bookworm):
    asked.sync()

    assert len(bookworm.befores) == 2


def test_a_yes_has_it_carried_out(asked, bookworm, clock):
    asked.outbox.answer(asked.questions()[0], True, clock())

    asked.sync()

    assert [item.body for item in bookworm.received] == [{"says": "a", "agreed": True}] * 2
    assert (asked.status().superseded, asked.questions(), asked.pending()) == ([], [], {})


def test_a_yes_counts_though_the_same_was_said_again_meanwhile(core, bookworm, clock):
    for _ in range(2):
        core.put([Item("note", "Dune", DUNE, {"says": "a"}, clock())], "test")
        clock.forward(hours=1)
    core.sync()

    core.outbox.answer(core.questions()[0], True, clock())
    core.sync()

    assert len(bookworm.received) == 1


def test_the_question_stays_when_the_same_is_said_again_and_a_yes_counts_still(asked, bookworm, clock):
    asked.put([Item("note", "Dune", DUNE, {"says": "a"}, clock.forward(hours=1))], "test")
    asked.sync()
    assert asked.questions() == ["Take these? (2: “Dune”, “Emma”)"]

    asked.outbox.answer(asked.questions()[0], True, clock())
    asked.sync()

    assert len(bookworm.received) == 2


def test_what_becomes_something_else_is_tried_and_asked_about_anew(asked, bookworm, clock):
    asked.put([Item("note", "Dune", DUNE, {"says": "b"}, clock.forward(hours=1))], "test")

    assert (asked.questions(), asked.pending()) == (["Take these? (“Emma”)"], {"note": 1})


def test_a_no_leaves_it_given_up(asked, bookworm, clock):
    asked.outbox.answer(asked.questions()[0], False, clock())

    asked.sync()

    assert (bookworm.received, asked.questions()) == ([], [])
    assert {(one.book, one.reason) for one in asked.status().superseded} == {("Dune", WHY), ("Emma", WHY)}


def test_what_is_taken_back_is_asked_no_more(asked, clock):
    asked.put([Item("note", "Dune", DUNE, WITHDRAWN, clock.forward(minutes=1))], "test")

    assert (asked.questions(), asked.pending()) == (["Take these? (“Emma”)"], {})


def test_what_is_taken_back_while_it_is_tried_is_not_asked_about(core, bookworm, clock):
    core.put([Item("note", "Dune", DUNE, {"says": "a"}, clock())], "test")
    back = Item("note", "Dune", DUNE, WITHDRAWN, clock.forward(minutes=1))
    bookworm.fails_with = lambda item: core.put([back], "test") and doubts(item)

    core.sync()

    assert (core.questions(), core.pending()) == ([], {})
