"""Reading sessions: from opening or waking up to closing or going to sleep.

A stretch begins with an opening (`book_open`, or `resume` with a book) and ends with the first `book_close`; one whose
device died ends with its last line, once the device tells of another opening. Stretches that are too short by
themselves are joined with the next one of the same book when the pause between them is short.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from booklore_core import (
    BookClose,
    BookOpen,
    Event,
    Item,
    Journal,
    PageTurns,
    Reading,
    Remark,
    Resume,
    Section,
    Setting,
    hookimpl,
)

TOMORROW = timedelta(days=1)

DURATION, PAGES = "duration", "pages"

LONGEST = 24 * 3600
"""Seconds. A stretch of more by the clock means that the clock jumped."""

LONGEST_PAUSE = 300
"""Seconds between two stretches that may still count as one when the first was too short by itself."""

EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""A clock before this was reset, for instance to 1970 by an empty battery."""


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether reading sessions are recorded", label="Reading sessions")
    yield Setting(
        "mode", str, DURATION, "What makes a session count", choices=(DURATION, PAGES), label="Detection mode"
    )
    yield Setting("min_duration", int, 30, "Shortest session", low=0, high=LONGEST, unit="seconds")
    yield Setting("min_pages", int, 5, "Fewest page turns of a session", low=1, high=10_000, unit="pages")
    yield Setting("idle_cap", int, 600, "Most reading time that one page counts", low=1, high=LONGEST, unit="seconds")
    yield Setting("decimals", int, 2, "Decimal places of the progress that is sent", low=0, high=5)


@dataclass(frozen=True)
class Stretch:
    """One opening and what followed it, in order. is_over: it was closed, or the device tells of a later opening."""

    lines: tuple[Any, ...]
    is_over: bool

    @property
    def first(self) -> Any:
        return self.lines[0]

    @property
    def last(self) -> Any:
        return self.lines[-1]

    @property
    def turns(self) -> int:
        return max(reading(line).turns for line in self.lines)

    def seconds(self, idle_cap: int) -> int:
        """Reading time: the dwell of every page, each at most idle_cap; without dwell, the gaps between lines."""
        return sum(time_read(before, line, idle_cap) for before, line in pairwise(self.lines))

    @property
    def clock_fault(self) -> str:
        """How the device's clock shows that it jumped; empty when it did not."""
        span = (self.last.at - self.first.at).total_seconds()
        told = sum(sum(reading(line).dwell or ()) for line in self.lines)
        if span < 0:
            return f"it ends {-span:.0f} s before it begins"
        if self.first.at < EARLIEST:
            return f"it begins in {self.first.at.year}"
        return f"it lasts {span / 3600:.0f} hours" if span > LONGEST and told < span / 2 else ""


def reading(line: Any) -> Reading:
    """Where the reader was; a `resume` need not say."""
    return line.reading or Reading()


def time_read(before: Any, line: Any, idle_cap: int) -> int:
    """Seconds read between two lines of a stretch."""
    dwell = reading(line).dwell
    if dwell is not None:
        return sum(min(seconds, idle_cap) for seconds in dwell)
    return min(max(0, int((line.at - before.at).total_seconds())), idle_cap)


@hookimpl
def on_book_open(event: BookOpen, journal: Journal, settings: Section) -> Iterator[Item | Remark]:
    return sessions(event, journal, settings)


@hookimpl
def on_resume(event: Resume, journal: Journal, settings: Section) -> Iterator[Item | Remark] | None:
    return sessions(event, journal, settings) if event.book else None


@hookimpl
def on_page_turns(event: PageTurns, journal: Journal, settings: Section) -> Iterator[Item | Remark] | None:
    return None if journal.is_last(event) else sessions(event, journal, settings)


@hookimpl
def on_book_close(event: BookClose, journal: Journal, settings: Section) -> Iterator[Item | Remark]:
    return sessions(event, journal, settings)


