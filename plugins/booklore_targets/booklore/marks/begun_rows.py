"""Rows that were begun and may be there or yet come, though nobody knows of them: what an item has to clear away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from booklore_targets.booklore.marks.row_tables import TABLES, Wanted

if TYPE_CHECKING:
    from booklore_core import Item, Store

REMEMBERED = 10
"""Attempts of one item, each of another form."""


class BegunRows:
    """Kept in the plugin's store until the item's outcome is known. now: seconds since 1970."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store, self._now = store, now

    def note(self, item: Item, wanted: Wanted) -> None:
        """The same row once: when it was begun last."""
        form = {"table": wanted.table.name, "fields": dict(wanted.fields), "kept": wanted.kept}
        others = [one for one in self._read(item) if (one["table"], one["fields"]) != (form["table"], form["fields"])]
        self._store.set(key_of(item), [*others, {**form, "at": self._now()}][-REMEMBERED:])

    def of(self, item: Item) -> list[Wanted]:
        return [Wanted(TABLES[one["table"]], one["fields"], "") for one in self._read(item)]

    def kept(self, item: Item) -> str:
        """What somebody has written on a row that may be gone by now, "" for nothing."""
        return next((str(one["kept"]) for one in reversed(self._read(item)) if one.get("kept")), "")

    def last_at(self, item: Item) -> float:
        """When the last one was begun, long ago for none."""
        return max((float(one["at"]) for one in self._read(item)), default=0.0)

    def forget(self, item: Item) -> None:
        self._store.remove(key_of(item))

    def _read(self, item: Item) -> list[dict[str, Any]]:
        return list(self._store.get(key_of(item)) or ())


def key_of(item: Item) -> str:
    return f"begun/{item.kind}/{item.key}"
