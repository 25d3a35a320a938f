"""Whose the sessions are that the server has of a book: it names no device, and two may be read on at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booklore_core import Item, ItemFailed, ItemRejected
from booklore_targets.booklore.session_body import session_body
from booklore_targets.booklore.session_log import SessionRows
from booklore_targets.booklore.session_shape import Shown, shown_of

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
        self._taken: set[str] = set()
        self._made_at: dict[str, datetime] = {}
        for fact in facts:
            if not (shown := shown_as(fact.item, decimals)):
                continue
            if fact.item.body.get("source"):
                self._of_files.append(shown)
                continue
            self._told[fact.item.key] = shown
            self._taken |= {fact.item.key} if fact.is_given else set()
            self._made_at |= {fact.item.key: fact.made_at} if fact.made_at else {}

    def knows(self, key: str) -> bool:
        return key in self._told

    def claim_twins(self, rows: SessionRows, wanted: Shown, key: str) -> None:
        """Gives other items that the server has, and that are of the very times of this one, a row each."""
        for other in sorted(self._taken - {key}):
            if self._told[other].shape == wanted.shape:
                rows.take(wanted.shape, other, self._told[other])

    def others(self, rows: SessionRows, wanted: Shown, key: str) -> set[int]:
        """The rows that tell of another reading than this item: those that are other items', in whatever form, and
        those that were at another place of the book at that time."""
        others = rows.owned(lambda owner: owner != key)
        near = set(rows.beside(wanted.shape, others))
        return others | {row_id for row_id in near if self._is_another(rows.shown[row_id], wanted, key)}

    def _is_another(self, row: Shown, wanted: Shown, key: str) -> bool:
        told = [other for owner, other in self._told.items() if owner != key]
        if not row.may_be(wanted) or any(row.shape == other.shape for other in told):
            return True
        return not row.is_part_of(wanted) and any(row.is_part_of(other) for other in told)

    def hold(self, rows: SessionRows, wanted: Shown, key: str, others: set[int], now: datetime) -> None:
        """Raises ItemFailed while some row may be this reading or that of a device that has not handed over yet, and
        nothing tells which."""
        own = set(rows.forms_of(wanted.shape, others))
        strange = [rows.shown[row_id] for row_id in rows.beside(wanted.shape, others) if row_id not in own]
        until = self._made_at.get(key, now - PATIENCE) + PATIENCE
        if now < until and any(not (row.is_part_of(wanted) or self._is_of_file(row)) for row in strange):
            raise ItemFailed(HELD.format(until=until))

    def _is_of_file(self, row: Shown) -> bool:
        return any(one.shape.start < row.shape.end and row.shape.start < one.shape.end for one in self._of_files)


def shown_as(item: Item, decimals: int) -> Shown | None:
    """None for one that was taken out, or that no server takes."""
    try:
        return None if item.is_tombstone else shown_of(session_body(item, decimals))
    except ItemRejected:
        return None
