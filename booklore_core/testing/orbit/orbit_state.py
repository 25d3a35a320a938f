"""Everything the fake BookOrbit remembers, in memory, and what it says when it refuses."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from booklore_core.testing.orbit.places import PlacesOfBook
from booklore_core.testing.orbit.rules import Expected, broken
from booklore_core.testing.server.answers import Answer, encode

Fields = dict[str, Any]
JSON = "application/json; charset=utf-8"
INT4 = 2**31 - 1
ALL = float("inf")


class OrbitRefusal(Exception):
    """A request is answered with an error; message is a text, or a list of those that validation gives."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


def internal() -> OrbitRefusal:
    """What is a client's error as well, at places that nothing validates."""
    return OrbitRefusal(500, "Internal server error")


def answer_of(value: Any, status: int = 200) -> Answer:
    return Answer(status, encode(value), JSON)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03}Z"


def day_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def key_of(moment: str, place: str) -> str:
    """How a highlight or bookmark is told apart from another."""
    return hashlib.md5(f"{moment}|{place}".encode(), usedforsecurity=False).hexdigest()


def check_body(body: Any, **fields: Expected) -> Fields:
    """The body of a request whose fields these are. Raises OrbitRefusal."""
    said = broken(body, fields)
    if said:
        raise OrbitRefusal(400, said)
    if has_nul(body):
        raise internal()
    told: Fields = body
    return told


def has_nul(value: Any) -> bool:
    """Whether there is a character in it that its database does not take."""
    if isinstance(value, str):
        return "\0" in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(has_nul, parts))


def of_each_book(
    state: OrbitState, user: OrbitUser, told: list[Fields], answer: Callable[[OrbitBook, Fields], Fields]
) -> Fields:
    """What a device is answered that tells of several books by their digests."""
    found = [(state.find(user, one["hash"]), one) for one in told]
    results = [{"hash": one["hash"].lower(), **answer(book, one)} for book, one in found if book]
    return {"results": results, "unmatched": [one["hash"].lower() for book, one in found if book is None]}


@dataclass
class OrbitBook:
    """One file and the book it is of, the same number for both. former: digests that it had before it was rewritten."""

    id: int
    title: str
    authors: list[str]
    file_name: str
    size: int
    md5: str
    library: int = 1
    isbn13: str | None = None
    isbn10: str | None = None
    pages: int | None = None
    former: set[str] = field(default_factory=set)
    content: bytes | None = None

    @property
    def format(self) -> str:
        return self.file_name.rpartition(".")[2].lower()

    def __post_init__(self) -> None:
        self.places = PlacesOfBook(self.content if self.format == "epub" else None, self.format)


@dataclass
class OrbitUser:
    """name, password: of the web. reader, key: of the KOReader account, MD5 of its password. libraries: None: all."""

    id: int
    name: str
    password: str
    reader: str
    key: str
    libraries: set[int] | None = None
    sync: bool = True


@dataclass(frozen=True)
class Sight:
    """How far a request sees what others have written: highlights and page events with numbers below these."""

    annotations: float = ALL
    events: float = ALL


@dataclass
class OrbitState:
    """now: the server's clock, seconds since 1970. seen: how far the request that is answered sees what was written."""

    now: Callable[[], float]
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: list[OrbitUser] = field(default_factory=list)
    books: dict[int, OrbitBook] = field(default_factory=dict)
    links: dict[tuple[int, str], Fields] = field(default_factory=dict)
    unmatched: dict[tuple[int, str], Fields] = field(default_factory=dict)
    tokens: dict[str, OrbitUser] = field(default_factory=dict)
    attempts: list[Fields] = field(default_factory=list)
    retired: dict[tuple[int, str], float] = field(default_factory=dict)
    writes_files: set[int] = field(default_factory=set)
    seen: Sight = field(default_factory=Sight)
    events: dict[tuple[int, int, str], dict[tuple[int, int], Fields]] = field(default_factory=dict)
    sessions: dict[tuple[int, int], list[Fields]] = field(default_factory=dict)
    places: dict[tuple[int, int], dict[tuple[str, str], Fields]] = field(default_factory=dict)
    shared: dict[tuple[int, int], Fields] = field(default_factory=dict)
    pushes: list[Fields] = field(default_factory=list)
    annotations: list[Fields] = field(default_factory=list)
    bookmarks: list[Fields] = field(default_factory=list)
    states: dict[tuple[int, int], Fields] = field(default_factory=dict)
    devices: dict[tuple[int, str], Fields] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session_ids, self.annotation_ids, self.bookmark_ids = (itertools.count(1) for _ in range(3))
        self.written, self.requests, self.attempt_ids = (itertools.count(1) for _ in range(3))
        self.event_ids = itertools.count(1)
        self.last_annotation = self.last_event = 0

    def look(self) -> Sight:
        """How far a request sees that looks now."""
        return Sight(self.last_annotation + 1, self.last_event + 1)

    @contextmanager
    def seeing(self, seen: Sight) -> Iterator[None]:
        with self.lock:
            before, self.seen = self.seen, seen
            try:
                yield
            finally:
                self.seen = before

    def number_annotation(self) -> int:
        self.last_annotation = next(self.annotation_ids)
        return self.last_annotation

    def number_event(self) -> int:
        self.last_event = next(self.event_ids)
        return self.last_event

    def rewrite(self, book: OrbitBook) -> None:
        """A row that is written lies behind the others then, and is found after them: of two books of one file, the
        other one is."""
        self.books[book.id] = self.books.pop(book.id)

    @property
    def by_id(self) -> list[OrbitBook]:
        return [self.books[number] for number in sorted(self.books)]

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

    def sees(self, user: OrbitUser, book: OrbitBook) -> bool:
        return user.libraries is None or book.library in user.libraries

    def find(self, user: OrbitUser, digest: str) -> OrbitBook | None:
        """By digest, a former one, or the user's own link, among what the user may see."""
        digest = digest.lower()
        seen = [book for book in self.books.values() if self.sees(user, book)]
        for fits in (lambda book: book.md5 == digest, lambda book: digest in book.former):
            if found := next(filter(fits, seen), None):
                return found
        link = self.links.get((user.id, digest))
        return self.books.get(link["bookId"]) if link else None

    def book_for(self, user: OrbitUser, number: str) -> OrbitBook:
        """Raises OrbitRefusal for one that is not there, or not for this user."""
        if not number.isdigit() or int(number) not in self.books:
            raise OrbitRefusal(404, f"Book {number} not found")
        book = self.books[int(number)]
        if not self.sees(user, book):
            raise OrbitRefusal(403, "No access to this library")
        return book

    def state_of(self, user: OrbitUser, book: OrbitBook) -> Fields:
        """Status, rating and review, each with when it was changed; nothing of it there at first."""
        empty = dict.fromkeys(("status", "rating", "review", "statusAt", "ratingAt", "reviewAt"))
        return self.states.setdefault((user.id, book.id), {**empty, "is_finished": False})
