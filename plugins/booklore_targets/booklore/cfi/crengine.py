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
    """An element of the engine; source: None for a box that the engine put in. shown: its text is on the page."""

    __slots__ = ("children", "kinds", "name", "parent", "shown", "source")

    def __init__(self, name: str, source: Element | None, children: list[Seen | Chunk], shown: bool) -> None:
        self.name, self.source, self.children, self.shown = name, source, children, shown
        self.parent: Seen | None = None
        self.kinds: dict[str, list[Seen | Chunk]] = {}
        for child in children:
            child.parent = self
            self.kinds.setdefault(kind_of(child), []).append(child)

    def of(self, kind: str) -> list[Seen | Chunk]:
        """The children that a step of an xpointer counts: elements of a name, or text nodes for `text()`."""
        return self.kinds.get(kind, [])

    def within(self) -> Iterator[Seen | Chunk]:
        """The nodes within, in order."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            yield node
            if isinstance(node, Seen):
                waiting.extend(reversed(node.children))

    def chunks(self) -> Iterator[Chunk]:
        """The text nodes within, in order."""
        return (node for node in self.within() if isinstance(node, Chunk))


class View:
    """A document's body as one generation sees it, and its nodes by what they are made of."""

    def __init__(self, body: Seen) -> None:
        self.body = body
        self.chunks: dict[Text, list[Chunk]] = {}
        self.elements: dict[Element | None, Seen] = {body.source: body}
        for node in body.within():
            if isinstance(node, Chunk):
                self.chunks.setdefault(node.source, []).append(node)
            elif node.source is not None:
                self.elements[node.source] = node


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
        places.extend(range(place, place + len(told)) if len(kept) == len(told) else [place] * len(kept))
        shown.append(kept)
        place += len(told)
    places.append(place)
    chunk = Chunk(text, "".join(shown), base, places)
    return expanded(chunk) if preserves and "\t" in chunk.text else chunk


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


def expanded(chunk: Chunk) -> Chunk:
    """With tabs as spaces up to the next multiple of eight; the engine counts the line end itself as a column."""
    shown: list[str] = []
    places = array("I")
    column = 0
    for offset, one in enumerate(chunk.text):
        column = 0 if one in "\r\n" else column
        width = TAB - column % TAB if one == "\t" else 1
        shown.append(" " * width if one == "\t" else one)
        places.extend([chunk.place(offset)] * width)
        column += width
    places.append(chunk.end)
    return Chunk(chunk.source, "".join(shown), chunk.base, places)


def without_first(chunk: Chunk) -> Chunk:
    """The text node without its first character, the line end after `<pre>`."""
    places = [chunk.place(offset) for offset in range(1, len(chunk.text) + 1)]
    return Chunk(chunk.source, chunk.text[1:], chunk.base, array("I", places))
