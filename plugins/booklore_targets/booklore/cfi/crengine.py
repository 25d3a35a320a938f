"""A document as KOReader's engine sees it: which text nodes there are, what they hold, and what became of white space.

Source: crengine, lvxml.cpp (ReadText, PreProcessXmlString) and lvtinydom.cpp (onText, initNodeRendMethod and the boxing
called there), as read and as recorded of the running program.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from .markup import REFERENCE, Passage, character, line_ends, value
from .source import Element, Text

LONGEST = 8192
"""Raw characters after which the engine begins another text node."""

UNLIKE = re.compile(REFERENCE.pattern + r"|[ \t\r\n]{2,}|[\t\r\n]")
"""What the engine shows otherwise than its source has it."""
TAB = 8
BLANK = " \t\r\n"


class Chunk:
    """A text node of the engine, from an offset in the source's text on.

    What it shows is worked out when it is asked for: most nodes of a book bear no highlight.
    """

    __slots__ = ("_places", "_text", "base", "is_blank", "number", "parent", "piece", "preserves", "source", "without")

    def __init__(self, source: Text, piece: Passage, base: int, preserves: bool) -> None:
        self.source, self.piece, self.base, self.preserves = source, piece, base, preserves
        self.is_blank = is_blank(piece)
        self.parent: Seen | None = None
        self.number = 1
        self.without = 0
        self._text: str | None = None
        self._places: Sequence[int] = ()

    @property
    def end(self) -> int:
        """The offset in the source's text after this node."""
        return self.base + len(self.source.value if self.piece is self.source.piece else value(self.piece))

    @property
    def text(self) -> str:
        if self._text is None:
            self._text, self._places = shown(self.piece, self.base, self.preserves)
        return self._text[self.without :]

    def place(self, offset: int) -> int:
        """The offset in the source's text of a character of this node, or of its end."""
        return self._places[offset + self.without] if self.text or self._places else self.base

    def offset(self, place: int) -> int:
        """The character of this node that is at an offset in the source's text, or the first after it."""
        return max(0, bisect_left(self._places, place) - self.without) if self.text else 0


class Seen:
    """An element of the engine; source: None for a box that the engine put in. shown: its text is on the page.
    number: its place among its parent's children of its kind, from 1; known when the parent was asked for these."""

    __slots__ = ("_kinds", "children", "name", "number", "parent", "shown", "source")

    def __init__(self, name: str, source: Element | None, children: list[Seen | Chunk], shown: bool) -> None:
        self.name, self.source, self.children, self.shown = name, source, children, shown
        self.parent: Seen | None = None
        self.number = 1
        self._kinds: dict[str, list[Seen | Chunk]] | None = None
        for child in children:
            child.parent = self

    def of(self, kind: str) -> list[Seen | Chunk]:
        """The children that a step of an xpointer counts: elements of a name, or text nodes for `text()`."""
        if self._kinds is None:
            self._kinds = {}
            for child in self.children:
                alike = self._kinds.setdefault(kind_of(child), [])
                alike.append(child)
                child.number = len(alike)
        return self._kinds.get(kind, [])

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

    @cached_property
    def chunks(self) -> dict[Text, list[Chunk]]:
        found: dict[Text, list[Chunk]] = {}
        for chunk in self.body.chunks():
            found.setdefault(chunk.source, []).append(chunk)
        return found

    @cached_property
    def elements(self) -> dict[Element | None, Seen]:
        found: dict[Element | None, Seen] = {self.body.source: self.body}
        found.update((node.source, node) for node in self.body.within() if isinstance(node, Seen) and node.source)
        return found


def kind_of(node: Seen | Chunk) -> str:
    return "text()" if isinstance(node, Chunk) else node.name


def chunks_of(text: Text, preserves: bool) -> list[Chunk]:
    """The text nodes that the engine makes of one text of the source."""
    if len(text.piece.raw) < LONGEST:
        return [Chunk(text, text.piece, 0, preserves)]
    chunks: list[Chunk] = []
    for raw in pieces(text.piece.raw):
        base = chunks[-1].end if chunks else 0
        chunks.append(Chunk(text, Passage(raw, text.piece.literal), base, preserves))
    return chunks


def is_blank(piece: Passage) -> bool:
    """Whether nothing but white space is in it, written as references or not."""
    left = piece.raw.lstrip(BLANK)
    return not left or (left[0] == "&" and not value(piece).strip(BLANK))


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


def shown(piece: Passage, base: int, preserves: bool) -> tuple[str, Sequence[int]]:
    """The characters of a text node; and for each of them, and for its end, the offset in the source's text."""
    if not UNLIKE.search(piece.raw):
        return piece.raw, range(base, base + len(piece.raw) + 1)
    texts: list[str] = []
    places = array("I")
    place = base
    for raw in parts(piece):
        kept, told = _shown_and_told(raw, piece.literal, preserves)
        places.extend(range(place, place + len(told)) if len(kept) == len(told) else [place] * len(kept))
        texts.append(kept)
        place += len(told)
    places.append(place)
    text = "".join(texts)
    return expanded(text, places) if preserves and "\t" in text else (text, places)


def parts(piece: Passage) -> Iterator[str]:
    """References and runs of white space, each by itself, and what is between them."""
    end = 0
    for found in UNLIKE.finditer(piece.raw):
        if found.start() > end:
            yield piece.raw[end : found.start()]
        yield found[0]
        end = found.end()
    if end < len(piece.raw):
        yield piece.raw[end:]


def _shown_and_told(raw: str, literal: bool, preserves: bool) -> tuple[str, str]:
    """What the engine shows, and what the document says, for one part."""
    if raw[0] == "&" and not literal and REFERENCE.fullmatch(raw):
        meant = character(raw)
        return meant, meant
    if UNLIKE.fullmatch(raw) and raw[0] != "&":
        told = line_ends(raw)
        return told if preserves else " ", told
    return raw, raw


def expanded(text: str, places: Sequence[int]) -> tuple[str, Sequence[int]]:
    """With tabs as spaces up to the next multiple of eight; the engine counts the line end itself as a column."""
    texts: list[str] = []
    at = array("I")
    column = 0
    for one, place in zip(text, places, strict=False):
        column = 0 if one in "\r\n" else column
        width = TAB - column % TAB if one == "\t" else 1
        texts.append(" " * width if one == "\t" else one)
        at.extend([place] * width)
        column += width
    at.append(places[-1])
    return "".join(texts), at
