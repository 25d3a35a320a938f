"""A spine document as its file has it: elements, and the texts between two pieces of markup, each with its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property, lru_cache
from html import unescape
from typing import Any

from lxml import etree

from .markup import KEPT, Passage, closed, decoded, split, value

MISMATCHED = ("ERR_TAG_NAME_MISMATCH", "ERR_TAG_NOT_FINISHED")
MOST_ELEMENTS = 200_000
MOST_TEXTS = 300_000


class TooMuch(ValueError):
    """More than is gone through for one document; says of what, as a sentence goes on after the document's name."""


class Text:
    """Characters between two pieces of markup. A comment ends one and begins the next; an entity does not.

    step: of the CFI; the texts between two elements share it. before: UTF-16 units of those of its step before it.
    """

    __slots__ = ("_before", "_previous", "_value", "number", "parent", "piece", "step")

    def __init__(self, piece: Passage, parent: Element, number: int) -> None:
        self.piece, self.parent, self.number = piece, parent, number
        self.step = parent.elements_so_far * 2 + 1
        last = parent.children[-1] if parent.children else None
        self._previous = last if isinstance(last, Text) else None
        self._value: str | None = None
        self._before: int | None = None
        parent.children.append(self)

    @property
    def value(self) -> str:
        """As a reader's document has it; worked out when it is asked for, as most texts bear no highlight."""
        if self._value is None:
            self._value = value(self.piece)
        return self._value

    @property
    def before(self) -> int:
        if self._before is None:
            earlier = [self]
            while earlier[-1]._previous is not None and earlier[-1]._before is None:
                earlier.append(earlier[-1]._previous)
            units = earlier[-1]._before or 0
            for text in reversed(earlier):
                text._before, units = units, units + utf16(text.value)
        return self._before or 0


class Element:
    """first: the number of the first text that begins within or after it. step: of the CFI."""

    __slots__ = ("attributes", "children", "elements_so_far", "first", "name", "parent", "step")

    def __init__(self, name: str, attributes: dict[str, str], parent: Element | None, first: int) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Element | Text] = []
        self.first = first
        self.elements_so_far = self.step = 0
        if parent is not None:
            parent.children.append(self)
            parent.elements_so_far += 1
            self.step = parent.elements_so_far * 2

    @property
    def elements(self) -> Iterator[Element]:
        return (child for child in self.children if isinstance(child, Element))

    def child(self, name: str) -> Element | None:
        """The first child element of that name."""
        return next((child for child in self.elements if child.name == name), None)

    def within(self) -> Iterator[Element]:
        """This element and those within, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(list(element.elements)))


class Source:
    """elements, texts: each in the order of the document."""

    def __init__(self, elements: list[Element], texts: list[Text]) -> None:
        self.elements, self.texts = elements, texts

    @property
    def root(self) -> Element | None:
        """None where the file has no element."""
        return self.elements[0] if self.elements else None

    @cached_property
    def body(self) -> Element | None:
        return self.root.child("body") if self.root is not None else None

    @cached_property
    def names(self) -> frozenset[str]:
        """Of its elements."""
        return frozenset(element.name for element in self.elements)

    @cached_property
    def ids(self) -> Counter[str]:
        """How often each id occurs."""
        return Counter(element.attributes["id"] for element in self.elements if "id" in element.attributes)


class Builder:
    """What lxml calls for every tag; it mends what is not well formed by closing what is open."""

    def __init__(self, pieces: list[Passage]) -> None:
        self.pieces = pieces
        self.elements: list[Element] = []
        self.texts: list[Text] = []
        self.open: list[Element] = []

    def start(self, tag: str, attributes: Any) -> None:
        parent = self.open[-1] if self.open else None
        named = {local(name): unescape(value) for name, value in attributes.items()} if attributes else {}
        element = Element(local(tag).lower(), named, parent, len(self.texts))
        self.elements.append(element)
        self.open.append(element)

    def end(self, _tag: str) -> None:
        self.open.pop()

    def pi(self, target: str, data: str | None = None) -> None:
        if target == KEPT and self.open:
            self.texts.append(Text(self.pieces[int(data or 0)], self.open[-1], len(self.texts)))

    def data(self, _text: str) -> None:
        """Nothing: what a broken tag leaves behind is no text of the book."""

    def comment(self, _text: str) -> None:
        """Nothing: comments were left out when the texts were put aside."""

    def close(self) -> Source:
        return Source(self.elements, self.texts)


def utf16(text: str) -> int:
    """The length of a text in UTF-16 units, as CFIs count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2


@lru_cache(1024)  # a book has few names, and each many times
def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def parse(data: bytes) -> Source:
    """The document that the bytes of a file make; a file that is no XML at all makes one without a root.

    Raises TooMuch.
    """
    tags, pieces = split(decoded(data))
    # A text stands here as a tag of its own, and an end opens no element.
    if tags.count("<") - tags.count("</") - len(pieces) > MOST_ELEMENTS:
        raise TooMuch(f"has more than {MOST_ELEMENTS:,} elements, which no chapter needs")
    if len(pieces) > MOST_TEXTS:
        raise TooMuch(f"has its text in more than {MOST_TEXTS:,} pieces, which no chapter needs")
    source, is_mismatched = built(tags, pieces)
    return built(closed(tags), pieces)[0] if is_mismatched else source


def built(tags: str, pieces: list[Passage]) -> tuple[Source, bool]:
    """The tree, and whether something was opened that is not closed, or the other way round."""
    builder = Builder(pieces)
    parser = etree.XMLParser(target=builder, recover=True, no_network=True)
    try:
        source: Source = etree.fromstring(tags, parser)
    except (etree.XMLSyntaxError, ValueError):
        return builder.close(), False
    return source, any(error.type_name in MISMATCHED for error in parser.error_log)
