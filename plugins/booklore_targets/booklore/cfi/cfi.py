"""EPUB CFIs, written from places and resolved to places. Source: EPUB Canonical Fragment Identifiers 1.1."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .epub import Document, Epub
from .places import BookPlace
from .source import Element, Text, utf16

SPECIAL = re.compile(r"[\^\[\](),;=]")
ASSERTION = re.compile(r"\[(?:\^.|[^\]^])*\]", re.DOTALL)
WRITTEN = re.compile(r"epubcfi\((.*)\)", re.DOTALL)
STEPS = re.compile(r"(?:/\d{1,9})*(?::\d{1,9})?")
MOST_STEPS = 1000


class NoSuchPlace(ValueError):
    """The CFI is none, or of nothing in this EPUB; says which in a sentence."""


@dataclass(frozen=True)
class CfiStep:
    """offset: UTF-16 units into the text of the step."""

    number: int
    id: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        asserted = f"[{SPECIAL.sub(lambda found: '^' + found[0], self.id)}]" if self.id else ""
        return f"/{self.number}{asserted}" + (f":{self.offset}" if self.offset is not None else "")


def point(epub: Epub, place: BookPlace, ids: bool = True) -> str:
    """The CFI of one place. ids: assert the ids of elements on the way, so that it survives a change of the file."""
    return f"epubcfi({package_path(epub, place.document, ids)}!{joined(steps(place, ids))})"


def span(epub: Epub, start: BookPlace, end: BookPlace, ids: bool = True) -> str:
    """The CFI of a range in one document."""
    ways = steps(start, ids), steps(end, ids)
    shared = 0
    while all(len(way) > shared + 1 for way in ways) and ways[0][shared] == ways[1][shared]:
        shared += 1
    parts = (joined(part) for part in (ways[0][:shared], ways[0][shared:], ways[1][shared:]))
    return f"epubcfi({package_path(epub, start.document, ids)}!{','.join(parts)})"


def joined(way: list[CfiStep]) -> str:
    return "".join(map(str, way))


def package_path(epub: Epub, document: Document, ids: bool) -> str:
    return f"/{2 * epub.spine}{CfiStep(2 * document.item.step, document.item.id if ids else '')}"


def steps(place: BookPlace, ids: bool) -> list[CfiStep]:
    """The way from the root of the document to the place."""
    node = place.node
    if node is None or node.parent is None:
        return [root_step(node)]
    way: list[CfiStep] = []
    if isinstance(node, Text):
        way.append(CfiStep(node.step, offset=node.before + utf16(node.value[: place.offset])))
        node = node.parent
    while node.parent is not None:
        way.append(CfiStep(node.step, asserted(node, place.document) if ids else ""))
        node = node.parent
    return way[::-1]


def root_step(root: Element | None) -> CfiStep:
    """A path has at least one step: the first element of a picture, the body of what is not there."""
    return CfiStep(2 if root is not None and root.elements_so_far else 0 if root is not None else 4)


def asserted(element: Element, document: Document) -> str:
    """An id that occurs twice leads readers to the wrong element."""
    name = element.attributes.get("id", "")
    return name if document.source.ids[name] == 1 else ""


def places(epub: Epub, written: str) -> list[BookPlace]:
    """One place of a point, two of a range. Raises NoSuchPlace."""
    found = WRITTEN.fullmatch(written.strip())
    if found is None or written.count("/") > MOST_STEPS:
        raise NoSuchPlace(f"“{written[:80]}” is no EPUB CFI.")
    package, mark, local = ASSERTION.sub("", found[1]).partition("!")
    shared, *ends = local.split(",")
    if not mark or len(ends) not in (0, 2) or not all(STEPS.fullmatch(part) for part in (package, shared, *ends)):
        raise NoSuchPlace(f"“{written[:80]}” is no CFI of a place in a chapter.")
    document = document_at(epub, [int(number) for number in re.findall(r"/(\d+)", package)])
    return [place_at(document, shared + end) for end in ends or [""]]


def document_at(epub: Epub, numbers: list[int]) -> Document:
    if len(numbers) == 2 and numbers[0] == 2 * epub.spine:
        for document in epub.documents:
            if 2 * document.item.step == numbers[1]:
                return document
    raise NoSuchPlace("The CFI names a chapter that this EPUB does not have.")


def place_at(document: Document, path: str) -> BookPlace:
    numbers = [int(number) for number in re.findall(r"/(\d+)", path)]
    offset = int(path.partition(":")[2] or 0)
    element = document.source.root
    for index, number in enumerate(numbers):
        if element is None:
            break
        if number % 2:
            if index + 1 < len(numbers):
                break
            return text_at(document, element, number, offset)
        inner = next((child for child in element.elements if child.step == number), None)
        if inner is None and (number or index + 1 < len(numbers)):
            break
        element = inner or element
    else:
        return BookPlace(document, element, 0)
    if document.source.root is None:
        return BookPlace(document, None, 0)
    raise NoSuchPlace("The CFI leads to an element that its chapter does not have.")


def text_at(document: Document, element: Element, number: int, offset: int) -> BookPlace:
    texts = [child for child in element.children if isinstance(child, Text) and child.step == number]
    for text in texts:
        if offset <= text.before + utf16(text.value):
            return BookPlace(document, text, code_points(text.value, offset - text.before))
    if not texts and number <= 2 * element.elements_so_far + 1:
        return BookPlace(document, next((child for child in element.elements if child.step > number), element), 0)
    raise NoSuchPlace("The CFI leads beyond the text that its chapter has there.")


def code_points(text: str, units: int) -> int:
    """How many characters the first UTF-16 units of a text are."""
    if text.isascii():
        return units
    return len(text.encode("utf-16-le", errors="surrogatepass")[: 2 * units].decode("utf-16-le", errors="ignore"))
