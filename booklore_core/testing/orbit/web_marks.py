"""Highlights as a browser shows, makes and changes them: where in the book they are is found out when they are listed,
a few each time. Source: contract 7.3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    iso,
)

COLORS = {
    "yellow": "#FACC15", "red": "#F87171", "green": "#4ADE80", "blue": "#60A5FA", "purple": "#C084FC",
    "orange": "#FB923C",
}  # fmt: skip
STYLES = {"lighten": "highlight", "underscore": "underline", "strikeout": "strikethrough", "invert": "highlight"}
DRAWERS = {"highlight": "lighten", "underline": "underscore", "strikethrough": "strikeout"}
PLACED_AT_ONCE = 25
"""So many highlights of a book are looked for in it at each listing."""


def own_rows(state: OrbitState, user: OrbitUser, book: OrbitBook | None = None) -> list[Fields]:
    rows = (one for one in state.annotations if one["user"] == user.id)
    return [one for one in rows if book is None or one["book"] == book.id]


def annotations_of(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    rows = [one for one in own_rows(state, user, book) if not one["is_deleted"]]
    place(book, rows)
    return [annotation_json(book, one) for one in rows]


def place(book: OrbitBook, rows: Iterable[Fields], most: int | None = PLACED_AT_ONCE) -> None:
    """Finds the first of those that have not been looked for."""
    waiting = [one for one in rows if one["status"] is None and one["posFormat"] == "xpointer"]
    for row in waiting[:most] if book.format == "epub" else ():
        row["cfi"], row["status"] = book.places.placed(row["pos0"], row["pos1"], row["text"] or "")
        row["chapterIndex"] = book.places.chapter(row["pos0"])


def annotation_json(book: OrbitBook, row: Fields) -> Fields:
    """createdAt: when it was received."""
    told = {"id": row["id"], "bookId": book.id, "cfi": row["cfi"], "jumpFileId": book.id, "pageno": row["pageno"]}
    told |= {"text": row["text"], "style": STYLES[row["drawer"]], "note": row["note"], "chapterTitle": row["chapter"]}
    told |= {"origin": row["origin"], "positionStatus": row["status"], "chapterIndex": row["chapterIndex"]}
    color = row["color"] if row["origin"] == "web" else shown_color(row["color"])
    return {**told, "color": color, "createdAt": iso(row["made"])}


def shown_color(color: str | None) -> str:
    return color.upper() if color and color.startswith("#") else COLORS.get(color or "", COLORS["yellow"])


def name_of_color(color: str | None) -> str:
    """As devices know it: of one that was told in hex digits, the one that comes nearest."""
    if color and color.startswith("#") and len(color) == 7:
        return min(COLORS, key=lambda name: distance(COLORS[name], color))
    return color if color in COLORS else "yellow"


def distance(one: str, other: str) -> int:
    return sum((int(one[at : at + 2], 16) - int(other[at : at + 2], 16)) ** 2 for at in (1, 3, 5))


def hub_json(state: OrbitState, row: Fields) -> Fields:
    """As it is shown among those of all books."""
    book = state.books[row["book"]]
    about = {"bookTitle": book.title, "author": book.authors[0] if book.authors else None}
    about |= {"deletedAt": iso(row["deleted"]) if row["is_deleted"] else None, "jumpFileFormat": book.format}
    return {**annotation_json(book, row), **about}


def list_all(state: OrbitState, user: OrbitUser, query: dict[str, str]) -> Fields:
    """Those of all books, or of one, the latest first; or those in the trash."""
    is_trash, book = query.get("status") == "trashed", query.get("bookId")
    rows = [one for one in own_rows(state, user) if one["is_deleted"] == is_trash]
    rows = [one for one in rows[::-1] if book is None or str(one["book"]) == book]
    size, page = int(query.get("pageSize", "20")), int(query.get("page", "1"))
    origins = Counter(one["origin"] for one in rows)
    stats: Fields = {"books": len({one["book"] for one in rows}), "withNotes": sum(bool(one["note"]) for one in rows)}
    stats["originBreakdown"] = [{"origin": origin, "count": count} for origin, count in origins.items()]
    shown = [hub_json(state, one) for one in rows[(page - 1) * size : page * size]]
    return {"items": shown, "total": len(rows), "page": page, "pageSize": size, "stats": stats}


def make_annotation(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> Fields:
    """Nothing tells two of one place apart. Devices are told of it once its place has been put into their words."""
    now = state.now()
    row: Fields = {"id": state.number_annotation(), "user": user.id, "book": book.id, "version": 1, "keys": set()}
    row |= {"is_deleted": False, "deleted": None, "made": now, "origin": "web", "links": {}, "edited": moment(now)}
    row |= {
        "datetime": moment(now),
        "datetimeUpdated": None,
        "cfi": body["cfi"],
        "status": "exact",
        "chapterIndex": None,
    }
    row |= {"text": body.get("text") or "", "note": body.get("note"), "color": body.get("color") or "yellow"}
    row |= {"drawer": DRAWERS.get(body.get("style") or "", "lighten"), "chapter": body.get("chapterTitle")}
    row |= {"posFormat": "xpointer", "pos0": None, "pos1": None, "pageno": None, "place": "unknown"}
    state.annotations.append(row)
    return {**annotation_json(book, row), "jumpFileId": None}


def annotation_of(state: OrbitState, user: OrbitUser, number: str, book: OrbitBook) -> Fields:
    for row in own_rows(state, user, book):
        if str(row["id"]) == number and not row["is_deleted"]:
            return row
    raise OrbitRefusal(404, f"Annotation {number} not found for book {book.id}")


def edit_annotation(row: Fields, body: Fields, now: float) -> None:
    row.update({name: body[name] for name in ("note",) if name in body}, version=row["version"] + 1, edited=moment(now))
    row["datetimeUpdated"] = moment(now)


def trash(row: Fields, now: float) -> None:
    row.update(is_deleted=True, deleted=now)


def moment(now: float) -> str:
    return iso(now)[:19].replace("T", " ")


def restore(state: OrbitState, user: OrbitUser, number: str) -> Fields:
    row = next((one for one in own_rows(state, user) if str(one["id"]) == number), None)
    if row is None:
        raise OrbitRefusal(404, f"Annotation {number} not found")
    row.update(is_deleted=False, deleted=None, version=row["version"] + 1)
    for one in row["links"].values():
        one["gone"] = False
    return hub_json(state, row)
