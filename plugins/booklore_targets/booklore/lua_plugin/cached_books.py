"""The books of the Lua plugin's cache, and which of them a row is about that does not say so itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from booklore_core import BookRef, find_isbns, stand_in
from booklore_targets.booklore.lua_plugin.loose_values import digest_of, is_true, one_line, text_of, whole_of
from booklore_targets.booklore.titles import title_key

PSEUDO = "historical://"
"""Begins the path of a row that stands for no file."""

SIDECAR = ".sdr"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class CachedBook:
    """One book of the cache, of however many files. md5: KOReader's digest; of one that has none a stand-in, which is
    no file's. ids: the server's numbers that were kept for it, the likeliest first."""

    md5: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    isbns: tuple[str, ...] = ()
    file: str | None = None
    is_tracked: bool = True
    ids: tuple[str, ...] = ()
    is_stand_in: bool = False

    @property
    def shown(self) -> str:
        """What a person knows it by."""
        return f"“{one_line(self.title)}”" if self.title else f"the book {self.md5[:8]}"


def book_of(md5: str, rows: Sequence[Row]) -> CachedBook:
    """The book of all rows of one digest. Tracking that was switched off for one of its files is off."""
    paths = [path for path in (text_of(row.get("file_path")) for row in rows) if path and not is_pseudo(path)]
    titles = [title for title in (text_of(row.get("title")) for row in rows) if title.strip()]
    stems = [PurePosixPath(path).stem for path in paths]
    authors = next(filter(None, (names_in(text_of(row.get("author"))) for row in rows)), ())
    isbns = find_isbns("\n".join(text_of(row.get(name)) for row in rows for name in ("isbn13", "isbn10")))
    switches = [row["tracking_enabled"] for row in rows if row.get("tracking_enabled") is not None]
    ids = [id_of(row) for row in sorted(rows, key=lambda row: is_pseudo(text_of(row.get("file_path"))))]
    return CachedBook(
        md5,
        next(iter((*titles, *stems)), None),
        authors,
        isbns,
        next(iter(paths), None),
        all(map(is_true, switches)),
        tuple(dict.fromkeys(filter(None, ids))),
    )


def names_in(text: str) -> tuple[str, ...]:
    """KOReader writes each author on a line."""
    return tuple(filter(None, map(str.strip, text.splitlines())))


def is_pseudo(path: str) -> bool:
    return path.startswith(PSEUDO)


def id_of(row: Row) -> str:
    """The server's number of a row's book, "" for none."""
    number = whole_of(row.get("book_id"))
    return str(number) if number and number > 0 else ""


def title_in(row: Row) -> str:
    """What KOReader's statistics or the plugin call the book of a session."""
    return text_of(row.get("koreader_book_title")).strip() or text_of(row.get("book_title")).strip()


class Nameless:
    """The stand-ins for digests of books of which no row tells one: those that an import of KOReader's statistics gives
    them. cache: the rows of the cache; known: the books that are known here."""

    def __init__(self, cache: Sequence[Row], known: Iterable[BookRef]) -> None:
        self._authors = {title_key(text_of(row.get("title"))): names_in(text_of(row.get("author"))) for row in cache}
        self._known = {book.partial_md5 for book in known}

    def book(self, title: str) -> CachedBook:
        """Of a title: of one that is known here without authors there is none with them."""
        authors = self._authors.get(title_key(title), ())
        made_up = [stand_in(title, authors), stand_in(title)]
        md5 = next((md5 for md5 in made_up if md5 in self._known), made_up[0])
        return CachedBook(md5, title, authors, is_stand_in=True)


