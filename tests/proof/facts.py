"""What devices have told, kind by kind: the facts that a server must hold in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from notebook import Mark


class Session(NamedTuple):
    """A reading session as it must arrive; times in UTC, whole seconds."""

    device: str
    book: str
    start: str
    end: str
    seconds: int
    first_page: str
    last_page: str


class Place(NamedTuple):
    """Where a reader came to: percent is a fraction with four decimals, at in UTC. is_read: whether somebody read to
    there, and did not just open the book."""

    device: str
    book: str
    at: datetime
    percent: float
    is_read: bool = True


class Stars(NamedTuple):
    """What a line said about the stars of a book, None for none. at: UTC."""

    device: str
    book: str
    at: datetime
    stars: int | None


class Written(NamedTuple):
    """What a line said of the review of a book, None for none. at: UTC."""

    device: str
    book: str
    at: datetime
    text: str | None


class Status(NamedTuple):
    """A status that a reader gave a book, in KOReader's word. at: UTC."""

    book: str
    device: str
    at: datetime
    word: str


class Deletion(NamedTuple):
    """A file that was deleted on a device, or that was there again. at: UTC."""

    book: str
    device: str
    at: datetime
    is_there: bool = False


@dataclass
class Facts:
    """What must arrive, by kind: of sessions each one, of the places of a book the one that stands for the others, of
    what was said about a mark, a book's stars, review, status or file the last."""

    session: Counter[Session] = field(default_factory=Counter)
    progress: set[Place] = field(default_factory=set)
    annotation: set[Mark] = field(default_factory=set)
    bookmark: set[Mark] = field(default_factory=set)
    rating: set[Stars] = field(default_factory=set)
    review: set[Written] = field(default_factory=set)
    status: set[Status] = field(default_factory=set)
    deletion: set[Deletion] = field(default_factory=set)

    def add(self, other: Facts) -> None:
        for kind, facts in vars(other).items():
            getattr(self, kind).update(facts)
