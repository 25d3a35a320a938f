"""Deletions: what becomes of a book on the server whose file was deleted on a device.

One fact for each book, with what was chosen when it was deleted; a file that comes back on that device takes it back.
Many at once may be a mistake, so a person is asked first, one question for all. What leaves the device in another way
than by KOReader, over USB, by a card that is out, no line tells: that is no deletion.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booklore_core import (
    TOMBSTONE,
    BookClose,
    BookOpen,
    Delete,
    Device,
    Facts,
    Item,
    Journal,
    Kind,
    Proposal,
    Resume,
    Section,
    Setting,
    hookimpl,
)

KIND, ASKED, ROW = "deletion", "deletion_asked", "deletion_row"
"""The others are no target's: of which books a person was asked, and what a device has deleted in a row."""

UNSHELVE, DELETE, IGNORE = POLICIES = ("unshelve", "delete", "ignore")
MENU = ("What to Sync", "Deletions")
MANY, IN_A_ROW = 10, 300
"""So many books a device may delete before a person is asked, each at most so many seconds from the one before."""

CONSEQUENCE = (
    "all of its files, in every format, and with them the reading sessions, highlights, notes and bookmarks of it, "
    "yours and those of all other readers. The server has no way back."
)
WARNING = f"A book that is deleted on an e-reader is then deleted from the server's library as well: {CONSEQUENCE}"
VIEWS = {
    "pending_deletions": """SELECT id, {text:file} AS file_path, book_md5 AS file_hash, book_title AS stem, book_id,
        retry_count, created_at FROM pending_items WHERE kind = 'deletion'""",
}
"""Source: seed offline-support, and lua-plugin-behaviour §2."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "D", "deletion", "deletions", 90, VIEWS, history="Synced deletions", label_rank=90)


@hookimpl
def register_settings() -> Iterable[Setting]:
    about = "Whether the server is told of books that KOReader deletes; deleting them over USB is not noticed"
    yield Setting("enabled", bool, True, about, label="Sync deletions", menu=MENU)
    yield Setting(
        "policy",
        str,
        UNSHELVE,
        "What becomes of a book on the server that KOReader deletes",
        POLICIES,
        label="When a book is deleted here",
        menu=MENU,
        words=("Take it off the shelf", "Delete it from the library", "Leave it as it is"),
        warns={DELETE: WARNING},
    )
    about = "The shelf that a deleted book is taken off"
    yield Setting("shelf", str, "KOReader", about, label="Shelf", menu=MENU)


@hookimpl
def on_delete(event: Delete, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Proposal]:
    if settings["policy"] == IGNORE or is_back_since(event, journal):
        return
    book = event.book.ref
    chosen = {"policy": settings["policy"], "shelf": settings["shelf"]}
    item = Item(KIND, book.partial_md5, book, {"file": book.file, "device": event.device, **chosen}, event.at)
    row = first(facts, ROW, event.device)
    now = row_after(row.body if row else None, book.partial_md5, event.at.timestamp())
    yield Item(ROW, event.device, book, now, max(event.at, row.occurred_at) if row else event.at)
    deleted: list[str] = now["books"] if event.at.timestamp() >= now["first"] else []
    if len(deleted) <= MANY:
        yield item
        return
    if row and len(row.body["books"]) == MANY:  # until now nobody had to be asked
        for fact in facts.known(KIND, row.body["books"]):
            if not fact.is_given and not fact.item.is_tombstone:
                yield replace(fact.item, body=TOMBSTONE)  # nobody has been told of it: it is taken out again
                yield from asked(fact.item, question_about(fact.item, now["first"], journal))
    yield from asked(item, question_about(item, now["first"], journal))


def row_after(row: Mapping[str, Any] | None, md5: str, at: float) -> Mapping[str, Any]:
    """What a device has deleted in a row, this book included. at: unix seconds. A line that comes late, of
    another time, changes nothing."""
    if row is None or at > row["last"] + IN_A_ROW:
        return {"first": at, "last": at, "books": [md5]}
    if at < row["first"] - IN_A_ROW:
        return row
    books = [*dict.fromkeys([*row["books"], md5])]
    return {"first": min(at, row["first"]), "last": max(at, row["last"]), "books": books}


def question_about(item: Item, since: float, journal: Journal) -> str:
    """The same for all that were deleted in a row, as far as the same was chosen for them."""
    told = journal.latest(item.body["device"], Device)
    name = (told and (told.display or told.model)) or item.body["device"]
    then = f"Take all of them off the shelf “{item.body['shelf']}”?"
    if item.body["policy"] == DELETE:
        then = f"Delete each of them from the server's library as well: {CONSEQUENCE}"
    day = datetime.fromtimestamp(since, UTC)
    return f"More than {MANY} books were deleted on {name} at once, on {day:%Y-%m-%d}. {then}"


def asked(item: Item, question: str) -> Iterator[Item | Proposal]:
    yield Proposal(item, question)
    yield Item(ASKED, item.key, item.book, {"device": item.body["device"]}, item.occurred_at)


@hookimpl
def on_book_open(event: BookOpen, facts: Facts) -> Iterator[Item]:
    return come_back(event, facts)


@hookimpl
def on_resume(event: Resume, facts: Facts) -> Iterator[Item]:
    return come_back(event, facts)


@hookimpl
def on_book_close(event: BookClose, facts: Facts) -> Iterator[Item]:
    return come_back(event, facts)


def come_back(event: BookOpen | Resume | BookClose, facts: Facts) -> Iterator[Item]:
    """Takes a deletion back that waits, or that a person is yet to be asked about."""
    if event.book is None:
        return
    book = event.book.ref
    held = next(iter(facts.known(KIND, [book.partial_md5])), None)
    question = first(facts, ASKED, book.partial_md5)
    if held is None and question and question.body["device"] == event.device:
        # Made and taken back at once: nothing is left of it, and the question about it is withdrawn.
        back = Item(KIND, book.partial_md5, book, TOMBSTONE, event.at)
        yield from (replace(back, body=question.body), back)
    elif held and is_undone(held.item, event):
        body = {**held.item.body, **TOMBSTONE}
        yield replace(held.item, body=body, occurred_at=event.at if held.is_given else held.item.occurred_at)


def is_undone(item: Item, event: BookOpen | Resume | BookClose) -> bool:
    """Whether the event shows that a deleted book is there again, on the device that it was deleted on."""
    return not item.is_tombstone and item.body["device"] == event.device and event.at > item.occurred_at


def is_back_since(event: Delete, journal: Journal) -> bool:
    """Whether a deletion whose line comes late is undone already."""
    later = [getattr(one, "book", None) for one in journal.around(event) if one.order > event.order]
    return event.book.partial_md5 in [book.partial_md5 for book in later if book]


def first(facts: Facts, kind: str, key: str) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [key])), None)