class Digests:
    """Which digest a row is of. cache: the rows of the cache; sessions: those of both session tables."""

    def __init__(self, cache: Sequence[Row], sessions: Sequence[Row]) -> None:
        numbers = [(whole_of(row.get("id")), digest_of(row.get("file_hash"))) for row in cache]
        self._cache = {number: md5 for number, md5 in numbers if number is not None}
        self._sidecars = {sidecar_of(text_of(row.get("file_path"))): digest_of(row.get("file_hash")) for row in cache}
        self._by_reader = grouped((koreader_id(row), digest_of(row.get("book_hash"))) for row in sessions)
        self._by_id = grouped((id_of(row), digest_of(row.get("file_hash"))) for row in cache)
        titles = [(title_key(text_of(row.get("title"))), digest_of(row.get("file_hash"))) for row in cache]
        titles += [(title_key(title_in(row)), digest_of(row.get("book_hash"))) for row in sessions]
        self._by_title = grouped(titles)
        self.doubtful = {id_of(row) for row in cache if not digest_of(row.get("file_hash"))} - {""}

    def of_cache(self, row: Row) -> str:
        """The digest of the cached book that a row names, "" for none. The plugin gives a book a new number whenever it
        is matched, and leaves what belonged to it with the old one; then the path of its sidecar may tell."""
        known = self._cache.get(whole_of(row.get("book_cache_id")) or 0)
        return known or self._sidecars.get(sidecar_in(text_of(row.get("sdr_path"))), "")

    def note_orphans(self, rows: Iterable[Row]) -> None:
        """Learns old numbers of cached books from rows that name their sidecars."""
        for row in rows:
            number, md5 = whole_of(row.get("book_cache_id")), self.of_cache(row)
            if number and md5:
                self._cache.setdefault(number, md5)

    def of_session(self, row: Row) -> str:
        """The digest of a session's book; without one it is found by what only one book has in common with it.

        The number of a book that is kept for rows without a digest is anybody's: the plugin looks such rows up by the
        empty digest, and finds one another's number (lua-plugin-behaviour §10 A7).
        """
        told = digest_of(row.get("book_hash"))
        number = id_of(row)
        found = (
            self._by_reader.get(koreader_id(row)),
            None if number in self.doubtful else self._by_id.get(number),
            self._by_title.get(title_key(title_in(row))),
        )
        return told or next((next(iter(one)) for one in found if one and len(one) == 1), "")


def grouped(pairs: Iterable[tuple[Any, str]]) -> dict[Any, set[str]]:
    """The digests by what they go with; without those that are none, and what says nothing."""
    found: dict[Any, set[str]] = defaultdict(set)
    for key, md5 in pairs:
        if key and md5:
            found[key].add(md5)
    return found


def koreader_id(row: Row) -> int:
    """KOReader's own number of a session's book; 0, which stands for any, where it is not known."""
    return whole_of(row.get("koreader_book_id")) or 0


def is_of_statistics(row: Row) -> bool:
    """Whether a row is of the table of what the plugin made of KOReader's statistics, or has sent."""
    return "koreader_book_title" in row


def is_lumped(row: Row) -> bool:
    """Whether a row that was sent shares KOReader's number 0 with those of all other books that have none."""
    return is_of_statistics(row) and not koreader_id(row)


def sidecar_of(path: str) -> str:
    """The folder in which KOReader keeps what it knows of a file; "" for no path."""
    stem = path.rpartition(".")[0]
    return f"{stem}{SIDECAR}" if stem and not is_pseudo(path) else ""


def sidecar_in(path: str) -> str:
    before, found, _ = path.rpartition(SIDECAR)
    return before + found if found else "-"


def books_of(cache: Sequence[Row]) -> Iterator[CachedBook]:
    """The books of the cache that have a digest."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in cache:
        if md5 := digest_of(row.get("file_hash")):
            rows[md5].append(row)
    return (book_of(md5, some) for md5, some in rows.items())


def with_more(book: CachedBook, sessions: Sequence[Row]) -> CachedBook:
    """The book with what its sessions say where the cache says nothing. A number of the server's only where all of them
    say the same: the plugin writes that of one book to the sessions of others whose book KOReader's statistics do not
    know (A11)."""
    title = next(filter(None, map(title_in, sessions)), None)
    told = {id_of(row) for row in sessions if not is_lumped(row)} - {""}
    is_stem = bool(book.file) and book.title == PurePosixPath(book.file or "").stem
    better = title if title and (is_stem or not book.title) else book.title
    return replace(book, title=better, ids=book.ids or (tuple(told) if len(told) == 1 else ()))
