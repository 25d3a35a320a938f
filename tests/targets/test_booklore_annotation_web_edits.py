"""What a reader does in the browser to the rows of highlights and notes: it stays, and doubles nothing."""

import pytest
from booklore_world import World
from marks_world import TABLES, WebReader, before, brought, brought_at_last, changed, elsewhere, highlight, removed

from booklore_core import Declined, Item


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


@pytest.fixture
def commented(world: World, web: WebReader) -> tuple[Item, str | None]:
    """A highlight on which the reader has put a note in the browser, and its remote id."""
    marked = highlight(world.server.books[1])
    remote_id = brought(world, marked)
    web.edit("annotations", 1, note="from the browser")
    return marked, remote_id


Commented = tuple[Item, str | None]


@pytest.mark.parametrize("fault", ["refuse", "commit_then_500", "close_before", "close_after"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_note_from_the_browser_outlives_a_highlight_made_anew_with_a_fault(
    world: World, web: WebReader, commented: Commented, method: str, fault: str
) -> None:
    marked, remote_id = commented
    world.server.fail(fault, f"{method} /api/v1/annotations")

    brought_at_last(world, changed(marked, text="Dune,  paragraph 1: the page turns."), remote_id)

    assert [row["note"] for row in web.rows("annotations")] == ["from the browser"]


def test_note_from_the_browser_outlives_a_second_edit_after_the_fault(
    world: World, web: WebReader, commented: Commented
) -> None:
    marked, remote_id = commented
    target = world.target()
    world.server.fail("refuse", "POST /api/v1/annotations")
    with pytest.raises(Declined):
        target.deliver(changed(marked, text="Dune,  paragraph 1: the page turns."), before(remote_id))
    target.close()

    brought(world, changed(marked, note="mine"), remote_id=remote_id)

    assert [row["noteContent"] for row in web.rows("notes")] == ["mine\n\nfrom the browser"]


@pytest.mark.parametrize(
    ("facts", "table", "told"),
    [
        ({}, "notes", "mine\n\nfrom the browser"),
        ({"place": "in_booklore"}, "book_notes", "“Dune, paragraph 1: the page turns.”\n\nmine\n\nfrom the browser"),
    ],
)
def test_note_from_the_browser_is_appended_to_the_devices_own(
    world: World, web: WebReader, commented: Commented, facts: dict[str, str], table: str, told: str
) -> None:
    marked, remote_id = commented

    brought(world, changed(marked, note="mine", **facts), remote_id=remote_id)

    (rows,) = web.everything().values()
    assert [row.get("noteContent") or row["content"] for row in web.rows(table)] == [told]
    assert len(rows) == 1


def test_appended_note_stays_through_edits_on_the_device(world: World, web: WebReader, commented: Commented) -> None:
    marked, remote_id = commented

    edits = [changed(marked, note=note) for note in ("mine", "mine too", "mine as well")]
    brought(world, *edits, changed(edits[-1], color="green"), remote_id=remote_id)

    (row,) = web.rows("notes")
    assert (row["noteContent"], row["color"]) == ("mine as well\n\nfrom the browser", "#4ADE80")


def test_appended_note_is_alone_again_once_the_devices_own_has_gone(
    world: World, web: WebReader, commented: Commented
) -> None:
    marked, remote_id = commented

    brought(world, changed(marked, note="mine"), changed(marked, note=None), remote_id=remote_id)

    assert [row["note"] for row in web.rows("annotations")] == ["from the browser"]
    assert list(web.everything()) == ["annotations"]


def test_appended_note_that_the_reader_takes_away_stays_away(
    world: World, web: WebReader, commented: Commented
) -> None:
    marked, remote_id = commented
    remote_id = brought(world, changed(marked, note="mine"), remote_id=remote_id)
    web.edit("notes", 1, noteContent="mine")

    brought(world, changed(marked, note="mine too"), remote_id=remote_id)

    assert [row["noteContent"] for row in web.rows("notes")] == ["mine too"]


def test_note_that_is_the_same_in_both_places_is_told_once(world: World, web: WebReader, commented: Commented) -> None:
    marked, remote_id = commented

    brought(world, changed(marked, note="from the browser"), remote_id=remote_id)

    assert [row["noteContent"] for row in web.rows("notes")] == ["from the browser"]


def test_same_mark_of_another_copy_of_the_file_leaves_the_appended_note(
    world: World, web: WebReader, commented: Commented
) -> None:
    marked, remote_id = commented
    noted = changed(marked, note="mine")
    brought(world, noted, remote_id=remote_id)

    brought(world, Item(noted.kind, "0" * 32 + noted.key[32:], noted.book, noted.body, noted.occurred_at))

    assert [row["noteContent"] for row in web.rows("notes")] == ["mine\n\nfrom the browser"]


@pytest.mark.parametrize("fault", ["refuse", "commit_then_500", "close_before", "close_after"])
@pytest.mark.parametrize("request_", ["POST /api/v2/book-notes", "DELETE /api/v1/annotations"])
def test_appended_note_outlives_faults_on_its_way(
    world: World, web: WebReader, commented: Commented, request_: str, fault: str
) -> None:
    marked, remote_id = commented
    world.server.fail(fault, request_)

    brought_at_last(world, changed(marked, note="mine"), remote_id)

    assert [row["noteContent"] for row in web.rows("notes")] == ["mine\n\nfrom the browser"]
    assert list(web.everything()) == ["notes"]


def test_appended_note_is_whole_beside_one_that_fills_the_column(
    world: World, web: WebReader, commented: Commented
) -> None:
    marked, remote_id = commented

    brought(world, changed(marked, note="ü" * 40_000), remote_id=remote_id)

    (row,) = web.rows("notes")
    assert row["noteContent"].endswith("ü…\n\nfrom the browser")
    assert len(row["noteContent"].encode()) <= 65_535
