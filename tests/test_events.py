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
    event, _ = spool.parse_line(json.dumps(LINE))

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
        ("reason", "bored", "reason"),
        ("book", None, "book"),
        ("book.partial_md5", "", "book.partial_md5"),
        ("book.partial_md5", "xyz", "book.partial_md5"),
        ("book.size", -1, "book.size"),
        ("book.authors", "Frank Herbert", "book.authors"),
        ("reading.percent", 42, "reading.percent"),
        ("reading.percent", float("nan"), "reading.percent"),
        ("reading.percent", float("inf"), "reading.percent"),
        ("reading.turns", -3, "reading.turns"),
        ("reading.stars", 6, "reading.stars"),
        ("reading.stars", "four", "reading.stars"),
        ("reading.dwell", [41, -1], "reading.dwell.1"),
        ("annotations", "none", "annotations"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_its_field(path, value, field):
    with pytest.raises(BadLine) as refused:
        parse_event(changed(path, value))

    assert refused.value.field == field


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"v":1', "\x00\x01", "[" * 100_000, '{"v":NaN}', "1e999"])
def test_garbage_is_refused_as_a_line(text):
    with pytest.raises(BadLine) as refused:
        spool.parse_line(text)

    assert refused.value.field in ("line", "v")


def test_a_refused_line_tells_its_id_when_it_has_one():
    with pytest.raises(BadLine) as refused:
        parse_event(changed("reading.percent", 7))

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


def test_ids_of_another_form_are_ordered_by_the_clock():
    before = parse_event({**LINE, "id": "zz", "at": "2026-11-20T15:00:00Z"})
    after = parse_event({**LINE, "id": "aa", "at": "2026-11-20T15:00:01Z"})

    assert before.order < after.order
