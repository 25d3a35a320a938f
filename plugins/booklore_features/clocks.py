"""Where a stretch lies in time when the device's clock and the time that pages were shown for disagree.

Dwell is measured by a clock that nobody sets, so it is trusted more than the times that lines carry. Where a slow clock
let less time pass than was read, the stretch begins earlier, as far as the pause before it allows; it ends later for
what is still lacking, as far as the pause after it and the time at which the core heard of it allow; what does not fit
even then is left out, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booklore_features.stretches import Stretch

EARLIEST = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
"""There was no server to read for before: a clock that says so was reset, to 1970, 2000 or the year of its firmware."""

TOMORROW = timedelta(days=1)

ROUNDING = 0.05
"""The part of its reading that may not fit into a stretch without a fault of the clock: dwell is in whole seconds."""


def lacking(stretch: Stretch) -> int:
    """Seconds of reading for which no time passed by the clock."""
    more = stretch.seconds - stretch.passed
    return more if more > ROUNDING * stretch.seconds else 0


def with_room(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches, each that lacks time told how much there is beside it. The pause between two is first the later
    one's, so that it depends on nothing but the two where they lie."""
    around = zip(stretches, (None, *stretches[:-1]), (*stretches[1:], None), strict=True)
    return [
        replace(one, room=(pause(before, one), max(0, pause(one, after) - (lacking(after) if after else 0))))
        if lacking(one)
        else one
        for one, before, after in around
    ]


def pause(before: Stretch | None, after: Stretch | None) -> float:
    """Seconds between two stretches, infinite where there is only one."""
    return max(0.0, (after.start - before.end).total_seconds()) if before and after else float("inf")


@dataclass(frozen=True)
class Times:
    """When a session was. start, end: UTC. seconds: of reading between them; read: how many it were by the dwell, if
    they are noticeably more."""

    start: datetime
    end: datetime
    seconds: int
    read: int


def times_of(joined: Sequence[Stretch], received: datetime) -> Times:
    """received: when the core heard of it, by its own clock; what is mended ends no later."""
    each = [placed(stretch, received) for stretch in joined]
    seconds = sum(one.seconds for one in each)
    return Times(each[0].start, each[-1].end, seconds, sum(one.read for one in each))


def placed(stretch: Stretch, received: datetime) -> Times:
    before, after = stretch.room
    lacks = lacking(stretch)
    back = min(lacks, before)
    on = min(lacks - back, after, max(0.0, (received - stretch.end).total_seconds()))
    passed = stretch.passed + int(back) + int(on)
    seconds = max(0, min(stretch.seconds, passed))
    start, end = stretch.start - timedelta(seconds=back), stretch.end + timedelta(seconds=on)
    return Times(start, end, seconds, stretch.seconds if lacks > back + on else seconds)


def fault_of(joined: Sequence[Stretch], times: Times, received: datetime) -> str:
    """How the device's clock shows that it jumped; empty when it did not."""
    if times.end > received + TOMORROW:
        return f"it ends in the future, at {times.end:%Y-%m-%d %H:%M}"
    return next(filter(None, map(clock_fault, joined)), "")


def clock_fault(stretch: Stretch) -> str:
    if stretch.passed < 0:
        return f"it ends {-stretch.passed} s before it begins"
    return f"it begins in {stretch.start.year}" if stretch.start < EARLIEST else ""
