"""A list that lacks most of a book's highlights is not believed until a person says so."""

import pytest
from annotated_world import DUNE, EMMA, Marking, bookmark, highlight, many

from booklore_core.testing import SampleReader

NINE = [*many(6), *(bookmark(number) for number in (1, 2, 3))]


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


@pytest.fixture
def bereft(marking):
    """All nine were delivered, and are gone from the device."""
    marking.close(*NINE)
    marking.sent()
    marking.close()
    return marking


def asked(marking):
    return sorted(one.kind for one in marking.core.status().waiting if one.state == "asked")


def test_nothing_is_removed_and_the_question_waits(bereft):
    assert bereft.sent() == []
    assert (len(bereft.held()), len(bereft.held("bookmark"))) == (6, 3)
    assert asked(bereft) == ["annotation"] * 6 + ["bookmark"] * 3
    assert bereft.questions() == ["9 of 9 highlights and bookmarks of “Dune” are gone on kobo. Remove them everywhere?"]


def test_a_yes_removes_them(bereft):
    bereft.answer(True)

    assert [item.is_tombstone for item in bereft.sent()] == [True] * 9
    assert (bereft.held(), bereft.held("bookmark"), asked(bereft)) == ({}, {}, [])


def test_a_no_keeps_them_for_good(bereft):
    bereft.answer(False)
    bereft.close()
    bereft.close(highlight(7))

    assert [item.body["text"] for item in bereft.sent()] == [highlight(7)["text"]]
    assert (len(bereft.held()), asked(bereft)) == (7, [])


def test_a_list_that_comes_back_withdraws_the_question(bereft):
    bereft.close(*NINE)

    assert (bereft.sent(), asked(bereft), bereft.questions()) == ([], [], [])


def test_what_comes_back_in_part_and_edited_is_told_and_the_rest_waits(bereft):
    moved = highlight(2, pos1="/body/DocFragment[1]/body/p[2]/text().9", note="back")

    bereft.close(highlight(1), moved)

    assert [item.body["note"] for item in bereft.sent()] == ["back"]
    assert (len(bereft.held()), len(asked(bereft))) == (6, 7)


def test_after_a_yes_a_list_that_comes_back_brings_them_back(bereft):
    bereft.answer(True)
    bereft.sent()

    bereft.close(*NINE)

    assert (len(bereft.sent()), len(bereft.held()), len(bereft.held("bookmark"))) == (9, 6, 3)


def test_new_highlights_are_told_all_the_same(bereft):
    bereft.close(highlight(7))

    assert [item.body["text"] for item in bereft.sent()] == [highlight(7)["text"]]
    assert len(asked(bereft)) == 9


@pytest.mark.parametrize(
    ("before", "after", "is_asked"),
    [(10, 5, False), (10, 4, True), (4, 0, False), (5, 0, True), (9, 4, True), (100, 50, False), (100, 49, True)],
)
def test_more_than_half_and_at_least_five(marking, before, after, is_asked):
    marking.close(*many(before))

    marking.close(*many(after))

    assert (len(asked(marking)), len(marking.removed())) == ((before - after, 0) if is_asked else (0, before - after))


def test_highlights_and_bookmarks_count_together(marking):
    """Of the highlights all are gone, of the list less than half."""
    bookmarks = [bookmark(number) for number in range(1, 8)]
    marking.close(*many(5), *bookmarks)

    marking.close(*bookmarks)

    assert (asked(marking), len(marking.removed())) == ([], 5)


def test_what_a_person_is_asked_about_is_missing_as_well(bereft):
    bereft.close(*many(4))
    bereft.close(highlight(1))

    assert bereft.removed() == []
    assert len(asked(bereft)) == 8


def test_both_places_of_a_note_are_asked_about(marking):
    marking.set("annotations.destination", "both")
    marking.close(*(one | {"note": "why"} for one in many(5)))

    marking.close()

    assert len(asked(marking)) == 10
    assert len(marking.questions()) == 1


def test_the_device_is_called_by_its_name(marking):
    reader = SampleReader("kobo")
    hello = {"v": 1, "id": "kobo-000000", "event": "device", "at": "2026-11-20T08:00:00Z", "device": "kobo"}
    marking.core.take([{**hello, "name": "Anna's Libra"}], "test")
    reader.open(DUNE)
    marking.core.take([reader.close(annotations=NINE)], "test")
    reader.wait(60)
    reader.open(DUNE)

    marking.core.take([reader.close(annotations=[])], "test")

    assert "are gone on Anna's Libra." in marking.questions()[0]


