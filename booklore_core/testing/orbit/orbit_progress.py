"""Where a reader is: the kosync routes, many at once, and what a book's status becomes. Source: contract 6, 9.2."""

from __future__ import annotations

from typing import Any

from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    internal,
)
from booklore_core.testing.orbit.rules import BOOK_HASH, DEVICE, anything, is_whole, listed, number, text

FINISHED, FALL = 98, 10
NO_BOOK = "Book not found for the given document hash"
NOBODY = ("KOReader", "1a565415bf968e2c")
"""The device of a request that names none."""


def put_progress(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    fields = dict.fromkeys(("progress", "device", "device_id", "timestamp", "metadata"), anything())
    told = check_body(body, document=text(), percentage=number(0, 1), **fields)
    digest, when = told["document"], told.get("timestamp")
    book = state.find(user, digest) if digest == digest.lower() else None
    if book is None:
        raise OrbitRefusal(404, NO_BOOK)
    device = (told.get("device") or NOBODY[0], told.get("device_id") or NOBODY[1])
    if any(len(one) > 100 for one in device) or not (when is None or is_whole(when)):
        raise internal()
    when = int(state.now()) if when is None else when
    place = told.get("progress")
    take_place(state, user, book, device, told["percentage"], None if place is None else str(place), when, True)
    return {"document": digest, "timestamp": when}


def get_progress(state: OrbitState, user: OrbitUser, digest: str) -> Fields:
    book = state.find(user, digest) if digest == digest.lower() else None
    rows = list(state.places.get((user.id, book.id), {}).values()) if book else []
    shared = state.shared.get((user.id, book.id)) if book else None
    if shared:
        rows.append({**shared, "device": "web", "device_id": "bookorbit-web", "timestamp": int(shared["at"])})
    if not rows:
        return {}
    row = max(rows, key=lambda one: one["written"])
    told = {name: row[name] for name in ("device", "device_id", "timestamp")}
    return {"document": digest, "percentage": round(row["percent"] / 100, 6), "progress": row["place"] or "", **told}


def post_progress(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    item = {"hash": BOOK_HASH, "percentage": number(0, 1), "progress": text(4000, True), "timestamp": anything()}
    told = check_body(body, **DEVICE, items=listed(1, 100, item))
    device, results, unmatched = (told["deviceModel"], told["deviceId"]), [], []
    for one in told["items"]:
        book = state.find(user, one["hash"])
        if book is None:
            unmatched.append(one["hash"].lower())
            continue
        when = one.get("timestamp")
        is_current = when is None or when >= newest(state, user, book)
        stamp = int(state.now()) if when is None else when
        take_place(state, user, book, device, one["percentage"], one.get("progress"), stamp, is_current)
        results.append({"hash": one["hash"].lower(), "accepted": True})
    return {"results": results, "unmatched": unmatched}


def newest(state: OrbitState, user: OrbitUser, book: OrbitBook) -> float:
    """When the last of what is known was told: a device's by its own clock, the web's by the server's."""
    rows = state.places.get((user.id, book.id), {}).values()
    shared = state.shared.get((user.id, book.id))
    web = shared["at"] if shared and shared["is_web"] else 0
    return float(max([web, *(one["timestamp"] for one in rows)]))


def take_place(
    state: OrbitState, user: OrbitUser, book: OrbitBook, device: tuple[str, str], fraction: float, place: str | None,
    when: int, is_current: bool,
) -> None:  # fmt: skip
    rows = state.places.setdefault((user.id, book.id), {})
    before = rows[device]["percent"] if device in rows else None
    percent, shared = round(100 * fraction, 4), state.shared.get((user.id, book.id))
    about = {"percent": percent, "place": place, "device": device[0], "device_id": device[1], "timestamp": when}
    if is_current:
        moved = {"percent": percent, "place": place, "at": state.now(), "is_web": False}
        moved["cfi"] = book.places.cfi(place) if place else None
        written = next(state.written) + (2 if shared is None else 0)  # a new row is written after the device's
        state.shared[user.id, book.id] = {**moved, "written": written}
        follow(state.state_of(user, book), percent, before, state.now())
    rows[device] = {**about, "at": state.now(), "written": next(state.written)}
    if is_current and shared is None:
        next(state.written), next(state.written)


def follow(row: Fields, percent: float, before: float | None, now: float) -> None:
    """What a status becomes when its reader is here."""
    status: Any = row["status"]
    if percent >= FINISHED:
        wanted = "read"
    elif percent <= 0:
        wanted = status
    elif status == "read":
        wanted = "rereading" if before is not None and before - percent >= FALL else "read"
    elif status == "rereading" or (row["is_finished"] and status in ("abandoned", "unread")):
        wanted = status
    else:
        wanted = "reading"
    if wanted != status:
        row.update(status=wanted, statusAt=now, is_finished=row["is_finished"] or wanted == "read")
