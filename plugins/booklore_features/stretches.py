"""A device's lines as stretches of reading. Nothing here reads or writes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from booklore_core import BookClose, BookOpen, Event, PageTurns, Reading, Resume

Place = tuple[str, float]
"""A place among a device's lines: a line's order, and how many of the pages that it tells of lie before."""

Span = tuple[Place, Place]

ALL = float("inf")
"""In a place: after all pages of its line."""

END: Place = ("\U0010ffff", 0)
"""After all lines."""


@dataclass(frozen=True)
class Stretch:
    """Reading in one go: from an opening, or from where another stretch of it was cut, to its end or the next cut.

    lines: those that tell of it, in order. skip: how many pages of the first one belong to the stretch before. keep:
    how many pages of the last one belong to this one, None for all. opened: the order of the opening.
    start, end: UTC, by the device's clock. seconds: of reading. turns: page turns. begin, finish: where the reader was.
    is_over: it was closed or cut, or the device tells of a later opening.
    room: seconds before and after it that no other stretch needs, infinite where there is none. is_rest: what came late
    of one that is told already.
    """

    lines: tuple[Any, ...]
    opened: str
    is_over: bool
    start: datetime
    end: datetime
    seconds: int
    turns: int
    begin: Reading
    finish: Reading
    skip: int = 0
    keep: int | None = None
    room: tuple[float, float] = (0, 0)
    is_rest: bool = False

    @property
    def first(self) -> Any:
        return self.lines[0]

    @property
    def last(self) -> Any:
        return self.lines[-1]

    @property
    def is_opened(self) -> bool:
        """Whether it begins with an opening, and not at a cut."""
        return is_opening(self.first)

    @property
    def key(self) -> str:
        """Its own among those of all devices, whatever lines are still to come."""
        return key_at(self.first, self.skip)

    @property
    def ends(self) -> list[Any]:
        """What a session's body tells of it: the ids of its first and last line; of a part also skip and keep."""
        cuts = [self.skip, self.keep] if self.skip or self.keep else []
        return [self.first.id, self.last.id, *cuts]

    @property
    def span(self) -> Span:
        return (self.first.order, self.skip), (self.last.order, ALL if self.keep is None else self.keep)

    @property
    def passed(self) -> int:
        """Seconds from start to end."""
        return int((self.end - self.start).total_seconds())


def key_at(line: Any, skip: int) -> str:
    return f"{line.device}:{line.id}" + (f"+{skip}" if skip else "")


def keys_in(line: Any) -> list[str]:
    """The keys of all stretches that may begin with a line, whatever the settings were when they were made."""
    pages = () if is_opening(line) else reading(line).dwell or ()
    return [key_at(line, skip) for skip in range(len(pages) + 1)]


def reading(line: Any) -> Reading:
    """Where the reader was; a `resume` need not say."""
    return line.reading or Reading()


def is_opening(line: Event) -> bool:
    return isinstance(line, BookOpen | Resume)


def same_book(one: Any, other: Any) -> bool:
    return bool(one.book.partial_md5 == other.book.partial_md5)


def split(lines: Iterable[Any], idle_cap: int) -> Iterator[Stretch]:
    """A device's lines as stretches. A second close changes nothing: falling asleep and closing is one stretch.

    idle_cap: the most seconds of reading that one page is worth. Where one was shown for longer, or the clock went on
    for that much longer than all pages were shown, a stretch ends and the next page turn begins another: a server shows
    end − start as what was read (contract §17).
    """
    opened: list[Any] = []
    for line in lines:
        if is_opening(line):
            if opened:
                yield from parts(opened, True, idle_cap)
            opened = [line]
        elif opened and isinstance(line, PageTurns | BookClose) and same_book(opened[0], line):
            opened.append(line)
            if isinstance(line, BookClose):
                yield from parts(opened, True, idle_cap)
                opened = []
    if opened:
        yield from parts(opened, False, idle_cap)


