"""Ratings: KOReader's stars whenever they change, or what the reader says when a book is read to its end.

One fact for each book, whose newest body counts: a rating from 1 to 10, or none where the stars were taken away. A
reader is asked once for each book, when it is closed at its end, on whichever device; also when he cancels. Until the
question has been shown a device remembers the book: it may go off, or be without a core, before that.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from booklore_core import (
    Action,
    Ask,
    BookClose,
    BookRef,
    Effect,
    Event,
    Facts,
    Flow,
    Item,
    Journal,
    Kind,
    Rating,
    Request,
    Result,
    Schedule,
    Section,
    Setting,
    hookimpl,
)

KIND, ASKED, DUE = "rating", "rating_asked", "rating_due"
"""The others are no target's: that a reader was asked about a book, and about which ones a device is yet to ask."""

SCALED, AT_COMPLETE = MODES = ("scaled", "select_at_complete")
MENU, LONG_PRESS = ("What to Sync", "Rating"), ("Long press",)
GIVEN, FOUND = "scaled", "found"
"""How a rating of stars came about: these were given, or a device had them when it told of the book for the first time,
since when nobody knows; they take the place of none that somebody has given."""

LOWEST, HIGHEST = 1, 10
SOON = 2.0
"""Seconds after a book was closed that its reader is asked: KOReader shows its files by then."""

MOST = 10
"""So many books at most a device remembers to ask about."""

ASKED_HERE = "/asked"
"""Ends the id of a rating that was asked for, as other features are told of it."""

