"""Highlights and notes follow from the lists that KOReader keeps: by content, whatever its time stamps say."""

import json

import pytest
from annotated_world import DUNE, EMMA, Marking, highlight

from booklore_core.testing import FakeTarget, SampleReader, sample_book

FIRST, SECOND, THIRD = highlight(1), highlight(2), highlight(3)


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def the_only(held):
    (body,) = held.values()
    return body


def test_a_highlight_is_told_with_all_that_koreader_knows_of_it(marking):
    marking.close(highlight(1, datetime_updated="2026-11-20 09:00:00"))

    (item,) = marking.sent()
    assert (item.kind, item.book.partial_md5) == ("annotation", DUNE["partial_md5"])
    assert item.body == {
        "place": "in_book",
        "datetime": FIRST["datetime"],
        "updated": "2026-11-20 09:00:00",
        "pos0": FIRST["pos0"],
        "pos1": FIRST["pos1"],
        "page": FIRST["page"],
        "pageno": 1,
        "text": "what paragraph 1 says",
        "note": None,
        "color": "yellow",
        "drawer": "lighten",
        "chapter": "One",
        "device": "kobo",
        "format": "epub",
    }


def test_the_key_of_a_highlight_names_book_and_origin_but_no_device(marking):
    marking.close(FIRST)

    (key,) = marking.held()
    md5, origin = key.split(":")
    assert (md5, len(origin)) == (DUNE["partial_md5"], 16)
    assert int(origin, 16)


@pytest.mark.parametrize(
    "edit",
    [{"text": "edited by the reader"}, {"note": "why"}, {"color": "blue"}, {"drawer": "underscore"},
     {"pos1": "/body/DocFragment[1]/body/p[2]/text().8"},
     {"pos0": "/body/DocFragment[1]/body/p[1]/text().4", "page": "/body/DocFragment[1]/body/p[1]/text().4"}],
    ids=["text", "note", "colour", "style", "longer", "begins later"],
)  # fmt: skip
def test_an_edit_is_a_new_revision_of_the_same_fact(marking, edit):
    marking.close(FIRST, SECOND)
    (first, second) = marking.held()
    marking.sent()

    marking.close(FIRST | edit, SECOND)

    (item,) = marking.sent()
    assert marking.held().keys() == {first, second}
    assert (item.key, {name: item.body[name] for name in edit}) == (first, edit)


@pytest.mark.parametrize(
    "change", [{"pageno": 9}, {"datetime_updated": "2026-12-01 08:00:00"}, {"chapter": "1. One"}, {"note": ""}]
)
def test_what_no_reader_has_changed_is_no_news(marking, change):
    marking.close(FIRST)

    marking.close(FIRST | change)

    assert len(marking.sent()) == 1
    assert the_only(marking.held())["pageno"] == 1


def test_a_text_that_the_reader_wrote_anew_says_so(marking):
    marking.close(highlight(1))
    (before,) = marking.sent()

    marking.close(highlight(1, text="In my own words", text_edited=True))

    (item,) = marking.sent()
    assert "text_edited" not in before.body
    assert (item.body["text"], item.body["text_edited"]) == ("In my own words", True)


def test_a_note_that_is_edited_in_place_is_told_without_any_time_stamp(marking):
    """KOReader touches nothing else (koreader-facts 0.4)."""
    marking.close(highlight(1, note="one"))
    marking.sent()

    marking.close(highlight(1, note="two"))

    assert [item.body["note"] for item in marking.sent()] == ["two"]


def test_a_highlight_that_is_gone_becomes_a_tombstone_with_the_body_it_had(marking):
    marking.close(FIRST, SECOND)
    marking.sent()

    marking.close(SECOND)

    (item,) = marking.sent()
    assert item.is_tombstone
    assert (item.body["pos0"], item.body["text"]) == (FIRST["pos0"], FIRST["text"])
    assert marking.texts() == [SECOND["text"]]


def test_the_last_highlight_of_a_book_can_go_too(marking):
    marking.close(FIRST)

    marking.close()

    assert (marking.texts(), marking.removed(), marking.questions()) == ([], [FIRST["text"]], [])


def test_a_highlight_that_was_made_again_is_another_one(marking):
    marking.close(FIRST)
    marking.close()
    again = highlight(1, datetime="2026-11-21 10:42:15")

    marking.close(again)

    assert marking.texts() == marking.removed() == [FIRST["text"]]
    assert the_only(marking.held())["datetime"] == again["datetime"]


def test_two_highlights_of_one_second_stay_two(marking):
    other = highlight(2, datetime=FIRST["datetime"])
    marking.close(FIRST, other)
    keys = marking.held()

    marking.close(FIRST, other | {"pos1": "/body/DocFragment[1]/body/p[3]/text().1", "text": "longer"})

    assert len(keys) == 2
    assert marking.held().keys() == keys.keys()
    assert marking.texts() == ["longer", FIRST["text"]]
    marking.close(FIRST)
    assert (marking.texts(), marking.removed()) == ([FIRST["text"]], ["longer"])


