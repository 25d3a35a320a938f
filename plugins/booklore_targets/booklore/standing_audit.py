"""Looks whether the server has any rating, status and place of a book at all: another one is somebody's word since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from booklore_core import BookRef, BookUnmatched, Finding, Item
from booklore_targets.booklore.answers import declined
from booklore_targets.booklore.audit import RESEND
from booklore_targets.booklore.library import listed
from booklore_targets.booklore.progress import Positions
from booklore_targets.booklore.ratings import rating_of
from booklore_targets.booklore.reading_status import UNSET, wanted_status, words

if TYPE_CHECKING:
    from booklore_targets.booklore.connection import Connection
    from booklore_targets.booklore.identities import Identities

Told = dict[str, Any]
"""The server's Book object."""


def audit_standing(
    connection: Connection, identities: Identities, positions: Positions, book: BookRef, items: Sequence[Item]
) -> Iterator[Finding]:
    """What the server lacks of what the reader's books were told last. Raises Declined.

    What the book has that has the id now may be its own: it counts only where it is the book that was told.
    """
    lacks = {"rating": lacks_rating, "status": lacks_status, "progress": positions.lacks}
    last = last_of([item for item in items if item.kind in lacks])
    if last and not book.match:
        raise BookUnmatched("the book is not matched")
    told = read_book(connection, book.match or "") if last else {}
    there = listed(told)
    is_still = there is None or identities.is_still(there)
    for item in last:
        is_told = is_still and identities.is_vouched(item.book)
        if detail := lacks[item.kind](item, told if is_told else {}):
            yield Finding("missing", item.kind, book, item.key, detail, RESEND)


def last_of(items: Sequence[Item]) -> list[Item]:
    """Of each of the reader's files the latest of a kind, where it says anything."""
    latest: dict[tuple[str, str], Item] = {}
    for item in sorted(items, key=lambda one: one.occurred_at):
        latest[item.kind, item.book.partial_md5] = item
    return [item for item in latest.values() if not item.is_tombstone]


def lacks_rating(item: Item, told: Told) -> str:
    here = rating_of(item)
    return f"rated not at all there, {here} of 10 here" if here and told.get("personalRating") is None else ""


def lacks_status(item: Item, told: Told) -> str:
    there = told.get("readStatus")
    return f"“{words(there or 'no status')}” there, “{words(wanted_status(item))}” here" if there in UNSET else ""


def read_book(connection: Connection, book_id: str) -> Told:
    """Raises Declined."""
    from booklore_core.http import json_answer

    response = connection.read(f"/api/v1/books/{book_id}")
    told = json_answer(response, "id") if response.status_code == 200 else None
    if not isinstance(told, dict):
        raise declined(response, writing=False)
    return told
