"""Under which digest a book goes to a BookOrbit: that of its file, or, where a person has matched it with a book of
another file, the digest of that one, as the server knows nothing else of books. Nothing goes under a digest that does
not lead to the book that it is matched with: ids are given out again. Source: bookorbit contract 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from booklore_core import BookRef, BookUnmatched, Item, ItemFailed, Store
from booklore_targets.bookorbit.orbit_connection import PLUGIN, OrbitConnection
from booklore_targets.bookorbit.orbit_ways import OrbitWays

TWIN = "BookOrbit has this file in two libraries, and takes it for its book {} now, not {}: it waits until one is gone"
GONE = "BookOrbit does not have the book any more that was number {}"
MOVED = "BookOrbit has it as number {} now, not as {} any more"
ANOTHER = "BookOrbit has another book, or another file, as number {} than before"
NO_DIGEST = "BookOrbit does not tell the digest of any file of its book {}: each sync asks again"

Facts = dict[str, Any]
"""`digest`: under which a book goes; where that is of another file than the reader's, also `title`, `authors` and
`isbns` of the server's book."""

Home = BookRef | BookUnmatched | ItemFailed
"""A book under a digest that leads to the one that it is matched with, or why there is none."""


class OrbitDigests:
    """Remembers, of each book and the server's that it was matched with, the digest that led there."""

    def __init__(self, store: Store, ways: OrbitWays) -> None:
        self._store, self._ways = store, ways
        self._known: dict[str, Facts] = {}

    def known_book(self, book: BookRef) -> BookRef:
        """Under the digest that was the last to lead to the book that it is matched with."""
        digest = self._facts(book).get("digest", book.partial_md5)
        return book if digest == book.partial_md5 else replace(book, partial_md5=digest)

    def choose(self, connection: OrbitConnection, book: BookRef) -> None:
        """A person says that a book is the one that has the id book.match now. Raises Declined."""
        number = book.match or ""
        self._ways.look_into(connection, [number])
        digests = self._ways.digests(number) or [book.partial_md5]
        if book.partial_md5 in digests:
            self.find(book)
        else:
            self._learn(connection, book, digests[0])

    def find(self, book: BookRef) -> None:
        """The digest of its own file leads to the book that has the id book.match now."""
        self._keep(book, {"digest": book.partial_md5})

    def lead(self, connection: OrbitConnection, books: Sequence[BookRef]) -> list[Home]:
        """Each under a digest that leads, just now, to the book that it is matched with. Raises Declined."""
        told = {key_of(book): (book, self.known_book(book)) for book in books}
        leads = self._ways.of(connection, (known.partial_md5 for _, known in told.values()))
        astray = [book.match for book, known in told.values() if book.match != leads[known.partial_md5]]
        self._ways.look_into(connection, filter(None, astray))
        homes = {key: self._home(connection, *one, leads[one[1].partial_md5]) for key, one in told.items()}
        return [homes[key_of(book)] for book in books]

    def close(self) -> None:
        self._known.clear()

    def _home(self, connection: OrbitConnection, book: BookRef, known: BookRef, there: str | None) -> Home:
        """there: the book that the known digest leads to."""
        if book.match is None:
            return known
        if there == book.match:
            if not self._facts(book):
                self.find(book)
            return known
        digests = self._ways.digests(book.match)
        if there and digests and known.partial_md5 in digests:
            return ItemFailed(TWIN.format(there, book.match))
        if there:
            return BookUnmatched(MOVED.format(there, book.match))
        if digests is None or not self._is_still(connection, book):
            return BookUnmatched((GONE if digests is None else ANOTHER).format(book.match))
        return self._other_file(connection, book, digests)

    def _is_still(self, connection: OrbitConnection, book: BookRef) -> bool:
        """Whether the id is still that of the book that a person has matched it with, whose file is not there any more.

        Of what was matched by its own file nothing else is known. Where nothing is remembered it has to be like the
        reader's book.
        """
        facts = self._facts(book)
        if facts.get("digest") == book.partial_md5:
            return False
        here = facts or {"title": book.title, "authors": book.authors, "isbns": book.isbns}
        return are_alike(here, facts_of(connection, book.match or ""))

    def _other_file(self, connection: OrbitConnection, book: BookRef, digests: Sequence[str]) -> Home:
        if not digests:
            return ItemFailed(NO_DIGEST.format(book.match))
        leads = self._ways.of(connection, digests)
        home = next((one for one in digests if leads[one] == book.match), None)
        if home is None:
            return ItemFailed(TWIN.format(leads[digests[0]], book.match))
        self._learn(connection, book, home)
        return replace(book, partial_md5=home)

    def _learn(self, connection: OrbitConnection, book: BookRef, digest: str) -> None:
        self._keep(book, {**facts_of(connection, book.match or ""), "digest": digest})

    def _facts(self, book: BookRef) -> Facts:
        key = key_of(book)
        if book.match and key not in self._known:
            self._known[key] = self._store.get(key) or {}
        return self._known.get(key, {})

    def _keep(self, book: BookRef, facts: Facts) -> None:
        if self._facts(book) != facts:
            self._store.set(key_of(book), facts)
            self._known[key_of(book)] = facts


def key_of(book: BookRef) -> str:
    return f"match/{book.match}/{book.partial_md5}"


def facts_of(connection: OrbitConnection, number: str) -> Facts:
    """Raises Declined."""
    told = connection.ask("GET", f"{PLUGIN}/catalog/books/{number}")
    isbns = [str(told[name]) for name in ("isbn13", "isbn10") if told.get(name)]
    return {"title": str(told["title"]), "authors": list(map(str, told.get("authors") or ())), "isbns": isbns}


def are_alike(before: Facts, now: Facts) -> bool:
    """Whether two of title, an author and an ISBN are what they were."""
    is_titled = plain(before["title"] or "") == plain(now["title"]) != ""
    by_same = not set(map(plain, before["authors"])).isdisjoint(map(plain, now["authors"]))
    return (is_titled, by_same, not set(before["isbns"]).isdisjoint(now["isbns"])).count(True) >= 2


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def at_home(item: Item, home: Home) -> Item:
    """Under the digest that was found for its book. Raises Declined where there is none."""
    if not isinstance(home, BookRef):
        raise home
    return item if home is item.book else Item(item.kind, item.key, home, item.body, item.occurred_at)
