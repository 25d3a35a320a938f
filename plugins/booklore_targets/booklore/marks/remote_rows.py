"""The rows that a book has on the server: one listing a table serves all of a book's items, and follows our changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from booklore_core import Declined, ItemFailed, TargetUnavailable
from booklore_targets.booklore.answers import COLLISION, declined, message
from booklore_targets.booklore.marks.row_tables import BOOK_NOTES, RowTable

if TYPE_CHECKING:
    from requests import Response

    from booklore_targets.booklore.connection import Connection
    from booklore_targets.booklore.identities import Identities

LOOK_SECONDS = 60.0
"""How long a listing is believed: a request that was given up may be carried out meanwhile (contract §17)."""

GONE = (404, 500)
"""Answers to a call for a row or book that is not there, which other failures have as well (contract §7, §16)."""

Row = dict[str, Any]


class RowExists(Exception):
    """The server has a row at that place already."""


class ListedRows:
    """The rows of a book in one table, by id and by place. read_at: seconds since 1970."""

    def __init__(self, table: RowTable, rows: Iterable[Row], read_at: float) -> None:
        self._table, self.read_at = table, read_at
        self.by_id: dict[int, Row] = {}
        self._places: dict[str, dict[int, Row]] = {}
        for row in rows:
            self.put(row)

    def at(self, place: str) -> list[Row]:
        return list(self._places.get(place, {}).values())

    def put(self, row: Row) -> None:
        self.drop(row["id"])
        self.by_id[row["id"]] = self._places.setdefault(self._table.place_of(row), {})[row["id"]] = row

    def drop(self, row_id: int) -> None:
        row = self.by_id.pop(row_id, None)
        if row:
            self._places[self._table.place_of(row)].pop(row_id, None)


class RemoteRows:
    """The rows of one book at a time."""

    def __init__(self, connection: Connection, identities: Identities) -> None:
        self._connection, self._identities = connection, identities
        self._book = ""
        self._listed: dict[str, ListedRows] = {}

    def of(self, table: RowTable, book: str) -> ListedRows:
        """Raises Declined when the rows cannot be told."""
        if book != self._book:
            self._book, self._listed = book, {}
        listed = self._listed.get(table.name)
        if listed is None or self._connection.used_at - listed.read_at > LOOK_SECONDS:
            listed = self._listed[table.name] = ListedRows(table, self._read(table, book), self._connection.used_at)
        return listed

    def forget(self, table: RowTable) -> None:
        self._listed.pop(table.name, None)

    def create(self, table: RowTable, book: str, fields: Mapping[str, Any]) -> Row:
        """The new row. Raises RowExists, Declined."""
        body = {"bookId": int(book), **fields}
        response = self._send("POST", table.path, table, book, body)
        row = row_of(response)
        if row:
            return self._note(table, book, row)
        self.forget(table)
        if response.status_code == 409 or (response.status_code == 400 and COLLISION in (message(response) or "")):
            raise RowExists(declined(response, writing=True).reason)
        if response.status_code in GONE:
            self._refuse_without_book(book)
        raise declined(response, writing=True)

    def change(self, table: RowTable, book: str, row: Row, changes: Mapping[str, Any]) -> bool:
        """Whether the row was there to be changed. Raises Declined."""
        if table is BOOK_NOTES:  # what is left out is emptied there (contract §7.3)
            kept = {"id": row["id"], "bookId": int(book), "title": row.get("title"), "content": row.get("content")}
            response = self._send("POST", table.path, table, book, {**kept, **changes})
        else:
            response = self._send("PUT", f"{table.path}/{row['id']}", table, book, dict(changes))
        changed = row_of(response)
        if changed:
            self._note(table, book, changed)
            return True
        return not self._is_gone(response, table, book, row["id"])

    def remove(self, table: RowTable, book: str, row_id: int) -> None:
        """Afterwards the row is not there, whoever has removed it. Raises Declined."""
        response = self._send("DELETE", f"{table.path}/{row_id}", table, book)
        if response.status_code != 204:
            self._is_gone(response, table, book, row_id)
        elif book == self._book and table.name in self._listed:
            self._listed[table.name].drop(row_id)

    def _is_gone(self, response: Response, table: RowTable, book: str, row_id: int) -> bool:
        """Whether a call failed because its row is not there any more. Raises what it failed for otherwise."""
        self.forget(table)
        if response.status_code in GONE and row_id not in self.of(table, book).by_id:
            return True
        raise declined(response, writing=True)

    def _send(self, method: str, path: str, table: RowTable, book: str, body: Any = None) -> Response:
        try:
            still = partial(self._identities.check, book)
            return self._connection.ask(method, path, json=body, before=still)
        except Declined:
            self.forget(table)
            raise

    def _note(self, table: RowTable, book: str, row: Row) -> Row:
        if book == self._book and table.name in self._listed:
            self._listed[table.name].put(row)
        return row

    def _read(self, table: RowTable, book: str) -> list[Row]:
        from booklore_core.http import json_answer

        response = self._connection.read(f"{table.path}/book/{book}")
        found = json_answer(response)
        if response.status_code != 200 or not isinstance(found, list):
            raise declined(response, writing=False)
        if not all(is_row(one) for one in found):
            raise ItemFailed("the server's list of a book's marks cannot be read")
        return found

    def _refuse_without_book(self, book: str) -> None:
        """Raises BookUnmatched when the book is why the server has failed: it says no more than that it did."""
        try:
            response = self._connection.read(f"/api/v1/books/{book}")
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, maybe_sent=True) from error
        if response.status_code != 200:
            raise declined(response, writing=False)


def row_of(response: Response) -> Row | None:
    from booklore_core.http import json_answer

    body = json_answer(response, "id") if response.status_code == 200 else None
    return body if is_row(body) else None


def is_row(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), int)
