"""What a browser asks for and does: looks, links by hand, and changes that devices are told of."""

from __future__ import annotations

import secrets

from booklore_core.testing.orbit.attempts import attempts_of, set_by_hand
from booklore_core.testing.orbit.book_states import READ_STATUSES
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    iso,
)
from booklore_core.testing.orbit.rules import one_of
from booklore_core.testing.orbit.web_marks import moment

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


def delete_session(state: OrbitState, user: OrbitUser, book: OrbitBook, number: str) -> None:
    rows = state.sessions.get((user.id, book.id), [])
    left = [one for one in rows if str(one["id"]) != number]
    if len(left) == len(rows):
        raise OrbitRefusal(404, "Reading session not found")
    rows[:] = left


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
        place = book.places.xpointer(body["cfi"])
        state.bookmarks.append({**known, "made": state.now(), "pos": place})
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
    set_by_hand(state, user, book, told["status"])
    state.state_of(user, book).update(status=told["status"], statusAt=state.now())
    last = next(iter(attempts_of(state, user, book)), {"started": None, "ended": None})
    about = {"startedAt": last["started"], "finishedAt": last["ended"], "updatedAt": iso(state.now())}
    return {"status": told["status"], "source": "manual", **about}
