"""Status, stars and review: taken only when they are of a later day than what is there. Source: contract 9."""

from __future__ import annotations

from booklore_core.testing.orbit.attempts import set_by_hand
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    day_of,
    internal,
    iso,
    of_each_book,
)
from booklore_core.testing.orbit.rules import (
    BOOK_HASH,
    DATE,
    DEVICE,
    Expected,
    bounds,
    is_number,
    is_whole,
    listed,
    one_of,
    pattern,
    text,
    truth,
    whole,
)

STATUSES = {"reading": "reading", "complete": "read", "abandoned": "abandoned"}
READ_STATUSES = ("unread", "want_to_read", "reading", "on_hold", "read", "abandoned")
STATE = {
    "hash": BOOK_HASH,
    "status": one_of(*STATUSES, is_optional=True),
    "statusModified": pattern(DATE, is_optional=True),
    "rating": whole(1, 5, True),
    "ratingCleared": truth(True),
    "reviewNote": text(10000, True),
    "reviewCleared": truth(True),
    "reviewModified": pattern(DATE, is_optional=True),
}


def post_book_states(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    told = check_body(body, **DEVICE, books=listed(1, 200, STATE))
    return of_each_book(state, user, told["books"], lambda book, one: take_state(state, user, book, one))


def take_state(state: OrbitState, user: OrbitUser, book: OrbitBook, told: Fields) -> Fields:
    row, now = state.state_of(user, book), state.now()
    modified = told.get("statusModified")
    status = STATUSES.get(told.get("status") or "")
    applied = {"statusApplied": status is not None and take_status(state, user, book, status, modified)}
    clears = bool(told.get("ratingCleared"))
    rates = clears or "rating" in told
    applied["ratingApplied"] = rates and take(row, "rating", None if clears else told["rating"], modified, now)
    clears = bool(told.get("reviewCleared"))
    writes, note = clears or "reviewNote" in told, None if clears else told.get("reviewNote") or None
    applied["reviewApplied"] = writes and take(row, "review", note, told.get("reviewModified"), now)
    return {**applied, **shown(row)}


def take_status(state: OrbitState, user: OrbitUser, book: OrbitBook, status: str, modified: str | None) -> bool:
    row = state.state_of(user, book)
    told = dict(row)
    if not take(told, "status", status, modified, state.now()):
        return False
    if told["status"] != row["status"]:
        set_by_hand(state, user, book, status)
        row.update(status=status, statusAt=told["statusAt"])
    return True


def take(row: Fields, name: str, value: object, modified: str | None, now: float) -> bool:
    """Whether this is what holds now. Equal: nothing is written; the same day as the last change: refused."""
    before = row[f"{name}At"]
    is_same = row[name] == value or (name == "status" and {row[name], value} == {"reading", "rereading"})
    if before is not None and is_same:
        return True
    if before is not None and (modified is None or modified <= day_of(before)):
        return False
    row.update({name: value, f"{name}At": now})
    return True


def shown(row: Fields) -> Fields:
    rating, review = row["rating"], row["review"]
    told = {"rating": rating, "ratingSet": rating is not None, "ratingUpdatedAt": when(row["ratingAt"])}
    about = {"reviewNote": review, "reviewNoteSet": review is not None, "reviewUpdatedAt": when(row["reviewAt"])}
    return {**told, **about}


def when(at: float | None) -> str | None:
    return None if at is None else iso(at)


def put_rating(state: OrbitState, user: OrbitUser, book_id: str, body: object) -> Fields:
    """Whatever is there already; what is no whole star fails in the database."""
    told = check_body(body, rating=Expected(bounds(None, 5), True))
    if not book_id.isdigit() or int(book_id) not in state.books:
        raise OrbitRefusal(404, "One or more books were not found")
    book, rating = state.book_for(user, book_id), told.get("rating")
    if rating is not None and not (is_number(rating) and is_whole(rating) and rating >= 1):
        raise internal()
    state.state_of(user, book).update(rating=rating, ratingAt=state.now())
    return {"rating": rating}


def put_read_status(state: OrbitState, user: OrbitUser, book_id: str, body: object) -> Fields:
    book = state.book_for(user, book_id)
    told = check_body(body, status=one_of(*READ_STATUSES))
    row = state.state_of(user, book)
    if row["status"] != told["status"]:
        set_by_hand(state, user, book, told["status"])
        row.update(status=told["status"], statusAt=state.now())
    return {"readStatus": told["status"]}
