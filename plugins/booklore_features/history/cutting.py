"""The pages of one book, in the order of time, cut into sessions. Nothing here reads or writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from booklore_features.history.accounted import TimeSpan

LONGEST = 24 * 3600
"""Seconds that a session may last; no server should be told of more (server-contract §6.1)."""

PageRow = tuple[Any, float, float, Any, Any]
"""Of the statistics: id of the book, when the page was shown, for how many seconds, its number, of how many pages."""


@dataclass(frozen=True)
class Limits:
    """gap: seconds between the end of one page and the start of the next in a session. idle_cap: the most seconds of
    reading that one page is worth."""

    gap: int
    idle_cap: int


class PastSession(NamedTuple):
    """start, end: unix seconds. seconds: of reading between them. pages: how many were shown. first_page, last_page:
    those shown at both ends, each of so many in the whole book; whatever the statistics say."""

    start: float
    end: float
    seconds: float
    pages: int
    first_page: Any
    first_total: Any
    last_page: Any
    last_total: Any


NONE = PastSession(-inf, -inf, 0, 0, None, None, None, None)


class Cutting:
    """Takes the pages of one book as they come, and gives the sessions as they end. spans: time that does not count.

    No second counts twice: of pages that overlap, as in the statistics of two devices that KOReader has put together,
    the later one counts from the end of the earlier. A page that was shown for longer than the cap ends the session, as
    it does when reading is told live. Where time that does not count lies between two pages they are of two sessions.
    """

    def __init__(self, spans: Iterable[TimeSpan], limits: Limits) -> None:
        self._spans, self._place, self._limits = [*spans, (inf, inf)], 0, limits
        self._last, self._until = NONE, -inf

    def take(self, rows: Iterable[PageRow]) -> list[PastSession]:
        """The sessions that have ended before the last of the rows.

        It goes through all pages of many years: what holds from one to the next stands in names of its own.
        """
        ended: list[PastSession] = []
        gap, cap, until = self._limits.gap, self._limits.idle_cap, self._until
        free, bound = self._spans[self._place][0], -inf
        start, end, seconds, pages, first_page, first_total, last_page, last_total = self._last
        for _, begin, shown, page, total in rows:
            finish = begin + shown
            if not (end <= begin <= until and shown <= cap and finish <= bound):
                if shown > cap:
                    finish = begin + cap
                if finish > free:
                    until = until if begin < self._spans[self._place][1] else -inf
                    finish = self._counted_until(begin, finish)
                    free = self._spans[self._place][0]
                if begin < end:
                    begin = end
                if finish <= begin:
                    continue
                if begin > until or finish > start + LONGEST:
                    ended.append(
                        PastSession(start, end, seconds, pages, first_page, first_total, last_page, last_total)
                    )
                    start, seconds, pages, first_page, first_total = begin, 0, 0, page, total
                bound = free if free < start + LONGEST else start + LONGEST
            seconds += finish - begin
            pages += 1
            end, last_page, last_total = finish, page, total
            until = finish + gap if shown <= cap else -inf
        self._last = PastSession(start, end, seconds, pages, first_page, first_total, last_page, last_total)
        self._until = until
        return [session for session in ended if session.pages]

    def _counted_until(self, begin: float, finish: float) -> float:
        """Where a page ends that may lie in time that does not count, or beyond: where it begins if it does not count
        at all, as it begins in such time or has its middle there."""
        while self._spans[self._place][1] <= begin:
            self._place += 1
        place, middle = self._place, (begin + finish) / 2
        while self._spans[place][0] <= middle:
            low, high = self._spans[place]
            if low <= begin or middle < high:
                return begin
            place += 1
        return min(finish, self._spans[self._place][0])

    def rest(self) -> list[PastSession]:
        """The session that has not ended with the last page."""
        return [self._last] if self._last.pages else []
