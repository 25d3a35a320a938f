"""Where a highlight should about be in a file that has other tags than the one it was made in."""

from __future__ import annotations

from dataclasses import dataclass

from .crengine import Seen
from .epub import Document, Epub
from .generations import GENERATIONS
from .places import BookPlace
from .search import Squeezed
from .views import view
from .xpointer import XPointer, document_of, place_at, place_of, walk


@dataclass(frozen=True)
class Approximation:
    """document: the one of the same number. place: as far as the path leads, None when it leads nowhere."""

    number: int
    document: Document | None
    place: BookPlace | None

    @classmethod
    def of(cls, epub: Epub, pointer: XPointer | None) -> Approximation:
        if pointer is None:
            return cls(0, None, None)
        generation = pointer.generations[0]
        document = document_of(epub, pointer, generation)
        if document is None:
            return cls(pointer.fragment - 1, None, None)
        place = place_of(epub, pointer, generation) or nearest(document, pointer)
        return cls(epub.documents.index(document), document, place)

    def by_distance(self, documents: list[Document]) -> list[Document]:
        numbers = sorted(range(len(documents)), key=lambda number: abs(number - self.number))
        return [documents[number] for number in numbers]

    def position(self, words: Squeezed) -> int | None:
        """Where it should be in a document's text, None where that is not known."""
        return words.position(self.place) if self.place and words.document is self.document else None


def nearest(document: Document, pointer: XPointer) -> BookPlace | None:
    """The innermost element on the way that the document has, None when it has none below its body."""
    reached: list[tuple[int, BookPlace]] = []
    for steps in ways(pointer):
        node, left = walk(view(document, GENERATIONS[1]), steps)
        taken = len(steps.steps) - left
        if node is None or taken < 2:
            continue
        place = place_at(document, node, 0 if isinstance(node, Seen) else steps.offset) or place_at(document, node, 0)
        if place is not None:
            reached.append((taken, place))
    return max(reached, key=lambda one: one[0])[1] if reached else None


def ways(pointer: XPointer) -> list[XPointer]:
    """The path itself and, for a kepub, without the two wrappers that such files have around everything."""
    body, *steps = pointer.steps or (("body", 1),)
    found = [pointer]
    if [kind for kind, _ in steps[:2]] == ["div", "div"]:
        inner = (body, *steps[2:])
        found.insert(0, XPointer(pointer.fragment, inner, pointer.offset, pointer.generations, pointer.written))
    return found
