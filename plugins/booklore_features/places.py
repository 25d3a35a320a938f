"""Where a reader is in a book, beside where others are: which of the two is worth telling, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import floor
from typing import Any
from urllib.parse import urlsplit

from booklore_core import (
    NEARLY_READ,
    Book,
    Device,
    Event,
    Item,
    Journal,
    Position,
    Reading,
    RemotePosition,
    is_same_place,
)

ROUNDED = 1e-4
"""Percents are sent with four decimals."""

USUAL_PORTS = (80, 443)
"""Those that a URL need not name."""


@dataclass(frozen=True)
class Here:
    """Where the reader of a device is, as a line tells it. percent: floored as KOReader's own sync does, optmath."""

    event: Event
    book: Book
    reading: Reading
    percent: float

    @classmethod
    def of(cls, event: Event) -> "Here | None":
        """None where the line tells of no book, or of no place in it."""
        book, reading = getattr(event, "book", None), getattr(event, "reading", None)
        if book is None or reading is None or reading.percent is None:
            return None
        return cls(event, book, reading, floor(reading.percent * 10_000) / 10_000)

    @property
    def device(self) -> str:
        return self.event.device

    @property
    def is_looking_up(self) -> bool:
        """Whether the book is read and not at its end: whoever looks something up in it does not read it again."""
        return self.reading.status == "complete" and self.percent < NEARLY_READ

    @property
    def key(self) -> str:
        """Of the fact where this device's reader is."""
        return f"{self.book.partial_md5}:{self.device}"

    @property
    def position(self) -> str | None:
        return self.reading.position

    def is_done(self, read: Item | None) -> bool:
        """Whether the reader says that the book is done with. read: the fact that a rating says so; it holds until he
        reads again what is before the place where he gave it."""
        forced_from = Position.of(read).forced_from if read else None
        is_by_rating = forced_from is not None and self.percent >= forced_from
        return is_by_rating or self.reading.status in ("complete", "abandoned")

    def told(self, journal: Journal, *more: Any) -> Position:
        """As a fact tells it. more: what else it says."""
        return Position(self.percent, self.position, device_name(self.device, journal), self.device, *more)

    def in_time(self, told: Position, held: Item | None) -> tuple[Mapping[str, Any], datetime]:
        """Body and time of the fact. A late line of the reading before an opening says when the book was read last, and
        to where, which a dead battery has put back; the opening stays the later."""
        at = self.event.at
        if held is None or told.is_opening or not self.is_late(held):
            return told.as_body(), at
        last = Position.of(held)
        is_put_on = told.percent < last.percent  # nobody knows who has read from there to where it was opened
        furthest = replace(last, is_opening=True) if is_put_on else replace(told, is_opening=False)
        return replace(furthest, read_at=at.timestamp()).as_body(), held.occurred_at

    def is_late(self, held: Item) -> bool:
        """Whether a line is of before the last opening, and of after all reading that is known of."""
        return (last_read(held) or 0.0) < self.event.at.timestamp() < held.occurred_at.timestamp()

    def is_at(self, percent: float, position: str | None) -> bool:
        """Whether a place is on the page that is shown. Another font puts the same place on a page that begins
        elsewhere: who has been led to it is there."""
        page = 1 / self.reading.pages if self.reading.pages else 0.0
        is_on_page = abs(self.percent - percent) < page - ROUNDED
        return is_on_page or is_same_place(self.percent, self.position, percent, position)

    def is_unmoved(self, held: Position) -> bool:
        """Whether the reader has not read since. A book that is opened with another font shows a page that begins
        elsewhere."""
        if not self.reading.turns and self.is_at(held.percent, held.position):
            return True
        return is_same_place(self.percent, self.position, held.percent, held.position)

    def has_come_back(self, held: Item, journal: Journal) -> bool:
        """Whether the reader has read since the book was opened, to where he was before that, or is told late to have
        done so: what others have told meanwhile is the older."""
        if self.reading.turns and self.is_late(held):
            return True
        opened = journal.opening(self.event) if self.reading.turns else None
        return opened is not None and (last_read(held) or 0.0) < opened.at.timestamp() <= self.event.at.timestamp()

    def is_worth(self, remote: RemotePosition, own: Position | None) -> bool:
        """Whether a position is somebody else's, in another place, and was not declined before. The end of a book that
        was read here before is no place to go to."""
        percent = remote.percent or 0.0
        is_none = not percent or remote.forced_from is not None or remote.device_id == self.device
        is_end = self.is_looking_up and percent >= NEARLY_READ
        return not (is_none or is_end or self.is_at(percent, remote.position) or (own and own.knows(remote)))

    def noted(self, remote: RemotePosition, own: Position | None) -> list[Any]:
        """percent and position that a reader knows who has been asked about a remote's: of those that he was asked
        about the furthest, which stands for all that were there by now."""
        is_there = remote.at is None or remote.at <= self.event.at
        if own and own.seen and is_there and own.seen[0] > (remote.percent or 0.0):
            return list(own.seen)
        return [remote.percent, remote.position]

    def is_behind(self, remote: RemotePosition, read_at: float | None) -> bool:
        """Whether a remote position is newer. read_at: when somebody last read here, unix seconds, None where nobody
        knows."""
        is_later = remote.at is not None and (read_at is None or remote.at.timestamp() > read_at)
        return is_later or (remote.percent or 0.0) > self.percent

    def time_of(self, remote: RemotePosition) -> tuple[float, float]:
        """Sorts positions, the newest last. Whose clock is ahead is not the newer for it."""
        told = min(remote.at, self.event.at).timestamp() if remote.at else 0.0
        return told, remote.percent or 0.0

    def beside(self, remote: RemotePosition) -> str:
        """Both positions in words."""
        when = f" {time_since(remote.at, self.event.at)}" if remote.at else ""
        there = (
            f"{remote.device or 'Another device'} read {self.book.title or 'this book'} to {percents(remote.percent)}"
        )
        return f"{there}{when}. Here it is at {percents(self.percent)}."


