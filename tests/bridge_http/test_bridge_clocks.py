"""What time it was by the core's clock: a device says how long ago it wrote a line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bridge_world import DUNE, EReader

from booklore_core.core import Core
from booklore_core.testing import FakeTarget

READ = ("2026-11-20T19:43:20Z", "2026-11-20T19:50:00Z")
"""The core's clock stands at 20:00; the book was closed ten minutes before."""


def read_by_a_clock_that_is(ereader: EReader, hours: float) -> dict[str, float]:
    """Reads for 400 seconds and hands over 600 seconds later. Returns what the device says of its clocks then."""
    reader = ereader.reader
    reader.now += timedelta(hours=11, minutes=43, seconds=20) + timedelta(hours=hours)
    reader.up = 5000
    reader.read(DUNE)
    reader.sleep(600)
    return {"up": reader.up}


def times(bookworm: FakeTarget) -> list[tuple[str, str]]:
    return [(item.body["start"], item.body["end"]) for item in bookworm.received]


@pytest.mark.parametrize("hours", [5, -3, 17_520, -100_000])
def test_a_clock_that_is_wrong_is_set_right(ereader: EReader, bookworm: FakeTarget, hours: float) -> None:
    said = read_by_a_clock_that_is(ereader, hours)

    answer = ereader.hand_off(now="2000-01-01T00:00:00Z", **said)

    assert (answer["rejected"], times(bookworm)) == ([], [READ])
    assert ereader.hand_off(**said)["ack"] == answer["ack"]


@pytest.mark.parametrize("up", [None, "long", -1, True, 1e15])
def test_a_device_whose_boot_clock_cannot_be_told_hands_over_all_the_same(
    core: Core, ereader: EReader, bookworm: FakeTarget, up: Any
) -> None:
    read_by_a_clock_that_is(ereader, 0)
    ereader.reader.lines[0]["up"] = up

    answer = ereader.hand_off(up=up)

    assert (answer["rejected"], times(bookworm)) == ([], [READ])


def test_a_line_of_which_nobody_knows_the_time_leaves_the_spool_and_waits(core: Core, ereader: EReader) -> None:
    read_by_a_clock_that_is(ereader, -100_000)

    answer = ereader.hand_off()

    assert answer["ack"] == []
    assert [one["id"] for one in answer["rejected"]] == [line["id"] for line in ereader.reader.lines]
    assert all(one["error"].startswith("at: ") for one in answer["rejected"])
    assert core.quarantine.count() == 2


def test_while_more_waits_on_the_device_only_the_name_of_a_boot_tells_it(
    core: Core, ereader: EReader, bookworm: FakeTarget
) -> None:
    said = read_by_a_clock_that_is(ereader, -24)

    ereader.hand_off(waiting=100, **said)
    core.sync()

    assert times(bookworm) == [("2026-11-19T19:43:20Z", "2026-11-19T19:50:00Z")]


def remarks(core: Core) -> list[str]:
    return [row["remark"] for row in core.database.rows("SELECT remark FROM remarks WHERE key LIKE 'core:clock:%'")]


@pytest.mark.parametrize(
    ("now", "told"), [("2026-11-20T22:00:00Z", "2:00:00 ahead"), ("2026-11-18T20:00:00Z", "2 days, 0:00:00 behind")]
)
def test_of_a_clock_that_is_wrong_and_cannot_be_set_right_a_person_is_told(
    core: Core, ereader: EReader, now: str, told: str
) -> None:
    read_by_a_clock_that_is(ereader, 0)

    ereader.hand_off(now=now)
    ereader.hand_off(now=now)

    (remark,) = remarks(core)
    assert remark.startswith(f"the clock of {ereader.reader.device} is {told}")


@pytest.mark.parametrize("said", [{"now": "2026-11-20T20:05:00Z"}, {"now": "noon"}, {"now": 12}, {}])
def test_of_a_clock_that_is_right_or_not_told_nothing_is_said(
    core: Core, ereader: EReader, said: dict[str, Any]
) -> None:
    read_by_a_clock_that_is(ereader, 0)

    ereader.hand_off(**said)

    assert remarks(core) == []


def test_a_wrong_clock_is_no_news_where_lines_are_set_right_by_the_boot_clock(core: Core, ereader: EReader) -> None:
    ereader.hand_off(now="2000-01-01T00:00:00Z", **read_by_a_clock_that_is(ereader, 5))

    assert remarks(core) == []
