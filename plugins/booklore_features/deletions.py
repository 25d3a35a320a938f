"""Deletions: what becomes of a book on the server whose file was deleted on a device.

One fact for each book, with what was chosen when it was deleted; a file that comes back on that device takes it back.
Many at once may be a mistake, so a person is asked first, one question for all. What leaves the device in another way
than by KOReader, over USB, by a card that is out, no line tells: that is no deletion.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from booklore_core import (
    TOMBSTONE,
    WITHDRAWN,
    BookClose,
    BookOpen,
    Delete,
    Device,
    Fact,
    Facts,
    Item,
    Journal,
    Kind,
    PageTurns,
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
READ = (BookOpen, Resume, PageTurns, BookClose)
"""What a device can only tell of a book that it has."""

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
    policy = settings.at("policy", event.at)
    if policy == IGNORE or journal.is_followed(event, READ):
        return
    book = event.book.ref
    chosen = {"policy": policy, "shelf": settings["shelf"]}
    item = Item(KIND, book.partial_md5, book, {"file": book.file, "device": event.device, **chosen}, event.at)
    row = first(facts, ROW, event.device)
    now = row_after(row.body if row else None, book.partial_md5, event.at.timestamp())
    yield Item(ROW, event.device, book, now, max(event.at, row.occurred_at) if row else event.at)
    is_back = book.partial_md5 in now.get("back", ())
    deleted: list[str] = now["books"] if event.at.timestamp() >= now["first"] and not is_back else []
    if len(deleted) > MANY and row and len(row.body["books"]) == MANY:  # until now nobody had to be asked
        for fact in facts.known(KIND, row.body["books"]):
            if not fact.is_given and not fact.item.is_tombstone:
                yield replace(fact.item, body=TOMBSTONE)  # nobody has been told of it: it is taken out again
                yield from asked(fact.item, question_about_many(fact.item, now["first"], journal))
    elsewhere = [path for device, path in facts.files(book) if device == event.device and book.file not in (None, path)]
    others = list(dict.fromkeys(device for device, _ in facts.files(book) if device != event.device))
    if elsewhere:
        yield from asked(item, question_about_places(item, elsewhere, journal))
    elif others and policy == DELETE:
        known = replace(item, body={**item.body, "read_on": others})
        yield from asked(known, question_about_devices(item, others, journal))
    elif len(deleted) > MANY:
        yield from asked(item, question_about_many(item, now["first"], journal))
    else:
        yield item


def row_after(row: Mapping[str, Any] | None, md5: str, at: float) -> Mapping[str, Any]:
    """What a device has deleted in a row, this book included, unless it came back meanwhile: then it is on its own.
    at: unix seconds. A line that comes late, of another time, changes nothing."""
    if row is None or at > row["last"] + IN_A_ROW:
        return {"first": at, "last": at, "books": [md5]}
    if at < row["first"] - IN_A_ROW:
        return row
    books = [*dict.fromkeys([*row["books"], *([] if md5 in row.get("back", ()) else [md5])])]
    return {**row, "first": min(at, row["first"]), "last": max(at, row["last"]), "books": books}


def question_about_many(item: Item, since: float, journal: Journal) -> str:
    """The same for all that were deleted in a row, as far as the same was chosen for them. since: unix seconds."""
    day, name = datetime.fromtimestamp(since, UTC), name_in(item, journal)
    then = f"Take those off the shelf “{item.body['shelf']}” that the server was not told of yet?"
    if item.body["policy"] == DELETE:
        left = "Delete those from the server's library as well that it was not told of yet?"
        then = f"{left} Of each that deletes {CONSEQUENCE}"
    return f"More than {MANY} books were deleted on {name} in a row, on {day:%Y-%m-%d}. {then}\n{title_of(item)}"


def question_about_places(item: Item, elsewhere: Sequence[str], journal: Journal) -> str:
    """The same for all of a device, as far as the same was chosen for them."""
    then = f"taken off the shelf “{item.body['shelf']}”?"
    if item.body["policy"] == DELETE:
        then = f"deleted from the server's library as well? That deletes {CONSEQUENCE}"
    where = f"deleted at {item.body['file']}, seen at {' and '.join(elsewhere)}"
    return (
        f"A file was deleted on {name_in(item, journal)} whose book was seen at another place there as well: a "
        f"copy of it, or where it lay before it was moved. Is the book gone, and is it to be {then}\n"
        f"{title_of(item)}: {where}"
    )


def question_about_devices(item: Item, others: Sequence[str], journal: Journal) -> str:
    """The same for all that the server is to delete for ever, although other devices have them."""
    have = " and ".join(device_name(device, journal) for device in others)
    return (
        f"A book was deleted on {name_in(item, journal)} that another of your devices has or reads. Is it to be "
        f"deleted from the server's library all the same? That deletes {CONSEQUENCE}\n{title_of(item)}: on {have}"
    )


def name_in(item: Item, journal: Journal) -> str:
    return device_name(str(item.body["device"]), journal)


def device_name(device: str, journal: Journal) -> str:
    told = journal.latest(device, Device)
    return (told and (told.display or told.model)) or device


def title_of(item: Item) -> str:
    title = item.book.title or PurePosixPath(item.body["file"] or "").name or item.key[:8]
    return f"“{' '.join(title.split())}”"


def asked(item: Item, question: str) -> Iterator[Item | Proposal]:
    yield Proposal(item, question)
    yield Item(ASKED, item.key, item.book, {"device": item.body["device"]}, item.occurred_at)


@hookimpl
def on_book_open(event: BookOpen, journal: Journal, facts: Facts) -> Iterator[Item | Proposal]:
    return come_back(event, journal, facts)


@hookimpl
def on_resume(event: Resume, journal: Journal, facts: Facts) -> Iterator[Item | Proposal]:
    return come_back(event, journal, facts)


@hookimpl
def on_book_close(event: BookClose, journal: Journal, facts: Facts) -> Iterator[Item | Proposal]:
    return come_back(event, journal, facts)


def come_back(event: BookOpen | Resume | BookClose, journal: Journal, facts: Facts) -> Iterator[Item | Proposal]:
    """Takes a deletion back that waits, or that a person is yet to be asked about."""
    if event.book is None:
        return
    book = event.book.ref
    held = next(iter(facts.known(KIND, [book.partial_md5])), None)
    question, row = first(facts, ASKED, book.partial_md5), first(facts, ROW, event.device)
    if row and book.partial_md5 in row.body["books"] and event.at.timestamp() > row.body["last"]:
        left = [md5 for md5 in row.body["books"] if md5 != book.partial_md5]
        body = {**row.body, "books": left, "back": [*row.body.get("back", ()), book.partial_md5]}
        yield replace(row, body=body, occurred_at=max(event.at, row.occurred_at))
    last = held.item if held else question
    if held and last and last.body.get("device") != event.device:
        yield from taken_up(held, event, journal)
    if last is None or last.body.get("device") != event.device or journal.is_followed(event, [Delete]):
        return
    at = max(event.at, last.occurred_at)
    if held is None:
        # Made and taken back at once: nothing is left of it, and the question about it is withdrawn.
        back = Item(KIND, book.partial_md5, book, WITHDRAWN, at)
        yield from (replace(back, body=last.body), back)
    elif not held.item.is_tombstone:
        body = {**held.item.body, **WITHDRAWN}
        yield replace(held.item, body=body, occurred_at=at if held.is_given else held.item.occurred_at)


def taken_up(held: Fact, event: BookOpen | Resume | BookClose, journal: Journal) -> Iterator[Item | Proposal]:
    """Has a person asked before the server is told to delete a book for ever that another device reads."""
    item, known = held.item, held.item.body.get("read_on", [])
    is_to_go = item.body.get("policy") == DELETE and not item.is_tombstone and not held.is_given
    if is_to_go and event.device not in known and not journal.is_followed(event, [Delete]):
        yield replace(item, body=TOMBSTONE)
        body = {**item.body, "read_on": [*known, event.device]}
        yield from asked(replace(item, body=body), question_about_devices(item, [event.device], journal))


def first(facts: Facts, kind: str, key: str) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [key])), None)
