"""What a browser asks for and does: looks, links by hand, and changes that devices are told of."""

from __future__ import annotations

import secrets
from itertools import groupby

from booklore_core.testing.orbit.book_states import READ_STATUSES
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    day_of,
    iso,
)
from booklore_core.testing.orbit.rules import one_of

COLORS = {
    "yellow": "#FACC15", "red": "#F87171", "green": "#4ADE80", "blue": "#60A5FA", "purple": "#C084FC",
    "orange": "#FB923C",
}  # fmt: skip
STYLES = {"lighten": "highlight", "underscore": "underline", "strikeout": "strikethrough", "invert": "highlight"}
NOT_SEEN = "KOReader unmatched book not found"


def log_in(state: OrbitState, body: Fields) -> Fields:
    user = next((one for one in state.users if one.name == body.get("username")), None)
    if user is None or user.password != body.get("password"):
        raise OrbitRefusal(401, "Invalid credentials")
    token = secrets.token_hex(16)
    state.tokens[token] = user
    return {"accessToken": token, "user": about(user)}


def about(user: OrbitUser) -> Fields:
    told = {
        "id": user.id,
        "username": user.name,
        "name": user.name.capitalize(),
        "email": "a@b.example",
        "active": True,
    }
    told |= {"isSuperuser": user.libraries is None, "isDefaultPassword": False, "settings": {}, "avatarUrl": None}
    return {
        **told,
        "provisioningMethod": "local",
        "permissions": ["*"] if user.libraries is None else ["koreader_sync"],
    }


def list_unmatched(state: OrbitState, user: OrbitUser) -> list[Fields]:
    return [one for (owner, _), one in state.unmatched.items() if owner == user.id]


def link(state: OrbitState, user: OrbitUser, digest: str, body: Fields, is_new: bool) -> Fields:
    known = (state.unmatched if is_new else state.links).get((user.id, digest))
    if known is None:
        raise OrbitRefusal(404, NOT_SEEN if is_new else "KOReader manual link not found")
    book = state.book_for(user, str(body["bookId"]))
    now = iso(state.now())
    made = {"hash": digest, "bookId": book.id, "bookFileId": book.id}
    if is_new:
        names = {"koreaderTitle": "title", "koreaderAuthors": "authors", "koreaderLastOpen": "lastOpen"}
        seen = {name: known[of] for name, of in names.items()}
        state.links[user.id, digest] = {**seen, "createdAt": now, "seen": known}
        del state.unmatched[user.id, digest]
    state.links[user.id, digest].update(made, updatedAt=now, bookTitle=book.title, bookAuthors=book.authors)
    return made


def list_links(state: OrbitState, user: OrbitUser) -> list[Fields]:
    links = [one for (owner, _), one in state.links.items() if owner == user.id]
    return [{name: value for name, value in one.items() if name != "seen"} for one in links]


def unlink(state: OrbitState, user: OrbitUser, digest: str) -> Fields:
    if (user.id, digest) not in state.links:
        raise OrbitRefusal(404, "KOReader manual link not found")
    state.unmatched[user.id, digest] = state.links.pop((user.id, digest))["seen"]
    return {"hash": digest}


def dismiss(state: OrbitState, user: OrbitUser, digest: str) -> Fields:
    if (user.id, digest) not in state.unmatched:
        raise OrbitRefusal(404, NOT_SEEN)
    del state.unmatched[user.id, digest]
    return {"hash": digest}


def list_sessions(state: OrbitState, user: OrbitUser, book: OrbitBook, query: dict[str, str]) -> Fields:
    rows = sorted(state.sessions.get((user.id, book.id), ()), key=lambda one: (one["start"], one["id"]))
    size, page = int(query.get("pageSize", "20")), int(query.get("page", "1"))
    ordered = rows if query.get("sortDir") == "asc" else rows[::-1]
    items = [session_json(book, one) for one in ordered[(page - 1) * size : page * size]]
    return {"items": items, "total": len(rows), "page": page, "pageSize": size, "stats": stats_of(rows)}


def session_json(book: OrbitBook, row: Fields) -> Fields:
    told = {"id": row["id"], "startedAt": iso(row["start"]), "endedAt": iso(row["end"])}
    told |= {"durationSeconds": row["duration"], "progressDelta": row["delta"], "endProgress": row["at"]}
    return {**told, "format": book.format, "source": row["source"]}


def stats_of(rows: list[Fields]) -> Fields:
    total, paced = sum(one["duration"] for one in rows), [one for one in rows if (one["delta"] or 0) > 0]
    days = [(day, list(of)) for day, of in groupby(rows, lambda one: day_of(one["start"]))]
    names = {"web": "bookorbit"}
    sources = {names.get(one["source"], one["source"]) for one in rows}
    buckets = [[one for one in rows if names.get(one["source"], one["source"]) == source] for source in sources]
    buckets.sort(key=lambda of: -sum(one["duration"] for one in of))
    return {
        "totalSessions": len(rows), "totalSeconds": total,
        "avgDurationSeconds": round(total / len(rows)) if rows else 0,
        "firstSessionAt": iso(rows[0]["start"]) if rows else None,
        "lastSessionAt": iso(rows[-1]["start"]) if rows else None,
        "dailySummary": [
            {"day": day, "totalMinutes": round(sum(one["duration"] for one in of) / 60, 1)} for day, of in days
        ],
        "paceProgressDelta": sum(one["delta"] for one in paced),
        "paceDurationSeconds": sum(one["duration"] for one in paced),
        "progressSummary": [{"day": day, "endProgress": max(of, key=lambda one: one["end"])["at"]} for day, of in days],
        "bySource": [bucket_json(of, names) for of in buckets],
    }  # fmt: skip


