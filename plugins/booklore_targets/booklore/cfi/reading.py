"""What of a document's text is read: hidden text is on no page, and KOReader leaves ruby out of what it selects."""

from __future__ import annotations

from collections.abc import Iterator

from .crengine import View
from .epub import Document
from .generations import GENERATIONS
from .places import Place
from .search import Squeezed, squeezed
from .source import Element, Text
from .xpointer import view

READINGS: tuple[tuple[str, ...], ...] = (("rt", "rtc", "rp"), ("rt", "rtc"), ())
"""Elements that a reading leaves out: newer generations leave out ruby with its parentheses, older ones without."""
GLIMPSE = 80


def indexes(document: Document) -> Iterator[Squeezed]:
    """The document's text by reading, then with what is hidden."""
    for without in READINGS:
        yield index(document, without)
    yield index(document, None)


def index(document: Document, without: tuple[str, ...] | None = READINGS[0]) -> Squeezed:
    """The document's text as it is shown, without some elements; None: all of it."""
    key = ("squeezed", without)
    made = document.views.get(key)
    if not isinstance(made, Squeezed):
        seen = view(document, GENERATIONS[0])
        counted = None if without is None or seen is None else shown(seen, without)
        made = document.views[key] = Squeezed(document, counted)
    return made


def shown(seen: View, without: tuple[str, ...]) -> set[int]:
    """The numbers of the texts on the page."""
    return {
        chunk.source.number
        for chunk in seen.body.chunks()
        if chunk.parent is not None and chunk.parent.shown and not is_within(chunk.source, without)
    }


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


def selections(words: Squeezed, start: Place, end: Place) -> Iterator[str]:
    """What may be selected between two places: where it begins in left out text, that is kept; where it ends, maybe."""
    between = words.text[words.position(start) : words.position(end)]
    if start.node is end.node:
        yield between or squeezed(everything(start, end))
        return
    opening = "" if words.counts(start) else squeezed(tail_of(start))
    yield opening + between
    if not words.counts(end):
        yield opening + between + squeezed(head_of(end))


def tail_of(place: Place) -> str:
    return place.node.value[place.offset :] if isinstance(place.node, Text) else ""


def head_of(place: Place) -> str:
    return place.node.value[: place.offset] if isinstance(place.node, Text) else ""


def everything(start: Place, end: Place) -> str:
    """All the file's text between two places of one document, hidden or not."""
    return "".join(cut(text, start, end) for text in between(start, end))


def told(start: Place, end: Place) -> str:
    """The text between two places of one document as it is read, with all of that in which it begins and ends."""
    words = index(start.document)
    texts = (text for text in between(start, end) if text in (start.node, end.node) or words.has(text))
    return "".join(cut(text, start, end) for text in texts) or everything(start, end)


def between(start: Place, end: Place) -> list[Text]:
    return start.document.source.texts[start.order[0] : end.order[0] + 1]


def cut(text: Text, start: Place, end: Place) -> str:
    """The part of a text that is between two places; an end at an element is before all of its text."""
    stop = end.order[1] if text.number == end.order[0] else None
    return text.value[start.order[1] if text.number == start.order[0] else 0 : stop]


def glimpse(place: Place) -> str:
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
