"""Which time of a book is accounted for: by sessions that are known, and by what devices have told of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import ceil, floor, inf
from typing import Any

from booklore_core import Facts, Journal

SESSION = "session"
BEGIN_THE_LAST_PAGE = ("lua",)
"""Sources whose sessions end with the second in which their last page begins, while they count it (lua-plugin-behaviour
§10 F6); one that has as many seconds as it counts ends with that page."""

TimeSpan = tuple[float, float]
"""Unix seconds, the second one not included; it may be infinite."""


def accounted(md5s: Iterable[str], journal: Journal, facts: Facts) -> list[TimeSpan]:
    """In order, and apart from each other. md5s: the digests under which a book is known."""
    spans: list[TimeSpan] = []
    for md5 in md5s:
        spans += journal.spans(md5)
        spans += filter(None, map(span_of, facts.bodies(SESSION, md5)))
    return list(merged(spans))


def span_of(session: Mapping[str, Any]) -> TimeSpan | None:
    """None for one that was taken out, or that another feature made in a way of its own."""
    try:
        start, end = (datetime.fromisoformat(session[name]).timestamp() for name in ("start", "end"))
        if session.get("source") in BEGIN_THE_LAST_PAGE:
            end = max(end + (end - start > session["duration"]), start + session["duration"])
    except (KeyError, TypeError, ValueError):
        return None
    return start, end


def merged(spans: Iterable[TimeSpan]) -> Iterator[TimeSpan]:
    low, high = inf, -inf
    for start, end in sorted((floor(start), whole(end)) for start, end in spans if start < end):
        if start > high:
            if low < high:
                yield low, high
            low = start
        high = max(high, end)
    if low < high:
        yield low, high


def whole(end: float) -> float:
    return end if end == inf else ceil(end)
