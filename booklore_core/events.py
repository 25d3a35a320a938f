"""What KOReader did: one class per event, with the types that its fields have, what is forgiven and what is refused."""

import re
from datetime import UTC, datetime
from functools import cached_property
from math import floor
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from booklore_core.isbn import find_isbns
from booklore_core.items import MD5, BookRef

PERCENT_SLACK = 1e-6
READ, LEAST_PAGES = 0.99, 20


def _utc(value: Any) -> datetime:
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError("expected UTC time such as 2026-11-20T14:00:00Z")
    return datetime.fromisoformat(value).astimezone(UTC)


def _md5(value: str) -> str:
    if not MD5.fullmatch(value.lower()):
        raise ValueError("expected 32 hex digits")
    return value.lower()


def _number(value: Any) -> Any:
    """Text and truth values are no numbers, whatever they could be read as."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def _fraction(value: float) -> float:
    if not -PERCENT_SLACK <= value <= 1 + PERCENT_SLACK:
        raise ValueError("expected a fraction from 0 to 1")
    return min(1.0, max(0.0, value))


def _list(value: Any) -> Any:
    """Lua has one empty table for `{}` and `[]`."""
    return () if value == {} else value


def _place(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _stars(value: Any) -> Any:
    """The nearest half; whole stars are an int, so that 4 and 4.0 are told alike. Other programs write them as text."""
    value = float(value) if isinstance(value, str) and value.replace(".", "", 1).isdecimal() else value
    if value is None or _number(value) == 0:
        return None
    if not 0.5 <= value <= 5:
        raise ValueError("expected 0.5 to 5 stars")
    halves = floor(2 * value + 0.5)
    return halves // 2 if halves % 2 == 0 else halves / 2


Id = Annotated[str, Field(min_length=1, max_length=200)]
Utc = Annotated[datetime, BeforeValidator(_utc)]
Digest = Annotated[str, AfterValidator(_md5)]
Number = BeforeValidator(_number)
Fraction = Annotated[float, AfterValidator(_fraction), Number]
Count = Annotated[int, Field(ge=0, le=10_000_000), Number]
Pages = Annotated[int, Field(ge=1, le=10_000_000), Number]
Text = Annotated[str, Field(max_length=100_000)]
Whole = Annotated[int, Field(ge=0, le=2**63 - 1), Number]
BootId = Annotated[str, Field(min_length=1, max_length=64)]
Seconds = Annotated[float, Field(ge=0, le=1e9), Number]
UNKNOWN: Literal["unknown"] = "unknown"

Authors = Annotated[tuple[Text, ...], Field(max_length=1000), BeforeValidator(_list)]
Position = Annotated[Text | None, BeforeValidator(_place)]
Dwell = Annotated[tuple[Whole, ...] | None, Field(max_length=100_000), BeforeValidator(_list)]
Stars = Annotated[float | int | None | Literal["unknown"], PlainValidator(_stars)]
Status = Literal["new", "reading", "abandoned", "complete"]
Annotations = Annotated[tuple[dict[str, Any], ...] | None, Field(max_length=100_000), BeforeValidator(_list)]

RATING_SUFFIX = "/rating"
"""What a rating's id has after the id of the line that it was found in; no line's id may end so."""

SIDECAR_MARK = "/sidecar-"
"""In the id of what a sidecar tells: between that of the line that the device had written last, and what is its own."""

FROZEN = ConfigDict(frozen=True)


class Book(BaseModel):
    """A book as KOReader knows it. identifiers: KOReader's raw text, one identifier a line. size: bytes."""

    model_config = FROZEN
    partial_md5: Digest
    file: Text | None = None
    size: Whole | None = None
    title: Text | None = None
    authors: Authors = ()
    identifiers: Text | None = None
    language: Text | None = None
    pages: Pages | None = None

    @property
    def format(self) -> str | None:
        """What its file's name ends with, in lower case: `epub`, `kepub.epub`, `pdf`."""
        name = (self.file or "").lower()
        return "kepub.epub" if name.endswith(".kepub.epub") else PurePosixPath(name).suffix[1:] or None

    @cached_property
    def ref(self) -> BookRef:
        isbns = find_isbns(self.identifiers)
        isbn = isbns[0] if isbns else None
        return BookRef(self.partial_md5, self.title, self.authors, isbn, self.file, self.size, isbns=isbns)


