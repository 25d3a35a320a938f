"""E-readers' clocks jump: what cannot be is not sent, and said; what was measured by dwell is kept.

The core does not take in any more what cannot be; an older one did.
"""

from datetime import UTC, datetime, timedelta

import pytest

from booklore_core.pipeline.event_log import Told
from booklore_core.pipeline.spool import digest_of, parse_event
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")


@pytest.fixture
def outcome(open_core):
    """Takes a reader's lines in. Returns what arrived and the remarks."""

    def run(reader):
        bookworm = FakeTarget()
        core = open_core(bookworm)
        take_as_before(core, reader.lines)
        core.sync()
        remarks = core.database.rows("SELECT remark FROM remarks ORDER BY key")
        return [item.body for item in bookworm.received], [row["remark"] for row in remarks]

    return run


def take_as_before(core, lines):
    """As lines were taken in before their clock was looked at."""
    core.books.see([(line["device"], parse_event(line).book, False, core.clock()) for line in lines], core.clock())
    told = [Told(parse_event(line), line, True, digest_of(line)) for line in lines]
    core.event_log.append(told, core.clock())
    core.derive.lead()


def jump(reader, to):
    reader.now = to


def test_a_clock_set_back_while_reading_sends_nothing_and_says_so(outcome):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(10)
    jump(reader, reader.now - timedelta(hours=5))
    reader.close()

    sent, remarks = outcome(reader)

    assert sent == []
    assert remarks == ["a session of Dune is not sent: it ends 17600 s before it begins"]


@pytest.mark.parametrize("year", [1970, 2000, 2012, 2017])
def test_a_clock_that_was_reset_sends_nothing_and_says_so(outcome, year):
    reader = SampleReader(now=datetime(year, 1, 1, 0, 5, tzinfo=UTC))
    reader.read(DUNE)

    sent, remarks = outcome(reader)

    assert sent == []
    assert remarks == [f"a session of Dune is not sent: it begins in {year}"]


def test_a_clock_in_2099_sends_nothing_and_says_so(outcome):
    reader = SampleReader(now=datetime(2099, 1, 1, tzinfo=UTC))
    reader.read(DUNE)

    sent, remarks = outcome(reader)

    assert sent == []
    assert remarks == ["a session of Dune is not sent: it ends in the future, at 2099-01-01 00:06"]


def test_a_clock_that_jumps_ahead_by_days_costs_nothing_because_dwell_says_how_long_it_was(outcome):
    reader = SampleReader(now=datetime(2026, 11, 10, tzinfo=UTC))
    reader.open(DUNE)
    reader.turn(10)
    jump(reader, reader.now + timedelta(hours=30))
    reader.close()

    sent, remarks = outcome(reader)

    assert [(one["start"], one["end"], one["duration"]) for one in sent] == [
        ("2026-11-11T06:00:00Z", "2026-11-11T06:06:40Z", 400)
    ]
    assert remarks == []


def test_a_book_that_was_open_for_30_hours_is_sent_because_dwell_says_so(outcome):
    reader = SampleReader(now=datetime(2026, 11, 10, tzinfo=UTC))
    reader.open(DUNE)
    reader.turn(10, 60)
    reader.wait(30 * 3600)
    reader.close()

    sent, remarks = outcome(reader)

    assert [session["duration"] for session in sent] == [600 + 600]
    assert remarks == []


def test_an_hour_ahead_or_back_between_two_sessions_costs_neither(outcome):
    reader = SampleReader()
    reader.read(DUNE)
    jump(reader, reader.now - timedelta(hours=1))
    reader.read(DUNE, pages=5)
    jump(reader, reader.now + timedelta(hours=2))
    reader.read(DUNE, pages=6)

    sent, remarks = outcome(reader)

    assert sorted(session["turns"] for session in sent) == [5, 6, 10]
    assert remarks == []


def test_an_hour_ahead_while_reading_costs_nothing_because_the_monotonic_clock_counts(outcome):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5)
    jump(reader, reader.now + timedelta(hours=1))
    reader.turn(5)
    reader.close()

    sent, _ = outcome(reader)

    assert [session["duration"] for session in sent] == [400]


