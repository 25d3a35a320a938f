"""Reviews: what a reader writes about a book in KOReader, at its *Book status* or in *Book information*.

One fact for each book. KOReader tells no event for a review; the lines with which a book is closed say what it is. It
counts when it is another one than in the device's line before. What was changed last holds, on whichever device and
in whatever order the lines arrive: where one may tell of a change, or comes late, all lines about the book are read
again. A review that a device has when it first tells of the book may be of any age: it takes the place of none that
somebody has changed since, and of none that is there already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from booklore_core import TOMBSTONE, BookClose, Event, Facts, Item, Journal, Kind, Setting, hookimpl

KIND, CHANGES = "review", "review_changes"
"""The second is no target's: the lines of each device with which its review of a book changed."""

MENU = ("What to Sync",)
GIVEN, FOUND = "given", "found"
"""How a review came about: this was written, or a device had it when it told of the book for the first time."""

VIEWS = {
    "pending_reviews": """SELECT id, book_cache_id, book_id, {text:text} AS review, retry_count, last_retry_at,
        created_at FROM pending_items WHERE kind = 'review'""",
    "synced_reviews": """SELECT id, book_cache_id, {text:text} AS review, remote_id AS server_id, synced_at
        FROM delivered_items WHERE kind = 'review'""",
}
"""A review that was taken away is NULL."""

Changes = Mapping[str, Sequence[list[Any]]]
"""Device → its lines about a book with another review than before: order, unix seconds, and digest of the review."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "V", "review", "reviews", 15, VIEWS, history="Synced reviews", label_rank=35)


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether what you write about a book is sent", label="Reviews", menu=MENU)


@hookimpl
def on_book_close(event: BookClose, journal: Journal, facts: Facts) -> Iterator[Item]:
    """What holds after a line, where it is another review than was told last."""
    book, now = event.book, review_of(event)
    known = None if now is None else first(facts, CHANGES, book.partial_md5)
    if now is None or (not now and not known):
        return
    before: Changes = known.body if known else {}
    last = before[event.device][-1] if event.device in before else None
    if last and event.order >= last[0] and digest(now) == last[2]:
        return  # as most lines do
    lines = [line for line in journal.about(book.partial_md5) if review_of(line) is not None]
    changes = changes_of(lines)
    if changes == before:
        return
    yield Item(CHANGES, book.partial_md5, book.ref, changes, max(event.at, known.occurred_at) if known else event.at)
    told = first(facts, KIND, book.partial_md5)
    at, device, wanted, how = holding(changes)
    text = next((review_of(line) for line in lines if digest(review_of(line) or "") == wanted), None)
    body = {"text": text, "device": device, "how": how} if text else TOMBSTONE
    if told is None and not text:
        return
    moment = datetime.fromtimestamp(at, UTC)
    yield Item(KIND, book.partial_md5, book.ref, body, max(moment, told.occurred_at) if told else moment)


def changes_of(lines: Iterable[Event]) -> dict[str, list[list[Any]]]:
    """Of each device the lines about a book whose review is another one than before. lines: each device's in order."""
    changes: dict[str, list[list[Any]]] = {}
    for line in lines:
        shown, before = digest(review_of(line) or ""), changes.get(line.device, [])
        if not before or before[-1][2] != shown:
            changes[line.device] = [*before, [line.order, line.at.timestamp(), shown]]
    return changes


def holding(changes: Changes) -> tuple[float, str, str, str]:
    """The review that holds: when, on which device, its digest, and how. What was changed last, else the oldest
    that was found."""
    given = [(at, device, shown) for device, lines in changes.items() for _, at, shown in lines[1:]]
    if given:
        return (*max(given), GIVEN)
    found = sorted(
        (shown == NONE, at, device, shown) for device, lines in changes.items() for _, at, shown in lines[:1]
    )
    return (*found[0][1:], FOUND)


def review_of(event: object) -> str | None:
    """What a line says of the review, "" for none: one of blanks only is none."""
    reading = getattr(event, "reading", None)
    told: str | None = reading.review if reading else None
    return "" if told is not None and not told.strip() else told


def first(facts: Facts, kind: str, md5: str) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [md5])), None)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


NONE = digest("")
