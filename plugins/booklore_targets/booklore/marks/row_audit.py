"""Compares the marks that the server holds of a book with those that it has taken from here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from booklore_core import BookRef, BookUnmatched, Finding, Item
from booklore_targets.booklore.audit import RESEND
from booklore_targets.booklore.book_review import is_review
from booklore_targets.booklore.marks.mark_places import is_on_book
from booklore_targets.booklore.marks.mark_text import name_of
from booklore_targets.booklore.marks.remote_rows import RemoteRows, Row
from booklore_targets.booklore.marks.row_owners import Owner, RowOwners, mark_of
from booklore_targets.booklore.marks.row_tables import ANNOTATIONS, BOOK_NOTES, BOOKMARKS, NOTES, RowTable

if TYPE_CHECKING:
    from booklore_targets.booklore.connection import Connection
    from booklore_targets.booklore.identities import Identities

REVIEW = "review"
TABLES_OF = {"annotation": (ANNOTATIONS, NOTES, BOOK_NOTES), "bookmark": (BOOKMARKS,), REVIEW: (BOOK_NOTES,)}
REMOVE = "remove what is too much on the server's page of the book; nothing has to be sent again"
OwnedRows = list[tuple[Row, Owner | None]]
CONTENT = ("cfi", "pageNumber", "title", "content")
"""What two rows have in common that are one too many."""


class AuditedRows:
    """The rows of a book with their owners."""

    def __init__(self, rows: RemoteRows, owners: RowOwners, book: BookRef) -> None:
        self._rows, self._owners, self._book = rows, owners, book

    def of(self, table: RowTable) -> OwnedRows:
        """In the order in which they were made."""
        found = []
        for _, row in sorted(self._rows.of(table, self._book.match or "").by_id.items()):
            found.append((row, self._owners.of_row(table, row)))
        return found


def audit_rows(
    connection: Connection, identities: Identities, book: BookRef, items: Sequence[Item]
) -> Iterator[Finding]:
    """What is missing, and what is there too often where the server lets it be. Raises Declined."""
    rows = AuditedRows(RemoteRows(connection, identities), RowOwners(connection.store), book)
    for kind, tables in TABLES_OF.items():
        kept = [item for item in items if item.kind == kind and not item.is_tombstone]
        if not kept:
            continue
        if not book.match:
            raise BookUnmatched("the book is not matched")
        held = {table: rows.of(table) for table in tables}
        yield from find_missing(book, kept, held)
        for found in held.values():
            yield from find_repeated(kind, book, [one for one in found if is_review(one[0]) == (kind == REVIEW)])


def find_missing(book: BookRef, items: Sequence[Item], held: Mapping[RowTable, OwnedRows]) -> Iterator[Finding]:
    """A mark may share its row with the same one of another file, and nothing with its twin in another table."""
    marks = {table: {mark_of(owner.key) for _, owner in rows if owner} for table, rows in held.items()}
    for item in items:
        tables = held.keys() - ({NOTES, ANNOTATIONS} if item.kind == REVIEW or is_on_book(item) else {BOOK_NOTES})
        if not any(mark_of(item.key) in marks[table] for table in tables):
            name = "the review" if item.kind == REVIEW else name_of(item)
            yield Finding("missing", item.kind, book, item.key, f"{name} is not on the server", RESEND)


def find_repeated(kind: str, book: BookRef, rows: OwnedRows) -> Iterator[Finding]:
    """What lies there beside a row of ours and is like it: only notes on a book, and bookmarks of nowhere, can."""
    alike: dict[tuple[Any, ...], OwnedRows] = defaultdict(list)
    for row, owner in rows:
        alike[tuple(row.get(name) for name in CONTENT) + (row.get("text"), row.get("noteContent"))].append((row, owner))
    for group in alike.values():
        owner = next((one for _, one in group if one), None)
        strangers = [str(row["id"]) for row, one in group if one is None]
        if owner and strangers:
            often = "twice" if len(strangers) == 1 else f"{len(strangers) + 1} times"
            detail = f"{owner.name} is there {often}, also under number {', '.join(strangers)}"
            yield Finding("duplicate", kind, book, owner.key, detail, REMOVE)