def last_read(held: Item | None) -> float | None:
    """When this device's reader last read, in unix seconds; None where nobody knows. held: the fact of where he is."""
    came = came_at(held) if held else None
    return came.timestamp() if came else Position.of(held).read_at if held else None


def came_at(held: Item) -> datetime | None:
    """When a reader came to where he is; None where he has only opened the book there. It may have been opened there
    once more since."""
    own = Position.of(held)
    if own.is_opening:
        return None
    return datetime.fromtimestamp(own.read_at, UTC) if own.read_at else held.occurred_at


def spot(told: Any) -> tuple[float, str | None]:
    """percent and position. Raises TypeError, ValueError."""
    percent, position = told
    if not 0 <= percent <= 1 or not isinstance(position, str | None):
        raise ValueError("expected a fraction and a text")
    return float(percent), position


def device_name(device: str, journal: Journal) -> str:
    """What people call a device."""
    told = journal.latest(device, Device)
    return (told and (told.display or told.model)) or device


def percents(fraction: float | None) -> str:
    return f"{fraction or 0.0:.1%}"


def time_since(then: datetime, now: datetime) -> str:
    """`3 hours ago`; `just now` where a clock says that it is still to come."""
    seconds = (now - then).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def is_below(url: str, address: str) -> bool:
    """Whether one URL is that of a server, or lies below it, with or without TLS."""
    try:
        one, other = urlsplit(url), urlsplit(address)
        ports = [None if where.port in USUAL_PORTS else where.port for where in (one, other)]
        is_same_host = one.hostname is not None and one.hostname == other.hostname and ports[0] == ports[1]
    except ValueError:
        return False
    return is_same_host and f"{one.path.rstrip('/')}/".startswith(f"{other.path.rstrip('/')}/")
