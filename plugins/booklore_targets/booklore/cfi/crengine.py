"""A document as KOReader's engine sees it: which text nodes there are, what they hold, and what became of white space.

Source: crengine, lvxml.cpp (ReadText, PreProcessXmlString) and lvtinydom.cpp (onText, initNodeRendMethod and the boxing
called there), as read and as recorded of the running program.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence

from .markup import REFERENCE, Piece, character, line_ends
from .source import Element, Text

LONGEST = 8192
"""Raw characters after which the engine begins another text node."""

UNLIKE = re.compile(REFERENCE.pattern + r"|[ \t\r\n]+")
NOTABLE = re.compile(r"[ \t\r\n]{2}|[\t\r\n&]")
TAB = 8


class Chunk:
    """A text node of the engine. places: for each of its characters, and for its end, the offset in the source's text;
    None when they run on by one from base."""

    __slots__ = ("base", "parent", "places", "source", "text")

    def __init__(self, source: Text, text: str, base: int, places: Sequence[int] | None) -> None:
        self.source, self.text, self.base, self.places = source, text, base, places
        self.parent: Seen | None = None

    @property
    def is_blank(self) -> bool:
        return not self.text.strip(" \t\r\n")

    @property
    def end(self) -> int:
        return self.place(len(self.text))

    def place(self, offset: int) -> int:
        """The offset in the source's text of a character of this node."""
        return self.base + offset if self.places is None else self.places[offset]

    def offset(self, place: int) -> int:
        """The character of this node that is at an offset in the source's text, or the first after it."""
        if self.places is None:
            return place - self.base
        return next(offset for offset, at in enumerate(self.places) if at >= place)


class Seen:
    """An element of the engine; source: None for a box that the engine put in."""

    __slots__ = ("children", "name", "parent", "source")

    def __init__(self, name: str, source: Element | None, children: list[Seen | Chunk]) -> None:
        self.name, self.source, self.children = name, source, children
        self.parent: Seen | None = None
        for child in children:
            child.parent = self

    def of(self, kind: str) -> list[Seen | Chunk]:
        """The children that a step of an xpointer counts: elements of a name, or text nodes for `text()`."""
        return [child for child in self.children if kind_of(child) == kind]

    def chunks(self) -> Iterator[Chunk]:
        """The text nodes within, in order."""
        for child in self.children:
            if isinstance(child, Chunk):
                yield child
            else:
                yield from child.chunks()


def kind_of(node: Seen | Chunk) -> str:
    return "text()" if isinstance(node, Chunk) else node.name


def chunks_of(text: Text, preserves: bool) -> Iterator[Chunk]:
    """The text nodes that the engine makes of one text of the source."""
    base = 0
    for raw in pieces(text.piece.raw):
        chunk = seen(text, Piece(raw, text.piece.literal), base, preserves)
        yield chunk
        base = chunk.end


def pieces(raw: str) -> Iterator[str]:
    """Cut after the last space or line end of each 8,192 raw characters."""
    while len(raw) >= LONGEST:
        blank = max(raw.rfind(one, 0, LONGEST) for one in " \r\n")
        # A line end of two characters is not taken apart.
        cut = blank - 1 if raw[blank : blank + 2] in ("\r\n", "\n\r") and blank + 1 < LONGEST else blank
        cut = cut + 1 if cut >= 0 else LONGEST
        yield raw[:cut]
        raw = raw[cut:]
    if raw:
        yield raw


def seen(text: Text, piece: Piece, base: int, preserves: bool) -> Chunk:
    if not NOTABLE.search(piece.raw):
        return Chunk(text, piece.raw, base, None)
    shown: list[str] = []
    places = array("I")
    place = base
    for raw in parts(piece):
        kept, told = _seen_and_told(raw, piece.literal, preserves)
        if preserves and "\t" in kept:
            kept, at = expanded(kept, place, sum(map(len, shown)))
            places.extend(at)
        elif len(kept) == len(told):
            places.extend(range(place, place + len(told)))
        else:
            places.extend(place for _ in kept)
        shown.append(kept)
        place += len(told)
    places.append(place)
    return Chunk(text, "".join(shown), base, places)


def parts(piece: Piece) -> Iterator[str]:
    """References and runs of white space, each by itself, and what is between them."""
    end = 0
    for found in UNLIKE.finditer(piece.raw):
        if found.start() > end:
            yield piece.raw[end : found.start()]
        yield found[0]
        end = found.end()
    if end < len(piece.raw):
        yield piece.raw[end:]


def _seen_and_told(raw: str, literal: bool, preserves: bool) -> tuple[str, str]:
    """What the engine shows, and what the document says, for one part."""
    if raw[0] == "&" and not literal and REFERENCE.fullmatch(raw):
        meant = character(raw)
        return meant, meant
    if raw[0] in " \t\r\n":
        told = line_ends(raw)
        return told if preserves else " ", told
    return raw, raw


def expanded(blank: str, place: int, column: int) -> tuple[str, list[int]]:
    """White space with tabs as spaces up to the next multiple of eight, and the place of each."""
    shown: list[str] = []
    places: list[int] = []
    for at, one in enumerate(blank, start=place):
        width = TAB - column % TAB if one == "\t" else 1
        shown.append(" " * width if one == "\t" else one)
        places.extend([at] * width)
        column = 0 if one == "\n" else column + width
    return "".join(shown), places
