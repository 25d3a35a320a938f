"""Delivers highlights and notes: each into the table that its note and its place say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from booklore_core import Before, Item, ItemRejected
from booklore_targets.booklore.marks.mark_places import MarkPlaces, Spot, is_on_book
from booklore_targets.booklore.marks.mark_text import annotation_row, book_note_row, field_of, has_note, note_row
from booklore_targets.booklore.marks.row_owners import TWIN
from booklore_targets.booklore.marks.row_tables import Wanted
from booklore_targets.booklore.marks.row_upkeep import RowUpkeep

if TYPE_CHECKING:
    from booklore_targets.booklore.run import Run


class AnnotationHandler:
    """The target's handler of items of the kind `annotation`.

    In the book: a highlight is an annotation, one with a note is a note in its stead. On the book, and where the
    device's file has no positions that the server knows: a note on the book. Source: server contract §7.1 to §7.3.
    """

    def __init__(self, run: Run) -> None:
        self._upkeep, self._places = RowUpkeep(run), MarkPlaces(run)

    def deliver(self, item: Item, before: Before) -> str | None:
        if item.is_tombstone:
            self._upkeep.remove(item, before, self._forms)
            return None
        return self._upkeep.bring(item, self._wanted(item), before, self._forms)

    def find(self, item: Item) -> str | None:
        return self._upkeep.find(item, self._wanted(item), self._forms)

    def _wanted(self, item: Item) -> Wanted:
        spot = self._placed(item)
        if spot is None:
            return book_note_row(item)
        return (note_row if has_note(item) else annotation_row)(item, spot.cfi, spot.text)

    def _forms(self, item: Item) -> Iterator[Wanted]:
        """What cannot be placed was never sent to a place. A note on the book alone was a highlight in it, perhaps, and
        a highlight had such a note."""
        yield book_note_row(item)
        try:
            spot = None if item.key.endswith(TWIN) else self._in_text(item)
        except ItemRejected:
            return
        if spot:
            yield annotation_row(item, spot.cfi, spot.text)
            yield note_row(item, spot.cfi, spot.text)

    def _placed(self, item: Item) -> Spot | None:
        """Where it goes; None for a note on the book."""
        return None if is_on_book(item) else self._in_text(item)

    def _in_text(self, item: Item) -> Spot | None:
        """Where in the text it is, and what it says there, or the book does."""
        spot = self._places.spot_of(item)
        return spot and Spot(spot.cfi, field_of(item.body, "text") or spot.text)