def test_an_edit_elsewhere_after_the_question_outdoes_a_yes(bereft):
    bereft.close(*NINE, device="kindle")
    bereft.close(highlight(1, note="kept"), *NINE[1:], device="kindle")

    bereft.answer(True)

    assert [body["note"] for body in bereft.held().values()] == ["kept"]


def test_books_without_a_title_are_asked_about_one_by_one(open_core):
    marking = Marking(open_core)
    books = [{**book, "title": None, "file": None} for book in (DUNE, EMMA)]
    for book in books:
        marking.close(*many(6), book=book)
        marking.sent()
        marking.close(book=book)

    assert len(marking.questions()) == 2


def test_while_a_question_waits_each_further_loss_is_asked_about_too(marking):
    marking.close(*many(9))
    marking.sent()

    marking.close(*many(4))
    marking.close(*many(1))
    marking.close()

    assert marking.sent() == []
    assert (len(marking.held()), asked(marking)) == (9, ["annotation"] * 9)


def test_what_a_person_agreed_to_counts_no_more(marking):
    marking.close(*many(9))
    marking.sent()
    marking.close(*many(4))
    marking.answer(True)

    marking.close(*many(3))

    assert [item.is_tombstone for item in marking.sent()] == [True] * 6


def test_removed_marks_are_no_longer_counted_as_synced(marking):
    marking.close(*many(3))
    marking.sent()
    marking.close(*many(2))
    marking.sent()

    assert marking.core.status().synced == {"annotation": 2}


def gone(many, count=None, device="kobo"):
    asked = "{} of {} highlights and bookmarks of “Dune” are gone on {}. Remove them everywhere?"
    return [asked.format(many, count or many, device)]


def new(*numbers):
    return [highlight(number) for number in numbers]


def test_what_a_person_refused_is_not_counted_again(bereft):
    bereft.answer(False)
    bereft.close(*new(10, 11, 12))
    bereft.sent()

    bereft.close(*new(10, 11))
    bereft.close(*new(10))

    assert bereft.questions() == []
    assert [item.is_tombstone for item in bereft.sent()] == [True, True]
    assert (len(bereft.held()), len(bereft.held("bookmark"))) == (7, 3)


def test_after_a_no_the_next_loss_is_asked_about_by_itself(bereft):
    bereft.answer(False)
    bereft.close(*new(10, 11, 12, 13, 14))

    bereft.close()

    assert bereft.questions() == gone(5)
    bereft.answer(True)
    assert len(bereft.removed()) == 5


def test_what_a_person_agreed_to_remove_is_not_counted_by_the_other_kind_either(bereft):
    """The same list is compared for highlights and for bookmarks."""
    bereft.answer(True)
    bereft.close(*new(10, 11, 12), *(bookmark(number) for number in (10, 11)))
    bereft.sent()

    bereft.close(*new(10, 11), bookmark(10))

    assert bereft.questions() == []
    assert len(bereft.sent()) == 2


@pytest.mark.parametrize(
    ("list_after", "left"),
    [([], 9), (many(1), 8), (many(4), 5), (NINE[:8], 1)],
    ids=["none", "one", "four", "all but one"],
)
def test_a_question_names_as_many_as_a_yes_removes(marking, list_after, left):
    marking.close(*NINE)
    marking.close(*many(2))

    marking.close(*list_after)

    assert marking.questions() == gone(left, 9)
    marking.answer(True)
    assert len(marking.removed()) + len(marking.removed("bookmark")) == left


def test_losses_that_arrive_together_are_one_question(marking):
    lines = [marking.line(*marks) for marks in (NINE, many(2), many(1))]

    marking.core.take(lines, "test")

    assert marking.questions() == gone(8, 9)


def test_what_was_edited_elsewhere_since_the_question_is_not_asked_about_again(bereft):
    bereft.close(*NINE, device="kindle")
    bereft.close(highlight(1, note="kept"), *NINE[1:], device="kindle")

    bereft.close(highlight(20))

    assert bereft.questions() == gone(8)
