"""When a line was written: set right where that can be known; where it cannot be, the line waits and says why.

E-readers lose their clock, and the counter of a line's id does not. Once it is known when a boot began its boot clock
tells when each of its lines was written. A hand-over tells it of its own boot, the journal of one whose lines were set
right before, and else the last line in whose time all others of the boot fit. Where nothing tells it the longest run of
lines that do not contradict each other is believed, so that one wrong line costs nobody the good ones around it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from booklore_core.pipeline.boots import SLACK, Stamp, believable, boots, is_rising, is_same_boot

EARLIEST = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
"""Nothing that writes such lines is older: a clock that says less has been reset."""

AHEAD = 600.0
"""Seconds that a line may lie after the core's own now. More than SLACK: clocks that nobody sets are off by minutes."""

DAY = 86400.0
LAST = "\U0010ffff"
"""The order of what comes after every line."""

KNOWN, SURE = 20.0, 1e6
"""What a line of the journal weighs, and one whose time is known by the boot clock, where a new line weighs 1."""


@dataclass(frozen=True)
class Contact:
    """Who hands lines over: a device, or nobody. former_ids: those that it had before, the last one last.

    up: seconds of its boot clock at this moment, None when not told; boot: which boot that is. is_all: no line that was
    written later waits on the device. begun: boot → when it began, unix seconds, as the whole of a file tells it.
    insists: a person who places lines has seen what contradicts that.
    """

    device: str = ""
    former_ids: Sequence[str] = ()
    up: float | None = None
    boot: str | None = None
    is_all: bool = True
    begun: Mapping[str, float] = field(default_factory=dict)
    insists: bool = False


NOBODY = Contact()


@dataclass(frozen=True)
class Settled:
    """When a line was written, unix seconds; or why nobody can tell."""

    at: float
    reason: str = ""


@dataclass
class Timeline:
    """A device's lines in their order, and when each was written as far as that is known by now."""

    stamps: Sequence[Stamp]
    journal: Sequence[Stamp]
    now: float
    times: dict[str, float] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)

    def time(self, stamp: Stamp) -> float:
        return self.times.get(stamp.order, stamp.at)

    def is_possible(self, time: float) -> bool:
        return EARLIEST <= time <= self.now + AHEAD

    def fits(self, time: float, earliest: float, latest: float) -> bool:
        return self.is_possible(time) and earliest - SLACK <= time <= latest + SLACK

    def run(self) -> list[Stamp]:
        """The longest run of lines, the journal's among them, none of which was written before the one that precedes
        it. Of equally long ones that of the later days; of the same days the later lines: clocks are set right."""
        possible = [one for one in self.stamps if self.is_possible(self.time(one))]
        both = sorted([*possible, *self.journal], key=lambda one: one.order)
        times = [self.time(one) for one in both]
        weights = [SURE if one.order in self.sure else one.weight for one in both]
        return [both[index] for index in longest_run(times, weights)]


def settle(stamps: Sequence[Stamp], journal: Sequence[Stamp], now: float, contact: Contact = NOBODY) -> list[Settled]:
    """When each of a device's new lines was written.

    stamps: the new lines. journal: the device's lines around them that are known already, in their order; those that
    were set right tell their boot. now: unix seconds by the core's clock.
    """
    hand_over = Stamp(LAST, now, contact.up, contact.boot)
    line = Timeline(believable([*stamps, hand_over])[:-1], journal, now)
    line.sure |= {one.order for one in stamps if one.is_placed and contact.insists}
    found = boots(line.stamps)
    known = {**contact.begun, **{one.boot: one.base for one in journal if one.boot and one.up is not None}}
    starts = [known.get(boot[-1].boot or "") for boot in found]
    if found and now >= EARLIEST and goes_on(found[-1][-1], hand_over, contact):
        starts[-1] = hand_over.base  # nothing is more certain than the core's now
    for boot, start in zip(found, starts, strict=True):
        if start is not None:
            take(line, [one for one in boot if line.fits(one.since(start), *around(one, journal))], start)
    run = line.run()
    for boot in found:
        if line.sure.isdisjoint(one.order for one in boot) and (start := start_by_last(line, boot, run)) is not None:
            take(line, boot, start)
    run = line.run()
    kept = {one.order for one in run}
    return [Settled(line.time(one), "" if one.order in kept else why_it_waits(line, one, run)) for one in stamps]


