"""A place in a book: a spine document, a node of its source, an offset. Xpointers and CFIs are two notations of it."""

from __future__ import annotations

from dataclasses import dataclass

from .epub import Document
from .source import Element, Text


@dataclass(frozen=True)
class BookPlace:
    """offset: code points into the value of a text, 0 for an element. node: None in a document without elements."""

    document: Document
    node: Text | Element | None
    offset: int

    @property
    def order(self) -> tuple[int, int]:
        """Places of one document compare by this: number of the text, and offset in it."""
        if isinstance(self.node, Text):
            return self.node.number, self.offset
        return (self.node.first, 0) if self.node is not None else (0, 0)
