"""The server's four tables of marks in a book, and when two places are one for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

SOFT_HYPHEN = "\u00ad"
STAMP = re.compile(r"\(([^()]+)\)$")
"""The time of a mark at the end of a title."""


@dataclass(frozen=True)
class RowTable:
    """name: begins the remote ids, as in `note:7`. place: the fields of which one tells rows of a book apart. fixed:
    what a change leaves as it is; changeable: what a change sets. note: the field of a reader's words. is_unique: a
    second row at a place is refused, else there may be any number.
    """

    name: str
    path: str
    place: tuple[str, ...]
    fixed: tuple[str, ...]
    changeable: tuple[str, ...]
    note: str
    is_unique: bool = True

    def remote_id(self, row: Mapping[str, Any]) -> str:
        return f"{self.name}:{row['id']}"

    def place_of(self, row: Mapping[str, Any]) -> str:
        """Where a row is, as the server compares it; of one that is about the whole book, the time in its title."""
        found = next((str(row[name]) for name in self.place if row.get(name) is not None), "")
        if self.is_unique:
            return place_key(found)
        stamp = STAMP.search(found)
        return stamp[1] if stamp else ""

    def digest_of(self, row: Mapping[str, Any]) -> str:
        """Of what a row says that is about the whole book; "" for one that its place tells from all others."""
        return "" if self.is_unique else sha256(str(row.get("content") or "").encode()).hexdigest()[:32]


PLACED = ("cfi", "pageNumber")
ANNOTATIONS = RowTable("annotation", "/api/v1/annotations", ("cfi",), ("cfi", "text"), ("color", "style"), "note")
NOTES = RowTable(
    "note",
    "/api/v2/book-notes",
    ("cfi",),
    ("cfi", "selectedText"),
    ("noteContent", "color", "chapterTitle"),
    "noteContent",
)
BOOK_NOTES = RowTable(
    "book-note", "/api/v1/book-notes", ("title",), (), ("title", "content"), "content", is_unique=False
)
BOOKMARKS = RowTable("bookmark", "/api/v1/bookmarks", PLACED, PLACED, ("title", "notes"), "notes")
TABLES = {table.name: table for table in (ANNOTATIONS, NOTES, BOOK_NOTES, BOOKMARKS)}
"""Source: server contract §7."""


class RowId(NamedTuple):
    """What a remote id says."""

    table: RowTable
    id: int

    @property
    def text(self) -> str:
        return f"{self.table.name}:{self.id}"


def read_remote_id(text: str | None) -> RowId | None:
    name, _, number = (text or "").rpartition(":")
    return RowId(TABLES[name], int(number)) if name in TABLES and number.isdecimal() else None


@dataclass(frozen=True)
class Wanted:
    """A row as it is to be. fields: what it is made with, without those that are nothing. later: what only a change of
    the row can set. name: what a person knows it by. parts: what its text was made of, of which one may change. kept:
    what somebody has written on the server, which stands in its note by now."""

    table: RowTable
    fields: Mapping[str, Any]
    name: str
    later: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    kept: str = ""

    @property
    def place(self) -> str:
        return self.table.place_of(self.fields)

    def is_at(self, row: Mapping[str, Any]) -> bool:
        return self.place == self.table.place_of(row)

    def is_made_of(self, row: Mapping[str, Any]) -> bool:
        """Whether a change of the row is enough. A place that is a title can be changed as well."""
        rest = (name for name in self.table.fixed if name not in self.table.place)
        is_within_reach = self.is_at(row) or not self.table.is_unique
        return is_within_reach and all((row.get(name) or "") == (self.fields.get(name) or "") for name in rest)

    def changes(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What a change of the row has to set. What nothing is wanted of stays: null changes nothing."""
        told = {**self.fields, **self.later}
        wanted = {name: told[name] for name in self.table.changeable if name in told}
        return {name: value for name, value in wanted.items() if folded(row.get(name)) != folded(value)}

    def likeness(self, row: Mapping[str, Any]) -> int:
        """How sure it is that a row in its place is this one, in an earlier form perhaps; 0 for one that is not."""
        content = str(row.get("content") or "")
        if self.table.is_unique or content == self.fields["content"]:
            return 2
        return int(any(part and part in content for part in self.parts))


def folded(value: Any) -> str:
    """A value as far as a change of it is one: colours have no case, and no text is an empty one."""
    text = str(value or "")
    return text.upper() if text.startswith("#") else text


def place_key(text: str) -> str:
    """The text as the server's database compares it: without case, accents, width, what has no width, and trailing
    blanks; soft hyphens count (contract §2.5)."""
    parts = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in ("Mn", "Me"))
    seen = "".join(char for char in parts if char == SOFT_HYPHEN or unicodedata.category(char) != "Cf")
    return seen.casefold().rstrip()
