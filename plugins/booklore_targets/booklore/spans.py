"""Spans of time, and what is left of a session when others tell of a part of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

Span = tuple[int, int]
"""Begin and end, unix seconds; the end is not in it."""

Share = tuple[Span, int]
"""A part of a session, and its seconds of reading."""


class Telling(Protocol):
    """A session that tells of time. told: which. duration: seconds of reading in it."""

    @property
    def told(self) -> Span: ...

    @property
    def duration(self) -> int: ...


class TimeTold(NamedTuple):
    """Time that is told, and how many seconds of it were read; none where nothing but that is known."""

    told: Span
    duration: int


class Spans:
    """Spans of time, one where they touch."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans):
            self.add(span)

    def add(self, span: Span) -> None:
        low, high = bisect_left(self._ends, span[0]), bisect_right(self._begins, span[1])
        begins, ends = [span[0], *self._begins[low:high]], [span[1], *self._ends[low:high]]
        self._begins[low:high], self._ends[low:high] = [min(begins)], [max(ends)]

    def within(self, span: Span) -> list[Span]:
        """What of them lies in a span."""
        low, high = bisect_right(self._ends, span[0]), bisect_left(self._begins, span[1])
        found = zip(self._begins[low:high], self._ends[low:high], strict=True)
        return [(max(begin, span[0]), min(end, span[1])) for begin, end in found]

    def has(self, point: int) -> bool:
        return bool(self.within((point, point + 1)))

    def left_of(self, span: Span) -> Iterator[Span]:
        """The parts of a span that are in none of them."""
        begin = span[0]
        for first, last in self.within(span):
            if first > begin:
                yield begin, first
            begin = last
        if begin < span[1]:
            yield begin, span[1]


class TimesTold:
    """Sessions that tell of time, and whether any of them does of a span."""

    def __init__(self, told: Iterable[Telling]) -> None:
        self._all: list[Telling] = []
        self._spans = Spans()
        for one in told:
            self.add(one)

    def add(self, one: Telling) -> None:
        self._all.append(one)
        self._spans.add(one.told)

    def around(self, span: Span) -> Sequence[Telling]:
        """All of them where any tells of a part of the span, else none."""
        return self._all if self._spans.within(span) else ()


def length_of(spans: Iterable[Span]) -> int:
    """Seconds."""
    return sum(end - begin for begin, end in spans)


def without(span: Span, seconds: int, others: Iterable[Telling], least: int) -> list[Share]:
    """What is left of a session without others, and the seconds of reading of each part.

    Of another one that lies in it all that it counts is taken, whichever second that was in, but no second twice.
    least: of the length of a part, and of the seconds that are worth a session.
    """
    inside = [(other, Spans([span]).within(other.told)) for other in others]
    taken = sum(other.duration * length_of(common) / length_of([other.told]) for other, common in inside if common)
    known = Spans(other.told for other, common in inside if common)
    taken = min(taken, length_of(known.within(span)))
    parts = [part for part in known.left_of(span) if length_of([part]) >= least]
    room = length_of(parts)
    rest, told, passed = min(seconds - round(taken), room), list[Share](), 0
    if rest < least:
        return []
    for part in parts:
        before, passed = passed, passed + length_of([part])
        told.append((part, passed * rest // room - before * rest // room))
    return [(part, worth) for part, worth in told if worth]
