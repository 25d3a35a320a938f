"""A year of a heavy reader: five hundred highlights and ten closings a day must not be a year of copies."""

import pytest
from annotated_world import DUNE, Marking, highlight

from booklore_core.testing import SampleReader

MOST, CLOSINGS, MARKS = 20_000_000, 10, 500
"""Bytes of the database after a year; closings a day; highlights in the end, one in five of them edited."""

FIXED = 5_000_000
"""Bytes that do not grow with the days: the facts, the last list, a memory for each kind."""

SAYS = "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals. " * 3


def live(core, clock, days):
    """Reads every day. The list is told when it differs."""
    reader, made, closings = SampleReader(), [], 0
    for day in range(days):
        for _ in range(CLOSINGS):
            closings += 1
            new = MARKS * closings // (days * CLOSINGS) - len(made)
            made += [mark(len(made) + number) for number in range(new)]
            if new and closings % 5 == 0:
                made[len(made) // 2] = made[len(made) // 2] | {"note": f"edited {closings}"}
            reader.open(DUNE)
            reader.turn(20)
            reader.close(annotations=list(made) if new else None)
            reader.wait(600)
        clock.now = reader.now
        assert not core.take(reader.lines[-2 * CLOSINGS :], f"day {day}").rejected
        reader.sleep(12 * 3600)


def mark(number):
    made = f"2026-11-{1 + number // 60:02} 08:{number % 60:02}:07"
    return highlight(number, datetime=made, text=f"{number} {SAYS}", note=f"note {number}" if number % 5 == 0 else None)


def size(core):
    core.database.close()
    return sum(file.stat().st_size for file in core.places.home.glob("booklore.sqlite*"))


@pytest.fixture
def core(open_core):
    return Marking(lambda *targets, plugins: open_core(*targets, plugins=("sessions", "progress", *plugins))).core


def test_four_days_with_all_highlights_take_their_share_of_a_year(core, clock):
    live(core, clock, days=4)

    assert core.status().pending["annotation"] == MARKS
    assert size(core) < FIXED + (MOST - FIXED) * 4 / 365


@pytest.mark.bench
def test_a_year_of_a_heavy_reader_stays_below_twenty_megabytes(core, clock):
    live(core, clock, days=365)

    assert core.status().pending["annotation"] == MARKS
    assert size(core) < MOST
