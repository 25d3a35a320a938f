"""Stretches of reading: what counts as a page turn, and how long a page was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ereader import EReader, to_lua


def turns(reader: EReader) -> int:
    return int(reader.spool("book_close")[-1]["reading"]["turns"])


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
    reader.open("empty.epub", settings={"doc_props": {}, "summary": {"rating": 5}}, percent=1)
    reader.send("Exit")
    reader.close()

    golden = Path(__file__).parents[1] / "golden" / "highlights.jsonl"
    assert reader.spool_bytes() == golden.read_bytes()