class Reading(BaseModel):
    """Where the reader is. percent: fraction 0–1. position: xpointer, or the page number as text. turns: page turns
    since the stretch began; not told, as many as dwell shows for certain. dwell: whole seconds spent on each page left
    since the last line. stars: 0.5–5 by halves, None for none, UNKNOWN when not told. review: "" for none."""

    model_config = FROZEN
    percent: Fraction | None = None
    page: Count | None = None
    pages: Pages | None = None
    position: Position = None
    dwell: Dwell = None
    turns: Count = Field(default_factory=lambda told: max(0, len(told.get("dwell") or ()) - 1))
    stars: Stars = UNKNOWN
    status: Status | None = None
    review: Annotated[Text | None, BeforeValidator(lambda told: "" if told is None else told)] = None

    @property
    def is_complete(self) -> bool:
        """Whether the book was read to its end, or called so. Where two pages are shown, the last is never reached."""
        is_at_end = (self.percent or 0) >= READ or (self.page or 0) + 1 >= (self.pages or 0) >= LEAST_PAGES
        return is_at_end or self.status == "complete"


class Event(BaseModel):
    """Something KOReader did. name: its class as a line and a hook say it: `BookClose`, `book_close`, `on_book_close`.

    id: unique per device. at: UTC by the device's clock, set right where that could be known. up: seconds of the boot
    clock, which runs on through sleep; boot: which boot that is. former_id: the device's id when it wrote the line,
    where it has another one now.
    """

    model_config = FROZEN
    name: ClassVar[str]
    id: Id
    device: Id
    at: Utc
    up: Seconds | None = None
    boot: BootId | None = None
    former_id: Id | None = None

    def __init_subclass__(cls) -> None:
        cls.name = re.sub("(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    @cached_property
    def order(self) -> str:
        """Sorts a device's events as they happened: by the counter at the end of the id, else by the clock.

        Clocks jump, counters do not (demands §4.1 H). A former id's lines come first; what a sidecar tells comes after
        the line that the device had written last."""
        line, *after = self.id.removesuffix(RATING_SUFFIX).partition(SIDECAR_MARK)
        place, (prefix, _, counter) = f"{self.at.isoformat()} {line}", line.rpartition("-")
        if prefix in (self.device, self.former_id) and counter.isascii() and counter.isdecimal():
            place = f"{int(counter):020d}" if prefix == self.device else f"-{prefix} {int(counter):020d}"
        return "".join((place, *after))


class Device(Event):
    """The first line of a spool: who writes it. display: the device's name for people."""

    display: Annotated[Text | None, Field(alias="name")] = None
    model: Text | None = None
    koreader: Text | None = None


class BookEvent(Event):
    """An event about a book."""

    book: Book


class ReadingEvent(BookEvent):
    """An event of reading a book."""

    reading: Reading = Reading()


class BookOpen(ReadingEvent):
    """A book was opened: a stretch of reading begins. kosync: where KOReader's own progress sync goes, if it is on."""

    kosync: Text | None = None


class PageTurns(ReadingEvent):
    """A checkpoint every few page turns; what a session falls back on when the battery dies."""


class BookClose(ReadingEvent):
    """The stretch ended; with the reason `sidecar` none did, and what KOReader has stored of a closed book is told.

    annotations: KOReader's live table, None when it was not read, () when there are none."""

    reason: Literal["close", "suspend", "exit", "sidecar"] | None = None
    annotations: Annotations = None


class Resume(Event):
    """The device woke up; with a book open a stretch begins."""

    book: Book | None = None
    reading: Reading | None = None


class NetworkConnected(Event):
    """The device has an IP address."""


class Delete(BookEvent):
    """The book's file was deleted on the device."""


class Rating(BookEvent):
    """Stars that differ from the last known ones, as the core finds them: KOReader fires no event for a rating. Its
    id is that of the line that shows them, and a suffix. is_first: a device had them, and nobody knows since when."""

    id: Annotated[str, Field(min_length=1, max_length=300)]
    stars: Stars
    before: Stars = None
    is_first: bool = False


SPOOLED = (Device, BookOpen, PageTurns, BookClose, Resume, NetworkConnected, Delete)
"""What a spool line may tell. A `Rating` the core adds to the journal by itself."""

OPENINGS, READING = (BookOpen, Resume), (BookOpen, Resume, PageTurns, BookClose)
"""What begins a stretch of reading, and what a stretch is made of."""


def book_of(event: Event) -> Book | None:
    """The book that an event is about, if it is about one."""
    return getattr(event, "book", None)
