"""Bookmarks, one for each place of a book. Source: contract 8."""

from __future__ import annotations

from booklore_core.testing.orbit.orbit_marks import post_acknowledgements
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitState,
    OrbitUser,
    check_body,
    key_of,
    of_each_book,
)
from booklore_core.testing.orbit.rules import (
    BOOK_HASH,
    DATETIME,
    DEVICE,
    KEYS,
    listed,
    pattern,
    text,
    truth,
    whole,
)

MARK = {
    "datetime": pattern(DATETIME),
    "datetimeUpdated": pattern(DATETIME, is_optional=True),
    "pos": text(4000),
    "pageno": whole(0, None, True),
    "chapter": text(500, True),
    "note": text(500, True),
}


def post_bookmarks(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    book = {"hash": BOOK_HASH, "keys": listed(0, 500, KEYS), "keysComplete": truth()}
    told = check_body(body, **DEVICE, books=listed(1, 20, {**book, "changes": listed(0, 50, MARK)}))
    device = told["deviceId"]
    return of_each_book(state, user, told["books"], lambda found, one: exchanged(state, user, found, device, one))


def exchanged(state: OrbitState, user: OrbitUser, book: OrbitBook, device: str, told: Fields) -> Fields:
    counts = dict.fromkeys(("accepted", "duplicates", "rejected", "deviceDeleted"), 0)
    before = [(row, dict(row["links"].get(device, {}))) for row in own_rows(state, user, book)]
    for change in told["changes"]:
        counts[take(state, user, book, device, change)] += 1
    if told["keysComplete"]:
        counts["deviceDeleted"] = remove_others(before, device, {one["k"].lower() for one in told["keys"]})
    own = own_rows(state, user, book)
    fresh = [row for row in own if not row["is_deleted"] and device not in row["links"] and row["pos"]]
    added = [
        {"serverId": one["id"], "pos": one["pos"], "pageno": one["pageno"], "title": one["title"]} for one in fresh
    ]
    gone = [(row, key) for row in own if row["is_deleted"] for key in row["links"].get(device, {}).items()]
    deleted = [{"serverId": row["id"], "key": key, "datetime": moment} for row, (key, moment) in gone]
    about = {"hash": told["hash"].lower(), "bookId": book.id, **counts}
    return {**about, "toApply": {"add": added, "delete": deleted}, "more": False, "skippedConversion": 0}


def own_rows(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    return [row for row in state.bookmarks if row["user"] == user.id and row["book"] == book.id]


def take(state: OrbitState, user: OrbitUser, book: OrbitBook, device: str, change: Fields) -> str:
    """A place that cannot be found in the book is lost."""
    key, rows = key_of(change["datetime"], change["pos"]), own_rows(state, user, book)
    title = change.get("note") or change.get("chapter") or page_title(change.get("pageno"))
    known = next((row for row in rows if key in row["links"].get(device, {})), None)
    if known:
        known["title"] = known["title"] if known["is_deleted"] else title
        return "duplicates"
    cfi = book.places.cfi(change["pos"])
    if cfi is None:
        return "rejected"
    number, same = next(state.bookmark_ids), next((row for row in rows if row["cfi"] == cfi), None)
    if same is None:
        same = {"id": number, "user": user.id, "book": book.id, "cfi": cfi, "links": {}, "is_deleted": True}
        same |= {"pos": change["pos"], "datetime": change["datetime"], "pageno": change.get("pageno")}
        state.bookmarks.append({**same, "made": state.now()})
        same = state.bookmarks[-1]
    how = "accepted" if same["is_deleted"] else "duplicates"
    if same["is_deleted"]:
        same.update(is_deleted=False, title=title)
    same["links"].setdefault(device, {})[key] = change["datetime"]
    return how


def post_bookmark_acknowledgements(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    """A device has taken what it was told; under which key, it says."""
    return post_acknowledgements(state, user, body, state.bookmarks, acknowledge_all)


def acknowledge_all(rows: list[Fields], device: str, told: Fields) -> int:
    known = {row["id"]: row for row in rows}
    taken = sum(acknowledged(known, device, of) for of in told.get("applied") or ())
    return taken + sum(gone_from(known, device, of) for of in told.get("deleted") or ())


def acknowledged(rows: dict[int, Fields], device: str, told: Fields) -> bool:
    if row := rows.get(told["serverId"]):
        moment, place = told.get("datetime") or row["datetime"], told.get("pos") or row["pos"]
        row["links"].setdefault(device, {})[key_of(moment, place)] = moment
    return told["serverId"] in rows


def gone_from(rows: dict[int, Fields], device: str, told: Fields) -> bool:
    return told["serverId"] in rows and rows[told["serverId"]]["links"].pop(device, None) is not None


def page_title(page: int | None) -> str:
    return "Bookmark" if page is None else f"p. {page}"


def remove_others(rows: list[tuple[Fields, Fields]], device: str, present: set[str]) -> int:
    """Those of a device none of whose keys is named any more, of what it had before it told what is new; it is not told
    of what it has removed itself."""
    gone = 0
    for row, links in rows:
        if links and not row["is_deleted"] and not links.keys() & present:
            row["is_deleted"], gone = True, gone + 1
            del row["links"][device]
    return gone
