"""Delivers what a reader has written about a book: a note on the book, which its title tells from the reader's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booklore_core import Before, Item, ItemRejected, Superseded
from booklore_targets.booklore.marks.mark_text import COLUMN, field_of
from booklore_targets.booklore.marks.row_tables import BOOK_NOTES, Wanted
from booklore_targets.booklore.marks.row_upkeep import RowUpkeep
from booklore_targets.booklore.marks.text_limits import shortened_to_bytes

if TYPE_CHECKING:
    from booklore_targets.booklore.run import Run

TITLE = "Review (KOReader)"
FOUND = "found"
"""How a review came about whose age nobody knows."""


@dataclass(frozen=True)
class WantedReview(Wanted):
    """A note of this title that is nobody's is one that an earlier database has sent, whatever it says."""

    def likeness(self, row: Mapping[str, Any]) -> int:
        return 2 if row.get("content") == self.fields["content"] else 1


class Reviews:
    """The target's handler of items of the kind `review`. Source: server contract §7.3."""

    def __init__(self, run: Run) -> None:
        self._upkeep = RowUpkeep(run)

    def deliver(self, item: Item, before: Before) -> str | None:
        if item.is_tombstone:
            self._upkeep.remove(item, before, forms)
            return None
        if item.body.get("how") == FOUND and not before.remote_id:
            self._give_way(item, wanted(item))
        return self._upkeep.bring(item, wanted(item), before, forms)

    def find(self, item: Item) -> str | None:
        return self._upkeep.find(item, wanted(item), forms)

    def _give_way(self, item: Item, review: Wanted) -> None:
        """Raises Superseded where another one is there that is not known to be from here."""
        for row in self._upkeep.rows.of(BOOK_NOTES, item.book.match or "").by_id.values():
            if is_review(row) and review.changes(row) and self._upkeep.owners.of_row(BOOK_NOTES, row) is None:
                raise Superseded("another review is there, which may have been written since")


def wanted(item: Item) -> Wanted:
    text = shortened_to_bytes(field_of(item.body, "text"), COLUMN)
    if not text:
        raise ItemRejected("a review is a text, and this one is none")
    return WantedReview(BOOK_NOTES, {"title": TITLE, "content": text}, "the review")


def forms(item: Item) -> Iterator[Wanted]:
    if not item.is_tombstone:
        yield wanted(item)


def is_review(row: Mapping[str, Any]) -> bool:
    return bool(row.get("title") == TITLE)
