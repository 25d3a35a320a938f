"""From a highlight or bookmark of KOReader to a CFI, checked against the text, searched for where it is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from . import cfi
from .approximation import Approximation
from .epub import Epub
from .generations import Generation
from .places import BookPlace
from .reading import GLIMPSE, glimpse, index, indexes, selections, told
from .search import Squeezed, agree, begins, core, squeezed
from .source import Text
from .xpointer import XPointer, place_of, read, write

MOST_UNITS = 1000
"""What the server stores of a CFI; source: contract §7.1."""
SURE = 8
"""Characters from which a text that occurs once in another chapter is taken for the highlighted one."""

How = Literal["exact", "searched", "first part"]


class Unplaceable(ValueError):
    """The place cannot be told in this EPUB; says why, for a person."""


@dataclass(frozen=True)
class Anchor:
    """text: what the file has at the CFI; of a point what follows it. how: `first part` where a highlight goes on into
    another chapter, which no CFI can express."""

    cfi: str
    text: str
    how: How


@dataclass(frozen=True)
class Span:
    """Two places in one document; whole: the highlight ends there."""

    start: BookPlace
    end: BookPlace
    whole: bool = True


def anchor(epub: Epub, pos0: str, pos1: str | None = None, text: str = "") -> Anchor:
    """The CFI of a highlight from pos0 to pos1 whose text is known ("" where a person changed it).

    Raises Unplaceable, and UnreadableEpub when a chapter is damaged.
    """
    wanted = squeezed(text)
    ends = read(pos0), read(pos1 or pos0)
    start, end = ends
    for span in spans(epub, start, end) if start and end else ():
        if fits(span, wanted):
            return anchored(epub, span, "exact" if span.whole else "first part")
    if not wanted:
        raise Unplaceable(f"The highlight at “{pos0}” has no text to search for, and its place is not in this EPUB.")
    span, how = search(epub, start, end, text)
    return anchored(epub, span, how)


def point(epub: Epub, xpointer: str, chapter: str = "") -> Anchor:
    """The CFI of a bookmark. chapter: its title, tells apart what two generations take for two chapters.

    Raises Unplaceable, and UnreadableEpub when a chapter is damaged.
    """
    pointer = read(xpointer)
    places = [place for _, place in candidates(epub, pointer)] if pointer else []
    if chapter:
        places.sort(key=lambda place: squeezed(chapter) not in index(place.document).text)
    if not places:
        raise Unplaceable(f"The bookmark at “{xpointer}” is at no place of this EPUB: it may be of another edition.")
    written = bounded(lambda ids: cfi.point(epub, places[0], ids))
    return Anchor(written, glimpse(places[0]), "exact")


def resolve(epub: Epub, written: str) -> str:
    """The text of a range CFI, "" of a point. Raises ValueError for a CFI of nothing in this EPUB."""
    places = cfi.places(epub, written)
    return told(*places) if len(places) == 2 else ""


def anchored(epub: Epub, span: Span, how: How) -> Anchor:
    written = bounded(lambda ids: cfi.span(epub, span.start, span.end, ids))
    return Anchor(written, told(span.start, span.end), how)


def bounded(written: Callable[[bool], str]) -> str:
    """What is written with the ids of the elements on the way; without them where that is too long."""
    for one in map(written, (True, False)):
        if len(one.encode("utf-16-le")) <= 2 * MOST_UNITS:
            return one
    raise Unplaceable(f"Its place is nested so deeply that the CFI would be longer than {MOST_UNITS:,} characters.")


def candidates(epub: Epub, pointer: XPointer) -> Iterator[tuple[Generation, BookPlace]]:
    """Where an xpointer may be, by generation; first those that would write this place just so. A chapter is laid out
    as an older generation has it only when somebody asks on."""
    others: list[tuple[Generation, BookPlace]] = []
    for one in pointer.generations:
        place = place_of(epub, pointer, one)
        if place and write(epub, place, one) == pointer.written:
            yield one, place
        elif place:
            others.append((one, place))
    yield from others


def spans(epub: Epub, first: XPointer, last: XPointer) -> Iterator[Span]:
    """What a highlight may be, by generation."""
    for generation, start in candidates(epub, first):
        end = place_of(epub, last, generation) if generation in last.generations else None
        if end:
            yield bound(epub, start, end)


def bound(epub: Epub, start: BookPlace, end: BookPlace) -> Span:
    """The range between two places in any order, cut at the end of the chapter in which it begins to have text."""
    numbers = epub.documents.index(start.document), epub.documents.index(end.document)
    if (numbers[0], start.order) > (numbers[1], end.order):
        start, end, numbers = end, start, numbers[::-1]
    for document in epub.documents[numbers[0] : numbers[1]]:
        words = index(document)
        begin = words.position(start) if document is start.document else 0
        if begin < len(words.text):
            return Span(words.start(begin), words.end(len(words.text)), whole=False)
    if start.document is not end.document:
        start = BookPlace(end.document, end.document.source.body, 0)
    words = index(end.document)
    begin, stop = words.position(start), words.position(end)
    if begin == stop:
        return Span(start, end)
    return Span(
        start if isinstance(start.node, Text) else words.start(begin),
        end if isinstance(end.node, Text) else words.end(stop),
    )


def fits(span: Span, wanted: str) -> bool:
    """Whether the file has the highlighted text there, in one of the ways in which it may be read."""
    if not wanted:
        return True
    matches = agree if span.whole else begins
    return any(
        matches(found, wanted)
        for words in indexes(span.start.document)
        for found in selections(words, span.start, span.end)
    )


def search(epub: Epub, start: XPointer | None, end: XPointer | None, text: str) -> tuple[Span, How]:
    """The highlighted text in the chapter of the same number, in its neighbours, then in all."""
    wanted = squeezed(text)
    expected = Approximation.of(epub, start)
    documents = expected.by_distance(epub.documents)
    for words in (words for document in documents for words in indexes(document)):
        found = occurrence(words, wanted, expected)
        if found is not None:
            return Span(words.start(found[0]), words.end(found[1])), "searched"
    if start and end and start.fragment != end.fragment:
        for words in map(index, documents[:3]):
            at = words.tail(wanted)
            if at is not None and len(words.text) - at >= SURE:
                return Span(words.start(at), words.end(len(words.text)), whole=False), "first part"
    raise Unplaceable(reason(expected, text))


def reason(expected: Approximation, text: str) -> str:
    shown = text if len(text) <= GLIMPSE else text[:GLIMPSE] + "…"
    if expected.document is not None and expected.document.source.body is None:
        part = f"“{expected.document.item.path}”" if expected.document.item.path else "a chapter without a file"
        return f"“{shown}” was highlighted in {part}, a part of this EPUB that has no text of its own."
    return (
        f"“{shown}” is not at its place in this EPUB, and where else it would be cannot be told:"
        " the text is nowhere in it, or in several places."
    )


def occurrence(words: Squeezed, wanted: str, expected: Approximation) -> tuple[int, int] | None:
    """Where the text is: nearest to where it should be; where that is not known, only if it is there once."""
    near = expected.position(words)
    for needle in dict.fromkeys((wanted, core(wanted))):
        found = list(words.occurrences(needle))
        if found and near is not None:
            at = min(found, key=lambda one: abs(one - near))
            return at, at + len(needle)
        if len(found) == 1 and (words.document is expected.document or len(needle) >= SURE):
            return found[0], found[0] + len(needle)
    return None
