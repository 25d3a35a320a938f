"""Proves by the digest whether a file on the server is the device's, and remembers what the files were."""

from __future__ import annotations

from typing import NamedTuple

from booklore_core import BookRef
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.digest import Remote, read_remote
from booklore_targets.booklore.library import BookFile, Listed

SEEN, REMEMBERED = "files", 10_000
"""At most so many files of the server are remembered; what was read last stays."""


class Copy(NamedTuple):
    """One file of one book of the library."""

    book: Listed
    file: BookFile

    @property
    def mark(self) -> str:
        """What the proof of this file holds for: with another size, name or date it is another file."""
        return f"{self.book.id}/{self.file.book_type}/{self.file.size_kb}/{self.file.name}/{self.book.added}"


class Proofs:
    """The server's files, each read once a run. What an earlier run has read can refute a copy, but proves none: an id
    is another book's once the library is built anew."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[str, Remote | None] = {}
        self._known = self._load()

    def refutes(self, book: BookRef, copy: Copy) -> bool:
        """Whether the copy was found to be another file than the book's. Asks nobody."""
        known = self._read.get(copy.mark) or self._known.get(copy.mark)
        return known is not None and is_same(book, known) is False

    def holds(self, book: BookRef, copy: Copy) -> bool | None:
        """Whether the copy is the book's very file; None when the server does not give it. Raises TargetUnavailable.

        An equal digest with another size is none: KOReader's takes a few samples only.
        """
        remote = self._read.get(copy.mark)
        if copy.mark not in self._read or (remote and is_same(book, remote) is None):
            book_type = None if copy.file.is_primary else copy.file.book_type
            self._read[copy.mark] = remote = read_remote(self._connection, copy.book.id, book_type, book.size)
        return is_same(book, remote) if remote else None

    def is_read(self, copy: Copy) -> bool:
        return copy.mark in self._read

    def remember(self) -> None:
        """Notes what was read, for the runs to come."""
        read = {mark: remote for mark, remote in self._read.items() if remote}
        if read:
            others = {mark: remote for mark, remote in self._known.items() if mark not in read}
            kept = dict([*others.items(), *read.items()][-REMEMBERED:])
            self._connection.store.set(SEEN, {"url": self._connection.setup.url, "files": kept})
            self._known = kept

    def forget(self) -> None:
        """Everything is to be read anew."""
        self._read, self._known = {}, {}
        self._connection.store.remove(SEEN)

    def _load(self) -> dict[str, Remote]:
        stored = self._connection.store.get(SEEN) or {}
        is_here = stored.get("url") == self._connection.setup.url
        return {mark: Remote(*remote) for mark, remote in stored["files"].items()} if is_here else {}


def is_same(book: BookRef, remote: Remote) -> bool | None:
    """Whether the file of the server is the book's, None when only its digest would tell."""
    if book.size not in (None, remote.size):
        return False
    return None if remote.digest is None else remote.digest == book.partial_md5
