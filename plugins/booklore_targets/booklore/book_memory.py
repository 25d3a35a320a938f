"""What is remembered of the server's books, each as long as its id is that book's: a library that is read in anew gives
ids out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booklore_targets.booklore.identities import key_of

if TYPE_CHECKING:
    from booklore_core import Store


class BookMemory:
    """One value a book in the plugin's store. name: what it tells. A book is known by when it came into the library."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def get(self, book_id: str) -> Any:
        """None also for what was remembered of another book under this id."""
        found = self._store.get(f"{self._name}/{book_id}")
        if not isinstance(found, dict) or "value" not in found:
            return found  # an earlier version has written it
        return found["value"] if found["added"] in (None, added_of(self._store, book_id)) else None

    def set(self, book_id: str, value: Any) -> None:
        now = {"added": added_of(self._store, book_id), "value": value}
        if self._store.get(f"{self._name}/{book_id}") != now:
            self._store.set(f"{self._name}/{book_id}", now)

    def remove(self, book_id: str) -> None:
        self._store.remove(f"{self._name}/{book_id}")


def added_of(store: Store, book_id: str) -> str | None:
    """When the book came into the library that the id was last known to be, None where nobody told."""
    known = store.get(key_of(book_id)) or {}
    added: str | None = known.get("added")
    return added
