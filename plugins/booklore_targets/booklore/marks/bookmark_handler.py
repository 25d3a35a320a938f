"""Delivers bookmarks: at a place in the text, or on a page where the server keeps pages; else to the book's notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from booklore_core import Before, Item, ItemRejected
from booklore_targets.booklore.marks.mark_places import MarkPlaces, book_type_of
from booklore_targets.booklore.marks.mark_text import book_note_row, bookmark_row, page_of
from booklore_targets.booklore.marks.row_tables import Wanted
from booklore_targets.booklore.marks.row_upkeep import PlaceIgnored, RowUpkeep

if TYPE_CHECKING:
    from booklore_targets.booklore.run import Run

T = TypeVar("T")


class BookmarkHandler:
    """The target's handler of items of the kind `bookmark`. Source: server contract §7.4."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._upkeep, self._places = RowUpkeep(run), MarkPlaces(run)

    def deliver(self, item: Item, before: Before) -> str | None:
        if item.is_tombstone:
            self._upkeep.remove(item, before, self._forms)
            return None
        return self._at_pages_or_not(lambda: self._upkeep.bring(item, self._wanted(item), before, self._forms))

    def find(self, item: Item) -> str | None:
        return self._upkeep.find(item, self._wanted(item), self._forms)

    def _at_pages_or_not(self, work: Callable[[], T]) -> T:
        """A server that takes a page and keeps none is sent no other."""
        try:
            return work()
        except PlaceIgnored:
            self._run.page_bookmarks.deny()
            return work()

    def _wanted(self, item: Item) -> Wanted:
        page = page_of(item.body)
        if book_type_of(item) == "EPUB":
            spot = self._places.spot_of(item)
        elif page and self._run.page_bookmarks.are_kept:
            return bookmark_row(item, {"pageNumber": page})
        else:
            spot = self._places.spot_of(item)
        return bookmark_row(item, {"cfi": spot.cfi}) if spot else book_note_row(item)

    def _forms(self, item: Item) -> Iterator[Wanted]:
        """What cannot be placed was never sent."""
        try:
            yield self._wanted(item)
        except ItemRejected:
            return
