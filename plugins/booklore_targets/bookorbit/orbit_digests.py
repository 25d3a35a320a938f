"""Under which digest a book goes to a BookOrbit: that of its file, or, where a person has matched it with a book of
another file, the digest of that one, as the server knows nothing else of books. Source: bookorbit contract 4."""

from __future__ import annotations

from dataclasses import replace

from booklore_core import BookRef, Item, Store
from booklore_targets.bookorbit.orbit_connection import PLUGIN, OrbitConnection


class OrbitDigests:
    """Remembers the digest of the book that each was matched with."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, item: Item) -> Item:
        return replace_book(item, self.known_book(item.book))

    def known_book(self, book: BookRef) -> BookRef:
        digest, match = self._store.get(self._key(book)) or (book.partial_md5, book.match)
        return replace(book, partial_md5=digest) if digest != book.partial_md5 and match == book.match else book

    def learn(self, connection: OrbitConnection, book: BookRef) -> bool:
        """Whether there is a digest to try in the place of the book's own."""
        if not book.match or self._store.get(self._key(book)):
            self._store.remove(self._key(book))
            return False
        answer = connection.ask("GET", f"{PLUGIN}/catalog/manifest", ids=book.match)
        files = [file for one in answer["items"] if str(one["id"]) == book.match for file in one["files"]]
        digests = [str(one["fileHash"]) for one in files if one.get("fileHash")]
        if not digests or book.partial_md5 in digests:
            return False
        self._store.set(self._key(book), [digests[0], book.match])
        return True

    def _key(self, book: BookRef) -> str:
        return f"digest {book.partial_md5}"


def replace_book(item: Item, book: BookRef) -> Item:
    return item if book is item.book else Item(item.kind, item.key, book, item.body, item.occurred_at)