def sessions(event: Event, journal: Journal, settings: Section) -> Iterator[Item | Remark]:
    """The sessions that the device's lines around event make: the same ones in whatever order the lines arrived.

    A stretch that went into one session never goes into another: servers cannot take a session back.
    """
    for joined in join(split(journal.around(event)), settings):
        item = session(joined, settings)
        elsewhere = (fact for fact in journal.facts("session", item.book) if fact.key != item.key)
        used = {first for fact in elsewhere for first in fact.body.get("stretches", ())}
        fault = clock_fault(joined, journal)
        if fault:
            yield Remark(item.key, item.book, f"a session of {item.book.title or 'a book'} is not sent: {fault}")
        elif used.isdisjoint(item.body["stretches"]):
            yield item


def clock_fault(joined: Sequence[Stretch], journal: Journal) -> str:
    last = joined[-1].last
    if last.at > journal.received(last) + TOMORROW:
        return f"it ends in the future, at {last.at:%Y-%m-%d %H:%M}"
    return next((stretch.clock_fault for stretch in joined if stretch.clock_fault), "")


def split(lines: Iterable[Any]) -> Iterator[Stretch]:
    """A device's lines as stretches. A second close changes nothing: falling asleep and closing is one stretch."""
    stretch: list[Any] = []
    for line in lines:
        if isinstance(line, BookOpen | Resume):
            if stretch:
                yield Stretch(tuple(stretch), is_over=True)
            stretch = [line]
        elif stretch and isinstance(line, PageTurns | BookClose) and same_book(stretch[0], line):
            stretch.append(line)
            if isinstance(line, BookClose):
                yield Stretch(tuple(stretch), is_over=True)
                stretch = []
    if stretch:
        yield Stretch(tuple(stretch), is_over=False)


def join(stretches: Iterable[Stretch], settings: Section) -> Iterator[list[Stretch]]:
    """Stretches that count, alone or with the short ones just before them."""
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and not follows(joined[-1], stretch):
            joined = []
        joined.append(stretch)
        if stretch.is_over and counts(joined, settings):
            yield joined
            joined = []


def follows(before: Stretch, stretch: Stretch) -> bool:
    pause = (stretch.first.at - before.last.at).total_seconds()
    return same_book(before.first, stretch.first) and 0 <= pause <= LONGEST_PAUSE


def same_book(one: Any, other: Any) -> bool:
    return bool(one.book.partial_md5 == other.book.partial_md5)


def counts(joined: Sequence[Stretch], settings: Section) -> bool:
    """Whether stretches make a session (seed offline-support, lua-plugin-behaviour §1.5)."""
    turns = sum(stretch.turns for stretch in joined)
    if settings["mode"] == PAGES:
        return bool(turns >= settings["min_pages"])
    return turns > 0 and seconds_read(joined, settings) >= settings["min_duration"]


def seconds_read(joined: Sequence[Stretch], settings: Section) -> int:
    return sum(stretch.seconds(settings["idle_cap"]) for stretch in joined)


def session(joined: Sequence[Stretch], settings: Section) -> Item:
    """Times are UTC, percents fractions 0–1, duration seconds of reading."""
    first, last = joined[0].first, joined[-1].last
    begin, end, book = reading(first), reading(last), last.book.ref
    body = {
        "start": f"{first.at:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{last.at:%Y-%m-%dT%H:%M:%SZ}",
        "duration": seconds_read(joined, settings),
        "start_percent": begin.percent,
        "end_percent": end.percent,
        "start_position": begin.position,
        "end_position": end.position,
        "start_page": begin.page,
        "end_page": end.page,
        "turns": sum(stretch.turns for stretch in joined),
        "device": first.device,
        "format": PurePosixPath(book.file or "").suffix.lstrip(".").lower() or None,
        "stretches": [stretch.first.id for stretch in joined],
    }
    return Item("session", f"{first.device}:{first.id}", book, body, last.at)
