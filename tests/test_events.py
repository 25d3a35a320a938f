"""Spool lines become events; bad ones are refused with the field that is wrong."""

import copy
import json
from datetime import UTC, datetime

import pytest

from booklore_core import UNKNOWN, BookClose, Device, Resume
from booklore_core.pipeline import spool
from booklore_core.pipeline.spool import BadLine, parse_event

LINE = {
    "v": 1,
    "id": "kobo-7f3a-000123",
    "event": "book_close",
    "at": "2026-11-20T14:00:00Z",
    "reason": "suspend",
    "device": "kobo-7f3a",
    "book": {
        "partial_md5": "ec549edd15e40cfc506269777a36b559",
        "file": "/mnt/onboard/dune.epub",
        "size": 1048576,
        "title": "Dune",
        "authors": ["Frank Herbert"],
        "identifiers": "ISBN:9780441013593",
        "pages": 612,
    },
    "reading": {
        "percent": 0.42,
        "page": 257,
        "pages": 612,
        "position": "/body/DocFragment[8]/body/p[3]/text().0",
        "turns": 31,
        "dwell": [41, 38, 52],
        "stars": 4,
        "status": "reading",
    },
    "annotations": [{"datetime": "2026-11-20 13:41:02", "text": "…"}],
}


def changed(path, value):
    line = copy.deepcopy(LINE)
    *parents, last = path.split(".")
    target = line
    for parent in parents:
        target = target[parent]
    target[last] = value
    return line


def test_a_line_of_the_design_becomes_a_book_close():
    event = spool.parse_line(json.dumps(LINE)).event

    assert isinstance(event, BookClose)
    assert event.at == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert event.book.ref.isbn == "9780441013593"
    assert event.reading.dwell == (41, 38, 52)
    assert event.annotations == (LINE["annotations"][0],)


def test_unknown_fields_are_ignored():
    assert parse_event({**LINE, "colour": "red"}) == parse_event(LINE)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("v", 2, "v"),
        ("v", "1", "v"),
        ("event", "book_burn", "event"),
        ("event", ["book_close"], "event"),
        ("id", "", "id"),
        ("id", 7, "id"),
        ("device", None, "device"),
        ("at", "2026-11-20 14:00", "at"),
        ("at", "2026-11-20T14:00:00+02:00", "at"),
        ("at", "2026-13-40T14:00:00Z", "at"),
        ("book", None, "book"),
        ("book", "Dune", "book"),
        ("book", {"title": "Dune"}, "book.partial_md5"),
        ("book.partial_md5", "", "book.partial_md5"),
        ("book.partial_md5", "xyz", "book.partial_md5"),
        ("book.partial_md5", 7, "book.partial_md5"),
    ],
)
def test_a_line_without_what_it_needs_is_refused_with_the_name_of_the_field(path, value, field):
    with pytest.raises(BadLine) as refused:
        parse_event(changed(path, value))

    assert refused.value.field == field


WHOLE = parse_event(LINE)
LONG = "x" * 100_001
UNFIT = [
    *(("reading.percent", value, None) for value in (1.7, -0.5, "0.42", "NaN", float("nan"), float("inf"), True, [])),
    *(("reading.page", value, None) for value in (-1, "257", 2.5, {}, 1 << 40)),
    *(("reading.pages", value, None) for value in (0, -1, "612", None, "")),
    *(("reading.turns", value, 2) for value in (-3, "31", 1.5, None, [31])),
    *(("reading.dwell", value, None) for value in ("41", [41, -1], [41, "38"], [41, 1.5], [[41]], 41)),
    *(("reading.stars", value, "unknown") for value in (8, -1, 0.2, 5.5, "five", "", "9", True, False, [4], "NaN")),
    *(("reading.status", value, None) for value in ("dancing", 7, [])),
    *(("reading.position", value, None) for value in (LONG, [], 1.5)),
    *(("book.size", value, None) for value in (-1, "1048576", 1 << 80)),
    *(("book.title", value, None) for value in (7, LONG, ["Dune"])),
    *(("book.authors", value, ()) for value in ("Frank Herbert", 7)),
    *(("book.pages", value, None) for value in (0, "612")),
    ("book.identifiers", 7, None),
    ("book.language", ["en"], None),
    ("book.file", False, None),
    *(("reason", value, None) for value in ("bored", 7)),
    *(("annotations", value, None) for value in ("none", 7, True, {"1": {}})),
    *(("up", value, None) for value in ("a while", -1, float("nan"), 1e12, True)),
    *(("boot", value, None) for value in (7, "", "x" * 65)),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "left"), UNFIT)
def test_what_does_not_fit_is_left_out_and_costs_nothing_else(path, value, left):
    *parents, last = path.split(".")

    line = spool.parse_line(changed(path, value))

    found, whole = line.event, WHOLE
    for parent in parents:
        found, whole = getattr(found, parent), getattr(whole, parent)
    assert getattr(found, last) == left
    assert {name: kept for name, kept in found if name != last} == {name: kept for name, kept in whole if name != last}
    assert set(line.faults) == ({path} if value is not None else set(line.faults))
    assert parse_event(json.loads(json.dumps(line.kept))) == line.event


def test_reading_that_is_none_leaves_the_line():
    event = parse_event({**LINE, "reading": "much"})

    assert (event.book, event.reading.percent, event.reading.turns) == (WHOLE.book, None, 0)
    assert parse_event({name: part for name, part in LINE.items() if name != "reading"}).reading == event.reading


