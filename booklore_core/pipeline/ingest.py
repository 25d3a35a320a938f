"""Lines → journal, many in one transaction; acknowledged when that is committed. No plugin runs here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from booklore_core.events import Delete, Device, Event, PageTurns, book_of
from booklore_core.pipeline.books import Books, BookStars
from booklore_core.pipeline.boots import Stamp
from booklore_core.pipeline.clock import NOBODY, Contact, settle
from booklore_core.pipeline.devices import Devices, recognise
from booklore_core.pipeline.event_log import EventLog, Told
from booklore_core.pipeline.quarantine import UNTIMED, Quarantine
from booklore_core.pipeline.snapshots import with_ratings
from booklore_core.pipeline.spool import BadLine, Line, parse_line
from booklore_core.storage.counts import iso_utc
from booklore_core.storage.database import Database

LINES = 500
"""So many lines go into one transaction."""

Numbered = dict[int, Line]
"""Lines by their number, from 1 on; one that waits in quarantine by its id there, negative."""

Refused = tuple[int, BadLine]
"""The number of a line and what is wrong with it."""

REMARK = """
INSERT INTO remarks (key, plugin, book_md5, remark, made_at) VALUES (:key, 'core', :book_md5, :remark, :now)
ON CONFLICT (key) DO UPDATE SET remark = excluded.remark, made_at = excluded.made_at
"""


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
    that is tracked. acknowledged: the ids that are durable now. news: how many facts have followed so far.

    devices: whose lines they are, by the device that they name, where two devices go by one id.
    """

    events: list[Event] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    accepted: int = 0
    repeated: int = 0
    news: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)


class Ingest:
    """Takes lines in. A line is durable when the call returns; the same line twice changes nothing.

    Whatever goes wrong but a line that is bad undoes its whole transaction and is raised: none of it is acknowledged.
    """

    def __init__(
        self, database: Database, event_log: EventLog, books: Books, devices: Devices, quarantine: Quarantine
    ) -> None:
        self._database, self._event_log, self._books = database, event_log, books
        self._devices, self._quarantine = devices, quarantine

    def take(
        self, lines: Iterable[Any], source: str, now: datetime, contact: Contact | None = None,
        devices: Mapping[str, str] | None = None, placed: Mapping[int, str] | None = None,
    ) -> Taken:  # fmt: skip
        """Takes lines, decoded or as text. source: where those in quarantine came from. contact: who hands them over.
        devices: of the part of the same file that came before. placed: number of a line → its `at`, as a
        person says it."""
        taken, numbered = Taken(devices=dict(devices or {})), enumerate(lines, start=1)
        while part := list(islice(numbered, LINES)):
            good, bad = parse_all(part, placed or {})
            with self._database.writing():
                for told in without_clash(good):
                    bad += self._append(told, taken, now, contact or NOBODY)
                for number, error in bad if not placed else ():  # what was wrong with those before is wrong yet
                    self._quarantine.put(part[number - part[0][0]][1], source, error, now)
            rejected = [Rejected(number, error.field, error.reason, error.event_id) for number, error in bad]
            taken.rejected += sorted(rejected, key=lambda one: one.line)
        return taken

    def _append(self, told: Numbered, taken: Taken, now: datetime, contact: Contact) -> list[Refused]:
        """Appends what is new and adds all of it to taken. Returns what cannot be taken."""
        new = self._recognised(told, taken, now, contact)
        taken.repeated += len(told) - len(new)
        devices = list({*taken.devices.values()})
        waiting = {-id_: line for id_, line in self._quarantine.untimed(devices).items()}
        strange = list(self._of_other_books(new))
        timed, untimed = self._timed(new | told_by_now(waiting, new, now, contact), now, contact)
        durable = {line.name for line in timed.values()}
        self._quarantine.remove([-number for number, line in waiting.items() if line.name in durable])
        untimed += strange
        late = {number for number, _ in untimed}
        taken.acknowledged += [line.event.id for number, line in told.items() if number not in late]
        taken.accepted += sum(number > 0 for number in timed)
        taken.events += self._keep(timed, now)
        return [(number, error) for number, error in untimed if number > 0]

    def _recognised(self, told: Numbered, taken: Taken, now: datetime, contact: Contact) -> Numbered:
        """The lines that are new, each as one of the device that told it."""
        units, new = defaultdict[str, Numbered](dict), Numbered()
        for number, line in told.items():
            device = line.event.device
            units[contact.device if device in contact.former_ids else device][number] = line
        for own, unit in units.items():
            former_ids = contact.former_ids if own == contact.device else ()
            so_far = taken.devices.get(own, own)
            device, known = recognise(self._devices, self._event_log, own, former_ids, unit.values(), so_far, now)
            taken.devices[own] = device
            for number, line in unit.items():
                if line.event.id not in known:
                    known.add(line.event.id)
                    new[number] = line.of_device(device)
        return new

    def _of_other_books(self, new: Numbered) -> Iterator[Refused]:
        """Takes the lines out whose digest is another book's: what was read of the one must not go to the other."""
        told = {at: (book, isinstance(one.event, Delete)) for at, one in new.items() if (book := book_of(one.event))}
        for number, reason in self._books.strangers(told):
            event = new.pop(number).event
            yield number, BadLine("book.partial_md5", reason, event.id, event.device)

    def _timed(self, new: Numbered, now: datetime, contact: Contact) -> tuple[Numbered, list[Refused]]:
        """The lines with the time at which they were written, and those of which nobody knows it."""
        timed, untimed = Numbered(), list[Refused]()
        stamps = defaultdict[str, dict[int, Stamp]](dict)
        for number, line in new.items():
            stamps[line.event.device][number] = stamp_of(line)
        for device, told in stamps.items():
            orders = [stamp.order for stamp in told.values()]
            known = self._event_log.near(device, min(orders), max(orders))
            settled = settle(list(told.values()), known, now.timestamp(), contact)
            for (number, stamp), one in zip(told.items(), settled, strict=True):
                if one.reason:
                    untimed.append((number, BadLine(UNTIMED, one.reason, new[number].event.id, device)))
                else:
                    timed[number] = new[number] if one.at == stamp.at else set_right(new[number], one.at)
        return dict(sorted(timed.items())), untimed

    def _keep(self, lines: Numbered, now: datetime) -> list[Event]:
        """Notes devices, books and remarks, and appends lines. Returns the events that are told on."""
        events = [line.event for line in lines.values()]
        told_books = [(one.device, book, isinstance(one, Delete), one.at) for one in events if (book := book_of(one))]
        self._devices.see(dict.fromkeys(map(device_of, events)), now)
        self._books.see(told_books, now)
        stars = self._books.stars({book.partial_md5 for _, book, *_ in told_books})
        told = [Told(line.event, line.kept, is_tracked(line.event, stars), line.digest) for line in lines.values()]
        kept = [one for one in told if one.tracked or not isinstance(one.event, PageTurns)]
        self._event_log.append(list(with_ratings(kept, stars, now)), now)
        self._books.keep_stars(stars)
        remarks = {key: row for line in lines.values() for key, row in remarks_on(line, now)}
        self._database.run_many(REMARK, list(remarks.values()))
        return [one.event for number, one in zip(lines, told, strict=True) if one.tracked and number > 0]


