"""What a reader writes about a book in KOReader, as the closings of each device tell it."""

from itertools import permutations

import pytest
from deciding_world import DUNE, EMMA, Deciding

GOOD, BETTER = "A desert, and people in it.", "A desert, and what it makes of people."


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


def texts(deciding):
    return [body.get("text") for body in deciding.sent()]


def test_a_review_is_told_once(deciding):
    deciding.take(*deciding.visit(review=""), *deciding.visit(review=GOOD))
    first = deciding.sent()

    deciding.take(*deciding.visit(review=GOOD), *deciding.visit(review=GOOD))

    assert (first, deciding.sent()) == ([{"text": GOOD, "device": "kobo", "how": "given"}], [])
    (item,) = deciding.target.received
    assert (item.kind, item.key) == ("review", DUNE["partial_md5"])


def test_one_that_a_device_has_when_it_first_tells_of_the_book_may_be_of_any_age(deciding):
    deciding.take(*deciding.visit(review=GOOD))

    assert deciding.sent() == [{"text": GOOD, "device": "kobo", "how": "found"}]


@pytest.mark.parametrize("review", [None, ""])
def test_that_there_is_none_is_not_told(deciding, review):
    deciding.take(*deciding.visit(review=review))

    assert (deciding.sent(), deciding.held("review")) == ([], None)


def test_an_edit_takes_its_place_and_a_removal_takes_it_away(deciding):
    told = []
    for review in (GOOD, BETTER, "", GOOD):
        deciding.take(*deciding.visit(review=review))
        deciding.core.sync()
        told.append((deciding.target.received[-1].is_tombstone, deciding.target.received[-1].body.get("text")))

    assert told == [(False, GOOD), (False, BETTER), (True, None), (False, GOOD)]


def test_blanks_are_no_review(deciding):
    for review in ("  ", GOOD, " \n"):
        deciding.take(*deciding.visit(review=review))
        deciding.core.sync()

    assert [(one.is_tombstone, one.body.get("text")) for one in deciding.target.received] == [
        (False, GOOD),
        (True, None),
    ]


def test_a_line_that_does_not_say_takes_nothing_away(deciding):
    deciding.take(*deciding.visit(review=GOOD), *deciding.visit(review=None), *deciding.visit(review=None))

    assert texts(deciding) == [GOOD]


def test_a_second_device_without_one_takes_nothing_away(deciding):
    deciding.take(*deciding.visit(review=GOOD))
    deciding.take(*deciding.visit(review="", device="kindle"), *deciding.visit(review="", device="kindle"))

    assert texts(deciding) == [GOOD]


def test_an_old_one_of_a_second_device_takes_the_place_of_none(deciding):
    deciding.take(*deciding.visit(review=GOOD), *deciding.visit(review=BETTER))
    deciding.take(*deciding.visit(review=GOOD, device="kindle"))
    assert texts(deciding) == [BETTER]

    deciding.take(*deciding.visit(review=GOOD + " Twice read.", device="kindle"))
    assert texts(deciding) == [GOOD + " Twice read."]


def test_each_book_has_its_own(deciding):
    deciding.take(*deciding.visit(review=GOOD), *deciding.visit(EMMA, review=BETTER))

    assert sorted(texts(deciding)) == [GOOD, BETTER]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_in_whatever_order_lines_come_the_one_that_was_written_last_holds(deciding, order):
    visits = [
        deciding.visit(review=GOOD),
        deciding.visit(review="", device="kindle"),
        deciding.visit(review=BETTER),
        deciding.visit(review="A word from the other one.", device="kindle"),
    ]
    for number in order:
        deciding.take(*visits[number])
        deciding.core.sync()

    assert deciding.target.received[-1].body["text"] == "A word from the other one."
    assert deciding.held("review") == {"text": "A word from the other one.", "device": "kindle", "how": "given"}


def test_one_that_is_too_long_or_no_text_costs_the_line_nothing_else(deciding):
    lines = [*deciding.visit(review="x" * 100_001, stars=4), *deciding.visit(review=GOOD, stars=4)]
    lines[-1]["reading"]["review"] = {"no": "text"}
    deciding.take(*lines)

    assert [body.get("stars") for body in deciding.sent()] == [4]


def test_a_review_that_was_switched_off_is_told_when_it_is_on_again(deciding):
    deciding.set("reviews.enabled", False)
    deciding.take(*deciding.visit(review=GOOD))
    first = texts(deciding)

    deciding.set("reviews.enabled", True)
    deciding.core.derive.lead()

    assert (first, texts(deciding)) == ([], [GOOD])
