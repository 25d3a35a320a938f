"""Asks servers that can be asked for a book by its digest, and not for hundreds of strangers in every run."""

from __future__ import annotations

from collections.abc import Sequence

from booklore_core import BookRef
from booklore_targets.booklore.answers import json_body
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.library import Listed, listed

QUESTIONS = 10
"""Books a run asks for without a hint that the server has them; the listing, one request, is looked through for all."""

ASKED, REMEMBERED = "asked", 1_000


class Hashes:
    """The answers of one run. Takes turns: never asked books come first, then those asked longest ago.

    The endpoint fails for a file that the library has twice, and for an admin without the library (contract §5.1).
    """

    def __init__(self, connection: Connection, are_known: bool) -> None:
        self._connection, self._are_known = connection, are_known
        self._answers: dict[str, Listed | None] = {}
        self._chosen: set[str] = set()

    def choose(self, books: Sequence[BookRef]) -> None:
        """Whose turn it is."""
        room = QUESTIONS - len(self._answers)
        if self._are_known and room > 0:
            turns = {md5: turn for turn, md5 in enumerate(self._connection.store.get(ASKED) or (), start=1)}
            waiting = [book.partial_md5 for book in books if book.partial_md5 not in self._answers]
            self._chosen.update(sorted(waiting, key=lambda md5: turns.get(md5, 0))[:room])

    def is_chosen(self, book: BookRef) -> bool:
        return book.partial_md5 in self._chosen

    def find(self, book: BookRef) -> Listed | None:
        """The server's book of that digest. Raises TargetUnavailable."""
        if not self._are_known:
            return None
        if book.partial_md5 not in self._answers:
            response = self._connection.ask("GET", f"/api/v1/books/by-hash/{book.partial_md5}")
            self._answers[book.partial_md5] = listed(json_body(response)) if response.status_code == 200 else None
        return self._answers[book.partial_md5]

    def remember(self) -> None:
        """Notes whose turn it was."""
        strangers = [md5 for md5, answer in self._answers.items() if answer is None]
        before = self._connection.store.get(ASKED) or []
        asked = [*(md5 for md5 in before if md5 not in self._answers), *strangers][-REMEMBERED:]
        if asked != before:
            self._connection.store.set(ASKED, asked)
