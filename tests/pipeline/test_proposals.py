"""What a feature proposes waits for a person: each question once, taken in, dropped, or withdrawn."""

import pytest
from function_features import add_feature, bodies, note

from booklore_core import Proposal
from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
QUESTION = "Remove 2 notes of “{}”?"


@pytest.fixture
def bookworm():
    return FakeTarget(kinds={"note"})


@pytest.fixture
def core(open_core, bookworm):
    """A core with a feature that proposes two notes at each opening, and makes the first of them at each closing."""
    core = open_core(bookworm)

    def on_book_open(event):
        question = QUESTION.format(event.book.title)
        return [Proposal(note(event, f"{event.book.title} {name}", says="proposed"), question) for name in "ab"]

    def on_book_close(event):
        return [note(event, f"{event.book.title} a", says="made")]

    add_feature(core, on_book_open=on_book_open, on_book_close=on_book_close)
    return core


@pytest.fixture
def reader():
    return SampleReader()


def propose(core, reader, *books):
    for book in books:
        core.take([reader.open(book)], "test")


def answer(core, *answers):
    """What came of a person's answers, and the questions that were asked. There is an answer to each, and no other."""
    flow, given, asked = start(core, "answer_questions", Request()), [None, *answers], []
    while True:
        try:
            asked.append(flow.send(given.pop(0)).text)
        except StopIteration as done:
            assert not given
            return done.value, asked


def waiting(core):
    return [(one.kind, one.book, one.state, one.attempts) for one in core.status().waiting]


def test_what_is_proposed_is_sent_nowhere_and_waits_with_its_question(core, reader, bookworm):
    propose(core, reader, DUNE)

    core.sync()

    status = core.status()
    assert (bookworm.received, core.pending(), status.total) == ([], {}, 2)
    assert waiting(core) == [("note", "Dune", "asked", 0)] * 2
    assert [one.text for one in status.asked] == ["Remove 2 notes of “Dune”?"]
    assert status.as_json()["waiting"][0]["reason"] == "Remove 2 notes of “Dune”?"


def test_each_question_is_asked_once_for_each_book(core, reader):
    propose(core, reader, DUNE, EMMA)

    result, asked = answer(core, None, None)

    assert asked == ["Remove 2 notes of “Dune”?", "Remove 2 notes of “Emma”?"]
    assert (result.message, len(waiting(core))) == ("2 questions still wait", 4)


def test_what_has_one_question_is_asked_once_of_however_many_books(open_core, reader, bookworm):
    core = open_core(bookworm)
    add_feature(core, on_book_open=lambda event: [Proposal(note(event), "Remove all notes?")])
    propose(core, reader, DUNE, EMMA)

    result, asked = answer(core, 0)
    core.sync()

    assert (asked, result.data["taken"]) == (["Remove all notes?"], 2)
    assert {item.book.title for item in bookworm.received} == {"Dune", "Emma"}


def test_a_yes_takes_the_items_in_as_their_features_own(core, reader, bookworm):
    propose(core, reader, DUNE, EMMA)

    result, _ = answer(core, 0, None)
    core.sync()

    assert [item.key for item in bookworm.received] == ["Dune a", "Dune b"]
    assert bodies(core) == [{"says": "proposed"}] * 2
    assert result.data == {"taken": 2, "dropped": 0, "waiting": 1}
    assert waiting(core) == [("note", "Emma", "asked", 0)] * 2


def test_a_no_drops_the_items_for_good(core, reader, bookworm):
    propose(core, reader, DUNE)

    result, _ = answer(core, 1)
    core.take(reader.lines, "again")
    core.sync()

    assert (result.message, bookworm.received, waiting(core)) == ("2 changes dropped", [], [])
    assert answer(core)[0].message == "No question waits"


def test_an_item_that_is_made_later_withdraws_what_was_proposed_of_it(core, reader, bookworm):
    propose(core, reader, DUNE)

    core.take([reader.close()], "test")
    core.sync()

    assert [(item.key, item.body) for item in bookworm.received] == [("Dune a", {"says": "made"})]
    assert waiting(core) == [("note", "Dune", "asked", 0)]


def test_within_a_batch_too_the_last_word_counts(core, reader):
    core.take([reader.open(DUNE), reader.close(), reader.open(EMMA)], "test")

    asked = [("note", "Dune", "asked", 0)] + [("note", "Emma", "asked", 0)] * 2
    assert waiting(core) == [*asked, ("note", "Dune", "new", 0)]


def test_what_was_withdrawn_while_the_question_stood_is_not_taken_in(core, reader, bookworm):
    propose(core, reader, DUNE)
    flow = start(core, "answer_questions", Request())
    next(flow)
    core.take([reader.close()], "test")

    with pytest.raises(StopIteration):
        flow.send(0)
    core.sync()

    assert {item.key: item.body["says"] for item in bookworm.received} == {"Dune a": "made", "Dune b": "proposed"}


def test_what_is_proposed_anew_is_asked_anew(core, reader):
    propose(core, reader, DUNE)
    answer(core, 1)

    propose(core, reader, DUNE)

    assert answer(core, None)[1] == ["Remove 2 notes of “Dune”?"]


def test_a_proposal_of_what_is_held_already_changes_nothing_until_it_is_answered(core, reader, bookworm):
    core.take([reader.open(DUNE), reader.close()], "test")
    propose(core, reader, DUNE)
    core.sync()
    assert bookworm.received[-1].body == {"says": "made"}

    reader.wait(60)
    propose(core, reader, DUNE)
    answer(core, 0)
    core.sync()

    assert {item.key: item.body["says"] for item in bookworm.received} == {"Dune a": "proposed", "Dune b": "proposed"}
