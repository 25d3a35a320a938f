"""A book that lies open while nobody reads: the session is cut there, so that its span and its duration agree."""

from datetime import UTC, datetime, timedelta

import pytest

from booklore_core import ItemRejected
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")
FRIDAY = datetime(2026, 11, 13, 20, 0, tzinfo=UTC)


def told(session):
    """Start and end as times of day, minutes of reading, page turns."""
    start, end = session["start"][11:16], session["end"][11:16]
    return start, end, session["duration"] / 60, session["turns"]


def span(session):
    start, end = (datetime.fromisoformat(session[name]) for name in ("start", "end"))
    return (end - start).total_seconds()


def jump(reader, **time):
    """The clock goes on and no page's dwell knows of it: a computer slept."""
    reader.now += timedelta(**time)


def evening(reader, checkpoints=6):
    """Half an hour with a checkpoint every five minutes."""
    reader.open(DUNE)
    for _ in range(checkpoints):
        reader.turn(5, 60)
        reader.checkpoint()


def test_a_laptop_that_slept_over_a_weekend_cuts_the_session(sessions):
    reader = SampleReader(now=FRIDAY)
    evening(reader)
    jump(reader, hours=62)
    reader.turn(5, 60)
    reader.checkpoint()
    reader.turn(5, 60)
    reader.close()

    before, after = sessions(reader)

    assert told(before) == ("20:00", "20:30", 30, 30)
    assert told(after) == ("10:30", "10:40", 10, 10)
    assert (before["start_page"], before["end_page"]) == (1, 31)
    assert (after["start_page"], after["end_page"]) == (31, 41)


def test_a_page_that_was_shown_for_hours_counts_ten_minutes_and_cuts_the_session(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5, 60)
    reader.turn(1, 3 * 3600)
    reader.turn(4, 60)
    reader.close()

    before, after = sessions(reader)

    assert told(before) == ("08:00", "08:15", 15, 5)
    assert told(after) == ("11:05", "11:09", 4, 5)
    assert [span(one) for one in (before, after)] == [one["duration"] for one in (before, after)]


@pytest.mark.parametrize(("pages", "place"), [(2, 1), (6, 9)])
def test_where_a_cut_lies_is_told_by_the_nearest_line(sessions, pages, place):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(pages, 60)
    reader.turn(1, 3 * 3600)
    reader.turn(7 - pages, 60)
    reader.checkpoint()
    reader.turn(2, 60)
    reader.close()

    before, after = sessions(reader)

    assert before["end_page"] == after["start_page"] == place


def test_several_long_pages_between_two_lines_are_a_cut_each(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    for _ in range(3):
        reader.turn(2, 60)
        reader.turn(1, 3600)
    reader.turn(1, 60)
    reader.close()

    found = sorted(sessions(reader), key=lambda one: one["start"])

    assert [told(one) for one in found] == [
        ("08:00", "08:12", 12, 2),
        ("09:02", "09:14", 12, 3),
        ("10:04", "10:16", 12, 3),
        ("11:06", "11:07", 1, 2),
    ]


def test_a_page_left_open_until_it_is_closed_ends_the_session_and_makes_no_other(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5, 60)
    reader.wait(8 * 3600)
    reader.close()

    assert [told(one) for one in sessions(reader)] == [("08:00", "08:15", 15, 5)]


def test_exactly_the_longest_time_on_a_page_is_no_idling(sessions):
    reader = SampleReader()
    reader.read(DUNE, pages=4, seconds=600)

    assert [told(one) for one in sessions(reader)] == [("08:00", "08:40", 40, 4)]


def test_the_longest_time_on_a_page_is_a_setting(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(3, 100)
    reader.turn(1, 160)
    reader.turn(3, 100)
    reader.close()

    assert [one["duration"] for one in sessions(reader, idle_cap=100)] == [400, 300]


def test_a_brief_look_after_long_idling_is_not_joined_across_the_cut(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5, 60)
    reader.turn(1, 700)
    reader.turn(1, 20)
    reader.close()

    assert [told(one) for one in sessions(reader)] == [("08:00", "08:15", 15, 5)]


def test_without_dwell_a_long_gap_between_lines_is_the_idling(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5, 60)
    reader.checkpoint()
    reader.turn(1, 3600)
    reader.checkpoint()
    reader.turn(2, 30)
    reader.close()
    for line in reader.lines:
        line["reading"].pop("dwell", None)

    assert [told(one) for one in sessions(reader)] == [("08:00", "08:15", 15, 6), ("09:05", "09:06", 1, 2)]


def test_the_first_part_is_sent_while_the_book_is_still_open_and_stays(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    evening(reader)
    reader.turn(1, 4 * 3600)
    late = reader.checkpoint()
    reader.turn(5, 60)
    reader.checkpoint()

    core.take([line for line in reader.lines if line is not late], "test")
    core.take([late], "test")
    core.sync()
    reader.turn(5, 60)
    reader.close()
    core.take(reader.lines[-1:], "test")
    core.sync()

    assert [told(item.body) for item in bookworm.received] == [("08:00", "08:40", 40, 30), ("12:30", "12:40", 10, 11)]


@pytest.mark.parametrize("cap", [300, 7200])
def test_another_longest_time_on_a_page_counts_nothing_twice_and_loses_nothing_that_waits(open_core, cap):
    def second_part(item):
        return ItemRejected("not now") if item.body["start"] > "2026-11-20T09" else None

    reader, bookworm = SampleReader(), FakeTarget(fails_with=second_part)
    core = open_core(bookworm)
    reader.open(DUNE)
    reader.turn(2, 60)
    reader.turn(1, 3600)
    reader.turn(4, 60)
    reader.close()
    core.take(reader.lines, "test")
    core.sync()

    core.settings.set("sessions.idle_cap", cap)
    core.take([reader.open(DUNE)], "test")
    bookworm.wake_up()
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [720, 240]
