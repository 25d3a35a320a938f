"""Which time of a book is accounted for: by sessions that are known, and by what devices have told of it."""

from collections.abc import Iterable, Iterator
from math import ceil, floor, inf

from booklore_core import Facts, Journal
from booklore_features.session_spans import TimeSpan, span_of

SESSION = "session"


def accounted(md5s: Iterable[str], journal: Journal, facts: Facts) -> list[TimeSpan]:
    """In order, and apart from each other. md5s: the digests under which a book is known."""
    spans: list[TimeSpan] = []
    for md5 in md5s:
        spans += journal.spans(md5)
        spans += filter(None, map(span_of, facts.bodies(SESSION, md5)))
    return list(merged(spans))


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
