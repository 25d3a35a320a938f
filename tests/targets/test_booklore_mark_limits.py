"""What the server takes of a text, counted as it counts, and what becomes of the rest."""

from typing import Any

import pytest
from booklore_world import FRESH, World
from marks_world import WebReader, bookmark, highlight

from booklore_targets.booklore.marks.text_limits import clean, shortened, shortened_to_bytes, units

OWL = "\N{OWL}"


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcd…"),
        (OWL * 2, 4, OWL * 2),
        (OWL * 3, 5, f"{OWL * 2}…"),
        (OWL * 3, 4, f"{OWL}…"),
        ("", 5, ""),
    ],
)
def test_text_is_cut_between_characters(text: str, limit: int, kept: str) -> None:
    assert shortened(text, limit) == kept
    assert units(kept) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "kept"), [("äöü", 6, "äöü"), ("äöüß", 7, "äö…"), (OWL * 3, 11, f"{OWL * 2}…")]
)
def test_bytes_are_cut_between_characters(text: str, limit: int, kept: str) -> None:
    assert shortened_to_bytes(text, limit) == kept
    assert len(kept.encode()) <= limit


def test_what_no_page_can_show_is_replaced() -> None:
    assert clean("a\0b\ud83dc\udc00\ud83e\udd89") == f"a\ufffdb\ufffdc\ufffd{OWL}"


def paged(world: World, **facts: Any) -> Any:
    """A highlight whose text is anything: in a PDF there is nothing to compare it with."""
    paper = world.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper")
    return highlight(paper, **{"page": 12, "pos0": {"page": 12}, "pos1": {"page": 12}, **facts})


@pytest.mark.parametrize("text", ["x" * 5000, "x" * 5001, OWL * 2500, OWL * 2501, "x" + OWL * 2500, "x" * 100_000])
def test_long_highlight_arrives_shortened(world: World, text: str) -> None:
    item = paged(world, text=text)

    world.target().deliver(item, FRESH)

    kept = WebReader(world).rows("annotations", 5)[0]["text"]
    assert kept == text if units(text) <= 5000 else kept.endswith("…")
    assert text.startswith(kept.removesuffix("…"))
    assert units(kept) >= min(units(text), 4999)


@pytest.mark.parametrize(
    ("field", "kind", "limit"),
    [("noteContent", "notes", 65_535), ("selectedText", "notes", 5000), ("chapterTitle", "notes", 500)],
)
def test_long_note_arrives_shortened(world: World, field: str, kind: str, limit: int) -> None:
    told = {"noteContent": "note", "selectedText": "text", "chapterTitle": "chapter"}
    item = paged(world, **{"note": "n", told[field]: "ä" * 70_000})

    world.target().deliver(item, FRESH)

    kept = WebReader(world).rows(kind, 5)[0][field]
    assert kept.endswith("ä…")
    assert (len(kept.encode()) if field == "noteContent" else units(kept)) in (limit, limit - 1, limit - 2)


def test_long_note_on_the_book_keeps_what_the_reader_wrote(world: World) -> None:
    item = paged(world, text="t" * 70_000, note="who turns it?", place="in_booklore", chapter="c" * 300)

    world.target().deliver(item, FRESH)

    (row,) = WebReader(world).rows("book_notes", 5)
    assert row["content"].endswith("t…”\n\nwho turns it?")
    assert 65_520 < len(row["content"].encode()) <= 65_535
    assert units(row["title"]) == 255
    assert row["title"].endswith("c… (2026-11-20 13:41:01)")


@pytest.mark.parametrize(("note", "sent"), [("n" * 2001, "n" * 1999 + "…"), (OWL * 1000, OWL * 1000)])
def test_long_bookmark_arrives_shortened(world: World, note: str, sent: str) -> None:
    world.target().deliver(bookmark(world.server.books[1], text=OWL * 200, note=note), FRESH)

    (row,) = WebReader(world).rows("bookmarks")
    assert (row["title"], row["notes"]) == (OWL * 127 + "…", sent)


@pytest.mark.parametrize(("note", "table", "field"), [(None, "annotations", "text"), ("n", "notes", "selectedText")])
def test_highlight_without_a_text_says_so(world: World, note: str | None, table: str, field: str) -> None:
    world.target().deliver(paged(world, text="", note=note), FRESH)

    assert WebReader(world).rows(table, 5)[0][field] == (None if note else "(no text)")


def test_highlight_without_a_text_takes_that_of_the_book(stock: World) -> None:
    stock.target().deliver(highlight(stock.server.books[1], text=""), FRESH)

    assert WebReader(stock).rows("annotations")[0]["text"] == "Dune, paragraph 1: the page turns."


def test_nul_arrives_as_something_that_can_be_shown(world: World) -> None:
    world.target().deliver(paged(world, text="a\0b", note="c\0d", chapter="\0"), FRESH)

    (row,) = WebReader(world).rows("notes", 5)
    assert (row["selectedText"], row["noteContent"], row["chapterTitle"]) == ("a\ufffdb", "c\ufffdd", "\ufffd")
