"""The sessions of the Lua plugin as they can be believed, and which of their time is nobody's yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from booklore_targets.booklore.lua_plugin.cached_books import id_of, is_lumped, is_of_statistics
from booklore_targets.booklore.lua_plugin.loose_values import is_true, moment_of, number_of, text_of, whole_of
from booklore_targets.booklore.session_body import LONGEST
from booklore_targets.booklore.spans import Share, Span, Spans, TimesTold, without

EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)
"""Before KOReader; an e-reader that has lost its clock begins earlier."""

AHEAD = timedelta(minutes=10)
"""Clocks that nobody sets are off by minutes."""

LAST_PAGE, LONGEST_PAGE = 120, 600
"""Seconds that KOReader counts of a page at most unless somebody has set that; and a page is worth here."""

MOMENT = 60
"""Seconds. What is left of a session is worth no session of its own below that."""

UNREADABLE = "its times cannot be read"
TOO_OLD = "it began before there was KOReader, by a clock that was not set"
BACKWARDS = "it ends before it begins"
FUTURE = "it is still to come, by a clock that was ahead"
EMPTY = "it has no length"
ENDLESS = "it lasts longer than a day, which nobody has read"


class Doubt(Exception):
    """Why a row is no session; the text is a part of a sentence."""


@dataclass(frozen=True, slots=True)
class TimedRow:
    """A session of the Lua plugin. duration: seconds of reading; of what was sent, perhaps, as many as were told, of
    the others no more than from start to end: is_capped says that there it is more. percents: fractions 0–1. places:
    where it began and ended, as the server was told, mostly page numbers. tries: how often it was sent in vain, the
    last time at tried_at. lacks_last_page: its end may be where its last page began, which it counts.
    """

    start: datetime
    end: datetime
    duration: int
    is_capped: bool
    percents: tuple[float | None, float | None]
    places: tuple[str, str]
    book_id: str
    is_synced: bool
    tries: int
    tried_at: datetime | None
    lacks_last_page: bool = False

    @property
    def span(self) -> Span:
        return int(self.start.timestamp()), int(self.end.timestamp())

    @property
    def told(self) -> Span:
        """The time that is accounted for: its last page may lie after its end (§10 F6)."""
        start, end = self.span
        return start, max(end, start + self.duration)


def read_session(row: Mapping[str, Any], now: datetime) -> TimedRow:
    """A row of `pending_sessions` or `historical_sessions`. Raises Doubt.

    What was sent is as it was: of that only what no session can be is refused. One that the plugin made of statistics
    ends where its last page begins, and counts that page. Source: lua-plugin-behaviour §1.5, §5.2, §10 F6.
    """
    start, end, is_synced = moment_of(row.get("start_time")), moment_of(row.get("end_time")), is_true(row.get("synced"))
    if start is None or end is None:
        raise Doubt(UNREADABLE)
    length = int((end - start).total_seconds())
    told = whole_of(row.get("duration_seconds"))
    duration = length if told is None else told
    refuse_times(start, end, duration, now)
    tries = max(0, whole_of(row.get("retry_count")) or 0)
    has_last_page = length and 0 < duration - length <= (LONGEST_PAGE if is_of_statistics(row) else LAST_PAGE)
    if has_last_page and not (is_synced or tries):
        end, length = start + timedelta(seconds=duration), duration
    capped = duration if is_synced or has_last_page else min(duration, length)
    if length == 0 or (capped == 0 and not is_synced):
        raise Doubt(EMPTY)
    if capped > LONGEST and not is_synced:
        raise Doubt(ENDLESS)
    return TimedRow(
        start,
        end,
        min(capped, LONGEST),
        capped < duration,
        (fraction_of(row.get("start_progress")), fraction_of(row.get("end_progress"))),
        (place_of(row.get("start_location")), place_of(row.get("end_location"))),
        "" if is_lumped(row) else id_of(row),
        is_synced,
        tries,
        moment_of(row.get("last_retry_at")),
        is_of_statistics(row) and capped < length,
    )


def refuse_times(start: datetime, end: datetime, duration: int, now: datetime) -> None:
    """Raises Doubt."""
    if end < start or duration < 0:
        raise Doubt(BACKWARDS)
    if start < EARLIEST:
        raise Doubt(TOO_OLD)
    if end > now + AHEAD:
        raise Doubt(FUTURE)


def fraction_of(value: Any) -> float | None:
    """A fraction of what is a percentage there."""
    number = number_of(value)
    return None if number is None else min(1.0, max(0.0, number / 100))


def place_of(value: Any) -> str:
    return text_of(value).strip()


def sent_once(rows: Iterable[TimedRow]) -> list[TimedRow]:
    """Those that were sent. Of several that began in one second the longest: an extraction that was done again has sent
    a last session once more, with what was read since (§10 F5)."""
    longest: dict[datetime, TimedRow] = {}
    for row in rows:
        if row.is_synced and (row.start not in longest or row.end > longest[row.start].end):
            longest[row.start] = row
    return list(longest.values())


def due_once(rows: Iterable[TimedRow]) -> list[TimedRow]:
    """Those that wait, the longest of those that began in one second, by their start; first what was tried."""
    found: dict[datetime, TimedRow] = {}
    for row in sorted((row for row in rows if not row.is_synced), key=lambda row: (row.start, row.end)):
        before = found.get(row.start, row)
        tried_at = max((one for one in (before.tried_at, row.tried_at) if one), default=None)
        found[row.start] = replace(row, tries=max(before.tries, row.tries), tried_at=tried_at)
    return sorted(found.values(), key=lambda row: not row.tries)


def is_told(span: Span, seconds: int, known: Spans) -> bool:
    """Whether the time of a session is accounted for: its begin or the middle of what it counts lies in a known span.
    Clocks of two devices may be a moment apart."""
    length = min(seconds, span[1] - span[0])
    return known.has(span[0] + min(MOMENT, length // 4)) or known.has(span[0] + length // 2)


def pieces(row: TimedRow, by_files: Spans, told: TimesTold) -> list[Share]:
    """What of a session that waits is to be counted, with its seconds. by_files: of sessions that another file of past
    reading told, which tells the same reading more exactly, or not at all. told: all that tell of time; what they
    count within the session is no more its own."""
    others = told.around(row.span)
    near = [one for one in others if one.told[0] < row.span[1] and row.span[0] < one.told[1]]
    if is_told(row.span, row.duration, by_files):
        return []
    if not near:
        return [(row.span, row.duration)]
    begin, end = row.span
    next_ones = [one.told[0] for one in others if one.told[0] >= end]
    limit = min([end + LAST_PAGE, *next_ones]) if row.lacks_last_page else end
    shares = without((begin, limit), row.duration, near, MOMENT)
    return [((low, max(end, low + seconds)) if high > end else (low, high), seconds) for (low, high), seconds in shares]
