"""What the server holds of a book's marks, compared with what it was given."""

import pytest
from booklore_world import FRESH, World, ref
from marks_world import WebReader, bookmark, elsewhere, highlight, removed

from booklore_core import BookUnmatched, Finding, Item
from booklore_core.testing import ServerBook


@pytest.fixture
def dune(world: World) -> ServerBook:
    return world.server.books[1]


@pytest.fixture
def marks(world: World, dune: ServerBook) -> list[Item]:
    """One of every kind, on the server."""
    noted = highlight(dune, 2, note="who turns it?")
    items = [highlight(dune), noted, elsewhere(noted), bookmark(dune)]
    target = world.target()
    for item in items:
        target.deliver(item, FRESH)
    target.close()
    return items


def audit(world: World, items: list[Item]) -> list[Finding]:
    return world.target().audit(ref(world.server.books[1], match="1"), items)


def test_nothing_is_found_where_all_is_as_it_was_given(world: World, marks: list[Item]) -> None:
    assert audit(world, marks) == []


@pytest.mark.parametrize(("table", "number"), [("annotations", 0), ("notes", 1), ("book_notes", 2), ("bookmarks", 3)])
def test_mark_that_the_server_lacks_is_missing(world: World, marks: list[Item], table: str, number: int) -> None:
    WebReader(world).delete(table, 1)

    (finding,) = audit(world, marks)

    item = marks[number]
    assert (finding.what, finding.kind, finding.key) == ("missing", item.kind, item.key)
    assert str(item.body["text"]) in finding.detail
    assert "is not on the server" in finding.detail
    assert "verify --resend" in finding.advice


def test_what_is_missing_is_sent_again_once(world: World, dune: ServerBook, marks: list[Item]) -> None:
    web = WebReader(world)
    web.delete("annotations", 1)
    target = world.target()

    assert target.find(marks[0]) is None
    target.deliver(marks[0], FRESH)

    assert audit(world, marks) == []
    assert len(web.rows("annotations")) == 1


def test_note_on_the_book_that_is_there_twice_is_told(world: World, marks: list[Item]) -> None:
    web = WebReader(world)
    (row,) = web.rows("book_notes")
    web.make("book_notes", title=row["title"], content=row["content"])

    (finding,) = audit(world, marks)

    assert (finding.what, finding.kind, finding.key) == ("duplicate", "annotation", marks[2].key)
    assert finding.detail.endswith("is there twice, also under number 2")
    assert "server's page" in finding.advice


def test_marks_of_a_browser_are_none_of_ours(world: World, marks: list[Item]) -> None:
    web = WebReader(world)
    web.make("annotations", cfi="epubcfi(/6/2!/4/40,/1:0,/1:4)", text="Dune")
    web.make("book_notes", title="T", content="C")
    web.make("book_notes", title="T", content="C")

    assert audit(world, marks) == []


def test_what_was_removed_is_not_missing(world: World, marks: list[Item]) -> None:
    target = world.target()
    target.deliver(removed(marks[0]), FRESH)
    WebReader(world).delete("annotations", 1)

    assert audit(world, [removed(marks[0]), *marks[1:]]) == []


def test_kinds_that_were_not_given_are_not_asked_for(world: World, dune: ServerBook) -> None:
    audit(world, [])

    assert world.asked("/api/v1/annotations") == world.asked("/api/v1/bookmarks") == 0


def test_book_that_is_not_matched_is_told(stock: World) -> None:
    book = stock.server.books[1]

    with pytest.raises(BookUnmatched):
        stock.target().audit(ref(book), [highlight(book)])


def test_note_on_the_book_that_was_renamed_in_the_browser_is_not_missing(
    world: World, dune: ServerBook, marks: list[Item]
) -> None:
    (there,) = WebReader(world).rows("book_notes")
    told = {"id": 1, "bookId": 1, "title": "My own title", "content": there["content"]}
    WebReader(world).raw("POST", "/api/v1/book-notes", told)

    assert audit(world, marks) == []
