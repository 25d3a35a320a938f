"""Where a note goes: into the book, into BookLore, or both; decided once, when it is first seen."""

import pytest
from annotated_world import Marking, highlight

PLAIN, NOTED = highlight(1), highlight(1, note="why")


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def places(marking):
    """What each live fact is: its place and note; whether its key is that of a copy."""
    held = marking.held()
    return sorted((body["place"], body["note"], key.endswith("/note")) for key, body in held.items())


IN_BOOK, IN_BOOKLORE = ("in_book", "why", False), ("in_booklore", "why", False)
BOTH = [("in_book", "why", False), ("in_booklore", "why", True)]


@pytest.mark.parametrize(
    ("destination", "facts"), [("in_book", [IN_BOOK]), ("in_booklore", [IN_BOOKLORE]), ("both", BOTH)]
)
@pytest.mark.parametrize("was_plain", [False, True], ids=["noted at once", "noted later"])
def test_a_note_goes_where_the_setting_says(marking, destination, facts, was_plain):
    marking.set("annotations.destination", destination)
    if was_plain:
        marking.close(PLAIN)
        assert places(marking) == [("in_book", None, False)]

    marking.close(NOTED)

    assert places(marking) == facts


@pytest.mark.parametrize("destination", ["in_book", "in_booklore", "both"])
def test_a_highlight_without_a_note_is_in_the_book(marking, destination):
    marking.set("annotations.destination", destination)

    marking.close(PLAIN)

    assert places(marking) == [("in_book", None, False)]


def test_each_of_two_places_has_a_delivery_of_its_own(marking):
    marking.set("annotations.destination", "both")
    marking.close(NOTED)

    items = marking.sent()

    assert sorted(item.body["place"] for item in items) == ["in_book", "in_booklore"]
    assert len({item.key for item in items}) == 2
    assert marking.core.pending() == {}


@pytest.mark.parametrize("before", ["in_book", "in_booklore", "both"])
@pytest.mark.parametrize("after", ["in_book", "in_booklore", "both"])
def test_another_destination_sends_nothing_again_and_edits_go_where_the_note_is(marking, before, after):
    marking.set("annotations.destination", before)
    marking.close(NOTED)
    sent = marking.sent()

    marking.set("annotations.destination", after)
    marking.close(NOTED, highlight(2))
    assert [item.body["text"] for item in marking.sent()] == ["what paragraph 2 says"]
    marking.close(NOTED | {"note": "because"}, highlight(2))

    edited = marking.sent()
    assert {item.key for item in edited} == {item.key for item in sent}
    assert {item.body["note"] for item in edited} == {"because"}


def test_a_note_that_is_taken_away_leaves_the_highlight_in_the_book(marking):
    marking.set("annotations.destination", "both")
    marking.close(NOTED)
    marking.sent()

    marking.close(PLAIN)

    assert places(marking) == [("in_book", None, False)]
    copy = next(item for item in marking.sent() if item.key.endswith("/note"))
    assert (copy.is_tombstone, copy.body["place"], copy.body["note"]) == (True, "in_booklore", "why")


def test_a_note_in_booklore_that_is_taken_away_leaves_the_highlight_in_the_book(marking):
    marking.set("annotations.destination", "in_booklore")
    marking.close(NOTED)

    marking.close(PLAIN)

    assert places(marking) == [("in_book", None, False)]


def test_a_note_that_comes_back_goes_where_the_setting_says_by_then(marking):
    marking.set("annotations.destination", "both")
    marking.close(NOTED)
    marking.close(PLAIN)
    marking.set("annotations.destination", "in_booklore")

    marking.close(NOTED)

    assert places(marking) == [IN_BOOKLORE]


def test_with_the_highlight_both_places_go(marking):
    marking.set("annotations.destination", "both")
    marking.close(NOTED)
    marking.sent()

    marking.close()

    assert places(marking) == []
    assert [item.is_tombstone for item in marking.sent()] == [True, True]


def test_two_places_are_one_highlight_to_a_device_that_is_new(marking):
    marking.set("annotations.destination", "both")
    marking.close(NOTED)
    marking.sent()

    marking.close(NOTED, device="kindle")

    assert marking.sent() == []
