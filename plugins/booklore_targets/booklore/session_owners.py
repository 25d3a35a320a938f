"""Whose the sessions are that the server has of a book: it names no device, and two may be read on at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booklore_core import Item, ItemFailed, ItemRejected
from booklore_targets.booklore.session_body import session_body
from booklore_targets.booklore.session_log import SessionRows
from booklore_targets.booklore.session_shape import Shape, Shown, shown_of

if TYPE_CHECKING:
    from booklore_core import Fact

    Beside = Callable[[Item, str], Sequence[Fact]]
    """Told an item and a target's name: all of its kind that is known of its book there."""

PATIENCE = timedelta(days=30)
"""How long a session that is older than the database waits for another device to tell of what is there of its time."""

HELD = (
    "the server has a session of a part of that time, and nobody here has told of it: it may be another device's, so"
    " this one waits until that has handed over, or else until {until:%Y-%m-%d}"
)


class Owners:
    """What is known here of one book's sessions."""

    def __init__(self, facts: Sequence[Fact], decimals: int) -> None:
        self._told: dict[str, Shown] = {}
        self._of_files: list[Shown] = []
        self._taken: dict[Shape, list[str]] = defaultdict(list)
        self._devices: dict[str, str] = {}
        self._made_at: dict[str, datetime] = {}
        for fact in facts:
            if shown := shown_as(fact.item, decimals):
                self._add(fact, shown)

    def _add(self, fact: Fact, shown: Shown) -> None:
        key, body = fact.item.key, fact.item.body
        if body.get("source"):
            self._of_files.append(shown)
            return
        self._told[key], self._devices[key] = shown, str(body.get("device"))
        if fact.is_given:
            self.note_taken(key)
        if fact.made_at:
            self._made_at[key] = fact.made_at

    def knows(self, key: str) -> bool:
        return key in self._told

    def note_taken(self, key: str) -> None:
        """The server has an item as it is."""
        if key in self._told and key not in self._taken[self._told[key].shape]:
            self._taken[self._told[key].shape].append(key)

    def claim_twins(self, rows: SessionRows, wanted: Shown, key: str) -> None:
        """Gives other items that the server has, and that are of the very times of this one, a row each."""
        for other in self._taken.get(wanted.shape, ()):
            if other != key:
                rows.take(wanted.shape, other, self._told[other])

    def others(self, rows: SessionRows, wanted: Shown, key: str) -> set[int]:
        """The rows that tell of another reading than this item."""
        others = rows.owned(lambda owner: owner != key)
        near = rows.beside(wanted.shape, others)
        return others | {row_id for row_id in near if self._is_own(rows.shown[row_id], wanted, key) is False}

    def hold(self, rows: SessionRows, wanted: Shown, key: str, others: set[int], now: datetime) -> None:
        """Raises ItemFailed while some row may be this reading or that of a device that has not handed over yet, and
        nothing tells which."""
        until = self._made_at.get(key, now - PATIENCE) + PATIENCE
        if now >= until:
            return
        own = set(rows.forms_of(wanted.shape, others))
        near = [rows.shown[row_id] for row_id in rows.beside(wanted.shape, others) if row_id not in own]
        if any(self._is_own(row, wanted, key) is None for row in near):
            raise ItemFailed(HELD.format(until=until))

    def _is_own(self, row: Shown, wanted: Shown, key: str) -> bool | None:
        """Whether a row tells of an item's reading, None where nobody can tell. It does not where another item is
        exactly that, and where it was at another place of the book; it does where it begins or ends with the item, or
        else with one of the same device."""
        told = {other: one for other, one in self._told.items() if other != key}
        if not row.may_be(wanted) or any(row.shape == one.shape for one in told.values()):
            return False
        devices = {self._devices[other] for other, one in told.items() if row.is_kin_of(one)}
        if row.is_kin_of(wanted) or self._devices.get(key) in devices:
            return True
        if devices:
            return False
        is_of_file = any(one.shape.start < row.shape.end and row.shape.start < one.shape.end for one in self._of_files)
        return True if is_of_file else None


def shown_as(item: Item, decimals: int) -> Shown | None:
    """None for one that was taken out, or that no server takes."""
    try:
        return None if item.is_tombstone else shown_of(session_body(item, decimals))
    except ItemRejected:
        return None
