"""The yearly reading goal at the turn of the year: which year counts what, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from test_goals import DUNE, EMMA, aiming, board, last, menu_line, replies, run

from booklore_core.core import Core
from booklore_core.testing import FakeTarget, SampleReader

__all__ = ["aiming", "board", "replies"]

Aiming = Callable[..., Core]
Replies = Callable[[Core, SampleReader], list[str]]
EVE, HOUR = datetime(2026, 12, 31, 20, tzinfo=UTC), timedelta(hours=1)
LATE_EVENING = datetime(2027, 1, 1, 3, tzinfo=UTC)
"""22:00 in New York, where it still is the old year."""


@pytest.fixture
def reader(clock: Any) -> SampleReader:
    clock.now = EVE + HOUR
    return SampleReader(now=EVE)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def years(board: FakeTarget) -> dict[str, Any]:
    """What the board was told of each year last."""
    return {item.key: (item.body["minutes"], item.body["books"], item.body["met"]) for item in board.received}


def pass_time(clock: Any, reader: SampleReader, **passed: float) -> None:
    """Until then, and an hour more for what is read next."""
    clock.forward(**passed)
    reader.sleep((clock.now - reader.now).total_seconds())
    clock.forward(hours=1)


@pytest.mark.usefixtures("new_york")
def test_year_ends_at_midnight_where_one_reads(
    aiming: Aiming, board: FakeTarget, clock: Any, reader: SampleReader
) -> None:
    core = aiming(minutes=600, books=5)
    reader.now, clock.now = LATE_EVENING, LATE_EVENING + HOUR
    reader.status = "complete"
    reader.read(DUNE, 30, 60)
    core.take(reader.lines, "test")
    assert menu_line(core) == "Reading goal: 30 of 600 minutes and 1 of 5 books"

    pass_time(clock, reader, hours=2)
    assert menu_line(core) == "Reading goal: 0 of 600 minutes and 0 of 5 books"
    assert run(core).message == "2027: 0 of 600 minutes and 0 of 5 books"
    reader.status = "reading"
    reader.read(EMMA, 20, 60)
    core.take(reader.lines, "test")
    core.sync()

    assert years(board) == {"2026": (30, 1, ""), "2027": (20, 0, "")}


def test_session_over_midnight_counts_where_it_began_and_meets_that_goal(
    aiming: Aiming, board: FakeTarget, clock: Any, reader: SampleReader, replies: Replies
) -> None:
    core = aiming(minutes=60)
    reader.read(DUNE, 30, 60)
    assert replies(core, reader) == []
    pass_time(clock, reader, hours=2, minutes=45)
    reader.read(EMMA, 30, 60)

    assert replies(core, reader) == ["You have met your reading goal of 2026: 60 of 60 minutes."]
    assert replies(core, reader) == []
    core.sync()
    assert years(board) == {"2026": (60, 0, "minutes"), "2027": (0, 0, "")}


def test_lines_that_come_late_in_january_count_to_the_old_year(
    aiming: Aiming, board: FakeTarget, clock: Any, reader: SampleReader
) -> None:
    core, kindle = aiming(minutes=600), SampleReader("kindle-1", now=EVE - timedelta(days=2))
    reader.read(DUNE, 30, 60)
    core.take(reader.lines, "test")
    kindle.read(EMMA, 20, 60)

    pass_time(clock, reader, days=25)
    reader.read(DUNE, 10, 60)
    core.take(reader.lines, "test")
    core.take(kindle.lines, "a spool")
    core.sync()

    assert years(board) == {"2026": (50, 0, ""), "2027": (10, 0, "")}
    assert menu_line(core) == "Reading goal: 10 of 600 minutes"


def test_new_goal_is_none_of_the_old_year(
    aiming: Aiming, board: FakeTarget, clock: Any, reader: SampleReader, replies: Replies
) -> None:
    core = aiming(minutes=600)
    reader.read(DUNE, 50, 60)
    assert replies(core, reader) == []

    pass_time(clock, reader, days=3)
    core = aiming(minutes=40)
    reader.read(DUNE, 10, 60)
    assert replies(core, reader) == []
    core.sync()

    assert {item.key: item.body["minutes_goal"] for item in board.received} == {"2026": 600, "2027": 40}
    assert years(board) == {"2026": (50, 0, ""), "2027": (10, 0, "")}


def test_book_that_is_finished_again_in_january_stays_a_book_of_the_old_year(
    aiming: Aiming, board: FakeTarget, clock: Any, reader: SampleReader
) -> None:
    core = aiming(books=2)
    reader.status = "complete"
    reader.read(DUNE)
    core.take(reader.lines, "test")

    pass_time(clock, reader, days=5)
    for reader.status in ("reading", "complete"):
        reader.read(DUNE)
    core.take(reader.lines, "test")
    core.sync()

    assert {key: books for key, (_, books, _) in years(board).items()} == {"2026": 1, "2027": 1}


def test_lower_goal_that_is_met_by_what_was_told_is_not_told_again(
    aiming: Aiming, board: FakeTarget, reader: SampleReader, replies: Replies
) -> None:
    reader.read(DUNE, 40, 60)
    assert len(replies(aiming(minutes=30), reader)) == 1

    core = aiming(minutes=20)
    reader.read(DUNE, 5, 60)
    assert replies(core, reader) == []
    reader.read(DUNE, 5, 60)

    assert replies(aiming(minutes=30), reader) == []
    core.sync()
    assert last(board)["met"] == "minutes"