UNKNOWN = "Nothing was rated: no device has told of this book yet. Open it once."
SEVERAL = "Nothing was rated: that may be one of several books. Give the partial MD5 of one of them."
VIEWS = {
    "pending_ratings": """SELECT id, book_cache_id, book_id, {int:{text:rating}} AS rating, retry_count, last_retry_at,
        created_at FROM pending_items WHERE kind = 'rating'""",
    "rating_sync_history": """SELECT id, book_cache_id, {int:{text:rating}} AS rating, synced_at, 'success' AS status,
        NULL AS error_message FROM delivered_items WHERE kind = 'rating'""",
}
"""Source: lua-plugin-behaviour §2. A rating that was taken away is NULL."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "R", "rating", "ratings", 10, VIEWS, history="Rating sync history", label_rank=30)


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether ratings are sent", label="Enable rating sync", menu=MENU)
    about, words = (
        "Which rating is sent: stars when they change from then on, or one that is asked for",
        ("KOReader rating (scaled ×2)", "Select at complete"),
    )
    yield Setting("mode", str, SCALED, about, MODES, label="Rating", menu=MENU, words=words)


@hookimpl
def register_actions() -> Iterable[Action]:
    about = "Gives a book a rating from 1 to 10, which is sent."
    yield Action("rate_book", "Rate this book", rate_book, about, menu=LONG_PRESS, order=40)


@hookimpl
def on_rating(event: Rating, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item]:
    held = next((fact.item for fact in facts.known(KIND, [event.book.partial_md5])), None)
    is_of_stars = held is None or held.body.get("how") in (GIVEN, FOUND)
    if settings["mode"] != SCALED or event.id.endswith(ASKED_HERE) or (event.is_first and not is_of_stars):
        return
    rating, how = rating_for(event.stars), FOUND if event.is_first else GIVEN
    told: dict[str, Any] = {"rating": rating, "stars": event.stars, "device": event.device, "how": how}
    # What a target holds of these is ours, though an earlier database may have sent it.
    before = [held.body["rating"], *held.body.get("earlier", ())] if held else []
    before += map(rating_for, shown_before(event, journal))
    earlier = [one for one in dict.fromkeys(before) if one not in (None, rating)]
    told |= {"earlier": earlier[:MOST]} if earlier else {}
    # Of all stars these were given last, although the line that showed it may be an earlier one.
    at = max(event.at, held.occurred_at) if held and is_of_stars else event.at
    yield Item(KIND, event.book.partial_md5, event.book.ref, told, at)


def shown_before(event: Rating, journal: Journal) -> list[Any]:
    """The stars that lines about the book show, on whichever device, the newest first."""
    lines = sorted(journal.about(event.book.partial_md5), key=lambda one: one.at, reverse=True)
    stars = (one.reading.stars for one in lines if hasattr(one, "reading"))
    return [one for one in stars if isinstance(one, int | float)]


def rating_for(stars: Any) -> int | None:
    return None if stars is None else int(2 * stars)


@hookimpl
def reply(event: Event, facts: Facts, settings: Section) -> Iterator[Effect | Item]:
    """Has the reader asked about the books that were closed at their end."""
    if not isinstance(event, BookClose) or event.reason not in ("close", "exit") or settings["mode"] != AT_COMPLETE:
        return
    held = next((fact.item for fact in facts.known(DUE, [event.device])), None)
    before: list[str] = held.body["books"] if held else []
    closed = [event.book.partial_md5] if event.reading.is_complete else []
    due = unasked([*before, *closed], facts)[-MOST:]
    if due != before:
        at = max(event.at, held.occurred_at) if held else event.at
        yield Item(DUE, event.device, event.book.ref, {"books": due}, at)
    if due:
        yield Schedule(SOON, "rate_book", due[-1], {"books": due})


def unasked(books: Iterable[str], facts: Facts) -> list[str]:
    """Of these books, by partial MD5, those that nobody was asked about and that have no rating yet."""
    wanted = list(dict.fromkeys(books))
    rated = {fact.item.key for fact in facts.known(KIND, wanted) if fact.item.body["rating"] is not None}
    asked = {fact.item.key for fact in facts.known(ASKED, wanted)}
    return [md5 for md5 in wanted if md5 not in rated | asked]


def rate_book(core: Any, request: Request) -> Flow:
    """Asks for a rating. args: rating, which is not asked for then; or books, as a device is told: the partial MD5s of
    those to ask about unless somebody was asked before."""
    books = request.args.get("books")
    if isinstance(books, list):
        return (yield from rate_unasked(core, request, books))
    found = core.books.find(request.book or "")
    if len(found) != 1:
        return Result(SEVERAL if found else UNKNOWN, ok=False)
    return (yield from rate(core, request, found[0], request.args.get("rating")))


def rate_unasked(core: Any, request: Request, books: Iterable[Any]) -> Flow:
    results: list[Result] = []
    for book in filter(None, (core.books.get(str(md5)) for md5 in books)):
        if unasked([book.partial_md5], Facts(core.database, core.clock())):
            core.put([Item(ASKED, book.partial_md5, book, {"device": request.device}, core.clock())], "ratings")
            results.append((yield from rate(core, request, book)))
    told = "; ".join(one.message for one in results if one.message)
    return Result(told, items=tuple(item for one in results for item in one.items))


def rate(core: Any, request: Request, book: BookRef, rating: Any = None) -> Flow:
    name = f"“{book.title}”" if book.title else "this book"
    if rating is None:
        held = next((one.item for one in Facts(core.database, core.clock()).known(KIND, [book.partial_md5])), None)
        before = held.body["rating"] if held else None
        text = f"How do you rate {name}, from {LOWEST} to {HIGHEST}?"
        rating = yield Ask(text, "" if before is None else before, low=LOWEST, high=HIGHEST)
    if rating is None:
        return Result()
    if not isinstance(rating, int) or isinstance(rating, bool) or not LOWEST <= rating <= HIGHEST:
        return Result(f"rating: expected a whole number from {LOWEST} to {HIGHEST}, got {rating!r}", ok=False)
    told = {"rating": rating, "stars": rating / 2, "device": request.device, "how": "asked"}
    core.tell(as_event(book, rating, request.device or "booklore", core.clock()))
    item = Item(KIND, book.partial_md5, book, told, core.clock())
    return Result(f"{name} is rated {rating} of {HIGHEST}", items=(item,), data={"rating": rating})


def as_event(book: BookRef, rating: int, device: str, at: datetime) -> Rating:
    """A rating that was asked for as those that stars give, so that whatever follows from these follows from it."""
    about = {"partial_md5": book.partial_md5, "title": book.title, "file": book.file, "size": book.size}
    fields = {"id": f"{device}{ASKED_HERE}", "device": device, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return Rating.model_validate({**fields, "book": about, "stars": rating / 2})
