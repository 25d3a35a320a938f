"""Ratings: KOReader's stars whenever they change, or what the reader says when a book is read to its end.

One fact for each book, whose newest body counts: a rating from 1 to 10, or none where the stars were taken away.
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
    Kind,
    Rating,
    Request,
    Result,
    Schedule,
    Section,
    Setting,
    hookimpl,
)

KIND, ASKED = "rating", "rating_asked"
"""The second is no target's: that a reader was asked about a book, which happens once."""

SCALED, AT_COMPLETE = MODES = ("scaled", "select_at_complete")
MENU, LONG_PRESS = ("What to Sync", "Rating"), ("Long press",)
LOWEST, HIGHEST = 1, 10
SOON = 2.0
"""Seconds after a book was closed that its reader is asked: KOReader shows its files by then."""

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
    about, words = "Which rating is sent", ("KOReader rating (scaled ×2)", "Select at complete")
    yield Setting("mode", str, SCALED, about, MODES, label="Rating", menu=MENU, words=words)


@hookimpl
def register_actions() -> Iterable[Action]:
    about = "Gives a book a rating from 1 to 10, which is sent."
    yield Action("rate_book", "Rate this book", rate_book, about, menu=LONG_PRESS, order=40)


@hookimpl
def on_rating(event: Rating, settings: Section) -> Iterator[Item]:
    if settings["mode"] == SCALED:
        rating = None if event.stars is None else int(2 * event.stars)
        told = {"rating": rating, "stars": event.stars, "device": event.device, "how": "scaled"}
        yield Item(KIND, event.book.partial_md5, event.book.ref, told, event.at)


@hookimpl
def reply(event: Event, facts: Facts, settings: Section) -> Iterator[Effect | Item]:
    """Has the reader asked who has come to the end of a book, once: also when he cancels, and on whichever device."""
    if not isinstance(event, BookClose) or event.reason != "close" or settings["mode"] != AT_COMPLETE:
        return
    book = event.book.ref
    if event.reading.is_complete and not facts.known(ASKED, [book.partial_md5]):
        yield Item(ASKED, book.partial_md5, book, {"device": event.device}, event.at)
        yield Schedule(SOON, "rate_book", book.partial_md5)


def rate_book(core: Any, request: Request) -> Flow:
    """Asks for a rating. args: rating, which is not asked for then."""
    book = core.books.get(request.book or "")
    if book is None:
        return Result("Nothing was rated: no device has told of this book yet; open it once.", ok=False)
    rating = request.args.get("rating")
    if rating is None:
        before = rating_of(book, core.database, core.clock())
        text = f"How do you rate “{book.title or 'this book'}”, from {LOWEST} to {HIGHEST}?"
        rating = yield Ask(text, "" if before is None else before, low=LOWEST, high=HIGHEST)
    if rating is None:
        return Result()
    if not isinstance(rating, int) or isinstance(rating, bool) or not LOWEST <= rating <= HIGHEST:
        return Result(f"rating: expected a whole number from {LOWEST} to {HIGHEST}, got {rating!r}", ok=False)
    told = {"rating": rating, "stars": rating / 2, "device": request.device, "how": "asked"}
    item = Item(KIND, book.partial_md5, book, told, core.clock())
    return Result(f"{rating} of {HIGHEST} for “{book.title or 'this book'}”", items=(item,), data={"rating": rating})


def rating_of(book: BookRef, database: Any, now: datetime) -> int | None:
    """The rating as it is held."""
    held = Facts(database, now).known(KIND, [book.partial_md5])
    return held[0].item.body.get("rating") if held else None
