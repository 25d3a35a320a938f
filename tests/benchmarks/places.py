"""Highlights of a long book as CFIs."""

from __future__ import annotations

from pathlib import Path
from time import process_time

from lxml import etree
from test_cfi_speed import HIGHLIGHTS, highlights, long_book

from booklore_targets.booklore.cfi import anchor
from booklore_targets.booklore.cfi.generations import GENERATIONS
from tests.benchmarks.figures import Measured, best, figure

PARSER = etree.XMLParser(recover=True)
"""The chapters name entities that no document type declares."""


@figure("cfi", f"CFIs of {HIGHLIGHTS:,} highlights in one book", "parsing its chapters once with lxml", 4)
def cfis(folder: Path) -> Measured:
    asked = highlights(long_book(), GENERATIONS[-1])
    books = [long_book() for _ in range(3)]
    with long_book() as one:
        chapters = [one._archive.read(document.item.path) for document in one.documents]
    ours = best(3, lambda: [anchor(book, *one) for book in [books.pop()] for one in asked], process_time)
    return Measured(ours, best(3, lambda: [etree.fromstring(chapter, PARSER) for chapter in chapters], process_time))
