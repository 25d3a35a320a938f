"""Compares the sessions that the server holds of a book with those that it has taken from here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from booklore_core import BookRef, BookUnmatched, Finding, Item
from booklore_targets.booklore.session_body import session_body, time_text
from booklore_targets.booklore.session_log import SessionLog, SessionRows
from booklore_targets.booklore.session_shape import Shape, Shown, shown_of

if TYPE_CHECKING:
    from booklore_targets.booklore.connection import Connection

TOLERANCE = 1
"""Seconds by which two sessions may overlap: one that ends may share its second with the next one."""

SESSION = "session"
STAYS = "BookLore has no call to remove a session: it stays until somebody removes it in the server's database"
RESEND = "`booklore verify --resend` has it sent again at the next sync"
REPEATED = f"nothing has to be sent again; {STAYS}"
ONE_CLIENT = f"let only one program send the sessions of a device; {STAYS}"
TOLD_TWICE = f"the same reading was counted live and from a file of past reading; nothing has to be sent again; {STAYS}"
CLOCK = "the device's clock was set or went wrong between the two; both were read, and nothing has to be sent again"


class Row(NamedTuple):
    """One session on the server. key, device: of the item that it came from, "" when it is not from here."""

    id: int
    shape: Shape
    key: str
    device: str

    @property
    def span(self) -> tuple[int, int]:
        return self.shape.start, self.shape.end

    def __str__(self) -> str:
        return f"session {self.id} ({span_text(*self.span)}{'' if self.key else ', not sent from here'})"


def audit_sessions(connection: Connection, book: BookRef, items: Sequence[Item], decimals: int) -> list[Finding]:
    """What is missing, what is there too often, and which sessions overlap. Raises Declined."""
    if not book.match:
        raise BookUnmatched("the book is not matched")
    held = SessionLog(connection).all(book.match)
    sent = {item.key: shown_of(session_body(item, decimals)) for item in items if item.kind == SESSION}
    devices = {item.key: str(item.body.get("device") or "") for item in items}
    lacking = find_missing(held, sent, devices)
    missing = [(key, missing_text(sent[key].shape, seconds)) for key, seconds in lacking.items()]
    rows = rows_of(held, devices)
    return [
        *(Finding("missing", SESSION, book, key, detail, RESEND) for key, detail in missing),
        *(Finding("duplicate", SESSION, book, key, detail, REPEATED) for key, detail in find_duplicates(rows)),
        *(Finding("overlapping", SESSION, book, *overlap) for overlap in find_overlaps(rows)),
    ]


def find_missing(held: SessionRows, sent: dict[str, Shown], devices: Mapping[str, str]) -> dict[str, int]:
    """The keys of the items that the server lacks any time of, and how many seconds of reading. Each takes the session
    that is exactly it, or those that may be its beginning and its end; what is no other device's may be parts of those
    that are left. devices: by the items' keys, "" where a file of past reading told them, which may be of any."""
    unlike = [key for key, one in sent.items() if not held.take(one.shape, key, one)]
    for key in unlike:
        held.take_parts(sent[key], key)
    others = {key: held.owned(partial(is_elsewhere, devices, devices[key])) for key in unlike}
    rest = {key: held.rest_of(sent[key].shape, others[key]) for key in unlike}
    return {key: sum(seconds for _, seconds in parts) for key, parts in rest.items() if parts}


def is_elsewhere(devices: Mapping[str, str], device: str, key: str) -> bool:
    """Whether an item is of another device; of files of past reading nobody knows."""
    return "" not in (device, devices[key]) and devices[key] != device


def rows_of(held: SessionRows, devices: Mapping[str, str]) -> list[Row]:
    """By start, what is from here first. devices: by the items' keys."""
    found = []
    for here in held.by_start.values():
        for row_id, shape in here.items():
            key = held.owners.get(row_id, "")
            found.append(Row(row_id, shape, key, devices.get(key, "")))
    return sorted(found, key=lambda row: (row.span, not row.key, row.id))


def find_duplicates(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Key and detail of what lies on the server more often than it was sent."""
    extra: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.key:
            extra[row.span].append(row)
    for row in rows:
        more = extra.pop(row.span, []) if row.key else []
        if more:
            ids = ", ".join(str(one.id) for one in more)
            often = "twice" if len(more) == 1 else f"{len(more) + 1} times"
            yield row.key, f"{span_text(*row.span)} is there {often}, also as session {ids}"


def find_overlaps(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """Key, detail and advice of every session that begins before an earlier one has ended.

    Two devices may be read on at a time, and repeats of what is from here are told before. What a file of past reading
    told names no device: it may be of any.
    """
    ours = {row.span for row in rows if row.key}
    latest: dict[str, Row] = {}
    for row in rows:
        if not row.key and row.span in ours:
            continue
        for other in latest.values():
            shared = min(other.shape.end, row.shape.end) - row.shape.start
            if shared > TOLERANCE and (not (row.device and other.device) or other.device == row.device):
                is_ours = row.key and other.key
                advice = (CLOCK if row.device == other.device != "" else TOLD_TWICE) if is_ours else ONE_CLIENT
                yield row.key or other.key, f"{row} overlaps {other} by {shared} s", advice
                break
        if row.device not in latest or row.shape.end > latest[row.device].shape.end:
            latest[row.device] = row


def missing_text(shape: Shape, lacks: int) -> str:
    """lacks: seconds of reading that the server does not have."""
    told = f"{span_text(shape.start, shape.end)}, {shape.duration} s of reading"
    return f"{told}, is not on the server" if lacks == shape.duration else f"of {told}, {lacks} are not on the server"


def span_text(start: int, end: int) -> str:
    """Both ends in UTC."""
    return " – ".join(time_text(datetime.fromtimestamp(moment, UTC)) for moment in (start, end))
