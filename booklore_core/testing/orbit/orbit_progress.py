"""Where a reader is: the kosync routes, many at once, and what a book's status becomes. Source: contract 6, 9.2."""

from __future__ import annotations

from booklore_core.testing.orbit.attempts import follow
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    internal,
    iso,
)
from booklore_core.testing.orbit.rules import BOOK_HASH, DEVICE, anything, is_whole, listed, number, text

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
    found = {one["hash"]: state.find(user, one["hash"]) for one in told["items"]}
    known = {digest: newest(state, user, book) for digest, book in found.items() if book}
    for one in told["items"]:
        book = found[one["hash"]]
        if book is None:
            unmatched.append(one["hash"].lower())
            continue
        when = one.get("timestamp")
        is_current = when is None or when >= known[one["hash"]]
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
    rows, now = state.places.setdefault((user.id, book.id), {}), state.now()
    before = rows[device]["percent"] if device in rows else None
    percent, shared = round(100 * fraction, 4), state.shared.get((user.id, book.id))
    about = {"percent": percent, "place": place, "device": device[0], "device_id": device[1], "timestamp": when}
    rows[device] = {**about, "at": now, "written": next(state.written)}
    state.pushes.append({**rows[device], "user": user.id, "bookId": book.id})
    if is_current:
        moved = {"percent": percent, "place": place, "is_web": False, "read": now}
        moved["cfi"] = book.places.cfi(place) if place else None
        # The time of a row that is there is not touched: it is the web's, or that of the first place.
        dated = {"at": now, "written": next(state.written)} if shared is None else {}
        state.shared[user.id, book.id] = {**(shared or {}), **moved, **dated}
        follow(state, user, book, percent, before, when)


def get_book_progress(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    """What a browser shows of where each device is."""
    rows = sorted(state.places.get((user.id, book.id), {}).values(), key=lambda one: -one["written"])
    shared = state.shared.get((user.id, book.id))
    newest = max([*rows, *([shared] if shared else [])], key=lambda one: one["written"], default=None)
    told = {"bookId": book.id, "bookFileId": book.id, "canonicalPercentage": newest and newest["percent"]}
    told |= {"canonicalChapterIndex": None, "canonicalChapterTitle": None}
    at = newest.get("at") if newest else None
    told |= {"canonicalSource": "web" if newest is shared else "koreader", "canonicalUpdatedAt": iso(at or 0)}
    told["devices"] = [
        {
            "device": one["device"], "deviceId": one["device_id"], "percentage": one["percent"],
            "chapterIndex": None, "chapterTitle": None, "updatedAt": iso(one.get("at") or 0),
        }
        for one in rows
    ]  # fmt: skip
    return {**told, "fileModifiedSinceLastSync": False}
