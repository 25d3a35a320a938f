"""The sessions that the server has of a book: what is looked at before a session is sent a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from booklore_core import Declined
from booklore_targets.booklore.answers import declined
from booklore_targets.booklore.connection import Connection

PAGE_SIZE = 100
PAGES = 1_000
"""More are not looked at: 100,000 sessions of one book are none."""


@dataclass
class _Pages:
    """The start times seen so far of one book, newest first, and where to go on."""

    starts: set[str] = field(default_factory=set)
    oldest: str = "9999"
    number: int = 0
    is_complete: bool = False


class SessionLog:
    """The account's own sessions by book, read page by page as far back as asked, kept for one run.

    There is no way to take a session back, so a repeat is sent only after a look (contract §6.1, §6.3). A session that
    starts in the same second is the same one, whatever became of its end.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._books: dict[str, _Pages] = {}

    def has(self, book_id: str, start: str) -> bool:
        """Whether the server has a session of the book that starts then; start: UTC, whole seconds, with Z.

        Raises Declined when that cannot be told.
        """
        pages = self._books.setdefault(book_id, _Pages())
        while start not in pages.starts and not pages.is_complete and pages.oldest >= start:
            self._read_next(book_id, pages)
        return start in pages.starts

    def add(self, book_id: str, start: str) -> None:
        """Notes a session that was taken."""
        if book_id in self._books:
            self._books[book_id].starts.add(start)

    def forget(self, book_id: str) -> None:
        """After a session whose outcome is unknown."""
        self._books.pop(book_id, None)

    def _read_next(self, book_id: str, pages: _Pages) -> None:
        starts = self._read_page(book_id, pages.number)
        pages.starts.update(starts)
        pages.oldest = min(starts, default=pages.oldest)
        pages.number += 1
        pages.is_complete = len(starts) < PAGE_SIZE or pages.number >= PAGES

    def _read_page(self, book_id: str, number: int) -> list[str]:
        params = {"page": number, "size": PAGE_SIZE}
        response = self._connection.read(f"/api/v1/reading-sessions/book/{book_id}", params=params)
        starts = read_starts(response) if response.status_code == 200 else None
        if starts is None:
            refusal: Declined = declined(response, writing=False)
            raise refusal
        return starts


def read_starts(response: Any) -> list[str] | None:
    """The start times of a page, in whole seconds; None when it is none."""
    from booklore_core.http import json_answer

    body = json_answer(response, "content")
    rows = body["content"] if body else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "startTime" in row for row in rows):
        return None
    return [f"{str(row['startTime'])[:19]}Z" for row in rows]
