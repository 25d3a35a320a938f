"""A device's lines as stretches of reading, and which stretches make one session. Nothing here reads or writes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from booklore_core import BookClose, BookOpen, Event, PageTurns, Reading, Resume, Section

DURATION, PAGES = "duration", "pages"

LONGEST = 24 * 3600
"""Seconds. A stretch of more by the clock means that the clock jumped."""

LONGEST_PAUSE = 300
"""Seconds between two stretches that may still count as one when the first was too short by itself."""

EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""A clock before this was reset, for instance to 1970 by an empty battery."""


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
    def ends(self) -> tuple[str, str]:
        """The ids of its first and last line."""
        return self.first.id, self.last.id

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


@dataclass(frozen=True)
class Rules:
    """What makes a session count. min_duration, idle_cap: seconds."""

    mode: str
    min_duration: int
    min_pages: int
    idle_cap: int

    @classmethod
    def of(cls, settings: Section) -> "Rules":
        return cls(settings["mode"], settings["min_duration"], settings["min_pages"], settings["idle_cap"])

    def seconds(self, joined: Sequence[Stretch]) -> int:
        return sum(stretch.seconds(self.idle_cap) for stretch in joined)

    def count(self, joined: Sequence[Stretch]) -> bool:
        """Whether stretches make a session (seed offline-support, lua-plugin-behaviour §1.5)."""
        turns = sum(stretch.turns for stretch in joined)
        if self.mode == PAGES:
            return turns >= self.min_pages
        return turns > 0 and self.seconds(joined) >= self.min_duration


def reading(line: Any) -> Reading:
    """Where the reader was; a `resume` need not say."""
    return line.reading or Reading()


def time_read(before: Any, line: Any, idle_cap: int) -> int:
    """Seconds read between two lines of a stretch."""
    dwell = reading(line).dwell
    if dwell is not None:
        return sum(min(seconds, idle_cap) for seconds in dwell)
    return min(max(0, int((line.at - before.at).total_seconds())), idle_cap)


def is_opening(line: Event) -> bool:
    return isinstance(line, BookOpen | Resume)


def same_book(one: Any, other: Any) -> bool:
    return bool(one.book.partial_md5 == other.book.partial_md5)


def split(lines: Iterable[Any]) -> Iterator[Stretch]:
    """A device's lines as stretches. A second close changes nothing: falling asleep and closing is one stretch."""
    stretch: list[Any] = []
    for line in lines:
        if is_opening(line):
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


def join(stretches: Iterable[Stretch | None], rules: Rules) -> Iterator[list[Stretch]]:
    """Stretches that count, alone or with the short ones just before them. None: nothing is joined across it.

    One by whose clock nothing can be told is joined with none: it would spoil the others. One without a page turn is
    no part of a session (seed offline-support).
    """
    joined: list[Stretch] = []
    for stretch in stretches:
        if stretch is None or (joined and not follows(joined[-1], stretch)):
            joined = []
        if stretch is None:
            continue
        joined.append(stretch)
        if stretch.is_over and rules.count(joined):
            yield joined
            joined = []


def follows(before: Stretch, stretch: Stretch) -> bool:
    pause = (stretch.first.at - before.last.at).total_seconds()
    is_read = before.turns > 0 and stretch.turns > 0 and not (before.clock_fault or stretch.clock_fault)
    return is_read and same_book(before.first, stretch.first) and 0 <= pause <= LONGEST_PAUSE


def is_run(ends: Sequence[tuple[str, str]], stretches: Sequence[Stretch]) -> bool:
    """Whether stretches hold, one after the other, those that begin and end so, and they may be joined."""
    start = next((index for index, stretch in enumerate(stretches) if stretch.ends == ends[0]), 0)
    run = stretches[start : start + len(ends)]
    same = [stretch.ends for stretch in run] == list(ends)
    return same and not run[0].clock_fault and all(follows(one, other) for one, other in pairwise(run))


def is_apart(before: Stretch, stretch: Stretch, rules: Rules) -> bool:
    """Whether no session can reach across, whatever there is before and after the two."""
    return not follows(before, stretch) or (before.is_over and rules.count([before]))


@dataclass(frozen=True)
class Neighbourhood:
    """The stretches whose sessions one line may change. until: the order at which the next stretch begins."""

    stretches: Sequence[Stretch]
    until: str

    @property
    def since(self) -> str:
        return str(self.stretches[0].first.order)


def neighbourhood(event: Event, lines: Sequence[Any], reach: int, rules: Rules) -> tuple[Neighbourhood | None, bool]:
    """The stretches that depend on event, and whether lines hold all of them.

    lines: what lies around event, reach openings back and on. A line changes its own stretch, an opening also the one
    before, and with them whether their neighbours are joined to them; from there it goes on as far as stretches may be
    joined.
    """
    own = sum(is_opening(line) and line.order <= event.order for line in lines) - 1
    if own < 0:
        return None, True
    stretches = list(split(lines))
    starts_all, ends_all = own + 1 < reach, len(stretches) - own - 1 < reach
    low = max(0, own - 1 - is_opening(event))
    while low > 0 and not is_apart(stretches[low - 1], stretches[low], rules):
        low -= 1
    last = len(stretches) - 1
    high = min(own + 1, last)
    known = last if ends_all else last - 1  # the last stretch may be cut off: nothing can be told by it
    while high < last and (high >= known or not is_apart(stretches[high], stretches[high + 1], rules)):
        high += 1
    until = "\U0010ffff" if high == last else str(stretches[high + 1].first.order)
    is_whole = (low > 0 or starts_all) and (high < last or ends_all)
    return Neighbourhood(stretches[low : high + 1], until), is_whole