def goes_on(last: Stamp, hand_over: Stamp, contact: Contact) -> bool:
    """Whether the boot of the last line is that of the hand-over. What waits on the device yet may hold another start,
    so that only its name tells it then."""
    return is_same_boot(last, hand_over) and (contact.is_all or bool(last.boot and contact.boot))


def begun(stamps: Iterable[Stamp], now: float) -> dict[str, float]:
    """Boot → when it began, unix seconds: of those in which the clock was corrected, from all of a device's lines."""
    line = Timeline(believable(stamps), (), now)
    run = line.run()
    starts = {boot[-1].boot: start_by_last(line, boot, run) for boot in boots(line.stamps)}
    return {name: start for name, start in starts.items() if name and start is not None}


def start_by_last(line: Timeline, boot: Sequence[Stamp], run: Sequence[Stamp]) -> float | None:
    """When a boot began in which the clock was corrected: by the last line whose time lets all of them fit between the
    lines of other boots. None where none does."""
    if max(one.base for one in boot) - min(one.base for one in boot) <= SLACK:
        return None
    own, tried = {one.order for one in boot}, list[float]()
    others = [Stamp(one.order, line.time(one)) for one in run if one.order not in own]
    earliest, latest = around(boot[0], others)[0], around(boot[-1], others)[1]
    for start in (one.base for one in reversed(boot)):
        if any(abs(start - other) <= SLACK for other in tried):
            continue
        tried.append(start)
        if all(line.fits(one.since(start), earliest, latest) for one in boot):
            return start
    return None


def take(line: Timeline, lines: Sequence[Stamp], start: float) -> None:
    """Notes when lines of one boot were written. A clock that was nearly right is believed, unless that would turn the
    order of two lines round."""
    line.sure |= {one.order for one in lines}
    known = {one.order: one.since(start) for one in lines}
    believed = {one.order: one.at if abs(known[one.order] - one.at) <= SLACK else known[one.order] for one in lines}
    line.times |= believed if is_rising([*believed.values()]) else known


def around(stamp: Stamp, others: Sequence[Stamp]) -> tuple[float, float]:
    """When the lines just before and just after one were written; others are in their order."""
    before = bisect_left(others, stamp.order, key=lambda one: one.order)
    after = bisect_right(others, stamp.order, key=lambda one: one.order)
    return others[before - 1].at if before else -1e18, others[after].at if after < len(others) else 1e18


def longest_run(times: Sequence[float], weights: Sequence[float]) -> list[int]:
    """The indexes of the heaviest run in which no time lies before the one that precedes it; of those the one of the
    latest days, then of the latest lines.

    ends: the runs so far that may yet become part of the best one, by the time of their end; the later that is, the
    better the run, since one that is neither earlier nor better than another is of no use.
    """
    ends, runs, previous = list[float](), list[tuple[tuple[float, float, int], int]](), dict[int, int | None]()
    for index, (time, weight) in enumerate(zip(times, weights, strict=True)):
        place = bisect_right(ends, time + SLACK)
        (heavy, days, late), before = runs[place - 1] if place else ((0.0, 0.0, 0), None)
        value, previous[index] = (heavy + weight, days + time // DAY, late + index), before
        first = bisect_left(ends, time)
        if first and runs[first - 1][0] >= value:
            continue
        last = first
        while last < len(runs) and runs[last][0] <= value:
            last += 1
        ends[first:last], runs[first:last] = [time], [(value, index)]
    found, at = list[int](), runs[-1][1] if runs else None
    while at is not None:
        found.append(at)
        at = previous[at]
    return found[::-1]


def why_it_waits(line: Timeline, stamp: Stamp, run: Sequence[Stamp]) -> str:
    """For a person."""
    time = line.time(stamp)
    clock = "the device's clock" if time == stamp.at else "its boot clock"
    told = f"by {'your word' if stamp.is_placed else clock} it was written at {shown(time)}"
    if time < EARLIEST:
        return f"{told}: that clock had been reset, for nothing that writes such lines is older"
    if time > line.now + AHEAD:
        return f"{told}, which is yet to come: by this computer's it is {shown(line.now)}, and one of them is wrong"
    told += ", but lines that were written {} it say {}" + ("; if you are sure, say --insist" * stamp.is_placed)
    before = max((line.time(one) for one in run if one.order < stamp.order), default=time)
    if before > time:
        return told.format("before", shown(before))
    return told.format("after", shown(min((line.time(one) for one in run if one.order > stamp.order), default=time)))


def shown(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
