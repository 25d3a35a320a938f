"""The sessions that the server has of a book: what is looked at before a session is sent a second time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from booklore_core import Declined, ItemFailed
from booklore_targets.booklore.answers import declined
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.session_body import LONGEST
from booklore_targets.booklore.session_shape import Shape, Shown, shown_of
from booklore_targets.booklore.spans import Share, without

PAGE_SIZE = 100
LOOK_SECONDS = 60.0
"""How long a run believes what it has read: a request that was given up may be carried out meanwhile."""

SHORTEST = 5
"""Seconds. Of less there is no page in KOReader's statistics: it is what rounding leaves."""

PAGES = 1_000
"""More are not looked at: 100,000 sessions of one book are none."""


@dataclass
class SessionRows:
    """Sessions of one book by the server's ids, each taken as at most one item's. owners: id → key of that item.
    shown: id → all that is known of it."""

    by_start: dict[int, dict[int, Shape]] = field(default_factory=lambda: defaultdict(dict))
    starts: list[int] = field(default_factory=list)
    owners: dict[int, str] = field(default_factory=dict)
    shown: dict[int, Shown] = field(default_factory=dict)

    def add(self, row_id: int, row: Shown) -> bool:
        """Whether the row is a new one."""
        start, is_new = row.shape.start, row_id not in self.shown
        if start not in self.by_start:
            insort(self.starts, start)
        self.by_start[start][row_id], self.shown[row_id] = row.shape, row
        return is_new

    def take(self, wanted: Shape, key: str, shown: Shown | None = None) -> bool:
        """Whether a row is the item's session, and no other item's: one of the same times. shown: it is of the same
        places, too."""
        for row_id, row in self.by_start.get(wanted.start, {}).items():
            is_there = row == wanted and (shown is None or shown.may_be(self.shown[row_id]))
            if is_there and self.owners.setdefault(row_id, key) == key:
                return True
        return False

    def take_parts(self, wanted: Shown, key: str) -> None:
        """Gives an item that is not there as it is the rows that may be its beginning and its end."""
        for row_id in self.beside(wanted.shape, self.owners.keys()):
            if self.shown[row_id].is_part_of(wanted):
                self.owners[row_id] = key

    def rest_of(self, wanted: Shape, others: Set[int] = frozenset(), forms_only: bool = False) -> list[Share]:
        """The parts of a session's time that no row tells of, each with its seconds of reading. others: ids of rows
        that do not count, as two devices may be read on at a time. forms_only: whether only its earlier forms do."""
        rows = self.forms_of(wanted, others) if forms_only else self.beside(wanted, others)
        near = [self.shown[row_id].shape for row_id in rows]
        return without(wanted.told, wanted.duration, near, SHORTEST) if near else [(wanted.told, wanted.duration)]

    def owned(self, by: Callable[[str], bool]) -> set[int]:
        """The rows that are items', of those whose keys are asked about."""
        return {row_id for row_id, key in self.owners.items() if by(key)}

    def beside(self, wanted: Shape, others: Set[int] = frozenset()) -> list[int]:
        """The rows that tell of any of its time."""
        begin, end = (bisect_left(self.starts, moment) for moment in (wanted.start - LONGEST, wanted.told[1]))
        near = [row_id for start in self.starts[begin:end] for row_id in self._at(start, others)]
        return [row_id for row_id in near if wanted.start < self.shown[row_id].shape.told[1]]

    def forms_of(self, wanted: Shape, others: Set[int] = frozenset()) -> list[int]:
        """What begins with it, and what goes on where such a one ends."""
        moments, found = [wanted.start], list[int]()
        for moment in moments:
            forms = [row_id for row_id in self._at(moment, others) if self.shown[row_id].shape.end > moment]
            moments += (self.shown[row_id].shape.end for row_id in forms)
            found += (row_id for row_id in forms if moment < wanted.told[1])
        return found

    def _at(self, start: int, others: Set[int]) -> Iterator[int]:
        return (row_id for row_id in self.by_start.get(start, {}) if row_id not in others)


@dataclass
class _Pages:
    """What was read so far of one book's sessions, newest first, and where to go on."""

    rows: SessionRows = field(default_factory=SessionRows)
    oldest: float = float("inf")
    number: int = 0
    is_complete: bool = False
    posted: int = 0
    begun_at: float = 0.0

    def read(self, page: Mapping[int, Shown]) -> bool:
        """Whether all rows of the next page are new ones."""
        are_new = [self.rows.add(row_id, row) for row_id, row in page.items()]
        self.oldest = min((row.shape.start for row in page.values()), default=self.oldest)
        self.number += 1
        self.is_complete = len(page) < PAGE_SIZE
        return all(are_new)


class SessionLog:
    """The account's own sessions by book, read page by page as far back as asked, kept for one run.

    There is no way to take a session back, so a repeat is sent only after a look (contract §6.1, §6.3).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._books: dict[str, _Pages] = {}

    def near(self, book_id: str, since: float) -> SessionRows:
        """The server's sessions of a book that began since then, and maybe others. Raises Declined."""
        known = self._books.get(book_id)
        if known and self._connection.used_at - known.begun_at > LOOK_SECONDS:
            self.forget(book_id)
        return self._read_back(book_id, since).rows

    def all(self, book_id: str) -> SessionRows:
        """Every session of the book. Raises Declined."""
        return self._read_back(book_id, float("-inf")).rows

    def add(self, book_id: str, sent: Shown, key: str) -> None:
        """Notes a session that was taken; its id is not told."""
        if book_id in self._books:
            pages = self._books[book_id]
            pages.posted += 1
            pages.rows.add(-pages.posted, sent)
            pages.rows.owners[-pages.posted] = key

    def forget(self, book_id: str) -> None:
        """After a session whose outcome is unknown."""
        self._books.pop(book_id, None)

    def _read_back(self, book_id: str, start: float) -> _Pages:
        """A row that comes a second time says that the list has moved, so another one may have been passed over."""
        for _ in range(2):
            pages = self._books.setdefault(book_id, _Pages(begun_at=self._connection.used_at))
            while pages.oldest >= start and not pages.is_complete:
                if not pages.read(self._read_page(book_id, pages.number)):
                    self.forget(book_id)
                    break
            else:
                return pages
        raise ItemFailed("the server's list of sessions does not hold still")

    def _read_page(self, book_id: str, number: int) -> dict[int, Shown]:
        if number >= PAGES:
            raise ItemFailed(f"the server has more than {PAGES * PAGE_SIZE:,} sessions of the book")
        params = {"page": number, "size": PAGE_SIZE}
        response = self._connection.read(f"/api/v1/reading-sessions/book/{book_id}", params=params)
        rows = read_rows(response) if response.status_code == 200 else None
        if rows is None:
            refusal: Declined = declined(response, writing=False)
            raise refusal
        return rows


def read_rows(response: Any) -> dict[int, Shown] | None:
    """The sessions of a page by id; None when it is none."""
    from booklore_core.http import json_answer

    body = json_answer(response, "content")
    try:
        return {int(row["id"]): shown_of(row) for row in body["content"]} if body else None
    except (KeyError, TypeError, ValueError):
        return None
