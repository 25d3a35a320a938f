"""Finished: the status that a reader gives a book in KOReader, complete or on hold.

One fact for each book. KOReader tells no event for a status; it rides in the lines of reading, where it counts when it
is another one than in the device's line before: a second device that goes on saying the same changes nothing. When each
status was given last says what holds, in whatever order the lines arrive: where one may tell of a change, or comes
late, all lines about the book are read again. That a book is being read again follows only where it was on hold: one
that is finished stays so for the servers (design §12). Whoever reads it again all the same and finishes it once more is
told of again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from booklore_core import (
    BookClose,
    BookOpen,
    BookRef,
    Event,
    Facts,
    Item,
    Journal,
    Kind,
    PageTurns,
    Resume,
    Setting,
    hookimpl,
)

KIND, CHANGES = "status", "status_changes"
"""The second is no target's: the lines of each device with which its status of a book changed."""

MENU = ("What to Sync",)
COMPLETE, ON_HOLD, READING = STATUSES = ("complete", "abandoned", "reading")
"""KOReader's words; the second it shows as *On hold*."""

Line = BookOpen | Resume | PageTurns | BookClose
Changes = Mapping[str, Sequence[list[Any]]]
"""Device → its lines about a book with another status than before: order, when written, unix seconds, and status."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    # After positions: a server takes a book of which it is told one as being read.
    yield Kind(KIND, "F", "reading status", "reading statuses", 45, label_rank=80)


@hookimpl
def register_settings() -> Iterable[Setting]:
    about = "Whether it is sent that a book is finished or on hold"
    yield Setting("enabled", bool, True, about, label="Finished and on hold", menu=MENU)


@hookimpl
def on_book_open(event: BookOpen, journal: Journal, facts: Facts) -> Iterator[Item]:
    return status(event, journal, facts)


@hookimpl
def on_resume(event: Resume, journal: Journal, facts: Facts) -> Iterator[Item]:
    return status(event, journal, facts)


@hookimpl
def on_page_turns(event: PageTurns, journal: Journal, facts: Facts) -> Iterator[Item]:
    return status(event, journal, facts)


@hookimpl
def on_book_close(event: BookClose, journal: Journal, facts: Facts) -> Iterator[Item]:
    return status(event, journal, facts)


def status(event: Line, journal: Journal, facts: Facts) -> Iterator[Item]:
    """What holds after a line, where it is another status than was told last."""
    book, now = event.book, status_of(event)
    if book is None or now is None:
        return
    known, told = (first(facts, kind, book.partial_md5) for kind in (CHANGES, KIND))
    if now == READING and not known and not told:
        return  # nothing was given that it would take back
    before: Changes = known.body if known else {}
    last = before[event.device][-1] if event.device in before else None
    if last and event.order >= last[0] and now == last[2]:
        return  # as most lines do
    changes = changes_of(journal.about(book.partial_md5))
    if changes == before:
        return
    at = max(event.at, known.occurred_at) if known else event.at
    yield Item(CHANGES, book.partial_md5, book.ref, changes, at)
    yield from verdict(book.ref, changes, before if known else changes, told)


def verdict(book: BookRef, changes: Changes, before: Changes, told: Item | None) -> Iterator[Item]:
    """The status that holds, unless it was told before. changes, before: by now, and when it was told."""
    given = latest(changes)
    holds = holding(given)
    if holds is None:
        return
    when, device = given[holds]
    body: dict[str, Any] = {"status": holds, "device": device}
    if told and told.body["status"] == holds:
        if given_again(changes, holds) <= given_again(before, holds):
            return
        body["again"] = when  # servers may take it for a book that is being read by now
    # What a target holds of these is ours, though an earlier database may have sent it.
    earlier = [one for one in (COMPLETE, ON_HOLD) if one in given and one != holds]
    body |= {"earlier": earlier} if earlier else {}
    moment = datetime.fromtimestamp(when, UTC)
    yield Item(KIND, book.partial_md5, book, body, max(moment, told.occurred_at) if told else moment)


def changes_of(lines: Iterable[Event]) -> dict[str, list[list[Any]]]:
    """Of each device the lines about a book whose status is another one than before. lines: each device's in order."""
    changes: dict[str, list[list[Any]]] = {}
    for line in lines:
        name, before = status_of(line), changes.get(line.device, [])
        if name and (not before or before[-1][2] != name):
            changes[line.device] = [*before, [line.order, line.at.timestamp(), name]]
    return changes


def latest(changes: Changes) -> dict[str, tuple[float, str]]:
    """When each status was given last, and on which device."""
    told = sorted((at, device, name) for device, lines in changes.items() for _, at, name in lines)
    return {name: (at, device) for at, device, name in told}


def given_again(changes: Changes, status: str) -> float:
    """When a status was given last on a device that had told another one before; its first may be an old one."""
    return latest({device: lines[1:] for device, lines in changes.items()}).get(status, (0.0, ""))[0]


def holding(given: Mapping[str, tuple[float, str]]) -> str | None:
    """The status that holds: the one given last; but reading counts only after on hold."""
    last = max((one for one in (COMPLETE, ON_HOLD) if one in given), key=lambda one: given[one][0], default=None)
    return READING if last == ON_HOLD and given.get(READING, (0.0, ""))[0] > given[ON_HOLD][0] else last


def status_of(event: object) -> str | None:
    reading = getattr(event, "reading", None)
    return reading.status if reading and reading.status in STATUSES else None


def first(facts: Facts, kind: str, md5: str) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [md5])), None)
