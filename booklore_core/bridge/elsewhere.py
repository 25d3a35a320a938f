"""What devices without the shim tell of their place, as spool lines; and where any device last read, for them."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from booklore_core.bridge.accounts import PREFIX
from booklore_core.core import Core
from booklore_core.events import READING, BookClose, Device, Event, PageTurns
from booklore_core.items import MD5
from booklore_core.pipeline.ingest import Taken
from booklore_core.pipeline.spool import SPOOL_VERSION, parse_event

LONGEST_NAME = 200
"""Characters of a device's name; people are shown it."""

MOST = 200
"""So many of a book's last lines are looked through for one of reading."""

LAST_LINES = """
SELECT line FROM events WHERE book_md5 = :md5 AND tracked = 1 AND name IN :ids ORDER BY at DESC, id DESC LIMIT :most
"""

serial = count()
"""Tells lines of one moment apart, and keeps them in order."""


@dataclass(frozen=True)
class Place:
    """Where a reader is. document: the book as clients name it. percent: 0–1. position: xpointer, or a page as text.

    device, device_id: who read there, as that one tells it. at: unix seconds. title, authors (one a line), file: of the
    book.
    """

    document: str
    percent: float
    position: str
    device: str
    device_id: str | None = None
    at: int = 0
    title: str | None = None
    authors: str | None = None
    file: str | None = None


def take(core: Core, account: str, place: Place, now: datetime) -> tuple[str, Taken]:
    """Takes in where a device of the account is. Returns the device's id. Durable when this returns."""
    device = f"{account}:{hashlib.sha256((place.device_id or place.device).encode()).hexdigest()[:16]}"
    name = place.device.strip()[:LONGEST_NAME] or account.removeprefix(PREFIX)
    known = core.devices.find(device)
    lines = [line(device, now, PageTurns.name, **read_at(place))]
    if known is None or known["name"] != name:
        lines.insert(0, line(device, now, Device.name, name=name))
    with core.database.writing():
        taken = core.ingest.take(lines, f"device {device}", now)
        core.devices.contact(account, now)
    return device, taken


def line(device: str, now: datetime, event: str, **fields: Any) -> dict[str, Any]:
    """A line by the core's own clock. Such devices count no lines, so its time tells its place among the others."""
    at = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    id_ = f"{at} {next(serial):09d} {secrets.token_hex(4)}"
    return {"v": SPOOL_VERSION, "id": id_, "event": event, "at": at, "device": device, **fields}


def read_at(place: Place) -> dict[str, Any]:
    """What a line tells of reading. sender: as the client told it, so that it knows its own place again."""
    about = {"title": place.title, "authors": (place.authors or "").splitlines(), "file": place.file}
    book = {"partial_md5": md5_of(place.document), **{name: value for name, value in about.items() if value}}
    sender = {"device": place.device, "device_id": place.device_id}
    return {"book": book, "reading": {"percent": place.percent, "position": place.position}, "sender": sender}


def md5_of(document: str) -> str:
    """The partial MD5 that a document goes by. What is none is a book of its own, whatever its name was made of."""
    name = document.lower()
    return name if MD5.fullmatch(name) else hashlib.md5(document.encode(), usedforsecurity=False).hexdigest()


def last_read(core: Core, document: str) -> Place | None:
    """Where any device last read in a document; where one has it open, if none ever read in it.

    None: nowhere, or it is not to be tracked.
    """
    md5, names, opened = md5_of(document), [cls.name for cls in READING], None
    with core.database.transaction():
        rows = core.database.rows(LAST_LINES, md5=md5, ids=names, most=MOST) if core.books.is_tracked(md5) else []
        for told in map(json.loads, (row["line"] for row in rows)):
            event = parse_event(told)
            if not tells_place(event):
                continue
            if is_read(event):
                return place_of(core, document, event, told)
            opened = opened or (event, told)
        return place_of(core, document, *opened) if opened else None


def tells_place(event: Any) -> bool:
    """Whether a line tells all that a client needs; a `resume` need not tell any reading."""
    return event.reading is not None and None not in (event.reading.percent, event.reading.position)


def is_read(event: Event) -> bool:
    """Whether somebody read there: who opens a book and closes it again has not."""
    return isinstance(event, PageTurns) or (isinstance(event, BookClose) and event.reading.turns > 0)


def place_of(core: Core, document: str, event: Any, told: dict[str, Any]) -> Place:
    """The place that a line tells, by the names that its device goes by: its own, or those that a client gave."""
    known = core.devices.find(event.device) or {}
    names = known.get("name") or known.get("model") or event.device, event.device
    if event.device.startswith(PREFIX) and told.get("sender"):
        names = told["sender"]["device"], told["sender"]["device_id"]
    return Place(document, event.reading.percent, event.reading.position, *names, at=int(event.at.timestamp()))
