"""What of a document's text is read: hidden text is on no page, and KOReader leaves ruby out of what it selects."""

from __future__ import annotations

from collections.abc import Iterator

from .crengine import View
from .epub import Document
from .generations import GENERATIONS, Generation
from .places import BookPlace
from .search import Squeezed, squeezed
from .source import Element, Text
from .views import view

RUBY = ("rt", "rtc", "rp")
NEWEST, *_, OLDEST = GENERATIONS
READINGS: tuple[tuple[Generation, tuple[str, ...]], ...] = (
    (NEWEST, RUBY), (NEWEST, RUBY[:2]), (NEWEST, ()), (OLDEST, RUBY), (OLDEST, RUBY[:2]),
)  # fmt: skip
"""The generation whose texts count, and the elements that are left out: ruby with its parentheses, or without."""
GLIMPSE = 80


def indexes(document: Document) -> Iterator[Squeezed]:
    """The document's text by reading, then with what is hidden; each that differs once."""
    found: list[Squeezed] = []
    for reading in (*READINGS, None):
        words = index(document, reading)
        if words not in found:
            found.append(words)
            yield words


def index(document: Document, reading: tuple[Generation, tuple[str, ...]] | None = READINGS[0]) -> Squeezed:
    """The document's text in one of the readings; None: all of it."""
    key = ("squeezed", reading)
    made = document.views.get(key)
    if not isinstance(made, Squeezed):
        seen = view(document, reading[0]) if reading else None
        counted = shown(seen, left_out(document, reading[1])) if reading and seen else everywhere(document)
        made = document.views[key] = same(document, counted) or Squeezed(document, counted)
    return made


def everywhere(document: Document) -> frozenset[int]:
    return frozenset(range(len(document.source.texts)))


def same(document: Document, counted: frozenset[int]) -> Squeezed | None:
    """The index of another reading that has the same texts, as in a book without ruby."""
    made = (one for one in document.views.values() if isinstance(one, Squeezed))
    return next((one for one in made if one.counted == counted), None)


def shown(seen: View, without: tuple[str, ...]) -> frozenset[int]:
    """The numbers of the texts on the page."""
    chunks = (chunk for chunk in seen.body.chunks() if chunk.parent is not None and chunk.parent.shown)
    return frozenset(chunk.source.number for chunk in chunks if not without or not is_within(chunk.source, without))


def left_out(document: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that elements of the document have."""
    return tuple(name for name in names if name in document.source.names)


def is_within(text: Text, names: tuple[str, ...]) -> bool:
    """Whether an element of one of these names is around the text, at most two above it."""
    element: Element | None = text.parent
    for _ in range(3):
        if element is None:
            return False
        if element.name in names:
            return True
        element = element.parent
    return False


def selections(words: Squeezed, start: BookPlace, end: BookPlace) -> Iterator[str]:
    """What may be selected between two places: where it begins in left out text, that is kept; where it ends, maybe."""
    between = words.text[words.position(start) : words.position(end)]
    if start.node is end.node:
        yield between or squeezed(everything(start, end))
        return
    opening = "" if words.counts(start) else squeezed(tail_of(start))
    yield opening + between
    if not words.counts(end):
        yield opening + between + squeezed(head_of(end))


def tail_of(place: BookPlace) -> str:
    return place.node.value[place.offset :] if isinstance(place.node, Text) else ""


def head_of(place: BookPlace) -> str:
    return place.node.value[: place.offset] if isinstance(place.node, Text) else ""


def everything(start: BookPlace, end: BookPlace) -> str:
    """All the file's text between two places of one document, hidden or not."""
    return "".join(cut(text, start, end) for text in between(start, end))


def told(start: BookPlace, end: BookPlace) -> str:
    """The text between two places of one document as it is read: of what is left out only that in which it begins."""
    words = index(start.document)
    texts = (text for text in between(start, end) if text is start.node or words.has(text))
    return "".join(cut(text, start, end) for text in texts) or everything(start, end)


def between(start: BookPlace, end: BookPlace) -> list[Text]:
    return start.document.source.texts[start.order[0] : end.order[0] + 1]


def cut(text: Text, start: BookPlace, end: BookPlace) -> str:
    """The part of a text that is between two places; an end at an element is before all of its text."""
    stop = end.order[1] if text.number == end.order[0] else None
    return text.value[start.order[1] if text.number == start.order[0] else 0 : stop]


def glimpse(place: BookPlace) -> str:
    """The first words after a place."""
    words = index(place.document)
    number, offset = place.order
    found = ""
    for text in place.document.source.texts[number:]:
        if words.has(text) or text is place.node:
            found += text.value[offset if text.number == number else 0 :]
        if len(found) > 4 * GLIMPSE:
            break
    return " ".join(found.split())[:GLIMPSE].strip()
