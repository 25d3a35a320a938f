"""Which row of the server's tables is which item's: what tells ours from another's, and one of ours from the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from booklore_core import Item, Store
    from booklore_targets.booklore.marks.row_tables import RowTable

TWIN = "/note"
"""Ends the key of the second fact about a note that goes to both places."""


class Owner(NamedTuple):
    """key: the item's. name: what a person knows it by. place: where its row was made. book: the server's id. content:
    the digest of what was written there last, "" where the place is proof enough. kept: what somebody has written on
    the server and the row carries on."""

    key: str
    name: str
    place: str
    book: str
    content: str = ""
    kept: str = ""

    def is_same(self, item: Item) -> bool:
        """Whether the item is this one, the same mark in another copy of the book's file, or the other fact of it."""
        return mark_of(self.key) == mark_of(item.key)

    def has(self, table: RowTable, row: Mapping[str, Any]) -> bool:
        """Whether a row under the number of the owner's is that one. A library that is made anew gives numbers out
        again; a title, which may say the place, is anybody's to change."""
        return self.place == table.place_of(row) or bool(self.content) and self.content == table.digest_of(row)


class RowOwners:
    """Kept in the plugin's store, one value a row; read from there once a run, in which nobody else delivers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Owner | None] = {}

    def of(self, remote_id: str) -> Owner | None:
        if remote_id not in self._read:
            found = self._store.get(f"row/{remote_id}")
            self._read[remote_id] = Owner(*found) if found else None
        return self._read[remote_id]

    def of_row(self, table: RowTable, row: Mapping[str, Any]) -> Owner | None:
        """Whose a row of the server's is."""
        owner = self.of(table.remote_id(row))
        return owner if owner and owner.has(table, row) else None

    def set(self, remote_id: str, owner: Owner) -> None:
        if self.of(remote_id) != owner:
            self._store.set(f"row/{remote_id}", list(owner))
            self._read[remote_id] = owner

    def drop(self, remote_id: str) -> None:
        self._store.remove(f"row/{remote_id}")
        self._read[remote_id] = None


def mark_of(key: str) -> str:
    """What is equal in the keys of one mark: a file's digest comes before it, what became of its note after it."""
    return key.removesuffix(TWIN).rpartition(":")[2]
