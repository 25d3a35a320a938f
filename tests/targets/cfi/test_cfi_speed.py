"""A thousand highlights of a long book: how long they take, and how much memory."""

import random
import time
import tracemalloc
from collections import Counter

import pytest
from cfi_world import book

from booklore_targets.booklore.cfi import Epub, anchor, views
from booklore_targets.booklore.cfi import epub as epub_file
from booklore_targets.booklore.cfi.generations import GENERATIONS
from booklore_targets.booklore.cfi.places import BookPlace
from booklore_targets.booklore.cfi.reading import told
from booklore_targets.booklore.cfi.xpointer import write

HIGHLIGHTS, CHAPTERS, PARAGRAPHS = 1000, 30, 120
SECONDS, MEGABYTES = 3, 150


def long_book() -> Epub:
    """Two megabytes of text, the same each time."""
    dice = random.Random(12)
    words = ["".join(dice.choices("bcdfghklmnprstaeiou", k=dice.randint(2, 9))) for _ in range(3000)]

    def paragraph() -> str:
        some = dice.choices(words, k=90)
        return f"<p>{' '.join(some[:10])} <em>{' '.join(some[10:14])}</em>&mdash;{' '.join(some[14:])}\n  end</p>\n"

    return book(*("<h1>One</h1>" + "".join(paragraph() for _ in range(PARAGRAPHS)) for _ in range(CHAPTERS)))


def highlights(epub: Epub, generation) -> list[tuple[str, str, str]]:
    """Places all over the book as that generation writes them, and their text."""
    dice = random.Random(12)
    found = []
    while len(found) < HIGHLIGHTS:
        document = dice.choice(epub.documents)
        number = dice.randrange(len(document.source.texts) - 4)
        first, last = document.source.texts[number], document.source.texts[number + dice.choice((0, 2))]
        start, end = BookPlace(document, first, 5), BookPlace(document, last, len(last.value) - 5)
        if min(len(first.value), len(last.value)) > 30:
            found.append((write(epub, start, generation), write(epub, end, generation), told(start, end)))
    return found


@pytest.mark.bench
@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.version)
def test_a_thousand_highlights_take_little_time_and_memory(generation):
    asked = highlights(long_book(), generation)
    epub, again = long_book(), long_book()

    began = time.process_time()
    found = [anchor(epub, *one) for one in asked]
    took = time.process_time() - began
    tracemalloc.start()
    for one in asked:
        anchor(again, *one)
    peak = tracemalloc.get_traced_memory()[1] / 1024**2
    tracemalloc.stop()

    assert {one.how for one in found} == {"exact"}
    assert took < SECONDS, f"{took:.2f} s of the processor"
    assert peak < MEGABYTES, f"{peak:.0f} MB"


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.version)
def test_each_chapter_is_parsed_once_and_laid_out_as_few_generations_as_need_be(monkeypatch, generation):
    asked, parsed, laid_out = highlights(long_book(), generation)[:100], Counter(), Counter()
    parse, layout = epub_file.parse, views.laid
    monkeypatch.setattr(epub_file, "parse", lambda data: parsed.update([data]) or parse(data))
    monkeypatch.setattr(views, "laid", lambda one, *more: laid_out.update([one.item.path]) or layout(one, *more))
    epub = long_book()

    for one in asked:
        anchor(epub, *one)

    assert set(parsed.values()) == set(laid_out.values()) == {1}


def test_no_chapter_is_read_that_no_highlight_is_in(monkeypatch):
    asked = [one for one in highlights(long_book(), GENERATIONS[0]) if "DocFragment[2]" in one[0]][:3]
    parsed, parse, epub = Counter(), epub_file.parse, long_book()
    monkeypatch.setattr(epub_file, "parse", lambda data: parsed.update([data]) or parse(data))

    for one in asked:
        anchor(epub, *one)

    assert len(parsed) == 1


@pytest.mark.bench
def test_a_thousand_highlights_of_a_kepub_are_found_as_fast():
    epub = long_book()
    asked = [
        (start.replace("/body/p", "/body/div/div/p").replace("/text()", "/span[2]/text()"), text)
        for start, _, text in highlights(long_book(), GENERATIONS[1])
    ]

    began = time.process_time()
    found = [anchor(epub, start, None, text) for start, text in asked]
    took = time.process_time() - began

    assert {one.how for one in found} == {"searched"}
    assert took < SECONDS, f"{took:.2f} s of the processor"
