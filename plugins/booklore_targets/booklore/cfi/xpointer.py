"""KOReader's xpointers: a path through the engine's view of a spine document, read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .crengine import Chunk, Seen, View, kind_of
from .epub import XHTML, Document, Epub, Fragments
from .generations import GENERATIONS, Generation
from .places import BookPlace
from .source import Element, Text
from .views import view

FRAGMENT = re.compile(r"/body(?:\[1\])?/DocFragment(?:\[(\d{1,6})\])?")
STEP = re.compile(r"/([A-Za-z_][\w.:-]*?(?:\(\))?)(?:\[(\d{1,7})\])?(?=/|$)")
OFFSET = re.compile(r"\.(\d{1,9})$")
BOXES = ("autoBoxing", "floatBox", "inlineBox", "tabularBox", "rubyBox", "mathBox")
MOST_STEPS = 1000


@dataclass(frozen=True)
class XPointer:
    """fragment: from 1. steps: kind and index, which is 1 where none is written. offset: None where none is written."""

    fragment: int
    steps: tuple[tuple[str, int], ...]
    offset: int | None
    generations: tuple[Generation, ...]
    written: str


def read(written: str) -> XPointer | None:
    """None for what is no xpointer into an EPUB."""
    path, offset = written.strip(), None
    if found := OFFSET.search(path):
        path, offset = path[: found.start()], int(found[1])
    start = FRAGMENT.match(path)
    if start is None or path.count("/") > MOST_STEPS:
        return None
    rest = path[start.end() :]
    steps = STEP.findall(rest)
    if "".join(f"/{name}[{index}]" if index else f"/{name}" for name, index in steps) != rest:
        return None
    counted = tuple((name, int(index or 1)) for name, index in steps)
    return XPointer(int(start[1] or 1), counted, offset, possible(path), written.strip())


def possible(path: str) -> tuple[Generation, ...]:
    """The generations that write such paths."""
    if path.startswith("/body[1]/"):
        return tuple(one for one in GENERATIONS if one.indexed)
    if any(f"/{box}" in path for box in BOXES):
        return tuple(one for one in GENERATIONS if one.boxed)
    return tuple(one for one in GENERATIONS if not one.indexed)


def is_counted(document: Document, generation: Generation) -> bool:
    """Whether the generation gives a spine document a number."""
    return generation.every_item or (document.item.media_type == XHTML and document.has_root)


def fragments(epub: Epub, generation: Generation) -> Fragments:
    """The spine documents that the generation counts."""
    made = epub.fragments.get(generation.every_item)
    if made is None:
        counted = (one for one in epub.documents if is_counted(one, generation))
        made = epub.fragments[generation.every_item] = Fragments(counted)
    return made


def document_of(epub: Epub, pointer: XPointer, generation: Generation) -> Document | None:
    return fragments(epub, generation).at(pointer.fragment)


def place_of(epub: Epub, pointer: XPointer, generation: Generation) -> BookPlace | None:
    """Where the xpointer is in this file, None when it is nowhere there."""
    document = document_of(epub, pointer, generation)
    if document is None:
        return None
    if not pointer.steps or document.source.body is None:
        return BookPlace(document, document.source.body or document.source.root, 0)
    node, left = walk(view(document, generation), pointer)
    if node is None or left:
        return None
    return place_at(document, node, pointer.offset)


def walk(seen: View | None, pointer: XPointer) -> tuple[Seen | Chunk | None, int]:
    """The node at the end of the path or, where that is not in the document, as far as it goes; and the steps left."""
    if seen is None or pointer.steps[0] != ("body", 1):
        return None, len(pointer.steps)
    node: Seen | Chunk = seen.body
    for taken, (kind, index) in enumerate(pointer.steps[1:], start=1):
        found = node.of(kind) if isinstance(node, Seen) else []
        if not 0 < index <= len(found):
            return node, len(pointer.steps) - taken
        node = found[index - 1]
    return node, 0


def place_at(document: Document, node: Seen | Chunk, offset: int | None) -> BookPlace | None:
    if isinstance(node, Chunk):
        if (offset or 0) > len(node.text):
            return None
        return BookPlace(document, node.source, node.place(offset or 0))
    if not offset:
        return BookPlace(document, element_of(node), 0)
    if offset > len(node.children):
        return None
    if offset < len(node.children):
        child = node.children[offset]
        return (
            BookPlace(document, child.source, child.base) if isinstance(child, Chunk) else place_at(document, child, 0)
        )
    chunks = list(node.chunks())
    return (
        BookPlace(document, chunks[-1].source, chunks[-1].end) if chunks else BookPlace(document, element_of(node), 0)
    )


def element_of(node: Seen) -> Element:
    """The element of the source that a node stands for; for a box the first one within, or the one around it."""
    while node.source is None:
        inner = next((child for child in node.children if isinstance(child, Seen)), None)
        if inner is None and node.parent is None:
            raise AssertionError("a box is always within an element")
        node = inner or node.parent  # type: ignore[assignment]
    return node.source


def write(epub: Epub, place: BookPlace, generation: Generation) -> str | None:
    """The xpointer of a place as that generation writes it, None where it has no such node."""
    counted = fragments(epub, generation)
    number = counted.number_of(place.document) if is_counted(place.document, generation) else None
    if number is None:
        return None
    first = "[1]" if generation.indexed else ""
    indexed = generation.indexed or number > 1 or counted.at(2) is not None
    start = f"/body{first}/DocFragment" + (f"[{number}]" if indexed else "")
    seen = view(place.document, generation)
    if seen is None or place.node is None:
        return f"{start}.0"
    found = node_at(seen, place)
    if found is None:
        return None
    node, offset = found
    return f"{start}{path_of(node, generation)}.{offset}"


def node_at(seen: View, place: BookPlace) -> tuple[Seen | Chunk, int] | None:
    """The engine's node at a place, and the offset in it."""
    if isinstance(place.node, Text):
        chunks = seen.chunks.get(place.node, [])
        found = next((chunk for chunk in chunks if chunk.base <= place.offset <= chunk.end), None)
        return (found, found.offset(place.offset)) if found else None
    element = seen.elements.get(place.node)
    return (element, 0) if element else None


def path_of(node: Seen | Chunk, generation: Generation) -> str:
    steps: list[str] = []
    while node.parent is not None:
        alike = node.parent.of(kind_of(node))
        steps.append(kind_of(node) + (f"[{node.number}]" if generation.indexed or len(alike) > 1 else ""))
        node = node.parent
    steps.append("body[1]" if generation.indexed else "body")
    return "".join(f"/{step}" for step in reversed(steps))
