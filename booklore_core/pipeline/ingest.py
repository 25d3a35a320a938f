"""Lines → journal, many in one transaction; acknowledged when that is committed. No plugin runs here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from booklore_core.events import RATING_SUFFIX, UNKNOWN, Device, Event, PageTurns, Rating
from booklore_core.pipeline.books import Books, BookStars
from booklore_core.pipeline.devices import Devices
from booklore_core.pipeline.journal import Journal, Told
from booklore_core.pipeline.quarantine import Quarantine
from booklore_core.pipeline.spool import BadLine, parse_event, parse_line
from booklore_core.storage.database import Database

LINES = 500
"""So many lines go into one transaction."""

Parsed = tuple[int, Event, dict[str, Any]]
"""A line that can be taken: its number, its event, and the line decoded."""

Refused = tuple[int, BadLine]
"""The number of a line and what is wrong with it."""


@dataclass(frozen=True)
class Rejected:
    """A line that went into quarantine. line: its number from 1 on. field, reason: what is wrong. id: if it could be
    read."""

    line: int
    field: str
    reason: str
    id: str | None = None

    @property
    def error(self) -> str:
        return f"{self.field}: {self.reason}"


@dataclass
class Taken:
    """What became of some lines. accepted: how many are new; events: those of them that are about no book, or about one
    that is tracked. acknowledged: the ids that are durable now. news: how many facts have followed so far."""

    events: list[Event] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    accepted: int = 0
    repeated: int = 0
    news: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Ingest:
    """Takes lines in. A line is durable when the call returns; the same line twice changes nothing.

    Whatever goes wrong but a line that is bad undoes its whole transaction and is raised: none of it is acknowledged.
    """

    def __init__(
        self, database: Database, journal: Journal, books: Books, devices: Devices, quarantine: Quarantine
    ) -> None:
        self._database, self._journal, self._books = database, journal, books
        self._devices, self._quarantine = devices, quarantine

    def take(self, lines: Iterable[Any], source: str, now: datetime) -> Taken:
        """Takes lines, decoded or as text. source: where those in quarantine came from."""
        taken, numbered = Taken(), enumerate(lines, start=1)
        while part := list(islice(numbered, LINES)):
            good, bad = parse_all(part)
            with self._database.writing():
                self._database.lock()
                bad += self._append(good, taken, now)
                for number, error in bad:
                    self._quarantine.put(part[number - part[0][0]][1], source, error, now)
            rejected = [Rejected(number, error.field, error.reason, error.event_id) for number, error in bad]
            taken.rejected += sorted(rejected, key=lambda one: one.line)
        return taken

    def _append(self, good: list[Parsed], taken: Taken, now: datetime) -> list[Refused]:
        """Notes devices and books, appends what is new and adds all of it to taken. Returns what cannot be taken."""
        events = [event for _, event, _ in good]
        told_books = [(event.device, event.book) for event in events if getattr(event, "book", None)]  # type: ignore[attr-defined]
        self._devices.see(dict.fromkeys(map(device_of, events)), now)
        self._books.see(told_books, now)
        stars = self._books.stars({book.partial_md5 for _, book in told_books})
        told = {number: Told(event, line, is_tracked(event, stars)) for number, event, line in good}
        new, reused = sift(told, self._journal.known(told.values()))
        refused = {number for number, _ in reused}
        taken.events += [one.event for one in new if one.tracked]
        taken.acknowledged += [one.event.id for number, one in told.items() if number not in refused]
        taken.accepted += len(new)
        taken.repeated += len(told) - len(new) - len(reused)
        kept = [one for one in new if one.tracked or not isinstance(one.event, PageTurns)]
        self._journal.append(list(with_ratings(kept, stars, now)), now)
        self._books.keep_stars(stars)
        return reused


def parse_all(part: list[tuple[int, Any]]) -> tuple[list[Parsed], list[Refused]]:
    """The lines that can be taken, and what is wrong with the others."""
    good, bad = [], []
    for number, line in part:
        try:
            good.append((number, *parse_line(line)))
        except BadLine as error:
            bad.append((number, error))
    return good, bad


def sift(told: dict[int, Told], known: dict[tuple[str, str], bool]) -> tuple[list[Told], list[Refused]]:
    """What is new, and whose id was used by another line: two devices share an id, or one was set up anew."""
    new, reused = dict[tuple[str, str], Told](), list[Refused]()
    for number, one in told.items():
        name = (one.event.device, one.event.id)
        is_same = one.digest == new[name].digest if name in new else known.get(name)
        if is_same is None:
            new[name] = one
        elif not is_same:
            reason = f"{one.event.id!r} was used by another line of {one.event.device!r}"
            reused.append((number, BadLine("id", reason, one.event.id)))
    return list(new.values()), reused


def device_of(event: Event) -> tuple[str, str | None, str | None, str | None]:
    """id, name, model and KOReader's version, as far as the line tells them."""
    about = (event.display, event.model, event.koreader) if isinstance(event, Device) else (None, None, None)
    return (event.device, *about)


def is_tracked(event: Event, stars: dict[str, BookStars]) -> bool:
    book = getattr(event, "book", None)
    return book is None or stars[book.partial_md5].tracked


def with_ratings(told: Iterable[Told], stars: dict[str, BookStars], now: datetime) -> Iterator[Told]:
    """The lines, each followed by the change of stars that its snapshot shows. stars: known before, and then after.

    KOReader fires no event for a rating (koreader-facts C). A device's clock may be ahead: nothing counts as later than
    now, or it would outdo all ratings to come.
    """
    for one in told:
        yield one
        event, book, reading = one.event, getattr(one.event, "book", None), getattr(one.event, "reading", None)
        if not one.tracked or book is None or reading is None or reading.stars == UNKNOWN:
            continue
        before = stars[book.partial_md5]
        after = stars[book.partial_md5] = before.after(reading.stars, min(event.at, now).timestamp())
        if after.stars != before.stars:
            yield rating(one, after.stars, before.stars)


def rating(told: Told, stars: int | None, before: int | None) -> Told:
    """The change of stars as an event of the journal."""
    line = {name: told.line[name] for name in ("v", "device", "at", "book")}
    line |= {"id": f"{told.event.id}{RATING_SUFFIX}", "event": Rating.name, "stars": stars, "before": before}
    return Told(parse_event(line), line, tracked=True)
