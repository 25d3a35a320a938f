"""Proves by the digest whether a file on the server is the device's, and remembers those that are not."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from booklore_core import BookRef
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.digest import remote_digest
from booklore_targets.booklore.library import BookFile, Listed

REMEMBERED = 200
"""How many wrong files are remembered for one book."""

log = logging.getLogger(__name__)


class Copy(NamedTuple):
    """One file of one book of the library."""

    book: Listed
    file: BookFile

    @property
    def mark(self) -> str:
        """What the proof of this file holds for: a file of another size is another file."""
        return f"{self.book.id}/{self.file.book_type}/{self.file.size_kb}"


class Proofs:
    """The digests of the server's files, each asked for once a run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._digests: dict[str, str | None] = {}

    def untried(self, book: BookRef, copies: list[Copy]) -> list[Copy]:
        """The copies that have not been found to be other files than the book's."""
        wrong = set(self._wrong(book))
        return [copy for copy in copies if copy.mark not in wrong]

    def holds(self, book: BookRef, copy: Copy) -> bool | None:
        """Whether the copy is the book's very file; None when the server does not give it. Raises TargetUnavailable."""
        digest = self._digest(copy)
        if digest is None:
            return None
        if digest != book.partial_md5:
            self._remember_wrong(book, copy)
        return digest == book.partial_md5

    def forget(self, book: BookRef) -> None:
        """Forgets what was wrong for a book that is matched now."""
        if self._store.get(key_of(book)) is not None:
            self._store.remove(key_of(book))

    def _digest(self, copy: Copy) -> str | None:
        if copy.mark not in self._digests:
            book_type = None if copy.file.is_primary else copy.file.book_type
            self._digests[copy.mark] = remote_digest(self._connection, copy.book.id, book_type)
        return self._digests[copy.mark]

    def _wrong(self, book: BookRef) -> list[str]:
        stored = self._store.get(key_of(book)) or {}
        return list(stored.get("files", ())) if stored.get("url") == self._connection.setup.url else []

    def _remember_wrong(self, book: BookRef, copy: Copy) -> None:
        log.debug("book %s is not file %s", book.partial_md5[:8], copy.mark)
        files = [*self._wrong(book), copy.mark][-REMEMBERED:]
        self._store.set(key_of(book), {"url": self._connection.setup.url, "files": files})

    @property
    def _store(self) -> Any:
        return self._connection.store


def key_of(book: BookRef) -> str:
    return f"wrong/{book.partial_md5}"
