"""When a line was written: set right where that can be known; where it cannot be, the line waits and says why.

E-readers lose their clock, and the counter of a line's id does not. Within one boot the boot clock tells how much later
one line was written than another, and a hand-over tells what time it was in the end. Without one, the longest run of
lines that do not contradict each other is believed, so that one wrong line costs nobody the good ones around it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

EARLIEST = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
"""Nothing that writes such lines is older: a clock that says less has been reset."""

SLACK = 120.0
"""Seconds that a clock may differ from what is known before it counts as wrong."""

AHEAD = 600.0
"""Seconds that a line may lie after the core's own now. More than SLACK: clocks that nobody sets are off by minutes."""

ROUNDING = 2.0
"""Seconds by which a boot clock may seem to fall: it is told in whole seconds here, in parts of them there."""

DAY = 86400.0

KNOWN, SURE = 20.0, 1e6
"""What a line of the journal weighs, and one whose time is known by the boot clock, where a new line weighs 1."""


@dataclass(frozen=True)
class Contact:
    """A device that hands lines over. former_ids: those that it had before, the last one last.

    up: seconds of its boot clock at this moment, None when not told; boot: which boot that is. is_all: no line that was
    written later waits on the device.
    """

    device: str
    former_ids: Sequence[str] = ()
    up: float | None = None
    boot: str | None = None
    is_all: bool = True


@dataclass(frozen=True)
class Stamp:
    """What a line tells of when it was written. order: its place among its device's lines. at: unix seconds by the
    device's clock. up: seconds of the boot clock; boot: which boot. weight: how much it counts against others."""

    order: str
    at: float
    up: float | None = None
    boot: str | None = None
    weight: float = 1.0

    @property
    def base(self) -> float:
        """When the device started, by its clock."""
        assert self.up is not None
        return self.at - self.up


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

    def run(self) -> list[Stamp]:
        """The longest run of lines, the journal's among them, none of which was written before the one that precedes
        it. Of equally long ones that of the later days; of the same days the later lines: clocks are set right."""
        possible = [one for one in self.stamps if self.is_possible(self.time(one))]
        both = sorted([*possible, *self.journal], key=lambda one: one.order)
        times = [self.time(one) for one in both]
        if times == sorted(times):
            return both
        weights = [SURE if one.order in self.sure else one.weight for one in both]
        return [both[index] for index in longest_run(times, weights)]


def settle(
    stamps: Sequence[Stamp], journal: Sequence[Stamp], now: float, contact: Contact | None = None
) -> list[Settled]:
    """When each of a device's new lines was written.

    stamps: the new lines. journal: the device's lines around them that are known already, in their order.
    now: unix seconds by the core's clock. contact: of a hand-over, None of a file.
    """
    line = Timeline(sorted(stamps, key=lambda one: one.order), journal, now)
    if contact is not None and contact.up is not None and now >= EARLIEST:
        set_by_hand_over(line, contact)
    run = line.run()
    mended = [
        set_by_last(line, boot, run) for boot in boots(line.stamps) if not any(one.order in line.sure for one in boot)
    ]
    if any(mended):
        run = line.run()
    kept = {one.order for one in run}
    return [Settled(line.time(one), "" if one.order in kept else why_it_waits(line, one, run)) for one in stamps]


def set_by_hand_over(line: Timeline, contact: Contact) -> None:
    """Sets right the lines of the boot in which they are handed over: nothing is more certain than the core's now."""
    assert contact.up is not None
    known = {one.order: round(line.now - contact.up + one.up) for one in of_this_boot(line.stamps, contact)}  # type: ignore[operator]
    fitting = [one for one in line.stamps if one.order in known and fits(known[one.order], *around(one, line.journal))]
    take(line, fitting, known)


def of_this_boot(stamps: Sequence[Stamp], contact: Contact) -> Iterator[Stamp]:
    """Those of the boot of the hand-over: the same where both tell which it is; else those from which on the boot clock
    never falls. What waits on the device yet may hold another start, so that nothing is said by it then."""
    assert contact.up is not None
    latest, is_unbroken = contact.up, contact.is_all
    for one in reversed(stamps):
        if one.up is None:
            continue
        is_same = one.boot == contact.boot if one.boot and contact.boot else is_unbroken and one.up <= latest + ROUNDING
        if is_same and one.up <= contact.up + ROUNDING:
            yield one
            latest = min(latest, one.up)
        else:
            is_unbroken = False


def boots(stamps: Sequence[Stamp]) -> list[list[Stamp]]:
    """The lines that tell a boot clock, those of one boot together: in one the clock never falls."""
    found: list[list[Stamp]] = []
    for one in stamps:
        if one.up is None:
            continue
        if found and is_same_boot(found[-1][-1], one):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def is_same_boot(before: Stamp, one: Stamp) -> bool:
    if before.up is None or one.up is None:
        return False
    return before.boot == one.boot if before.boot and one.boot else before.up <= one.up + ROUNDING


def set_by_last(line: Timeline, boot: Sequence[Stamp], run: Sequence[Stamp]) -> bool:
    """Sets right the lines of a boot in which the clock was corrected, by the last line whose time lets all of them fit
    between the lines of other boots. Returns whether any was."""
    if max(one.base for one in boot) - min(one.base for one in boot) <= SLACK:
        return False
    own = {one.order for one in boot}
    others = [Stamp(one.order, line.time(one)) for one in run if one.order not in own]
    earliest, latest = around(boot[0], others)[0], around(boot[-1], others)[1]
    tried = list[float]()
    for last in reversed(boot):
        if any(abs(last.base - base) <= SLACK for base in tried):
            continue
        tried.append(last.base)
        known = {one.order: round(last.base + one.up) for one in boot}  # type: ignore[operator]
        if all(line.is_possible(time) and fits(time, earliest, latest) for time in known.values()):
            take(line, boot, known)
            return True
    return False


def take(line: Timeline, lines: Sequence[Stamp], known: Mapping[str, float]) -> None:
    """Notes when lines of one boot were written. A clock that was nearly right is believed, unless that would turn the
    order of two lines round."""
    line.sure |= {one.order for one in lines}
    believed = {one.order: one.at if abs(known[one.order] - one.at) <= SLACK else known[one.order] for one in lines}
    in_order = list(believed.values())
    line.times |= believed if in_order == sorted(in_order) else {one.order: known[one.order] for one in lines}


def around(stamp: Stamp, others: Sequence[Stamp]) -> tuple[float, float]:
    """When the lines just before and just after one were written; others are in their order."""
    before = bisect_left(others, stamp.order, key=lambda one: one.order)
    after = bisect_right(others, stamp.order, key=lambda one: one.order)
    return others[before - 1].at if before else -1e18, others[after].at if after < len(others) else 1e18


def fits(time: float, earliest: float, latest: float) -> bool:
    return earliest - SLACK <= time <= latest + SLACK


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
    told = f"by the device's clock it was written at {shown(stamp.at)}"
    if stamp.at < EARLIEST:
        return f"{told}: that clock had been reset"
    if stamp.at > line.now + AHEAD:
        return f"{told}, which is yet to come: by this computer's it is {shown(line.now)}, and one of them is wrong"
    before = max((line.time(one) for one in run if one.order < stamp.order), default=stamp.at)
    if before > stamp.at:
        return f"{told}, but lines that were written before it say {shown(before)}"
    after = min((line.time(one) for one in run if one.order > stamp.order), default=stamp.at)
    return f"{told}, but lines that were written after it say {shown(after)}"


def shown(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
