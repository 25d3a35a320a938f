"""Everything one server remembers, in memory; routes read and change it under its lock."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from booklore_core.testing.server.answers import Refusal, book_not_found, unexpected
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.tokens import FailedTries, IssuedTokens
from booklore_core.testing.server.users import KoreaderUser, User, folded, same_name

Row = dict[str, Any]


class ServerTable:
    """Rows by id; ids count from 1 and are never used again."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self._last_id = 0

    def insert(self, row: Row) -> Row:
        self._last_id += 1
        stored = {"id": self._last_id, **row}
        self.rows[self._last_id] = stored
        return stored

    def where(self, **wanted: Any) -> list[Row]:
        """The rows that have these values, oldest first."""
        return [row for row in self.rows.values() if all(row[name] == value for name, value in wanted.items())]

    def delete_where(self, **wanted: Any) -> None:
        for row in self.where(**wanted):
            del self.rows[row["id"]]


class ServerSessions(ServerTable):
    """Reading sessions, kept sorted for the lists: newest start first, then in order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self._sorted: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def insert(self, row: Row) -> Row:
        stored = super().insert(row)
        insort(self._sorted.setdefault((row["userId"], row["bookId"]), []), (-row["startTime"], stored["id"]))
        return stored

    def count(self, user_id: int, book_id: int) -> int:
        return len(self._sorted.get((user_id, book_id), ()))

    def page(self, user_id: int, book_id: int, number: int, size: int) -> list[Row]:
        listed = self._sorted.get((user_id, book_id), [])
        return [self.rows[session_id] for _, session_id in listed[number * size : (number + 1) * size]]

    def delete_book(self, book_id: int) -> None:
        self.delete_where(bookId=book_id)
        self._sorted = {key: listed for key, listed in self._sorted.items() if key[1] != book_id}


@dataclass
class Progress:
    """Where one user is in one book; percentage: fraction 0–1, web_percent: 0–100, times: seconds since 1970.

    device: name and id of the one that pushed last.
    """

    status: str | None = None
    finished: float | None = None
    rating: int | None = None
    last_read: float | None = None
    percentage: float | None = None
    position: str | None = None
    synced: float | None = None
    device: tuple[str | None, str | None] | None = None
    cfi: str | None = None
    href: str | None = None
    page: int | None = None
    web_percent: float | None = None


@dataclass
class State:
    """The database of one server, and its clock."""

    dialect: Dialect
    now: Callable[[], float]
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: dict[int, User] = field(default_factory=dict)
    koreader: dict[int, KoreaderUser] = field(default_factory=dict)
    books: dict[int, ServerBook] = field(default_factory=dict)
    sessions: ServerSessions = field(default_factory=ServerSessions)
    annotations: ServerTable = field(default_factory=ServerTable)
    notes: ServerTable = field(default_factory=ServerTable)
    book_notes: ServerTable = field(default_factory=ServerTable)
    bookmarks: ServerTable = field(default_factory=ServerTable)
    shelves: ServerTable = field(default_factory=ServerTable)
    progress: dict[tuple[int, int], Progress] = field(default_factory=dict)
    pushes: list[Row] = field(default_factory=list)
    statuses: list[Row] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    feed_users: ServerTable = field(default_factory=ServerTable)
    database_away: bool = False
    database_away_delay: float = 0.0
    single_sign_on_only: bool = False
    zone_hours: float = 0.0
    sessions_locked_until: float = 0.0
    stuck_files: set[int] = field(default_factory=set)
    left_behind: list[ServerBook] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = self.now()
        self.tokens = IssuedTokens(self.dialect, self.now)
        self.failed_logins = FailedTries(self.now)
        self.failed_refreshes = FailedTries(self.now)
        self._by_digest: dict[str, list[int]] = {}
        self._last_book_id = 0

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Lets what is done now happen at a moment that has passed, seconds since 1970."""
        with self.lock:
            clock = self.now
            self.now = lambda: min(moment, clock())
            try:
                yield
            finally:
                self.now = clock

    def add_user(self, username: str, password: str, libraries: Iterable[int], permissions: Iterable[str]) -> User:
        """A new account with its shelf of favourites."""
        user = User(len(self.users) + 1, username, password, frozenset(libraries), frozenset(permissions))
        self.users[user.id] = user
        icon = {"icon": "heart", "iconType": self.dialect.icon_types[0]}
        self.shelves.insert({"name": "Favorites", **icon, "userId": user.id, "publicShelf": False, "books": set()})
        return user

    def user_named(self, username: str) -> User | None:
        return next((user for user in self.users.values() if same_name(user.username, username)), None)

    def koreader_named(self, username: str) -> KoreaderUser | None:
        return next((one for one in self.koreader.values() if same_name(one.username, username)), None)

    def put_koreader(self, user: User, username: str, password: str) -> KoreaderUser:
        """Make the user's KOReader account, or change its name and password."""
        known = self.koreader.get(user.id)
        if known is None:
            known = KoreaderUser(len(self.koreader) + 1, user.id, username, password)
        self.koreader[user.id] = replace(known, username=username, password=password)
        return self.koreader[user.id]

    def next_book_id(self) -> int:
        return self._last_book_id + 1

    def put_book(self, book: ServerBook) -> ServerBook:
        """Add the book, or replace the one of the same id."""
        self._forget_digest(book.id)
        self.books[book.id] = book
        self._by_digest.setdefault(folded(book.partial_md5), []).append(book.id)
        self._last_book_id = max(self._last_book_id, book.id)
        self._share_library(book.library_id)
        return book

    def drop_book(self, book_id: int) -> None:
        """Remove the book with everybody's data about it, as the database does."""
        self._forget_digest(book_id)
        self.books.pop(book_id, None)
        self.sessions.delete_book(book_id)
        for table in (self.annotations, self.notes, self.book_notes, self.bookmarks):
            table.delete_where(bookId=book_id)
        for shelf in self.shelves.rows.values():
            shelf["books"].discard(book_id)
        self.progress = {key: kept for key, kept in self.progress.items() if key[1] != book_id}

    def book(self, book_id: int | None) -> ServerBook:
        """The book; a 404 when there is none of that id."""
        if book_id is None or book_id not in self.books:
            raise book_not_found(book_id or 0)
        return self.books[book_id]

    def book_of_digest(self, digest: str | None) -> ServerBook | None:
        """The book whose file has the digest; of several the newest, or a 500, as the dialect has it."""
        found = self._by_digest.get(folded(digest or ""), [])
        if len(found) > 1 and not self.dialect.newest_duplicate_wins:
            raise unexpected()
        return self.books[max(found)] if found else None

    def books_for(self, user: User) -> list[ServerBook]:
        return [book for book in self.books.values() if user.sees(book.library_id)]

    def progress_of(self, user: User, book_id: int) -> Progress:
        """The row to write to, made when there is none."""
        return self.progress.setdefault((user.id, book_id), Progress())

    def note_status(self, book_id: int, progress: Progress) -> None:
        """A status or a finish date has been written: as it is from now on."""
        told = {"at": self.now(), "status": progress.status, "finished": progress.finished}
        self.statuses.append({"bookId": book_id, **told})

    def _forget_digest(self, book_id: int) -> None:
        known = self.books.get(book_id)
        if known is not None:
            self._by_digest[folded(known.partial_md5)].remove(book_id)

    def _share_library(self, library_id: int) -> None:
        for user in self.users.values():
            if user.is_admin and library_id not in user.libraries:
                self.users[user.id] = replace(user, libraries=user.libraries | {library_id})


def refuse_unless(user: User, permission: str, dialect: Dialect) -> None:
    """A 403 for a user without the permission."""
    if not user.may(permission):
        raise Refusal(403, dialect.denied)


def refuse_unless_visible(user: User, book: ServerBook) -> None:
    """A 403 for a user to whom the book's library is not assigned."""
    if not user.sees(book.library_id):
        raise Refusal(403, "You are not authorized to access this book.")
