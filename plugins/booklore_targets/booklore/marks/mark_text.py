"""What the server is told of a highlight, a note or a bookmark, within its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from booklore_core import Item
from booklore_targets.booklore.marks.appearance import color_of, style_of
from booklore_targets.booklore.marks.row_tables import ANNOTATIONS, BOOK_NOTES, BOOKMARKS, NOTES, Wanted
from booklore_targets.booklore.marks.text_limits import clean, shortened, shortened_to_bytes, units

TEXT, CHAPTER, TITLE, BOOKMARK_NOTE = 5000, 500, 255, 2000
"""UTF-16 units. Source: server contract §7."""

COLUMN = 65_535
"""Bytes of a TEXT column."""

NO_TEXT = "(no text)"
"""For a highlight of nothing but an image: the server takes no empty text."""

EXCERPT = 40


def field_of(body: Mapping[str, Any], name: str) -> str:
    """A text of the body, "" for any other value and for one that nobody would see."""
    value = body.get(name)
    return clean(value) if isinstance(value, str) and value.strip() else ""


def has_note(item: Item) -> bool:
    return bool(field_of(item.body, "note"))


def name_of(item: Item) -> str:
    """What a person knows a mark by."""
    text, when = " ".join(field_of(item.body, "text").split()), field_of(item.body, "datetime")
    shown = f"“{shortened(text, EXCERPT)}”" if text else "the one without a text"
    return f"{shown} of {when}" if when else shown


def annotation_row(item: Item, cfi: str, text: str) -> Wanted:
    """A highlight in the text. text: what the highlight says, or the book where it stands."""
    fields = {"cfi": cfi, "text": shortened(text or NO_TEXT, TEXT)}
    look = {"color": color_of(item.body.get("color")), "style": style_of(item.body.get("drawer"))}
    return Wanted(ANNOTATIONS, {**fields, **look, **chapter_of(item)}, name_of(item))


def note_row(item: Item, cfi: str, text: str) -> Wanted:
    """A note on a place in the text."""
    fields = {"cfi": cfi, "noteContent": shortened_to_bytes(field_of(item.body, "note"), COLUMN)}
    selected = {"selectedText": shortened(text, TEXT)} if text else {}
    look = {"color": color_of(item.body.get("color"))}
    return Wanted(NOTES, {**fields, **selected, **look, **chapter_of(item)}, name_of(item))


def book_note_row(item: Item) -> Wanted:
    """A note on the book. Nothing but its own text tells it from others, so its title says when it was made."""
    note = shortened_to_bytes(field_of(item.body, "note"), COLUMN)
    room = COLUMN - len(note.encode()) - 10
    told = field_of(item.body, "text") or (page_text(item.body) if item.kind == "bookmark" else "")
    text = shortened_to_bytes(told, room) if room > 0 else ""
    parts = (f"“{text}”" if text else "", note)
    content = "\n\n".join(filter(None, parts)) or NO_TEXT
    return Wanted(BOOK_NOTES, {"title": book_note_title(item), "content": content}, name_of(item), parts=parts)


def book_note_title(item: Item) -> str:
    stamp = f"({field_of(item.body, 'datetime')})"
    head = field_of(item.body, "chapter") or page_text(item.body) or "Note"
    return f"{shortened(head, TITLE - 1 - units(stamp))} {stamp}"


def bookmark_row(item: Item, place: Mapping[str, Any]) -> Wanted:
    """place: a CFI or a page number."""
    title = field_of(item.body, "text") or field_of(item.body, "chapter") or page_text(item.body) or "Bookmark"
    note = shortened(field_of(item.body, "note"), BOOKMARK_NOTE)
    return Wanted(BOOKMARKS, {**place, "title": shortened(title, TITLE)}, name_of(item), later={"notes": note})


def carrying(wanted: Wanted, kept: str) -> Wanted:
    """The row with what somebody has written on the server: the whole note, or below the device's own."""
    if not kept:
        return wanted
    name = wanted.table.note
    own = str(wanted.fields.get(name) or "")
    if own and kept not in own:
        own = shortened_to_bytes(own, COLUMN - len(kept.encode()) - 2) + f"\n\n{kept}"
    return replace(wanted, fields={**wanted.fields, name: own or kept}, kept=kept)


def chapter_of(item: Item) -> dict[str, str]:
    chapter = shortened(field_of(item.body, "chapter"), CHAPTER)
    return {"chapterTitle": chapter} if chapter else {}


def page_text(body: Mapping[str, Any]) -> str:
    page = page_of(body)
    return f"Page {page}" if page else ""


def page_of(body: Mapping[str, Any]) -> int | None:
    """The page's number, from 1."""
    for value in (body.get("page"), body.get("pageno")):
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1:
            return int(value)
    return None
