"""What KOReader did: one class per event, and the way from a spool line to one of them."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from booklore_core.isbn import find_isbn
from booklore_core.items import BookRef
from booklore_core.line_fields import (
    UNKNOWN,
    Annotations,
    Authors,
    Count,
    Digest,
    Dwell,
    Fraction,
    Id,
    Position,
    Size,
    Stars,
    Text,
    Utc,
)

SPOOL_VERSION = 1
MAX_LINE = 4 * 1024 * 1024
"""Characters. A book with ten thousand annotations stays below it."""


class BadLine(ValueError):
    """A spool line that cannot be taken. field: the field that is wrong, `line` for the line as a whole."""

    def __init__(self, field: str, reason: str, event_id: str | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.event_id = field, reason, event_id


UNION_BRANCHES = ("int", "literal['unknown']")
"""How pydantic names the branches of `stars` in an error's path; a person wants the field."""

LENIENT = ConfigDict(extra="ignore", strict=False)


@checked(frozen=True, config=LENIENT)
class Book:
    """A book as KOReader knows it. identifiers: KOReader's raw text, one identifier a line. size: bytes."""

    partial_md5: Digest
    file: Text | None = None
    size: Size | None = None
    title: Text | None = None
    authors: Authors = ()
    identifiers: Text | None = None
    language: Text | None = None
    pages: Count | None = None

    @property
    def ref(self) -> BookRef:
        isbn = find_isbn(self.identifiers)
        return BookRef(self.partial_md5, self.title, self.authors, isbn, self.file, self.size)


@checked(frozen=True, config=LENIENT)
class Reading:
    """Where the reader is. percent: fraction 0–1. turns: page turns since the stretch began.

    dwell: whole seconds spent on each page left since the last line, None when not told.
    stars: 1–5, None when none are given, UNKNOWN when the line does not say.
    position: xpointer, or the page number as text.
    """

    percent: Fraction | None = None
    page: Count | None = None
    pages: Count | None = None
    position: Position = None
    turns: Count = 0
    dwell: Dwell = None
    stars: Stars = UNKNOWN
    status: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something KOReader did. id: unique per device. at: UTC by the device's clock."""

    name: ClassVar[str] = ""
    id: Id
    device: Id
    at: Utc

    @property
    def order(self) -> str:
        """Sorts a device's events as they happened: by the counter at the end of the id, else by the clock.

        The clock of an e-reader jumps; the counter does not (demands §4.1 H).
        """
        prefix, _, counter = self.id.rpartition("-")
        if prefix == self.device and counter.isascii() and counter.isdecimal():
            return f"{int(counter):020d}"
        return f"{self.at.isoformat()} {self.id}"


@checked(frozen=True, kw_only=True, config=LENIENT)
class Device(Event):
    """The first line of a spool: who writes it. display: the device's name for people."""

    name: ClassVar[str] = "device"
    display: Annotated[Text | None, Field(alias="name")] = None
    model: Text | None = None
    koreader: Text | None = None


@checked(frozen=True, kw_only=True, config=LENIENT)
class BookEvent(Event):
    """An event about a book."""

    book: Book


@checked(frozen=True, kw_only=True, config=LENIENT)
class ReadingEvent(BookEvent):
    """An event of reading a book."""

    reading: Reading


@checked(frozen=True, kw_only=True, config=LENIENT)
class BookOpen(ReadingEvent):
    """A book was opened: a stretch of reading begins."""

    name: ClassVar[str] = "book_open"


@checked(frozen=True, kw_only=True, config=LENIENT)
class PageTurns(ReadingEvent):
    """A checkpoint every few page turns; what a session falls back on when the battery dies."""

    name: ClassVar[str] = "page_turns"


@checked(frozen=True, kw_only=True, config=LENIENT)
class BookClose(ReadingEvent):
    """The stretch ended. annotations: KOReader's live table, None when it was not read, () when there are none."""

    name: ClassVar[str] = "book_close"
    reason: Literal["close", "suspend", "exit"]
    annotations: Annotations = None


@checked(frozen=True, kw_only=True, config=LENIENT)
class Resume(Event):
    """The device woke up; with a book open a stretch begins."""

    name: ClassVar[str] = "resume"
    book: Book | None = None
    reading: Reading | None = None


@checked(frozen=True, kw_only=True, config=LENIENT)
class NetworkConnected(Event):
    """The device has an IP address."""

    name: ClassVar[str] = "network_connected"


@checked(frozen=True, kw_only=True, config=LENIENT)
class Delete(BookEvent):
    """The book's file was deleted on the device."""

    name: ClassVar[str] = "delete"


@dataclass(frozen=True, kw_only=True)
class Rating(Event):
    """Stars that differ from the last known ones. Derived by the core: KOReader fires no event for a rating."""

    name: ClassVar[str] = "rating"
    book: Book
    stars: int | None
    before: int | None


SPOOLED = (Device, BookOpen, PageTurns, BookClose, Resume, NetworkConnected, Delete)
ADAPTERS: dict[str, TypeAdapter[Any]] = {cls.name: TypeAdapter(cls) for cls in SPOOLED}


def parse_line(text: str) -> Event:
    """The event that one spool line tells. Unknown fields are ignored. Raises BadLine naming the field."""
    return parse_event(decode_line(text))


def decode_line(text: str) -> Any:
    """The JSON value of a spool line. Raises BadLine."""
    if len(text) > MAX_LINE:
        raise BadLine("line", f"longer than {MAX_LINE} characters")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLine("line", f"not JSON ({error})") from error


def mended(value: Any) -> Any:
    """value with U+FFFD for what no database stores in a text: half surrogate pairs and NUL.

    One damaged character of a highlight must not cost the session it came with.
    """
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mended(part) for part in value]
    return {mended(key): mended(part) for key, part in value.items()} if isinstance(value, dict) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def parse_event(data: Any) -> Event:
    """The event that a decoded spool line tells. Raises BadLine naming the field."""
    if not isinstance(data, dict):
        raise BadLine("line", "expected a JSON object")
    event_id = data["id"] if isinstance(data.get("id"), str) else None
    if data.get("v") != SPOOL_VERSION:
        raise BadLine("v", f"expected {SPOOL_VERSION}, got {data.get('v')!r}", event_id)
    adapter = ADAPTERS.get(data["event"]) if isinstance(data.get("event"), str) else None
    if adapter is None:
        raise BadLine("event", f"unknown event {data.get('event')!r}", event_id)
    try:
        event: Event = adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = [str(part) for part in first["loc"]]
        field = ".".join(part for part in path if part not in UNION_BRANCHES) or "line"
        raise BadLine(field, first["msg"].removeprefix("Value error, "), event_id) from error
    return event
