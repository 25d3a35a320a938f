"""What a reader does in the browser to the rows of highlights and notes: it stays, and doubles nothing."""

import pytest
from booklore_world import World
from marks_world import TABLES, WebReader, brought, brought_at_last, changed, elsewhere, highlight, removed

from booklore_core import Item


@pytest.fixture
def web(world: World) -> WebReader:
    return WebReader(world)


@pytest.fixture
def noted(world: World) -> Item:
    """A note on the book."""
    return elsewhere(highlight(world.server.books[1], note="who turns it?"))


def rename(web: WebReader, row: int = 1, **edited: str) -> None:
    """Gives a note on the book another title."""
    (there,) = [one for one in web.raw("GET", f"{TABLES['book_notes']}/book/1").json() if one["id"] == row]
    told = {"id": row, "bookId": 1, "title": "My own title", "content": there["content"], **edited}
    assert web.raw("POST", TABLES["book_notes"], told).status_code == 200


def contents(web: WebReader) -> list[str]:
    return [row["content"].rpartition("\n\n")[2] for row in web.rows("book_notes")]


def test_note_on_the_book_that_was_renamed_is_edited_and_not_doubled(world: World, web: WebReader, noted: Item) -> None:
    remote_id = brought(world, noted)
    rename(web)

    remote_id = brought(world, changed(noted, note="nobody"), changed(noted, note="the wind"), remote_id=remote_id)

    assert (remote_id, contents(web)) == ("book-note:1", ["the wind"])


def test_note_on_the_book_that_was_renamed_again_and_again_is_one(world: World, web: WebReader, noted: Item) -> None:
    remote_id = brought(world, noted)
    for note in ("nobody", "the wind"):
        rename(web)
        remote_id = brought(world, changed(noted, note=note), remote_id=remote_id)

    assert (remote_id, contents(web)) == ("book-note:1", ["the wind"])


def test_note_on_the_book_that_was_renamed_is_removed(world: World, web: WebReader, noted: Item) -> None:
    remote_id = brought(world, noted, changed(noted, note="nobody"))
    rename(web)

    brought(world, removed(changed(noted, note="nobody")), remote_id=remote_id)

    assert web.everything() == {}


@pytest.mark.parametrize("fault", ["refuse", "commit_then_500"])
def test_edit_of_a_renamed_note_that_is_lost_doubles_nothing(
    world: World, web: WebReader, noted: Item, fault: str
) -> None:
    remote_id = brought(world, noted)
    rename(web)
    world.server.fail(fault, "POST /api/v1/book-notes")

    brought_at_last(world, changed(noted, note="nobody"), remote_id)

    assert contents(web) == ["nobody"]


def test_row_of_another_note_on_the_book_is_left_alone(world: World, web: WebReader, noted: Item) -> None:
    remote_id = brought(world, noted)
    rename(web, content="what somebody else has written in a library that was made anew")

    brought(world, removed(noted), remote_id=remote_id)

    assert [row["title"] for row in web.rows("book_notes")] == ["My own title"]


def test_row_that_stands_beside_a_renamed_note_is_not_taken_for_it(world: World, web: WebReader, noted: Item) -> None:
    remote_id = brought(world, noted)
    rename(web)
    web.make("book_notes", title="Book One (2026-11-20 13:41:01)", content="the reader's own")

    brought(world, changed(noted, note="nobody"), remote_id=remote_id)

    assert contents(web) == ["nobody", "the reader's own"]


def test_renamed_note_on_the_book_is_shared_with_another_copy_of_the_file(
    world: World, web: WebReader, noted: Item
) -> None:
    remote_id = brought(world, noted)
    rename(web)

    copy = Item(noted.kind, "0" * 32 + noted.key[32:], noted.book, noted.body, noted.occurred_at)

    assert brought(world, copy) == remote_id
    assert contents(web) == ["who turns it?"]
