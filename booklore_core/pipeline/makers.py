"""Whose facts are: who has made one may change it, and nobody takes it away from another plugin.

A plugin may add facts of any kind. What it says of a fact that is not its own is left out, and a remark names it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from booklore_core.items import Item, Remark
from booklore_core.pipeline.facts import MAX_KEYS, batched
from booklore_core.pipeline.remarks import note_remarks
from booklore_core.storage.database import Database

OTHERS = """
SELECT key, plugin FROM items WHERE kind = :kind AND key IN :ids AND plugin <> :plugin
UNION SELECT key, plugin FROM proposals WHERE kind = :kind AND key IN :ids AND plugin <> :plugin
"""
NOT_ITS_OWN = "not its own: "
"""How the key of a remark begins that names a fact of another plugin which one would have changed."""

WHOSE = "the {} {!r} is of {}: {} cannot change or remove it"

MayChange = Callable[[str, str, str], bool]
"""Told a kind, the plugin that made a fact of it first, and another one: whether that may change the fact."""


class Makers:
    """Keeps what one plugin made from the others."""

    def __init__(self, database: Database, may_change: MayChange = lambda *_: True) -> None:
        self._database, self._may_change = database, may_change

    def own(self, kind: str, items: Sequence[Item], plugin: str, now: datetime) -> Sequence[Item]:
        """The items of a kind that a plugin may make or change. Within a writing transaction."""
        others: dict[str, str] = {}
        for keys in batched((item.key for item in items), MAX_KEYS):
            for row in self._database.rows(OTHERS, kind=kind, plugin=plugin, ids=keys):
                if not self._may_change(kind, row["plugin"], plugin):
                    others[row["key"]] = row["plugin"]
        told = [
            Remark(f"{NOT_ITS_OWN}{kind} {item.key}", item.book, WHOSE.format(kind, item.key, others[item.key], plugin))
            for item in items if item.key in others
        ]  # fmt: skip
        note_remarks(self._database, plugin, told, now)
        return [item for item in items if item.key not in others]
