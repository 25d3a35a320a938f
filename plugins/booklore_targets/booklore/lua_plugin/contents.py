"""All that the Lua plugin's database holds, book by book, whatever its version (lua-plugin-behaviour §2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from booklore_core import BookRef
from booklore_targets.booklore.lua_plugin.cached_books import (
    CachedBook,
    Digests,
    Nameless,
    books_of,
    id_of,
    title_in,
    with_more,
)
from booklore_targets.booklore.lua_plugin.copied_tables import CopiedTables, copied_tables
from booklore_targets.booklore.lua_plugin.known_settings import settings_of
from booklore_targets.booklore.lua_plugin.loose_values import digest_of, is_true, moment_of, text_of, whole_of
from booklore_targets.booklore.lua_plugin.mark_rows import ANNOTATION, BOOKMARK, WaitingMark, read_mark, sent_rows
from booklore_targets.booklore.lua_plugin.session_rows import EARLIEST, Doubt, TimedRow, read_session
from booklore_targets.booklore.marks.foreign_rows import ForeignRow
from booklore_targets.booklore.ratings import HIGHEST, LOWEST

Row = Mapping[str, Any]
SESSION, RATING = "session", "rating"
NO_RATING = f"it is no whole number from {LOWEST} to {HIGHEST}"

TOLD = {
    "book_cache": "cached file",
    "pending_sessions": "waiting session",
    "historical_sessions": "session of its history",
    "pending_ratings": "waiting rating",
    "pending_annotations": "waiting highlight or note",
    "pending_bookmarks": "waiting bookmark",
    "synced_annotations": "synced highlight or note",
    "synced_bookmarks": "synced bookmark",
    "rating_sync_history": "synced rating",
    "pending_deletions": "waiting deletion",
    "pending_koreader_progress": "waiting reading position",
}
"""The tables whose rows are counted → what a row is."""

NOT_TOLD = "of which nothing tells the book"
Left = tuple[str, str]
"""What was left out, and what is so of it."""


@dataclass(frozen=True)
class ScoredRow:
    """A rating from 1 to 10, when it was given, and whether the server has it."""

    rating: int
    at: datetime
    is_sent: bool


@dataclass(frozen=True)
class DeletedRow:
    """A book that was deleted on the e-reader; the server does not know yet. file: its path, or what is known of it."""

    file: str
    at: datetime | None


@dataclass
class BookRows:
    """What the database holds of one book. doubts: kind → why rows of it cannot be taken, and how many."""

    book: CachedBook
    sessions: list[TimedRow] = field(default_factory=list)
    doubts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rating: ScoredRow | None = None
    marks: list[WaitingMark] = field(default_factory=list)
    foreign: list[ForeignRow] = field(default_factory=list)
    deletion: DeletedRow | None = None


@dataclass
class Contents:
    """settings: key → raw text; some are secret. found: table → rows. left: what belongs to no book that could be told,
    and how often. untracked: books without a digest whose tracking was off."""

    name: str
    version: int = 0
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    books: dict[str, BookRows] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    left: Counter[Left] = field(default_factory=Counter)
    untracked: list[str] = field(default_factory=list)


def read_contents(path: Path, now: datetime, known: Sequence[BookRef] = ()) -> Contents:
    """known: the books that are known here. Raises UnusableFile."""
    with copied_tables(path) as tables:
        return Reader(tables, now, known).read(path.name)


class Reader:
    """Sorts the rows by their books."""

    def __init__(self, tables: CopiedTables, now: datetime, known: Sequence[BookRef]) -> None:
        self._tables, self._now = tables, now
        self._cache = tables.rows("book_cache")
        self._sessions = [*tables.rows("pending_sessions"), *tables.rows("historical_sessions")]
        self._digests, self._nameless = Digests(self._cache, self._sessions), Nameless(self._cache, known)
        self._contents = Contents("")
        self._books = {book.md5: book for book in books_of(self._cache)}

    def read(self, name: str) -> Contents:
        versions = (whole_of(row.get("version")) or 0 for row in self._tables.rows("schema_version"))
        found = {table: number for table in TOLD if (number := self._tables.count(table))}
        settings = settings_of(self._tables.rows("plugin_settings"))
        self._contents = Contents(name, max(versions, default=0), settings, found=found)
        for md5 in self._books:
            self._of(md5)
        self._note_strangers()
        self._read_sessions()
        self._read_ratings()
        self._read_marks()
        self._read_deletions()
        return self._contents

    def _of(self, md5: str) -> BookRows:
        books = self._contents.books
        if md5 not in books:
            books[md5] = BookRows(self._books.get(md5) or CachedBook(md5))
        return books[md5]

    def _note_strangers(self) -> None:
        """Books of the cache without a digest: the plugin has seen them, and never opened them (§10 A7)."""
        for row in self._cache:
            if not digest_of(row.get("file_hash")):
                self._contents.left["book", "without a digest"] += 1
                if row.get("tracking_enabled") is not None and not is_true(row["tracking_enabled"]):
                    self._contents.untracked.append(PurePosixPath(text_of(row.get("file_path"))).name)

    def _read_sessions(self) -> None:
        of_book: dict[str, list[Row]] = defaultdict(list)
        for row in self._sessions:
            md5 = self._digests.of_session(row)
            if not md5 and (title := title_in(row)):
                book = self._nameless.book(title)
                md5 = self._books.setdefault(book.md5, book).md5
            if md5:
                of_book[md5].append(row)
            else:
                self._contents.left[SESSION, NOT_TOLD] += 1
        for md5, rows in of_book.items():
            told = self._of(md5)
            certain = [row for row in rows if not (told.book.is_stand_in and id_of(row) in self._digests.doubtful)]
            told.book = with_more(told.book, certain)
            for one in rows:
                try:
                    told.sessions.append(read_session(one, self._now))
                except Doubt as doubt:
                    told.doubts[SESSION][str(doubt)] += 1

    def _read_ratings(self) -> None:
        metadata = self._tables.rows("book_metadata")
        self._digests.note_orphans(metadata)
        given = [row for row in metadata if row.get("rating") is not None]
        history = [row for row in self._tables.rows("rating_sync_history") if text_of(row.get("status")) != "error"]
        sent = {self._score(row) for row in history}
        self._rate(history, "synced_at", lambda row: True)
        synced = [row for row in given if is_true(row.get("rating_synced")) or self._score(row) in sent]
        self._rate(given, "updated_at", lambda row: row in synced)
        self._rate(self._tables.rows("pending_ratings"), "created_at", lambda row: False)
        prompts = sum(is_true(row.get("pending_rating_prompt")) for row in metadata)
        self._contents.left["question", "for a rating that was still to be asked"] += prompts

    def _score(self, row: Row) -> tuple[str, int | None]:
        return self._digests.of_cache(row), whole_of(row.get("rating"))

    def _rate(self, rows: Iterable[Row], at: str, is_sent: Callable[[Row], bool]) -> None:
        """Each row's rating takes the place of those before."""
        for row in sorted(rows, key=lambda row: moment_of(row.get(at)) or EARLIEST):
            md5, rating = self._score(row)
            if not md5:
                self._contents.left[RATING, NOT_TOLD] += 1
            elif rating is None or not LOWEST <= rating <= HIGHEST:
                self._of(md5).doubts[RATING][NO_RATING] += 1
            else:
                self._of(md5).rating = ScoredRow(rating, moment_of(row.get(at)) or EARLIEST, is_sent(row))

    def _read_marks(self) -> None:
        for kind in (ANNOTATION, BOOKMARK):
            for row in self._tables.rows(f"synced_{kind}s"):
                if md5 := self._digests.of_cache(row):
                    self._of(md5).foreign += sent_rows(kind, row)
            for row in self._tables.rows(f"pending_{kind}s"):
                md5 = self._digests.of_cache(row)
                if not md5:
                    self._contents.left[kind, NOT_TOLD] += 1
                    continue
                try:
                    self._of(md5).marks.append(read_mark(kind, row))
                except Doubt as doubt:
                    self._of(md5).doubts[kind][str(doubt)] += 1

    def _read_deletions(self) -> None:
        """Earlier and later versions name the file in other ways."""
        paths = {text_of(row.get("file_path")): digest_of(row.get("file_hash")) for row in self._cache}
        for row in self._tables.rows("pending_deletions"):
            path, stem = text_of(row.get("file_path")), text_of(row.get("stem"))
            if md5 := digest_of(row.get("file_hash")) or paths.get(path, ""):
                self._books.setdefault(md5, CachedBook(md5, stem or PurePosixPath(path).stem or None))
                self._of(md5).deletion = DeletedRow(path or stem, moment_of(row.get("created_at")))
            else:
                self._contents.left["deletion", NOT_TOLD] += 1
