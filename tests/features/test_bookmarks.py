"""Page bookmarks follow from the lists that KOReader keeps, beside highlights and independently of them."""

import pytest
from annotated_world import DUNE, Marking, bookmark, highlight

from booklore_core.testing import sample_book


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def test_a_bookmark_is_told_with_all_that_koreader_knows_of_it(marking):
    marking.close(bookmark(4, note="the end of the desert"))

    (item,) = marking.sent()
    assert (item.kind, item.key.partition(":")[0]) == ("bookmark", DUNE["partial_md5"])
    assert item.body == {
        "datetime": "2026-11-20 08:04:31",
        "page": "/body/DocFragment[1]/body/p[4]/text().3",
        "pageno": 4,
        "text": "in One",
        "note": "the end of the desert",
        "chapter": "One",
        "device": "kobo",
        "format": "epub",
    }


def test_highlights_and_bookmarks_are_told_apart(marking):
    marking.close(highlight(1), bookmark(1), bookmark(2), highlight(2, note="why"))

    assert (len(marking.held("annotation")), len(marking.held("bookmark"))) == (2, 2)


def test_a_bookmark_of_a_pdf_has_a_page_number(marking):
    book = sample_book("Paper", file="/mnt/onboard/paper.pdf")

    marking.close(bookmark(1, page=12, pageno=12), book=book)

    (body,) = marking.held("bookmark", book).values()
    assert (body["page"], body["format"]) == (12, "pdf")


def test_a_note_on_a_bookmark_is_an_edit_and_a_bookmark_less_a_tombstone(marking):
    marking.close(bookmark(1), bookmark(2))
    marking.sent()

    marking.close(bookmark(1, note="here"))

    edited, gone = sorted(marking.sent(), key=lambda item: item.is_tombstone)
    assert (edited.body["note"], gone.body["pageno"]) == ("here", 2)
    assert len(marking.held("bookmark")) == 1


def test_a_bookmark_that_is_set_again_is_another_one(marking):
    marking.close(bookmark(1))
    marking.close()
    marking.close(bookmark(1, datetime="2026-11-20 12:00:00"))

    assert (len(marking.held("bookmark")), len(marking.removed("bookmark"))) == (1, 1)


@pytest.mark.parametrize(("off", "left"), [("bookmarks", "annotation"), ("annotations", "bookmark")])
def test_each_feature_has_a_switch_of_its_own(marking, off, left):
    """The existing plugin sends no bookmark without highlights (lua-plugin-behaviour D6)."""
    marking.set(f"{off}.enabled", False)

    marking.close(highlight(1), bookmark(1))

    assert [item.kind for item in marking.sent()] == [left]


def test_what_has_no_date_is_left_out_and_said(marking):
    marking.close(bookmark(1, datetime=None), bookmark(2), highlight(1, datetime=None))

    assert len(marking.held("bookmark")) == 1
    remarks = [row["remark"] for row in marking.core.database.rows("SELECT remark FROM remarks ORDER BY plugin")]
    assert remarks == [
        f"{what} of Dune that do not say when they were made are not sent: 1" for what in ("highlights", "bookmarks")
    ]
