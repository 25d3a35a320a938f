"""The rows that another program has made on the server of marks of the same reader: ours are to take their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from booklore_targets.booklore.marks.mark_text import field_of
from booklore_targets.booklore.marks.row_tables import ANNOTATIONS, BOOK_NOTES, NOTES, TABLES, RowTable, place_key

if TYPE_CHECKING:
    from booklore_core import Item, Store
    from booklore_targets.booklore.marks.remote_rows import ListedRows, Row


class ForeignRow(NamedTuple):
    """made: KOReader's `datetime` of the mark. table: its name. number: the server's, None where it is not known. cfi:
    where the row is, where that is known."""

    made: str
    table: str
    number: int | None
    cfi: str | None

    def among(self, listed: ListedRows, item: Item) -> list[Row]:
        """The rows of its table that it may be. A number may be another row's since the server's database was made
        anew: the row has to say what the mark says, or to be of its chapter."""
        table = TABLES[self.table]
        if self.number is not None:
            row = listed.by_id.get(self.number)
            return [row] if row and (is_like(table, row, item) or is_of_chapter(row, item)) else []
        placed = listed.at(place_key(self.cfi)) if self.cfi and table.is_unique else []
        return placed or [row for row in listed.by_id.values() if is_like(table, row, item)]


class ForeignRows:
    """Kept in the plugin's store, one value a book; read from there once a run.

    A mark is known by its book and by when it was made: its place on the server is another one wherever the other
    program could not tell it exactly.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, list[ForeignRow]] = {}

    def note(self, md5: str, rows: Iterable[ForeignRow]) -> None:
        """Remembers rows of a book's marks, beside those that are known."""
        known = self._of_book(md5)
        news = [row for row in dict.fromkeys(rows) if row not in known]
        if news:
            self._read[md5] = known + news
            self._store.set(key_of(md5), [list(row) for row in self._read[md5]])

    def of(self, item: Item, table: RowTable | None) -> list[ForeignRow]:
        """What is known of an item's mark; that comes first which is in the table where the item belongs."""
        made = item.body.get("datetime")
        found = [row for row in self._of_book(item.book.partial_md5) if row.made == made]
        return sorted(found, key=lambda row: table is None or row.table != table.name)

    def _of_book(self, md5: str) -> list[ForeignRow]:
        if md5 not in self._read:
            self._read[md5] = [ForeignRow(*row) for row in self._store.get(key_of(md5)) or ()]
        return self._read[md5]


def is_like(table: RowTable, row: Mapping[str, Any], item: Item) -> bool:
    """Whether a row says what the mark says. One of which nothing but its place tells is like none."""
    text, note = squeezed(field_of(item.body, "text")), squeezed(field_of(item.body, "note"))
    if table is ANNOTATIONS:
        return text != "" and squeezed(row.get("text")) == text
    if table is NOTES:
        return (squeezed(row.get("selectedText")), squeezed(row.get("noteContent"))) == (text, note) and note != ""
    return table is BOOK_NOTES and note != "" and note == squeezed(row.get("content"))


def is_of_chapter(row: Row, item: Item) -> bool:
    """Whether a row is called as the other program calls one of the mark's chapter."""
    told = row.get("chapterTitle") if "chapterTitle" in row else row.get("title")
    return squeezed(told) == squeezed(field_of(item.body, "chapter"))


def squeezed(value: Any) -> str:
    return " ".join(str(value or "").split())


def key_of(md5: str) -> str:
    return f"foreign/{md5}"
