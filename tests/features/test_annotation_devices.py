"""Several devices with one book: nothing is doubled, the newest edit wins, an unchanged list brings nothing back."""

import pytest
from annotated_world import Marking, bookmark, highlight

ONE, TWO = highlight(1), highlight(2)


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def test_a_copied_sidecar_doubles_nothing(marking):
    marking.close(ONE, TWO)
    marking.sent()

    marking.close(ONE, TWO, device="kindle")

    assert (marking.sent(), len(marking.all_of("annotation"))) == ([], 2)


@pytest.mark.parametrize(
    "moved", [{"pos1": "/body/DocFragment[1]/body/p[2]/text().1"}, {"pos0": "/body/p[9]/text().1", "pos1": "/x.3"}]
)
def test_a_device_whose_id_was_lost_doubles_nothing_even_of_what_was_moved(marking, moved):
    marking.close(ONE, TWO)
    marking.close(ONE | moved, TWO)
    marking.sent()

    marking.close(ONE | moved, TWO, device="kobo-again")

    assert (marking.sent(), len(marking.all_of("annotation"))) == ([], 2)


def test_what_only_the_other_device_has_is_added_and_what_it_lacks_stays(marking):
    marking.close(ONE)

    marking.close(TWO, device="kindle")

    assert marking.texts() == [ONE["text"], TWO["text"]]


def test_what_was_removed_before_a_device_was_seen_stays_removed(marking):
    marking.close(ONE, TWO)
    marking.close(TWO)
    marking.sent()

    marking.close(ONE, TWO, device="kindle")

    assert (marking.sent(), marking.removed()) == ([], [ONE["text"]])


def test_the_newest_edit_wins(marking):
    marking.close(ONE)
    marking.close(ONE, device="kindle")
    marking.close(ONE | {"note": "from kobo"})
    marking.close(ONE | {"note": "from kindle"}, device="kindle")

    assert [body["note"] for body in marking.held().values()] == ["from kindle"]


def test_an_unchanged_list_does_not_undo_what_another_device_edited_or_removed(marking):
    marking.close(ONE, TWO)
    marking.close(ONE, TWO, device="kindle")
    marking.close(ONE | {"note": "edited"})
    marking.sent()

    marking.close(ONE, TWO, device="kindle")
    marking.close(ONE, TWO, highlight(3), device="kindle")

    assert [item.body["text"] for item in marking.sent()] == [highlight(3)["text"]]
    assert marking.removed() == [TWO["text"]]


def test_what_was_removed_here_and_edited_there_afterwards_is_back(marking):
    marking.close(ONE)
    marking.close(ONE, device="kindle")
    marking.close()

    marking.close(ONE | {"note": "kept"}, device="kindle")

    assert [body["note"] for body in marking.held().values()] == ["kept"]


def test_what_two_devices_removed_is_removed_once(marking):
    marking.close(ONE, TWO)
    marking.close(ONE, TWO, device="kindle")
    marking.close(TWO)
    marking.sent()

    marking.close(TWO, device="kindle")

    assert marking.sent() == []


def test_what_a_device_told_late_of_an_edit_does_not_outdo_a_later_one(marking):
    marking.close(ONE)
    marking.close(ONE, device="kindle")
    late = marking.line(ONE | {"note": "earlier"}, device="kindle")
    marking.close(ONE | {"note": "later"})

    marking.core.take([late], "test")

    assert [body["note"] for body in marking.held().values()] == ["later"]


@pytest.mark.parametrize(("kind", "mark"), [("annotation", highlight), ("bookmark", bookmark)])
def test_what_another_device_made_in_the_same_second_is_not_taken_for_one_that_was_moved(marking, kind, mark):
    first, second = mark(1), mark(2, datetime=mark(1)["datetime"])
    marking.close(first)
    marking.close(first, second, device="kindle")

    marking.close(second)
    assert [body["page"] for body in marking.held(kind).values()] == [second["page"]]
    marking.close()
    assert marking.held(kind) == {}


@pytest.mark.parametrize(
    ("kind", "mark", "other", "others"),
    [("annotation", highlight, bookmark, "bookmark"), ("bookmark", bookmark, highlight, "annotation")],
)
def test_a_highlight_is_not_taken_for_a_bookmark_of_the_same_second_that_was_moved(marking, kind, mark, other, others):
    marking.close(mark(1))
    marking.sent()

    marking.close(other(2, datetime=mark(1)["datetime"]))

    assert marking.held(kind) == {}
    assert len(marking.held(others)) == 1
