"""Two books, the kinds of facts there are about them, and what became of the facts."""

from __future__ import annotations

from typing import Any

from booklore_core import BookRef
from booklore_core.core import Core
from booklore_core.testing import FakeTarget

DUNE, EMMA = BookRef("d" * 32, "Dune"), BookRef("e" * 32, "Emma")
ALL = ("rating", "annotation", "bookmark", "progress", "session", "deletion", "streak")
DELIVERY = "SELECT d.* FROM deliveries d JOIN items i ON i.id = d.item_id WHERE i.key = :key"


def keys(target: FakeTarget) -> list[str]:
    """The keys of what has arrived."""
    return [item.key for item in target.received]


def row(core: Core, key: str = "a") -> dict[str, Any] | None:
    """The delivery of the fact with that key."""
    return core.database.row(DELIVERY, key=key)
