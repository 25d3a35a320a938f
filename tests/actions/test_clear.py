"""Clearing queues and histories happens on a person's word only, and is not undone by a later import."""

import pytest
from declared_kinds import declare

from booklore_core import BookRef, Item
from booklore_core.actions import start
from booklore_core.flows import Pick, Request
from booklore_core.settings import BadSetting
from booklore_core.testing import FakeTarget, SampleReader, answer_all, sample_book

DUNE = sample_book("Dune")


@pytest.fixture
def reader():
    reader = SampleReader()
    reader.read(DUNE)
    return reader


def run(core, name, *answers, **args):
    return answer_all(start(core, name, Request(args=args)), answers)


def test_the_dialog_lists_only_queues_that_hold_something_all_preselected(open_core, reader):
    core = open_core(FakeTarget())
    core.take(reader.lines, "test")

    question = next(start(core, "clear_pending", Request(device="kobo")))

    assert isinstance(question, Pick)
    assert (question.options, question.chosen, question.ok) == (["Sessions (1)"], (0,), "Clear Selected")


def test_at_a_terminal_return_alone_clears_nothing(open_core, reader):
    core = open_core(FakeTarget())
    core.take(reader.lines, "test")

    question = next(start(core, "clear_pending", Request()))

    assert (question.options, question.chosen) == (["Sessions (1)"], ())


def test_cleared_items_are_not_sent_and_do_not_come_back_with_the_same_spool(open_core, reader):
    target = FakeTarget()
    core = open_core(target)
    core.take(reader.lines, "test")

    result = run(core, "clear_pending", [0])
    core.take(reader.lines, "test")
    core.sync()

    assert result.message == "1 session cleared"
    assert target.received == []
    assert core.pending() == {}


@pytest.mark.parametrize("answer", [None, []])
def test_cancel_and_an_empty_choice_clear_nothing(open_core, reader, answer):
    core = open_core(FakeTarget())
    core.take(reader.lines, "test")

    result = run(core, "clear_pending", answer)

    assert (result.message, result.ok) == ("Nothing was cleared", answer is not None)
    assert core.pending() == {"session": 1}


def test_kinds_can_be_named_instead_of_picked(open_core, reader):
    core = open_core(FakeTarget())
    core.take(reader.lines, "test")

    declare(core)
    run(core, "clear_pending", kinds=["rating"])
    assert core.pending() == {"session": 1}

    run(core, "clear_pending", kinds=["session"])
    assert core.pending() == {}


def test_a_kind_that_there_is_not_is_refused(open_core):
    with pytest.raises(BadSetting, match="kind: expected one of session"):
        run(open_core(FakeTarget()), "clear_pending", kinds=["sessions"])


def test_clearing_the_history_sends_nothing_again(open_core, reader):
    target = FakeTarget()
    core = open_core(target)
    core.take(reader.lines, "test")
    core.sync()

    run(core, "clear_synced", [0])
    core.take(reader.lines, "test")
    core.sync()

    assert core.status().synced == {}
    assert core.database.rows("SELECT * FROM historical_sessions") == []
    assert len(target.received) == 1


def test_a_third_partys_kind_can_be_cleared_by_its_name_and_stands_in_the_dialog(open_core, clock):
    core = declare(open_core(FakeTarget(kinds={"streak"})))
    book = BookRef(DUNE["partial_md5"], "Dune")
    core.put([Item("streak", "one", book, {"days": 3}, clock())], "test")

    question = next(start(core, "clear_pending", Request()))
    result = run(core, "clear_pending", kinds=["streak"])

    assert question.options == ["Streaks (1)"]
    assert (result.message, core.pending()) == ("1 streak cleared", {})


def test_clearing_the_cache_asks_and_forgets_nothing_without_a_yes(open_core, reader):
    core = open_core(FakeTarget())
    core.take(reader.lines, "test")

    assert run(core, "clear_cache", False).data == {"matches": 0, "files": 0}
    assert run(core, "clear_cache", True).data == {"matches": 0, "files": 1}
