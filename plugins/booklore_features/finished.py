"""Finished: the status that a reader gives a book in KOReader, complete or on hold.

One fact for each book. KOReader tells no event for a status; it rides in the lines of reading, where it counts when it
is another one than in the device's line before: a second device that goes on saying the same changes nothing. When each
status was given last says what holds, in whatever order the lines arrive. That a book is being read again follows only
where it was on hold: one that is finished stays so for the servers (design §12). Whoever reads it again all the same
and finishes it once more is told of again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from booklore_core import (
    BookClose,
    BookOpen,
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

KIND, GIVEN = "status", "status_given"
"""The second is no target's: when each status was given last, unix seconds."""

MENU = ("What to Sync",)
COMPLETE, ON_HOLD, READING = STATUSES = ("complete", "abandoned", "reading")
"""KOReader's words; the second it shows as *On hold*."""

Line = BookOpen | Resume | PageTurns | BookClose


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
    known = first(facts, GIVEN, book.partial_md5)
    before: Mapping[str, float] = known.body if known else {}
    if event.at.timestamp() <= before.get(now, 0.0) or (now == READING and holding(before) != ON_HOLD):
        return  # as most lines do
    run = run_of(event, journal)
    given = latest(before, run, is_first=run[0] is event)
    if given == before:
        return
    at = max(event.at, known.occurred_at) if known else event.at
    yield Item(GIVEN, book.partial_md5, book.ref, given, at)
    told, holds = first(facts, KIND, book.partial_md5), holding(given)
    if holds is None or (told is None and holds == READING):
        return
    body: dict[str, Any] = {"status": holds, "device": event.device}
    if told and told.body["status"] == holds:
        if run[0] is event or given.get(holds) == before.get(holds):
            return  # on another device, which may have been given it long ago
        body["again"] = given[holds]  # servers may take it for a book that is being read by now
    when = max(event.at, told.occurred_at) if told else event.at
    yield Item(KIND, book.partial_md5, book.ref, body, when)


def run_of(event: Line, journal: Journal) -> list[Event]:
    """The device's lines about a book from the last before event on: more than two where event comes late."""
    lines = [one for one in journal.around(event) if is_same_book(one, event) and status_of(one)]
    earlier = [one for one in lines if one.order < event.order][-1:]
    return [*earlier, event, *(one for one in lines if one.order > event.order)]


def latest(before: Mapping[str, float], run: Sequence[Event], is_first: bool) -> dict[str, float]:
    """When each status was given last, as far as a run of lines tells. is_first: whether none was before it."""
    changed = [one for last, one in pairwise(run) if status_of(last) != status_of(one)]
    given = dict(before)
    for one in [*run[: int(is_first)], *changed]:
        name = str(status_of(one))
        given[name] = max(one.at.timestamp(), given.get(name, 0.0))
    return given


def holding(given: Mapping[str, float]) -> str | None:
    """The status that holds: the one given last; but reading counts only after on hold."""
    last = max((one for one in (COMPLETE, ON_HOLD) if one in given), key=lambda one: given[one], default=None)
    return READING if last == ON_HOLD and given.get(READING, 0.0) > given[ON_HOLD] else last


def is_same_book(one: object, event: Line) -> bool:
    book = getattr(one, "book", None)
    return book is not None and event.book is not None and book.partial_md5 == event.book.partial_md5


def status_of(event: object) -> str | None:
    reading = getattr(event, "reading", None)
    return reading.status if reading and reading.status in STATUSES else None


def first(facts: Facts, kind: str, md5: str) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [md5])), None)
