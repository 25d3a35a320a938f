"""The text of a spine document without white space and invisible characters, to compare with and to search in."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

from .epub import Document
from .places import BookPlace
from .source import Element, Text

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")
"""Soft hyphens, and what has no width."""
FEW = 6
"""KOReader extends a selection by the punctuation beside it: so many characters at an end are no other text."""
EDGE = re.compile(rf"^\W{{0,{FEW}}}|\W{{0,{FEW}}}$")


def squeezed(text: str) -> str:
    """Without white space of any kind, and without what is invisible."""
    joined = "".join(text.split())
    return joined if joined.isascii() else INVISIBLE.sub("", joined)


def core(text: str) -> str:
    """A squeezed text without the punctuation at its ends; the whole when it is nothing else."""
    return EDGE.sub("", text) or text


def agree(found: str, wanted: str) -> bool:
    """Whether two squeezed texts are the same but for punctuation at their ends."""
    return found == wanted or core(found) == core(wanted)


def begins(found: str, wanted: str) -> bool:
    """Whether one squeezed text is the first part of another, but for punctuation at its ends."""
    return bool(found) and (wanted.startswith(found) or core(wanted).startswith(core(found)))


class Squeezed:
    """The squeezed text of a document. counted: the numbers of the texts that count."""

    def __init__(self, document: Document, counted: frozenset[int]) -> None:
        self.document, self.counted = document, counted
        kept = [squeezed(text.value) if self.has(text) else "" for text in document.source.texts]
        self.starts = [0, *accumulate(map(len, kept))]
        self.text = "".join(kept)

    def has(self, text: Text) -> bool:
        return text.number in self.counted

    def counts(self, place: BookPlace) -> bool:
        """Whether a place is in text that counts, or at an element."""
        return not isinstance(place.node, Text) or self.has(place.node)

    def position(self, place: BookPlace) -> int:
        """How many characters are before a place."""
        node = place.node
        if isinstance(node, Text):
            within = len(squeezed(node.value[: place.offset])) if self.has(node) else 0
            return self.starts[node.number] + within
        return self.starts[node.first] if isinstance(node, Element) else 0

    def start(self, position: int) -> BookPlace:
        """The place before the character at a position."""
        number = bisect_right(self.starts, position) - 1
        text = self.document.source.texts[number]
        return BookPlace(self.document, text, nth(text.value, position - self.starts[number]))

    def end(self, position: int) -> BookPlace:
        """The place after the character before a position."""
        number = bisect_left(self.starts, position) - 1
        text = self.document.source.texts[number]
        return BookPlace(self.document, text, nth(text.value, position - self.starts[number] - 1) + 1)

    def occurrences(self, needle: str) -> Iterator[int]:
        at = self.text.find(needle)
        while at >= 0:
            yield at
            at = self.text.find(needle, at + 1)

    def tail(self, needle: str) -> int | None:
        """Where the end of the document begins that a text begins with."""
        for at in range(max(0, len(self.text) - len(needle)), len(self.text)):
            if self.text[at] == needle[0] and needle.startswith(self.text[at:]):
                return at
        return None


def nth(text: str, number: int) -> int:
    """The offset of the character that has so many before it that count."""
    for offset, one in enumerate(text):
        if not (one.isspace() or INVISIBLE.match(one)):
            if number == 0:
                return offset
            number -= 1
    return len(text)
