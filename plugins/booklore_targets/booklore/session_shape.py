"""What sessions are told apart by: their times, and where in the book they began and ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from booklore_targets.booklore.spans import Span

SAME, NEAR = (1, 1.0), (20, 5.0)
"""How far two places may lie apart, pages and percentage points: two tellings of one place; and one that was passed
from where the reading began, or to where it ended, for readers leaf back."""


class Shape(NamedTuple):
    """What a session is told apart by: start and end, unix seconds, and seconds of reading."""

    start: int
    end: int
    duration: int

    @property
    def told(self) -> Span:
        """The time that it accounts for: the last page of what the Lua plugin made of statistics lies after its end."""
        return self.start, max(self.end, self.start + self.duration)


class Whereabouts(NamedTuple):
    """A place in a book: page, and percentage 0–100; None for what is not known."""

    page: int | None
    percent: float | None

    def is_between(self, one: Whereabouts, other: Whereabouts, near: tuple[int, float]) -> bool:
        """Whether it may lie between two others, or no further from them than near. Two devices, or settings, count
        pages in two ways: either measure will do."""
        near_page = is_near(self.page, one.page, other.page, near[0])
        near_percent = is_near(self.percent, one.percent, other.percent, near[1])
        return True in (near_page, near_percent) or near_page is near_percent is None


def is_near(at: float | None, one: float | None, other: float | None, far: float) -> bool | None:
    """None where it is not known."""
    if at is None or one is None or other is None:
        return None
    return min(one, other) - far <= at <= max(one, other) + far


class Shown(NamedTuple):
    """A session with where in the book it began and ended."""

    shape: Shape
    begin: Whereabouts
    end: Whereabouts

    def may_be(self, other: Shown) -> bool:
        """Whether both may tell of one reading: who reads is at one place at a time."""
        (first, then), (sooner, later) = sorted((self, other), key=starts_at), sorted((self, other), key=ends_at)
        until, near = (first.begin, SAME) if starts_at(first) == starts_at(then) else (first.end, NEAR)
        since, close = (later.end, SAME) if ends_at(sooner) == ends_at(later) else (later.begin, NEAR)
        return then.begin.is_between(first.begin, until, near) and sooner.end.is_between(since, later.end, close)

    def is_part_of(self, other: Shown) -> bool:
        """Whether it may be what was known of another one earlier, or what was left of it: it begins or ends with it,
        and lies within."""
        (start, end, _), (first, last, _) = self.shape, other.shape
        return first <= start and end <= last and (start == first or end == last) and self.may_be(other)

    def is_kin_of(self, other: Shown) -> bool:
        """Whether one may be what another program, or other settings, have made of the other: both begin or end at one
        time and place."""
        return self.is_part_of(other) or other.is_part_of(self)


def starts_at(one: Shown) -> int:
    return one.shape.start


def ends_at(one: Shown) -> int:
    return one.shape.end


def shape_of(session: Mapping[str, Any]) -> Shape:
    """The shape of a session as it is sent or shown: both have the same fields."""
    start, end = seconds(session["startTime"]), seconds(session["endTime"])
    return Shape(start, end, int(session["durationSeconds"]))


def shown_of(session: Mapping[str, Any]) -> Shown:
    return Shown(shape_of(session), spot_of(session, "start"), spot_of(session, "end"))


def spot_of(session: Mapping[str, Any], side: str) -> Whereabouts:
    """The server takes anything for a place."""
    location, percent = str(session.get(f"{side}Location")), session.get(f"{side}Progress")
    is_page = location.isascii() and location.isdigit() and len(location) < 10
    is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
    return Whereabouts(int(location) if is_page else None, percent if is_number else None)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