def bucket_json(of: list[Fields], names: dict[str, str]) -> Fields:
    source = of[0]["source"]
    total = sum(one["duration"] for one in of)
    return {"bucket": names.get(source, source), "totalSeconds": total, "totalSessions": len(of)}


def delete_session(state: OrbitState, user: OrbitUser, book: OrbitBook, number: str) -> None:
    rows = state.sessions.get((user.id, book.id), [])
    left = [one for one in rows if str(one["id"]) != number]
    if len(left) == len(rows):
        raise OrbitRefusal(404, "Reading session not found")
    rows[:] = left


def annotations_of(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    rows = [one for one in state.annotations if (one["user"], one["book"]) == (user.id, book.id)]
    return [annotation_json(book, one) for one in rows if not one["is_deleted"]]


def annotation_json(book: OrbitBook, row: Fields) -> Fields:
    """createdAt: when it was received."""
    is_text = row["posFormat"] == "xpointer" and book.format == "epub"
    cfi, status = book.places.placed(row["pos0"], row["pos1"], row["text"] or "") if is_text else (None, None)
    told = {"id": row["id"], "bookId": book.id, "cfi": cfi, "jumpFileId": book.id, "pageno": row["pageno"]}
    color = row["color"] or "yellow"
    told |= {"color": color.upper() if color.startswith("#") else COLORS.get(color, COLORS["yellow"])}
    told |= {"text": row["text"], "style": STYLES[row["drawer"]], "note": row["note"], "chapterTitle": row["chapter"]}
    told |= {"origin": row["origin"], "positionStatus": status, "chapterIndex": book.places.chapter(row["pos0"])}
    return {**told, "createdAt": iso(row["made"])}


def annotation_of(state: OrbitState, user: OrbitUser, number: str, book: OrbitBook) -> Fields:
    for row in state.annotations:
        is_own = (row["user"], row["book"], str(row["id"])) == (user.id, book.id, number)
        if is_own and not row["is_deleted"]:
            return row
    raise OrbitRefusal(404, f"Annotation {number} not found for book {book.id}")


def edit_annotation(row: Fields, body: Fields, now: float) -> None:
    row.update({name: body[name] for name in ("note",) if name in body}, version=row["version"] + 1, edited=moment(now))
    row["datetimeUpdated"] = moment(now)


def moment(now: float) -> str:
    return iso(now)[:19].replace("T", " ")


def restore(state: OrbitState, user: OrbitUser, number: str) -> Fields:
    row = next((one for one in state.annotations if str(one["id"]) == number and one["user"] == user.id), None)
    if row is None:
        raise OrbitRefusal(404, f"Annotation {number} not found")
    row.update(is_deleted=False, version=row["version"] + 1)
    for one in row["links"].values():
        one["gone"] = False
    return annotation_json(state.books[row["book"]], row)


def bookmarks_of(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    rows = [one for one in state.bookmarks if (one["user"], one["book"]) == (user.id, book.id)]
    return [bookmark_json(one) for one in rows if not one["is_deleted"]]


def bookmark_json(row: Fields) -> Fields:
    told = {"id": row["id"], "bookId": row["book"], "cfi": row["cfi"], "title": row["title"]}
    return {**told, "positionSeconds": None, "createdAt": iso(row["made"])}


def make_bookmark(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> Fields:
    same = (user.id, book.id, body["cfi"])
    known = next((one for one in state.bookmarks if (one["user"], one["book"], one["cfi"]) == same), None)
    if known is None:
        known = {"id": next(state.bookmark_ids), "user": user.id, "book": book.id, "cfi": body["cfi"], "links": {}}
        known |= {"title": body.get("title"), "pageno": None, "datetime": moment(state.now()), "is_deleted": False}
        state.bookmarks.append({**known, "made": state.now(), "pos": ""})
        known = state.bookmarks[-1]
    return bookmark_json(known)


def delete_bookmark(state: OrbitState, user: OrbitUser, book: OrbitBook, number: str) -> None:
    for row in state.bookmarks:
        if (row["user"], row["book"], str(row["id"])) == (user.id, book.id, number) and not row["is_deleted"]:
            row["is_deleted"] = True
            return
    raise OrbitRefusal(404, f"Bookmark {number} not found for book {book.id}")


def set_status(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> Fields:
    told = check_body(body, status=one_of(*READ_STATUSES))
    state.state_of(user, book).update(status=told["status"], statusAt=state.now())
    return {
        "status": told["status"],
        "source": "manual",
        "startedAt": None,
        "finishedAt": None,
        "updatedAt": iso(state.now()),
    }