def test_the_same_range_twice_are_two_in_another_second_and_in_the_same_one(marking):
    marking.close(FIRST, FIRST, highlight(1, datetime="2026-11-20 10:12:30"))
    assert len(marking.held()) == 3

    marking.close(FIRST, highlight(1, datetime="2026-11-20 10:12:30"))

    assert (len(marking.held()), len(marking.removed())) == (2, 1)


def test_the_list_of_each_book_is_its_own(marking):
    marking.close(FIRST, SECOND)
    marking.close(FIRST, book=EMMA)

    marking.close(book=EMMA)

    assert (len(marking.held()), len(marking.held(book=EMMA)), len(marking.removed(book=EMMA))) == (2, 0, 1)


def test_the_same_line_again_changes_nothing(marking):
    lines = [marking.line(FIRST), marking.line(FIRST, SECOND), marking.line(SECOND)]
    marking.core.take(lines, "test")
    marking.sent()

    marking.core.take(lines, "test")

    assert marking.sent() == []


def test_a_line_that_arrives_late_says_nothing_any_more(marking):
    early, late = marking.line(FIRST, SECOND), marking.line(FIRST | {"note": "newer"}, THIRD)
    marking.core.take([late], "test")

    assert marking.core.take([early], "test").news == 0
    assert marking.texts() == [FIRST["text"], THIRD["text"]]


def test_what_has_no_date_is_left_out_and_said(marking):
    marking.close(FIRST, highlight(2, datetime=None), highlight(3, datetime=None))

    assert marking.texts() == [FIRST["text"]]
    (remark,) = marking.core.database.rows("SELECT plugin, remark FROM remarks WHERE key LIKE '%undated%'")
    assert remark["plugin"] == "annotations"
    assert remark["remark"] == "highlights of Dune that do not say when they were made are not sent: 2"


def test_odd_fields_cost_nothing_else(marking):
    odd = {"datetime": FIRST["datetime"], "drawer": True, "pos0": 7, "text": ["a"], "note": {}, "color": 3}

    marking.close(odd, SECOND)

    assert len(marking.held()) == 2
    assert marking.core.derive.failing() == {}


def test_a_number_that_no_computer_has_costs_nothing_else(marking):
    line = json.dumps(marking.line(highlight(1), highlight(2, pageno="huge"))).replace('"huge"', "1e999")

    marking.core.take([line], "test")

    assert len(marking.sent()) == 2


def test_a_pdf_is_told_by_page_and_koreaders_tables(marking):
    book = sample_book("Paper", file="/mnt/onboard/Paper.PDF")
    pos0, pos1 = {"page": 3, "x": 12.5, "y": 40, "zoom": 1.2}, {"page": 3, "x": 90, "y": 44.25, "zoom": 1.2}
    mark = highlight(1, page=3, pos0=pos0, pos1=pos1)

    marking.close(mark, book=book)
    marking.close(mark | {"note": "see"}, book=book)

    body = the_only(marking.held(book=book))
    assert (body["page"], body["pos0"], body["pos1"], body["format"]) == (3, pos0, pos1, "pdf")
    assert body["note"] == "see"


def test_the_format_of_a_kepub_is_told_whole(marking):
    book = sample_book("Kobo", file="/mnt/onboard/Kobo.kepub.EPUB")

    marking.close(FIRST, book=book)

    assert the_only(marking.held(book=book))["format"] == "kepub.epub"


def test_a_book_that_is_not_tracked_tells_nothing(marking):
    marking.close(FIRST)
    marking.core.books.track(DUNE["partial_md5"], False)

    marking.close(FIRST, SECOND)

    assert marking.texts() == [FIRST["text"]]
    marking.core.books.track(DUNE["partial_md5"], True)
    marking.close(SECOND, THIRD)
    assert marking.texts() == [SECOND["text"], THIRD["text"]]


def test_a_feature_that_was_off_catches_up(marking):
    marking.set("annotations.enabled", False)
    marking.close(FIRST)
    marking.close(FIRST, SECOND)
    assert marking.texts() == []

    marking.set("annotations.enabled", True)
    marking.core.derive.lead()

    assert marking.texts() == [FIRST["text"], SECOND["text"]]


def test_the_copy_that_a_device_had_is_no_fact_that_anybody_is_shown(open_core):
    core = open_core(FakeTarget(kinds={"annotation"}), plugins=("annotations",))
    reader = SampleReader()
    reader.open(DUNE)

    core.take([reader.close(annotations=[FIRST])], "test")

    status = core.status()
    assert (status.pending, [one.kind for one in status.waiting]) == ({"annotation": 1}, ["annotation"])
    assert [kind.name for kind in status.kinds.all_of(status.pending)] == ["annotation"]