def test_a_session_that_turns_out_to_be_impossible_is_taken_out_again(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    opened = reader.open(DUNE)
    reader.turn(5)
    checkpoint = reader.checkpoint()
    jump(reader, reader.now - timedelta(days=1))
    closed = reader.close()
    later = reader.open(DUNE)

    take_as_before(core, [opened, checkpoint, later])
    assert core.pending() == {"session": 1}
    take_as_before(core, [closed])
    core.sync()

    assert bookworm.received == []
    assert core.database.value("SELECT remark FROM remarks").startswith("a session of Dune is not sent")


def test_a_jump_in_a_nap_does_not_spoil_the_reading_after_it(outcome):
    reader = SampleReader()
    reader.open(DUNE)
    jump(reader, reader.now - timedelta(hours=1))
    reader.suspend()
    reader.sleep(20)
    reader.resume()
    reader.turn(10)
    reader.suspend()

    sent, _ = outcome(reader)

    assert [session["duration"] for session in sent] == [400]


def slow(reader, pages=60, seconds=60, by_the_clock=300):
    """Reads while the wall clock moves too slowly."""
    reader.open(DUNE)
    begun = reader.now
    reader.turn(pages, seconds)
    reader.now = begun + timedelta(seconds=by_the_clock)
    reader.close()


def times(sent):
    return [(one["start"][11:], one["end"][11:], one["duration"]) for one in sorted(sent, key=lambda one: one["start"])]


def test_a_slow_clock_has_the_session_begin_earlier_and_later_ones_end_later(outcome):
    reader = SampleReader()
    slow(reader)
    reader.sleep(60)
    slow(reader)

    sent, remarks = outcome(reader)

    assert times(sent) == [("07:05:00Z", "08:05:00Z", 3600), ("08:05:00Z", "09:05:00Z", 3600)]
    assert remarks == []


def test_a_clock_that_stands_still_costs_no_reading(outcome):
    reader = SampleReader()
    slow(reader, by_the_clock=0)

    sent, _ = outcome(reader)

    assert times(sent) == [("07:00:00Z", "08:00:00Z", 3600)]


def test_a_session_by_a_slow_clock_does_not_run_into_the_one_before_nor_into_the_one_after(outcome):
    reader = SampleReader()
    reader.read(DUNE, pages=5, seconds=60)
    reader.sleep(600)
    slow(reader)
    reader.sleep(3600)
    reader.read(DUNE, pages=5, seconds=60)

    sent, remarks = outcome(reader)

    assert times(sent) == [
        ("08:00:00Z", "08:05:00Z", 300),
        ("08:05:00Z", "09:05:00Z", 3600),
        ("09:20:00Z", "09:25:00Z", 300),
    ]
    assert remarks == []


def test_reading_for_which_there_is_no_time_at_all_is_left_out_and_said(outcome):
    reader = SampleReader()
    for wait in (60, 60, 0):
        slow(reader, pages=20)
        reader.sleep(wait)

    sent, remarks = outcome(reader)

    assert times(sent) == [
        ("07:45:00Z", "08:05:00Z", 1200),
        ("08:05:00Z", "08:11:00Z", 360),
        ("08:11:00Z", "08:31:00Z", 1200),
    ]
    assert remarks == [
        "a session of Dune has 360 s of the 1200 s read: no more passed by the device's clock before the next one"
    ]


def test_no_session_is_made_to_end_after_the_core_heard_of_it(open_core, clock):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    reader.read(DUNE, pages=5, seconds=60)
    slow(reader)
    clock.now = reader.now + timedelta(minutes=10)

    core.take(reader.lines, "test")
    core.sync()

    assert times(item.body for item in bookworm.received)[1] == ("08:05:00Z", "08:20:00Z", 900)


def test_dwell_in_whole_seconds_moves_no_ends(outcome):
    reader = SampleReader()
    slow(reader, pages=60, seconds=20, by_the_clock=1180)

    sent, remarks = outcome(reader)

    assert times(sent) == [("08:00:00Z", "08:19:40Z", 1180)]
    assert remarks == []