def parse_all(part: list[tuple[int, Any]], placed: Mapping[int, str]) -> tuple[Numbered, list[Refused]]:
    """The lines that can be taken, and what is wrong with the others."""
    good, bad = Numbered(), list[Refused]()
    for number, line in part:
        try:
            good[number] = parse_line(line, **({"at": placed[number]} if number in placed else {}))
        except BadLine as error:
            bad.append((number, error))
    return good, bad


def without_clash(lines: Numbered) -> Iterator[Numbered]:
    """The lines in parts in none of which an id stands for two lines: where one does, another device's begin."""
    part, digests = Numbered(), dict[tuple[str, str], str]()
    for number, line in lines.items():
        if digests.setdefault(line.name, line.digest) != line.digest:
            yield part
            part, digests = Numbered(), {line.name: line.digest}
        part[number] = line
    if part:
        yield part


def told_by_now(waiting: Numbered, new: Numbered, now: datetime, contact: Contact) -> Numbered:
    """Of the lines that wait those of which new ones may tell when they were written, or that were still to come."""
    boots = {line.event.boot for line in new.values()} | {contact.boot}
    again = {line.name for line in new.values()}
    return {
        number: line
        for number, line in waiting.items()
        if line.name not in again
        and (line.event.boot in boots - {None} or line.waits_since < line.event.at.timestamp() <= now.timestamp())
    }


def stamp_of(line: Line) -> Stamp:
    """One that waited counts less than any new one, and by its boot clock only where it tells which boot that was: much
    may have happened since."""
    stamp = replace(Stamp.of(line.event), is_placed=line.is_placed)
    return replace(stamp, up=stamp.up if stamp.boot else None, weight=0.001) if line.waits_since else stamp


def set_right(line: Line, at: float) -> Line:
    """The line with the time at which it was written in place of the one that the device's clock told."""
    ahead = line.event.at.timestamp() - at
    return replace(line.changed(at=iso_utc(at), told_at=line.kept["at"]), ahead=ahead)


def wrong_by(ahead: float) -> str:
    return f"{timedelta(seconds=round(abs(ahead)))} {'ahead' if ahead > 0 else 'behind'}"


def remarks_on(line: Line, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a person should know of a line that was taken: by what it is about, so that much of a kind is told once."""
    book = book_of(line.event)
    subject, title = (book.partial_md5, book.title or "a book") if book else (line.event.device, line.event.device)
    told = {name: f"{name} of {title} was left out of line {line.event.id}: {why}" for name, why in line.faults.items()}
    if line.ahead:
        was = f"the clock of {line.event.device} was {wrong_by(line.ahead)}"
        told["at"] = f"{was} at line {line.event.id} about {title}: it was set right"
    for name, text in told.items():
        key = f"core:{name}:{subject}"
        yield key, {"key": key, "book_md5": book.partial_md5 if book else None, "remark": text, "now": now.timestamp()}


def device_of(event: Event) -> tuple[str, str | None, str | None, str | None]:
    """id, name, model and KOReader's version, as far as the line tells them."""
    about = (event.display, event.model, event.koreader) if isinstance(event, Device) else (None, None, None)
    return (event.device, *about)


def is_tracked(event: Event, stars: dict[str, BookStars]) -> bool:
    book = book_of(event)
    return book is None or stars[book.partial_md5].tracked
