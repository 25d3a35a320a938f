"""The highlights, notes and bookmarks of the Lua plugin: those that wait, as our own features make them of KOReader's
list, and which rows those have on the server that were sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import PurePosixPath
from typing import Any

from booklore_core import BookRef, Item, annotation_names
from booklore_targets.booklore.lua_plugin.cached_books import CachedBook, id_of
from booklore_targets.booklore.lua_plugin.loose_values import moment_of, text_of, whole_of
from booklore_targets.booklore.lua_plugin.session_rows import EARLIEST, Doubt
from booklore_targets.booklore.marks.appearance import COLORS, STYLES
from booklore_targets.booklore.marks.foreign_rows import ForeignRow
from booklore_targets.booklore.marks.mark_places import ON_BOOK
from booklore_targets.booklore.marks.row_owners import TWIN
from booklore_targets.booklore.marks.text_limits import clean

ANNOTATION, BOOKMARK = "annotation", "bookmark"
IN_BOOK = "in_book"
HIGHLIGHT, IN_BOOK_NOTE, BOOKLORE_NOTE, BOTH = "highlight", "in_book_note", "booklore_note", "both_note"
PLACES: Mapping[str, Mapping[str, str]] = {
    HIGHLIGHT: {"": IN_BOOK},
    IN_BOOK_NOTE: {"": IN_BOOK},
    BOOKLORE_NOTE: {"": ON_BOOK},
    BOTH: {"": IN_BOOK, TWIN: ON_BOOK},
}
"""What the plugin made of a mark → ends of the keys of our facts, and where those go."""

TABLES: Mapping[str, tuple[str, ...]] = {
    HIGHLIGHT: ("annotation",),
    IN_BOOK_NOTE: ("note",),
    BOOKLORE_NOTE: ("book-note",),
    BOTH: ("note", "book-note"),
    BOOKMARK: ("bookmark",),
}
"""The same → the server's tables that it was sent to. Source: lua-plugin-behaviour §3.4, §6.2."""

UNREADABLE = "what was kept of it cannot be read"
NOWHERE = "the plugin did not keep where in the book it is; the next closing of the book tells it anew"


@dataclass(frozen=True)
class WaitingMark:
    """A mark that waits. kept: what the plugin kept of it. at: when it was put there. tries: in vain, the last one at
    tried_at."""

    kind: str
    what: str
    kept: Mapping[str, Any]
    at: datetime
    book_id: str
    tries: int
    tried_at: datetime | None

    @property
    def foreign(self) -> list[ForeignRow]:
        """The rows that an attempt may have left on the server."""
        cfi = text_of(self.kept.get("cfi")) or None
        tables = TABLES[self.what] if self.tries else ()
        return [ForeignRow(self.kept["datetime"], table, None, cfi) for table in tables]


def read_mark(kind: str, row: Mapping[str, Any]) -> WaitingMark:
    """A row of `pending_annotations` or `pending_bookmarks`. Raises Doubt."""
    try:
        kept = plain(json.loads(text_of(row.get("payload"))))
    except (ValueError, RecursionError) as error:
        raise Doubt(UNREADABLE) from error
    if not isinstance(kept, dict):
        raise Doubt(UNREADABLE)
    kept["datetime"] = string(kept.get("datetime")) or text_of(row.get("datetime"))
    what = BOOKMARK if kind == BOOKMARK else text_of(row.get("ann_type") or kept.get("ann_type"))
    if what not in TABLES or not kept["datetime"]:
        raise Doubt(UNREADABLE)
    if not kept.get("pos0"):
        raise Doubt(NOWHERE)
    at = moment_of(row.get("created_at")) or EARLIEST
    tries = max(0, whole_of(row.get("retry_count")) or 0)
    return WaitingMark(kind, what, kept, at, id_of(row), tries, moment_of(row.get("last_retry_at")))


def plain(value: Any) -> Any:
    """The same as a fact can hold it: with 3 for 3.0, as Lua has one type of numbers and a mark's key is made of them;
    without numbers that are none, and halves of characters."""
    if isinstance(value, dict):
        return {clean(name): plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return (int(value) if value.is_integer() else value) if isfinite(value) else None
    return clean(value) if isinstance(value, str) else value


def items_of(mark: WaitingMark, book: CachedBook, ref: BookRef) -> Iterator[Item]:
    """The facts that a mark is: the same keys as KOReader's list has, so that they meet when it is told."""
    body = bookmark_body(mark, book) if mark.kind == BOOKMARK else annotation_body(mark, book)
    name = next(iter(annotation_names([body], {})))
    for end, place in PLACES.get(mark.what, {"": ""}).items():
        told = {"place": place, **body} if place else body
        yield Item(mark.kind, f"{book.md5}:{name}{end}", ref, told, mark.at)


def annotation_body(mark: WaitingMark, book: CachedBook) -> dict[str, Any]:
    """As the annotations feature tells a highlight."""
    kept = mark.kept
    pos0 = kept.get("pos0")
    return {
        **common(kept, book),
        "updated": None,
        "pos0": pos0,
        "pos1": kept.get("pos1"),
        "page": pos0.get("page") if isinstance(pos0, dict) else pos0,
        "text": string(kept.get("text")) or "",
        "note": string(kept.get("note")) if mark.what != HIGHLIGHT else None,
        "color": named(COLORS, kept.get("color")),
        "drawer": named(STYLES, kept.get("style")),
    }


def bookmark_body(mark: WaitingMark, book: CachedBook) -> dict[str, Any]:
    """As the bookmarks feature tells a bookmark, whose position is its page."""
    kept = mark.kept
    return {**common(kept, book), "page": kept.get("pos0"), "text": string(kept.get("notes")) or "", "note": None}


def common(kept: Mapping[str, Any], book: CachedBook) -> dict[str, Any]:
    about = {"datetime": kept["datetime"], "pageno": None, "chapter": string(kept.get("chapter"))}
    return {**about, "device": None, "format": format_of(book.file)}


def format_of(file: str | None) -> str | None:
    """What the file's name ends with, as a line of the device tells it."""
    name = (file or "").lower()
    return "kepub.epub" if name.endswith(".kepub.epub") else PurePosixPath(name).suffix[1:] or None


def string(value: Any) -> str | None:
    return text_of(value) if isinstance(value, str) and value.strip() else None


def named(words: Mapping[str, str], value: Any) -> str | None:
    """KOReader's word for one of the server's, or itself."""
    text = text_of(value)
    return next((ours for ours, theirs in words.items() if theirs.lower() == text.lower()), text or None)


def sent_rows(kind: str, row: Mapping[str, Any]) -> list[ForeignRow]:
    """What a row of `synced_annotations` or `synced_bookmarks` says of the server's. Of a note that went to both places
    nobody knows whose number was kept; 0 is none. A highlight without a number was never sent (§6.7)."""
    made = text_of(row.get("koreader_datetime") if kind == ANNOTATION else row.get("datetime"))
    what = text_of(row.get("annotation_type")) if kind == ANNOTATION else BOOKMARK
    number = None if what == BOTH else whole_of(row.get("server_id")) or None
    return [ForeignRow(made, table, number, None) for table in TABLES.get(what, ()) if made]
