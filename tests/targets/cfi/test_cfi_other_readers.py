"""Our CFIs in foliate-js, the reader of the servers' web pages, which knows nothing of us.

Runs where CFI_READERS_DIR names a folder in which `npm install foliate-js jsdom` was run.
"""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from cfi_world import CAPTURES, RECORDED

from booklore_targets.booklore.cfi import Epub, Unplaceable, anchor, cfi, point
from booklore_targets.booklore.cfi.generations import GENERATIONS
from booklore_targets.booklore.cfi.places import BookPlace
from booklore_targets.booklore.cfi.reading import everything
from booklore_targets.booklore.cfi.xpointer import write

READERS = os.environ.get("CFI_READERS_DIR", "")
SCRIPT = Path(__file__).with_name("foliate.mjs")
BOOKS = sorted((CAPTURES / "epub").glob("*.epub"))

pytestmark = pytest.mark.skipif(not READERS, reason="CFI_READERS_DIR names no folder with foliate-js and jsdom")


def foliate(book: Path, cfis: list[str]) -> list[dict[str, str]]:
    with zipfile.ZipFile(book) as archive:
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    command = ["node", str(SCRIPT), READERS]
    asked = json.dumps({"files": texts, "cfis": cfis})
    answer = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(answer.stdout)


def expected(epub: Epub, written: str) -> dict[str, str]:
    """All the text of the file there: a reader of CFIs hides nothing."""
    ends = cfi.places(epub, written)
    return {"chapter": ends[0].document.item.path, "text": everything(*ends) if len(ends) == 2 else ""}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_ranges_from_any_text_to_any_other_are_the_same_to_foliate(book):
    epub = Epub.open(book)
    cfis = []
    for document in (one for one in epub.documents if one.source.body is not None):
        texts = [text for text in document.source.texts if text.value.strip()]
        for first, last in zip(texts, texts[1:] + texts[-1:], strict=True):
            start, end = BookPlace(document, first, 1), BookPlace(document, last, len(last.value))
            if write(epub, start, GENERATIONS[0]) and write(epub, end, GENERATIONS[0]):
                cfis += [cfi.span(epub, start, end), cfi.point(epub, end)]

    assert foliate(book, cfis) == [expected(epub, one) for one in cfis]


RECORDINGS = sorted(RECORDED.glob("d*.dom*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="BOOKLORE_CAPTURES names no folder with the recorded books")
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.stem)
def test_recorded_highlights_and_bookmarks_are_the_same_to_foliate(recording):
    facts = json.loads(recording.read_text(encoding="utf-8"))
    book = CAPTURES / "epub" / facts["book"]
    epub = Epub.open(book)
    made = [one["item"] for one in facts["ops"] if one["op"] == "highlight"]
    cfis = [written for one in [*facts["annotations"], *made] if (written := placed(epub, one))]

    assert foliate(book, cfis) == [expected(epub, one) for one in cfis]


def placed(epub: Epub, one: dict[str, str]) -> str:
    try:
        if "drawer" in one:
            return anchor(epub, one["pos0"], one["pos1"], one["text"]).cfi
        return point(epub, one["page"], one.get("chapter", "")).cfi
    except Unplaceable:
        return ""
