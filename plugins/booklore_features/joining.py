"""Which stretches make one session, and which a line may change. Nothing here reads or writes."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from booklore_core import Event, Resume, Section
from booklore_features.clocks import clock_fault, with_room
from booklore_features.stretches import END, Place, Span, Stretch, is_opening, same_book, split

DURATION, PAGES = "duration", "pages"

LONGEST_PAUSE = 300
"""Seconds between two stretches that may still make one session when one of them is short."""

MOMENT = 60
"""Seconds. A stretch of less that begins or ends with the device's sleep is no reading of its own: on a phone or tablet
KOReader falls asleep whenever another app comes to the front."""


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

    @property
    def least(self) -> int:
        """Seconds of reading without which there is nothing to tell."""
        return self.min_duration if self.mode == DURATION else 0

    def count(self, joined: Sequence[Stretch]) -> bool:
        """Whether stretches make a session (seed offline-support, lua-plugin-behaviour §1.5)."""
        turns = sum(stretch.turns for stretch in joined)
        if any(stretch.is_rest for stretch in joined):  # its pages were turned before, as far as they were
            return sum(stretch.seconds for stretch in joined) >= self.min_duration
        if self.mode == PAGES:
            return turns >= self.min_pages
        return turns > 0 and sum(stretch.seconds for stretch in joined) >= self.min_duration

    def belong(self, before: Stretch, stretch: Stretch) -> bool:
        """Whether two stretches, one after the other, are of one session: one of them is short, and so is the pause.

        Short is the first one when it does not count by itself. By duration it may also be the second, and where the
        device only slept between them, what lasted but a moment; whoever has everything count has them told apart. It
        depends on nothing but the two, so that lines in any order make the same sessions.
        """
        if not follows(before, stretch):
            return False
        if self.mode == PAGES or not self.min_duration:
            return not self.count([before])
        slept = getattr(before.last, "reason", None) == "suspend" and isinstance(stretch.first, Resume)
        least = max(self.min_duration, MOMENT if slept else 0)
        return min(before.seconds, stretch.seconds) < least or not self.count([before])


def join(stretches: Iterable[Stretch | None], rules: Rules) -> Iterator[list[Stretch]]:
    """The stretches of each session. None: nothing is joined across it."""
    joined: list[Stretch] = []
    for stretch in (*stretches, None):
        if stretch and joined and rules.belong(joined[-1], stretch):
            joined.append(stretch)
            continue
        session = trimmed(joined)
        if rules.count(session):
            yield session
        joined = [stretch] if stretch else []


def trimmed(joined: Sequence[Stretch]) -> list[Stretch]:
    """What counts of stretches that belong together: a stretch without a page turn is none at either end of a session
    (seed offline-support), nor is one that goes on."""
    told = [index for index, stretch in enumerate(joined) if (stretch.turns or stretch.is_rest) and stretch.is_over]
    return list(joined[told[0] : told[-1] + 1]) if told else []


def follows(before: Stretch, stretch: Stretch) -> bool:
    """Whether stretches may make one session under some settings. One by whose clock nothing can be told makes one with
    no other: it would spoil it."""
    pause = (stretch.start - before.end).total_seconds()
    is_read = all((one.turns or one.seconds < MOMENT) and not clock_fault(one) for one in (before, stretch))
    is_near = same_book(before.first, stretch.first) and 0 <= pause <= LONGEST_PAUSE
    return is_near and is_read and stretch.is_opened


def is_run(spans: Sequence[Span], stretches: Sequence[Stretch], seconds: int) -> bool:
    """Whether these parts of the lines are stretches yet, one after the other, that may be joined and tell of so many
    seconds of reading: what came late between their lines may tell of less."""
    start = next((index for index, one in enumerate(stretches) if one.span[1] > spans[0][0]), 0)
    run = stretches[start : start + len(spans)]
    is_same = [one.span for one in run] == list(spans) and sum(one.seconds for one in run) >= seconds
    return is_same and not clock_fault(run[0]) and all(follows(one, other) for one, other in pairwise(run))


@dataclass(frozen=True)
class Neighbourhood:
    """The stretches whose sessions one line may change. before: their lines and some before them. until: where the
    stretch after them begins."""

    stretches: Sequence[Stretch]
    before: Sequence[Any]
    until: Place

    @property
    def since(self) -> Place:
        return self.stretches[0].span[0]


def neighbourhood(
    event: Event, since: str, lines: Sequence[Any], reach: int, rules: Rules
) -> tuple[Neighbourhood | None, bool]:
    """The stretches that depend on event and on those before it from since, and whether lines hold all of them.

    lines: what lies around these, reach openings back and on. A line changes its own opening's stretches, an opening
    also those of the one before, and with them whether their neighbours are joined to them; from there it goes on as
    far as stretches belong together.
    """
    openings = [line.order for line in lines if is_opening(line)]
    own, first = bisect_right(openings, event.order) - 1, bisect_right(openings, since) - 1
    if own < 0:
        return None, True
    stretches = with_room(list(split(lines, rules.idle_cap)))
    starts_all, ends_all = first + 1 < reach, len(openings) - own - 1 < reach
    back, on = openings[max(0, first - 2)], openings[min(own + 1, len(openings) - 1)]
    last = len(stretches) - 1
    known = last if ends_all else last - 1  # the last stretch may be cut off: nothing can be told by it
    low = next(index for index, one in enumerate(stretches) if one.opened >= back)
    high = next(last - index for index, one in enumerate(reversed(stretches)) if one.opened <= on)
    while low > 0 and rules.belong(stretches[low - 1], stretches[low]):
        low -= 1
    while high < last and (high >= known or rules.belong(stretches[high], stretches[high + 1])):
        high += 1
    until = END if high == last else stretches[high + 1].span[0]
    is_whole = (low > 0 or starts_all) and (high < last or ends_all)
    before = [line for line in lines if line.order <= until[0]]
    return Neighbourhood(stretches[low : high + 1], before, until), is_whole
