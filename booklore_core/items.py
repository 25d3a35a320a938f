"""The facts that travel: one `Item` is one fact about one book."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from booklore_core.kinds import NAME

TOMBSTONE: Mapping[str, Any] = {"removed": True}
"""The body of a fact that was removed on the device."""

WITHDRAWN: Mapping[str, Any] = {**TOMBSTONE, "withdrawn": True}
"""The body of a fact that is taken back: nobody is told of that, and it waits for no target any more."""

MD5 = re.compile(r"[0-9a-f]{32}")
MAX_SIZE = 2**63 - 1
CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class BookRef:
    """Which book an item is about.

    partial_md5: KOReader's content digest, 32 lower-case hex digits: the book's identity.
    isbn: 13 digits, checked; isbns: all that the book carries, this one first. file: path on the device. size: bytes.
    match: the receiving target's own id of the book, filled in by the core before a delivery.
    """

    partial_md5: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    isbn: str | None = None
    file: str | None = None
    size: int | None = None
    match: str | None = None
    isbns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not MD5.fullmatch(self.partial_md5):
            raise ValueError(f"partial_md5: expected 32 lower-case hex digits, got {self.partial_md5!r}")
        object.__setattr__(self, "authors", tuple(self.authors))
        object.__setattr__(self, "isbns", tuple(self.isbns) or ((self.isbn,) if self.isbn else ()))
        for text in (self.title, self.isbn, self.file, *self.authors, *self.isbns):
            if text is not None:
                check_text(text, "book")
        if self.size is not None and not 0 <= self.size <= MAX_SIZE:
            raise ValueError(f"size: expected 0 to {MAX_SIZE}, got {self.size}")


@dataclass(frozen=True, slots=True)
class Item:
    """One fact about a book. An import makes a hundred thousand: the text of a body is kept, until it is asked for.

    kind: the name of a declared `Kind`.
    key: identity of the fact within its kind; the same key with another body is a new revision of the same fact.
    body: JSON types only; text: the same as canonical JSON. occurred_at: when it happened, UTC.
    Raises ValueError naming the field that is wrong.
    """

    kind: str
    key: str
    book: BookRef
    body: Mapping[str, Any]
    occurred_at: datetime
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.kind):
            raise ValueError(f"kind: expected a lower-case name, got {self.kind!r}")
        if not self.key:
            raise ValueError("key: must not be empty")
        check_text(self.key, "key")
        check_type(self.book, BookRef, "book")
        check_type(self.body, Mapping, "body")
        if self.occurred_at.tzinfo is None:
            raise ValueError("occurred_at: expected a time with zone")
        object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        object.__setattr__(self, "text", canonical_json(self.body, "body"))
        object.__delattr__(self, "body")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name != "body":
                raise AttributeError(name)
            object.__setattr__(self, "body", json.loads(self.text))
            return self.body

    @property
    def is_tombstone(self) -> bool:
        return self.body.get("removed") is True

    @property
    def idempotency_key(self) -> str:
        """32 hex digits, the same for every sending of this revision of the fact and for no other."""
        parts = [self.kind, self.key, self.occurred_at.isoformat(), self.text]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def matched(self, remote_id: str | None) -> "Item":
        """The same item, its book carrying the target's own id."""
        return replace(self, book=replace(self.book, match=remote_id))


@dataclass(frozen=True, slots=True)
class Remark:
    """Why no item followed from something the reader did, told by a feature in an item's place.

    key: the same remark is kept once. `booklore doctor` shows it.
    """

    key: str
    book: BookRef
    text: str

    def __post_init__(self) -> None:
        check_text(self.key, "key")
        check_type(self.book, BookRef, "book")
        check_text(self.text, "text")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An item that a person is asked about before it is taken in.

    question: what a yes takes in and a no drops for good. It waits in `booklore status` until somebody answers, and is
    asked once for all items with the same first line; what further lines say of each is told after it, such as its
    name. An item made later under the same kind and key withdraws it. Where its body
    names a `file` and a `device`, a yes says as well that the device has no file of the book any more.
    """

    item: Item
    question: str

    def __post_init__(self) -> None:
        check_type(self.item, Item, "item")
        check_text(self.question, "question")


def stand_in(title: str, authors: Iterable[str] = ()) -> str:
    """In place of a partial MD5 that a file of past reading does not tell: made of title and authors, so that it is the
    same whoever reads of the book. No file has it, and no target finds a book by it."""
    words = [" ".join(text.casefold().split()) for text in (title, *authors)]
    return hashlib.md5(
        "\n".join(["statistics", words[0], *sorted(words[1:])]).encode(), usedforsecurity=False
    ).hexdigest()


def check_type(value: Any, expected: type, field: str) -> None:
    """Raises ValueError naming field for anything else, such as an event's Book in place of its `ref`."""
    if not isinstance(value, expected):
        raise ValueError(f"{field}: expected {expected.__name__}, got {type(value).__name__}")


def check_text(text: Any, field: str) -> None:
    """Raises ValueError naming field for anything but a text that every database takes."""
    is_sound = isinstance(text, str) and (text.isascii() or text.encode(errors="replace").decode() == text)
    if not is_sound or "\0" in text:
        raise ValueError(f"{field}: expected a text without NUL and halves of characters, got {text!r}")


def canonical_json(value: Any, field: str) -> str:
    """value as JSON text that is equal for equal values. Raises ValueError naming field for anything else."""
    try:
        text = CANONICAL.encode(value)
        text.encode()  # half a character: no database takes it
        return text
    except (TypeError, ValueError) as error:
        raise ValueError(f"{field}: expected JSON types only ({error})") from error


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