@dataclass(frozen=True)
class Edge:
    """An end of a stretch: that of an opening's lines, or a place at which nobody read for long.

    index: of the line that it lies in, or before, where pages is 0. pages: how many of the pages that this line tells
    of lie before it. stop, resume: when the reading before it ended, and when that after it began, UTC. seconds, turns:
    of reading and page turns since the opening. where: the nearest line's reading, for nothing else is known there.
    """

    index: int
    pages: int
    stop: datetime
    resume: datetime
    seconds: int
    turns: int
    where: Reading


def parts(lines: Sequence[Any], is_over: bool, idle_cap: int) -> Iterator[Stretch]:
    """The stretches of one opening."""
    for before, after in pairwise(edges(lines, idle_cap)):
        yield Stretch(
            lines=tuple(lines[before.index : after.index + bool(after.pages)]),
            opened=lines[0].order,
            is_over=is_over or after.index < len(lines),
            start=before.resume,
            end=after.stop,
            seconds=after.seconds - before.seconds,
            turns=after.turns - before.turns,
            begin=before.where,
            finish=after.where,
            skip=before.pages,
            keep=after.pages or None,
        )


def edges(lines: Sequence[Any], idle_cap: int) -> Iterator[Edge]:
    seconds, turns = 0, reading(lines[0]).turns
    yield Edge(0, 0, lines[0].at, lines[0].at, 0, 0, reading(lines[0]))
    for index, (before, line) in enumerate(pairwise(lines), start=1):
        more = turned(before, line, turns)
        for one in cuts(before, line, more, idle_cap):
            yield replace(one, index=index, seconds=seconds + one.seconds, turns=turns + one.turns)
        seconds, turns = seconds + time_read(before, line, more, idle_cap), turns + more
    yield Edge(len(lines), 0, lines[-1].at, lines[-1].at, seconds, turns, reading(lines[-1]))


def cuts(before: Any, line: Any, turns: int, idle_cap: int) -> Iterator[Edge]:
    """The edges between two lines; seconds and turns are counted from the first one.

    Time that no page accounts for passed before the first of them: while a computer sleeps, its monotonic clock stands
    still. Where a line does not tell how long pages were shown, they were turned before the idling.
    """
    was, now, gap = reading(before), reading(line), max(0, between(before, line))
    dwell = shown(line, turns)
    if dwell is None:
        if gap > idle_cap:
            yield Edge(0, 0, before.at + timedelta(seconds=idle_cap), line.at, idle_cap, turns, now)
        return
    left, read, clock = sum(dwell), 0, before.at
    if gap > left + idle_cap:
        clock = line.at - timedelta(seconds=left)
        yield Edge(0, 0, before.at, clock, 0, 0, was)
    if max(dwell, default=0) <= idle_cap:
        return
    for page, seconds in enumerate(dwell):
        worth = min(seconds, idle_cap)
        left, read, clock = left - seconds, read + worth, clock + timedelta(seconds=worth)
        if seconds > idle_cap:
            resume = max(clock - timedelta(seconds=worth), line.at - timedelta(seconds=min(left, gap)))
            yield Edge(
                0, page + 1, min(clock, resume), resume, read, min(page, turns), was if 2 * page <= turns else now
            )
            clock = resume


def between(before: Any, line: Any) -> int:
    """Seconds."""
    return int((line.at - before.at).total_seconds())


def turned(before: Any, line: Any, turns: int) -> int:
    """Page turns between two lines. turns: told before. Where a line does not tell them, one if its page is another."""
    was, now = reading(before).page, reading(line).page
    is_elsewhere = "turns" not in reading(line).model_fields_set and None not in (was, now) and was != now
    return max(0, reading(line).turns - turns) or int(is_elsewhere)


def shown(line: Any, turns: int) -> tuple[int, ...] | None:
    """How long each page was shown, of so many that were left; None where a line does not tell it of all of them."""
    dwell: tuple[int, ...] | None = reading(line).dwell
    return None if dwell is None or len(dwell) < turns else dwell


def time_read(before: Any, line: Any, turns: int, idle_cap: int) -> int:
    """Seconds read between two lines of a stretch: the dwell of every page, each at most idle_cap; without dwell, the
    gap between the lines."""
    dwell = shown(line, turns)
    if dwell is not None:
        return sum(min(seconds, idle_cap) for seconds in dwell)
    return min(max(0, between(before, line)), idle_cap)
