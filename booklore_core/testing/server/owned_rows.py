"""Rows that belong to one reader and one book, and how they are shown."""

from __future__ import annotations

from booklore_core.testing.server.answers import local_text, unexpected
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.state import Row, ServerTable


def own_row(table: ServerTable, request: ServerRequest) -> Row:
    """The caller's row that the path names; another's or none is a 500, as on the real servers."""
    row = table.rows.get(request.id("id"))
    if row is None or row["userId"] != request.user.id:
        raise unexpected(404)
    return row


def own_rows_of_book(table: ServerTable, request: ServerRequest) -> list[Row]:
    """The caller's rows for the book of the path, newest first."""
    rows = table.where(userId=request.user.id, bookId=request.id("bookId"))
    return [shown(row) for row in sorted(rows, key=lambda row: -int(row["createdAt"]))]


def shown(row: Row, fresh: bool = False) -> Row:
    """The row as JSON; its times carry microseconds only in the answer that created it."""
    timespec = "microseconds" if fresh else "seconds"
    return {**row, **{name: local_text(row[name], timespec) for name in ("createdAt", "updatedAt")}}
