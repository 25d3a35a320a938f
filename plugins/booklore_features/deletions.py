"""Deletions: what becomes of a book on the server whose file was deleted on a device.

One fact for each book, with what was chosen when it was deleted; a file that comes back on that device takes it back.
Many at once may be a mistake, so a person is asked first. What leaves the device in another way than by KOReader, over
USB, by a card that is out, no line tells: that is no deletion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from booklore_core import (
    TOMBSTONE,
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

KIND, BURST = "deletion", "deletion_burst"
"""The second is no target's: what a device has deleted in a row."""

UNSHELVE, DELETE, IGNORE = POLICIES = ("unshelve", "delete", "ignore")
MENU = ("What to Sync", "Deletions")
MANY, IN_A_ROW = 10, 300
"""So many books a device may delete before a person is asked, each at most so many seconds after the one before."""

CONSEQUENCE = (
    "all of its files, in every format, and with them the reading sessions, highlights, notes and bookmarks of it, yours "
    "and those of all other readers. The server has no way back."
)
WARNING = f"A book that is deleted on an e-reader is then deleted from the server's library as well: {CONSEQUENCE}"
VIEWS = {
    "pending_deletions": """SELECT id, {text:file} AS file_path, book_md5 AS file_hash, book_id, retry_count, created_at
        FROM pending_items WHERE kind = 'deletion'""",
}
"""Source: seed offline-support, lua-plugin-behaviour §2."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "D", "deletion", "deletions", 90, VIEWS, history="Synced deletions")


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether the server is told of deletions", label="Sync deletions", menu=MENU)
    yield Setting(
        "policy",
        str,
        UNSHELVE,
        "What becomes of a book on the server that is deleted on an e-reader",
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
    if settings["policy"] == IGNORE:
        return
    book = event.book.ref
    chosen = {"policy": settings["policy"], "shelf": settings["shelf"]}
    item = Item(KIND, book.partial_md5, book, {"file": book.file, "device": event.device, **chosen}, event.at)
    burst = burst_with(item, facts)
    if len(burst.body["books"]) <= MANY:
        yield item
    else:
        question = question_about(event, item, journal)
        for fact in facts.known(KIND, burst.body["books"]):
            if not fact.is_given and not fact.item.is_tombstone and fact.item.key != item.key:
                # Nobody has been told of it: it is taken out again, to be asked about with the others.
                yield replace(fact.item, body=TOMBSTONE)
                yield Proposal(fact.item, question)
        yield Proposal(item, question)
    yield burst


def burst_with(item: Item, facts: Facts) -> Item:
    """What the device has deleted in a row, this book included."""
    device, at = item.body["device"], item.occurred_at
    held = next((fact.item for fact in facts.known(BURST, [device])), None)
    books: list[str] = []
    if held and abs(at.timestamp() - held.body["at"]) <= IN_A_ROW:
        books = held.body["books"]
    told = {"at": at.timestamp(), "books": [*dict.fromkeys([*books, item.key])]}
    return Item(BURST, device, item.book, told, max(at, held.occurred_at) if held else at)


def question_about(event: Delete, item: Item, journal: Journal) -> str:
    """The same for all that were deleted in a row."""
    told = journal.latest(event.device, Device)
    name = (told and (told.display or told.model)) or event.device
    then = f"Take all of them off the shelf “{item.body['shelf']}”?"
    if item.body["policy"] == DELETE:
        then = f"Delete each of them from the server's library as well: {CONSEQUENCE}"
    return f"More than {MANY} books were deleted on {name} at once, on {event.at:%Y-%m-%d}. {then}"


@hookimpl
def on_book_open(event: BookOpen, facts: Facts) -> Iterator[Item]:
    return come_back(event, facts)


@hookimpl
def on_resume(event: Resume, facts: Facts) -> Iterator[Item]:
    return come_back(event, facts)


def come_back(event: BookOpen | Resume, facts: Facts) -> Iterator[Item]:
    """Takes a deletion back that waits, or that a person is yet to be asked about."""
    if event.book is None:
        return
    book = event.book.ref
    held = next((fact.item for fact in facts.known(KIND, [book.partial_md5])), None)
    burst: list[str] = next((fact.item.body["books"] for fact in facts.known(BURST, [event.device])), [])
    is_waiting = held.body["device"] == event.device if held else book.partial_md5 in burst
    if is_waiting and not (held and held.is_tombstone):
        was = held.body if held else {"device": event.device}
        yield Item(KIND, book.partial_md5, book, {**was, **TOMBSTONE}, event.at)