def test_one_bad_annotation_or_author_costs_none_of_the_others():
    note = LINE["annotations"][0]

    event, authors = parse_event({**LINE, "annotations": [7, note, "x", note]}), changed("book.authors", ["A", 7, "B"])

    assert event.annotations == (note, note)
    assert parse_event(authors).book.authors == ("A", "B")


def test_several_things_that_do_not_fit_are_left_out_together():
    line = changed("reading.percent", 7)
    line["reading"]["stars"], line["book"]["size"], line["up"] = 9, "big", "long"

    assert set(spool.parse_line(line).faults) == {"reading.percent", "reading.stars", "book.size", "up"}


def test_a_number_that_is_none_is_left_out():
    line = spool.parse_line(json.dumps(changed("reading.percent", float("nan"))))

    assert (line.event.reading.percent, set(line.faults)) == (None, {"reading.percent"})
    assert "NaN" not in json.dumps(line.kept)


def test_a_line_is_known_again_by_what_was_told_not_by_what_was_kept():
    one, other = spool.parse_line(changed("reading.percent", 7)), spool.parse_line(changed("reading.percent", 8))

    assert one.event == other.event
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("told", "stars"),
    [(None, None), (0, None), (0.0, None), (0.5, 0.5), (1, 1), (3.5, 3.5), (3.4, 3.5), (3.7, 3.5), (3.8, 4), (4.75, 5),
     (5.0, 5), (0.6, 0.5), ("4", 4), ("3.5", 3.5), ("0", None)],
)  # fmt: skip
def test_stars_go_by_halves(told, stars):
    found = parse_event(changed("reading.stars", told)).reading.stars

    assert (found, type(found)) == (stars, type(stars))


def test_turns_that_are_not_told_are_at_least_what_dwell_shows():
    line = copy.deepcopy(LINE)
    del line["reading"]["turns"]

    assert parse_event(line).reading.turns == 2


def test_a_digest_in_capitals_is_the_same():
    assert parse_event(changed("book.partial_md5", LINE["book"]["partial_md5"].upper())).book == WHOLE.book


def test_a_resume_whose_book_is_none_comes_without_one():
    line = {"v": 1, "id": "kobo-7f3a-9", "event": "resume", "at": LINE["at"], "device": "kobo-7f3a", "book": "Dune"}

    assert parse_event(line).book is None


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"v":1', "\x00\x01", "[" * 100_000, '{"v":NaN}', "1e999"])
def test_garbage_is_refused_as_a_line(text):
    with pytest.raises(BadLine) as refused:
        spool.parse_line(text)

    assert refused.value.field in ("line", "v")


def test_a_refused_line_tells_its_id_when_it_has_one():
    with pytest.raises(BadLine) as refused:
        parse_event(changed("at", "noon"))

    assert refused.value.event_id == LINE["id"]


def test_stars_absent_are_unknown_and_null_are_none_given():
    without = copy.deepcopy(LINE)
    del without["reading"]["stars"]

    assert parse_event(without).reading.stars == UNKNOWN
    assert parse_event(changed("reading.stars", None)).reading.stars is None
    assert parse_event(changed("reading.stars", 0)).reading.stars is None


def test_annotations_absent_were_not_read_and_empty_are_none():
    without = {key: value for key, value in LINE.items() if key != "annotations"}

    assert parse_event(without).annotations is None
    assert parse_event({**LINE, "annotations": []}).annotations == ()
    assert parse_event({**LINE, "annotations": {}}).annotations == ()  # Lua's empty table


def test_a_page_number_is_a_position():
    assert parse_event(changed("reading.position", 12)).reading.position == "12"


def test_a_resume_may_come_without_a_book():
    line = {"v": 1, "id": "kobo-7f3a-9", "event": "resume", "at": LINE["at"], "device": "kobo-7f3a"}

    event = parse_event(line)

    assert isinstance(event, Resume)
    assert event.book is None


def test_the_device_line_names_the_device():
    line = {"v": 1, "id": "k-1", "event": "device", "at": LINE["at"], "device": "k", "name": "Kobo", "model": "Libra"}

    event = parse_event(line)

    assert isinstance(event, Device)
    assert (event.display, event.model) == ("Kobo", "Libra")


def test_events_are_ordered_by_the_counter_because_the_clock_jumps():
    before = parse_event({**LINE, "id": "kobo-7f3a-000009", "at": "2026-11-20T15:00:00Z"})
    after = parse_event({**LINE, "id": "kobo-7f3a-000010", "at": "1970-01-01T00:00:00Z"})

    assert before.order < after.order


def test_what_was_told_under_a_former_id_comes_before_all_else_in_its_own_order():
    line = {**LINE, "device": "kobo-1111", "former_id": "kobo-7f3a"}

    told = [{**line, "id": "kobo-7f3a-000009"}, {**line, "id": "kobo-7f3a-000010"}, {**line, "id": "kobo-1111-000001"}]
    orders = [parse_event(one).order for one in told]

    assert orders == sorted(orders)


def test_ids_of_another_form_are_ordered_by_the_clock():
    before = parse_event({**LINE, "id": "zz", "at": "2026-11-20T15:00:00Z"})
    after = parse_event({**LINE, "id": "aa", "at": "2026-11-20T15:00:01Z"})

    assert before.order < after.order
