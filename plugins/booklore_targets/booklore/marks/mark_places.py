"""Where a mark of KOReader's is for the server: a CFI, a page, or nowhere in particular."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from booklore_core import Item, ItemRejected
from booklore_targets.booklore.book_types import type_of_file, type_of_format
from booklore_targets.booklore.marks.mark_text import field_of, page_of
from booklore_targets.booklore.marks.row_owners import mark_of
from booklore_targets.booklore.sessions import book_id_of

if TYPE_CHECKING:
    from booklore_targets.booklore.run import Run

ON_BOOK = "in_booklore"
OFFSETS = 10**8

OTHER_EDITION = "the server has another edition of this file, and nothing tells where in that this one is"


class Spot(NamedTuple):
    """text: what stands there in the book, "" where that is not known."""

    cfi: str
    text: str = ""


class MarkPlaces:
    """Remembers the last spot: an item is looked for and then delivered."""

    def __init__(self, run: Run) -> None:
        self._epubs = run.epubs
        self._last: tuple[str, Spot | None] = ("", None)

    def spot_of(self, item: Item) -> Spot | None:
        """Where a mark is in the text, None where its format has no positions that the server knows.

        Raises ItemRejected, with the reason, for what cannot be placed; Declined when that cannot be told now.
        """
        if self._last[0] != item.idempotency_key:
            self._last = (item.idempotency_key, self._spot_of(item))
        return self._last[1]

    def _spot_of(self, item: Item) -> Spot | None:
        if not has_places(item):
            return None
        page = page_of(item.body)
        if page and book_type_of(item) == "PDF":
            return Spot(placeholder(page, f"{item.kind} {mark_of(item.key)}"))
        return self._in_epub(item)

    def _in_epub(self, item: Item) -> Spot:
        from booklore_targets.booklore.cfi import Unplaceable, UnreadableEpub, anchor, point

        found = self._epubs.open(item.book, book_id_of(item))
        pos0, pos1, page = (text_of(item.body.get(name)) for name in ("pos0", "pos1", "page"))
        is_books = pos0 and not item.body.get("text_edited")
        text = field_of(item.body, "text") if is_books else ""
        if not text and not found.is_readers:
            raise ItemRejected(OTHER_EDITION)
        try:
            if pos0:
                placed = anchor(found.epub, pos0, pos1, text)
            else:
                placed = point(found.epub, page, field_of(item.body, "chapter"))
        except (Unplaceable, UnreadableEpub) as error:
            raise ItemRejected(str(error)) from error
        return Spot(placed.cfi, placed.text)


def is_on_book(item: Item) -> bool:
    """Whether a note goes to the book as a whole: because the reader wants that, or because it has no place."""
    return item.body.get("place") == ON_BOOK or not has_places(item)


def has_places(item: Item) -> bool:
    """Whether the server can be told where in the text a mark of the device's file is."""
    book_type = book_type_of(item)
    return book_type == "EPUB" or (book_type == "PDF" and page_of(item.body) is not None)


def book_type_of(item: Item) -> str | None:
    """The server's type for the device's file."""
    suffix = str(item.body.get("format") or "").rpartition(".")[2]
    return type_of_format(suffix) if suffix else type_of_file(item.book.file)


def placeholder(page: int, mark: str) -> str:
    """The CFI of a mark on a PDF's page, where there is none: the server shows it nowhere, and tells marks apart by it
    (design, positions). Two marks of a page differ in their offsets, which follow from what they are."""
    offset = int(sha256(mark.encode()).hexdigest(), 16) % OFFSETS
    return f"epubcfi(/6/{2 * page}!/4/2/1:{offset})"


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
