"""Stretches of reading: what counts as a page turn, and how long a page was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ereader import EReader, partial_md5, to_lua


def turns(reader: EReader) -> int:
    return int(reader.spool("book_close")[-1]["reading"]["turns"])


def turns_so_far(reader: EReader) -> int:
    return int(reader.ko.plugin.stretch.turns)


def dwell(reader: EReader) -> list[int]:
    return [seconds for line in reader.spool() for seconds in line.get("reading", {}).get("dwell", [])]


def test_every_fifth_turn_is_a_checkpoint(reader: EReader) -> None:
    reader.open()
    reader.read(pages=12, seconds=4)

    assert [line["reading"]["turns"] for line in reader.spool("page_turns")] == [5, 10]


def test_a_slow_reader_gets_a_checkpoint_with_the_turn_after_a_minute(reader: EReader) -> None:
    reader.open()
    reader.read(pages=2, seconds=40)

    (checkpoint,) = reader.spool("page_turns")
    assert checkpoint["reading"]["dwell"] == [40, 40]


def test_dwell_adds_up_to_the_time_the_book_was_open(reader: EReader) -> None:
    reader.open()
    reader.read(pages=7, seconds=20)
    reader.pass_time(13)
    reader.close()

    assert dwell(reader) == [20] * 7 + [13]


def test_dwell_is_never_more_than_has_passed(reader: EReader) -> None:
    reader.open()
    reader.read(pages=40, seconds=1.5)
    reader.pass_time(0.9)
    reader.close()

    assert sum(dwell(reader)) == 60
    assert set(dwell(reader)) <= {0, 1, 2}


def test_sleep_is_not_reading_time(reader: EReader) -> None:
    reader.open()
    reader.read(pages=1, seconds=30)
    reader.send("Suspend")
    reader.wall += 8 * 3600
    reader.send("Resume")
    reader.read(pages=1, seconds=30)
    reader.close()

    assert dwell(reader) == [30, 0, 30, 0]
    assert [line["event"] for line in reader.spool()][1:] == ["book_open", "book_close", "resume", "book_close"]


def test_a_clock_that_is_set_back_does_not_change_reading_time(reader: EReader) -> None:
    reader.open()
    reader.wall -= 3 * 3600
    reader.read(pages=3, seconds=15)
    reader.close()

    assert dwell(reader) == [15, 15, 15, 0]


def test_suspend_is_told_once_although_it_comes_twice(reader: EReader) -> None:
    reader.open()
    reader.send("Suspend")
    reader.send("Suspend")

    assert [line["reason"] for line in reader.spool("book_close")] == ["suspend"]


def test_resume_in_the_file_browser_carries_no_book(reader: EReader) -> None:
    reader.send("Resume")

    (line,) = reader.spool("resume")
    assert "book" not in line and "reading" not in line


def test_scroll_mode_counts_pages_not_positions(reader: EReader) -> None:
    reader.open()
    for position, page in ((100, 1), (200, 1), (300, 2), (400, 2), (500, 3)):
        reader.ko.book.page = page
        reader.send("PosUpdate", position, page)
    reader.close()

    assert turns(reader) == 2


def test_a_continuous_view_counts_what_was_scrolled_to_and_tells_where_that_is(reader: EReader) -> None:
    reader.open("strip.cbz", paged=True, scroll=True, progress=1)
    reader.read(pages=5, seconds=10)

    (checkpoint,) = reader.spool("page_turns")
    assert (checkpoint["reading"]["page"], checkpoint["reading"]["position"]) == (6, "6")
    assert checkpoint["reading"]["dwell"] == [10] * 5


def test_several_pages_that_come_up_together_are_one_turn(reader: EReader) -> None:
    reader.open("strip.cbz", paged=True, scroll=True, progress=1)
    reader.ko.scroll(reader.ko.book, 4)
    reader.close()

    assert turns(reader) == 1
    assert reader.spool("book_close")[0]["reading"]["page"] == 5


@pytest.mark.parametrize("scroll", [True, False])
@pytest.mark.parametrize("to", [2, 3, 60])
@pytest.mark.parametrize("paged", [True, False])
def test_a_jump_is_no_page_turn_however_many_events_it_raises(
    reader: EReader, paged: bool, to: int, scroll: bool
) -> None:
    reader.open("paper.pdf" if paged else "dune.epub", paged=paged, scroll=paged and scroll, progress=1)
    reader.ko.follow(reader.ko.book, to)
    assert turns_so_far(reader) == 0
    reader.read(pages=1, seconds=5)
    reader.close()

    assert turns(reader) == 1
    assert reader.spool("book_close")[0]["reading"]["page"] == to + 1


def test_a_page_far_away_is_no_turn_however_one_came_there(reader: EReader) -> None:
    reader.open()
    reader.ko.move(reader.ko.book, 40)
    reader.close()

    assert turns(reader) == 0


def test_two_columns_and_pages_that_are_left_out_are_turns(reader: EReader) -> None:
    book = reader.open()
    reader.ko.move(book, 3)
    reader.ko.ui.document.getNextPage = reader.lua.eval("function(_, page) return page == 3 and 30 or page + 1 end")
    reader.ko.move(book, 30)
    reader.close()

    assert turns(reader) == 2


def test_turning_past_the_middle_of_a_long_page_is_no_turn(reader: EReader) -> None:
    reader.open("strip.cbz", paged=True, scroll=True, progress=1)
    reader.send("PageUpdate", 1, "scrolling")
    reader.ko.tick()
    reader.close()

    assert turns(reader) == 0


def test_a_new_layout_is_no_turn(reader: EReader) -> None:
    reader.open(page=10)
    reader.read(pages=1, seconds=20)
    reader.pass_time(20)
    reader.ko.book.pages = 140
    reader.ko.move(reader.ko.book, 15)
    reader.send("DocumentRerendered")
    reader.pass_time(5)
    reader.close()

    assert turns(reader) == 1
    assert dwell(reader) == [20, 25]


def test_a_layout_that_is_told_of_late_costs_no_turn_after_it(reader: EReader) -> None:
    reader.open(page=10)
    reader.ko.book.pages = 140
    reader.send("DocumentRerendered")
    reader.read(pages=2, seconds=5)
    reader.close()

    assert turns(reader) == 2


def test_a_turn_long_before_a_new_layout_still_counts(reader: EReader) -> None:
    reader.open()
    reader.read(pages=2, seconds=5)
    reader.pass_time(30)
    reader.send("DocumentRerendered")
    reader.close()

    assert turns(reader) == 2


def test_exit_is_the_reason_when_koreader_is_left_from_the_book(reader: EReader) -> None:
    reader.open()
    reader.send("Exit")
    reader.close()

    assert [line["reason"] for line in reader.spool("book_close")] == ["exit"]


def test_stars_are_null_when_none_are_given_and_absent_when_unreadable(reader: EReader) -> None:
    reader.open(settings={"summary": {"status": "reading"}})
    reader.close()
    reader.open("other.epub", settings={"summary": False})
    reader.close()

    first, second = reader.spool("book_close")
    assert first["reading"]["stars"] is None
    assert "stars" not in second["reading"] and "status" not in second["reading"]


@pytest.mark.parametrize(("rating", "told"), [(4, 4), (3.5, 3.5), (8, 8), ("5", "5"), (True, True), (0, None)])
def test_stars_are_told_as_they_stand_there(reader: EReader, rating: object, told: object) -> None:
    reader.open(settings={"summary": {"rating": rating}})
    reader.close()

    assert reader.spool("book_close")[0]["reading"]["stars"] == told
    assert type(reader.spool("book_close")[0]["reading"]["stars"]) is type(told)


@pytest.mark.parametrize("rating", [float("nan"), float("inf"), {"a": 1}, [3]])
def test_stars_that_are_no_value_are_not_told_and_cost_nothing_else(reader: EReader, rating: object) -> None:
    reader.open(settings={"summary": {"rating": rating, "status": "complete"}})
    reader.close()

    reading = reader.spool("book_close")[0]["reading"]
    assert "stars" not in reading and reading["status"] == "complete"


@pytest.mark.parametrize(
    ("note", "told"), [("A desert.\nAnd people.", "A desert.\nAnd people."), ("", None), (None, None), (7, None)]
)
def test_a_review_is_told_at_the_close_and_null_where_there_is_none(
    reader: EReader, note: object, told: object
) -> None:
    reader.open(settings={"summary": {"status": "complete", "note": note}})
    reader.close()

    assert all("review" not in line["reading"] for line in reader.spool("book_open"))
    assert [line["reading"]["review"] for line in reader.spool("book_close")] == [told]


def test_a_review_that_is_written_while_the_book_is_open_is_told(reader: EReader) -> None:
    reader.open(settings={"summary": {"status": "reading"}})
    reader.ko.ui.doc_settings.data.summary.note = "A desert."
    reader.close()

    assert reader.spool("book_close")[0]["reading"]["review"] == "A desert."


def test_of_a_book_whose_summary_is_not_known_no_review_is_told(reader: EReader) -> None:
    reader.open(settings={"summary": False})
    reader.close()

    assert "review" not in reader.spool("book_close")[0]["reading"]


def test_identifiers_travel_though_koreader_drops_them_from_the_open_book(reader: EReader) -> None:
    reader.open()

    assert reader.ko.ui.doc_props.identifiers is None
    assert reader.spool("book_open")[0]["book"]["identifiers"] == "ISBN:9780441013593"


def test_another_book_at_the_same_path_has_its_own_digest(reader: EReader) -> None:
    reader.open()
    reader.close()
    md5 = partial_md5(reader.put_file("dune.epub", b"another book under the same name"))
    second = reader.open(settings={"doc_props": {"title": "Second"}})
    reader.close()

    lines = reader.spool("book_open", "book_close")
    first = "e05f384d9923259355f79a6bf9125710"
    assert second.settings.partial_md5_checksum == first
    assert [line["book"]["partial_md5"] for line in lines] == [first, first, md5, md5]


def test_a_book_without_annotations_has_an_empty_list(reader: EReader) -> None:
    reader.open()
    reader.close()

    assert b'"annotations":[]' in reader.spool_bytes()


def test_annotations_that_cannot_be_read_are_left_out(reader: EReader) -> None:
    reader.open()
    reader.ko.ui.annotation = None
    reader.close()

    assert "annotations" not in reader.spool("book_close")[0]


def test_an_empty_digest_is_computed_from_the_file(reader: EReader) -> None:
    reader.open(settings={"partial_md5_checksum": ""})

    assert reader.spool("book_open")[0]["book"]["partial_md5"] == "e05f384d9923259355f79a6bf9125710"


def test_a_digest_that_cannot_be_had_is_left_out_never_empty(reader: EReader) -> None:
    reader.open(file="/mnt/onboard/Books/gone.epub", settings={"partial_md5_checksum": ""})

    assert "partial_md5" not in reader.spool("book_open")[0]["book"]


def test_a_document_without_pages_writes_no_impossible_number(reader: EReader) -> None:
    reader.open(pages=0, percent=float("nan"))

    assert "percent" not in reader.spool("book_open")[0]["reading"]


def test_an_engine_that_fails_costs_its_field_not_the_line(reader: EReader) -> None:
    book = reader.open()
    book.xpointers = None
    reader.ko.ui.rolling = None
    reader.close()

    (closed,) = reader.spool("book_close")
    assert "position" not in closed["reading"] and closed["annotations"] == []


def test_text_that_is_not_utf8_still_makes_a_json_line(reader: EReader) -> None:
    highlight: dict[str, Any] = {"datetime": "2026-11-20 13:41:02", "text": 'quote " slash \\ bell \x07 é 𝄞'}
    book = reader.open(annotations=[highlight])
    book.annotations[1].note = "broken \xff\xc3 note"
    reader.close()

    (note,) = reader.spool("book_close")[0]["annotations"]
    assert note["text"] == highlight["text"]
    assert note["note"] == "broken \ufffd\ufffd note"


def test_two_authors_are_two(reader: EReader) -> None:
    reader.open(settings={"doc_props": {"authors": "P. Gil\nSecond Author"}})

    book = reader.spool("book_open")[0]["book"]
    assert book["authors"] == ["P. Gil", "Second Author"] and "title" not in book


def test_pdf_positions_stay_tables_and_extensions_stay_keyed_by_page(reader: EReader) -> None:
    note = {"page": 1, "pos0": {"page": 1, "x": 10.5, "y": 20}, "text": to_lua("x")}
    book = reader.open("paper.pdf", paged=True, progress=1, annotations=[note])
    book.annotations[1].ext = reader.lua.table_from({1: reader.table({"n": 1}), 2: reader.table({"n": 2})})
    reader.close()

    (kept,) = reader.spool("book_close")[0]["annotations"]
    assert kept["pos0"] == {"page": 1, "x": 10.5, "y": 20}
    assert kept["ext"] == {"1": {"n": 1}, "2": {"n": 2}}


REVIEW = 'Fünf «Sterne»:\tja.\n\nNoch einmal \\ "lesen" 𝄞'


def test_highlights_of_every_kind_are_written_byte_for_byte_as_the_golden_lines(reader: EReader) -> None:
    common = {"datetime": "2026-11-20 13:41:02", "chapter": "Buch Ⅰ", "drawer": "lighten", "color": "yellow"}
    spots = [f"/body[1]/DocFragment[8]/body[1]/p[3]/text()[1].{offset}" for offset in (0, 17)]
    highlight = common | {"page": spots[0], "pos0": spots[0], "pos1": spots[1], "pageno": 12}
    highlight |= {"text": 'Fear — the "mind-killer"'}
    note = highlight | {
        "note": "zwei\nZeilen\tund \\ 𝄞",
        "datetime_updated": "2026-11-20 13:50:00",
        "text_edited": True,
    }
    bookmark = {"datetime": "2026-11-20 13:41:02", "page": spots[1], "text": "in Buch Ⅰ", "pageno": 12}
    pdf = common | {
        "page": 2,
        "pos0": {"page": 2, "x": 10.25, "y": 0, "zoom": 1.5},
        "pos1": {"page": 3, "x": 1, "y": 2},
    }
    pdf |= {"pboxes": [{"x": 1, "y": 2, "w": 3, "h": 0.1}], "text": ""}
    reader.open(annotations=[highlight, note, bookmark, pdf])
    reader.read(pages=1, seconds=41)
    reader.close()
    reader.open("empty.epub", settings={"doc_props": {}, "summary": {"rating": 5, "note": REVIEW}}, percent=1)
    reader.send("Exit")
    reader.close()

    golden = Path(__file__).parents[1] / "golden" / "highlights.jsonl"
    assert reader.spool_bytes() == golden.read_bytes()
