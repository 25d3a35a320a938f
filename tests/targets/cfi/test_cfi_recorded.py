"""Everything that the real KOReader recorded of ten EPUBs in four generations, each position and each highlight."""

import json
from collections import Counter
from functools import cache

import pytest
from cfi_world import CAPTURES, RECORDED

from booklore_targets.booklore.cfi import Epub, Unplaceable, anchor, cfi, point, resolve
from booklore_targets.booklore.cfi.generations import GENERATIONS
from booklore_targets.booklore.cfi.reading import indexes, selections
from booklore_targets.booklore.cfi.search import agree, begins, squeezed
from booklore_targets.booklore.cfi.views import view
from booklore_targets.booklore.cfi.xpointer import document_of, fragments, place_of, read, walk, write

FILES = sorted(RECORDED.glob("d*.dom*.json"))
NOT_IN_THE_FILE = "Failed handling EPUB spine item"
"""What KOReader shows in the place of an item that it cannot show."""

pytestmark = [
    pytest.mark.skipif(not FILES, reason="BOOKLORE_CAPTURES names no folder with the recorded books"),
    pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem),
]


@cache
def recorded(file):
    return json.loads(file.read_text(encoding="utf-8"))


@cache
def opened(file):
    return Epub.open(CAPTURES / "epub" / recorded(file)["book"])


def generation(file):
    return next(one for one in GENERATIONS if one.version == int(recorded(file)["cre_dom_version"]))


def annotations(file):
    """All that were there at the end, and each as it was made."""
    facts = recorded(file)
    made = [one["item"] for one in facts["ops"] if one["op"] == "highlight"]
    return [*facts["annotations"], *made]


def test_fragments_are_the_recorded_ones(file):
    counted = fragments(opened(file), generation(file))

    assert [one.item.path for one in counted] == [one["source"] for one in recorded(file)["fragments"]]


def test_every_text_node_is_as_koreader_had_it(file):
    epub = opened(file)
    wrong = []
    for fact in recorded(file)["xpointers"]:
        pointer = read(fact["xpointer"])
        document = document_of(epub, pointer, generation(file))
        node, left = walk(view(document, generation(file)), pointer)
        if left or not hasattr(node, "text"):
            continue
        known = fact["node_text"].encode()[:300]
        if len(node.text) != fact["node_chars"] or node.text.encode()[: len(known)] != known:
            wrong.append(fact["xpointer"])

    assert wrong == []


def test_every_recorded_xpointer_is_a_place_that_writes_it_again(file):
    epub, wrong = opened(file), []
    walked = [one[end] for run in recorded(file)["word_walk"] for one in run for end in ("start", "stop")]
    for written in [*(fact["xpointer"] for fact in recorded(file)["xpointers"]), *walked]:
        place = place_of(epub, read(written), generation(file))
        if place.document.source.body is not None and write(epub, place, generation(file)) != written:
            wrong.append(written)

    # Of two xpointers at one place, an element and its first text, the simpler is written.
    assert [one for one in wrong if one.endswith("()") or "()" in one] == []


def test_every_word_that_was_walked_is_at_its_cfi(file):
    epub = opened(file)
    found = [
        (word["word"], resolve(epub, anchor(epub, word["start"], word["stop"], word["word"]).cfi))
        for run in recorded(file)["word_walk"]
        for word in run
        if place_of(epub, read(word["start"]), generation(file)).document.source.body is not None
    ]

    assert [(word, told) for word, told in found if not agree(squeezed(told), squeezed(word))] == []


def test_every_bookmark_is_where_its_words_are(file):
    facts = {fact["xpointer"]: fact for fact in recorded(file)["xpointers"]}
    wrong = []
    for one in annotations(file):
        if "drawer" not in one:
            found = point(opened(file), one["page"], one.get("chapter", ""))
            words = squeezed(facts[one["page"]]["next_words"]) if one["page"] in facts else ""
            told = squeezed(found.text)
            if not told.startswith(words[: len(told)]):
                wrong.append((one["page"], found.text, words))

    assert wrong == []


def placed(file):
    """What became of each highlight, with the reason where it has no place."""
    for one in annotations(file):
        if "drawer" in one:
            try:
                yield one, anchor(opened(file), one["pos0"], one["pos1"], one["text"])
            except Unplaceable as reason:
                yield one, reason


def test_every_highlight_is_at_its_text(file):
    epub = opened(file)
    lost, elsewhere, wrong = [], [], []
    for one, found in placed(file):
        if isinstance(found, Unplaceable):
            lost.append(one["text"])
        elif not is_there(epub, found, squeezed(one["text"])):
            wrong.append((one["pos0"], found.cfi, one["text"]))
        elif found.how == "searched":
            elsewhere.append(one["text"])

    assert wrong == []
    assert [text for text in lost if not is_of_koreader(text)] == []
    assert [text for text in elsewhere if text != "old"] == []


def is_there(epub, found, wanted):
    """Whether our own resolver reads the highlighted text at the CFI."""
    start, end = cfi.places(epub, found.cfi)
    same = begins if found.how == "first part" else agree
    readings = (told for words in indexes(start.document) for told in selections(words, start, end))
    return same(squeezed(resolve(epub, found.cfi)), wanted) or any(same(told, wanted) for told in readings)


def is_of_koreader(text):
    return any(part in text for part in (NOT_IN_THE_FILE, "xhtml+xml, gone", "/x-dtbook"))


def test_a_highlight_that_goes_on_into_another_chapter_is_told_as_such(file):
    crossing = Counter(
        found.how for one, found in placed(file)
        if not isinstance(found, Unplaceable) and read(one["pos0"]).fragment != read(one["pos1"]).fragment
    )  # fmt: skip

    assert set(crossing) <= {"first part"}
