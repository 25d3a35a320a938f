"""Bookmarks as the server gets them: at a place in the text, on a page, or with a reason nowhere."""

from typing import Any

import pytest
from booklore_world import FRESH, OpenWorld, World
from marks_world import WebReader, before, bookmark, changed, highlight, removed

from booklore_core import Item
from booklore_core.testing import ServerBook

KEPT = {"cfi": "epubcfi(/6/2!/4/2/1:0)", "title": "in Book One", "color": None, "notes": ""}
PATH = "/api/v1/bookmarks"


@pytest.fixture
def dune(world: World) -> ServerBook:
    return world.server.books[1]


@pytest.fixture
def paper(world: World) -> ServerBook:
    """A PDF on the server."""
    return world.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper")


@pytest.fixture
def web(world: World) -> WebReader:
    return WebReader(world)


def on_page(book: ServerBook, page: int = 12, **facts: Any) -> Item:
    return bookmark(book, page, **{"page": page, "pageno": page, **facts})


def keeps_pages(world: World) -> bool:
    return world.server._state.dialect.bookmarks_have_pages


def without_page(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "pageNumber"}


def test_bookmark_arrives_at_its_place(world: World, dune: ServerBook, web: WebReader) -> None:
    assert world.target().deliver(bookmark(dune), FRESH) == "bookmark:1"

    assert [without_page(row) for row in web.rows("bookmarks")] == [{**KEPT, "notes": None}]


def test_note_on_a_bookmark_is_set_after_it_was_made(world: World, dune: ServerBook, web: WebReader) -> None:
    world.target().deliver(bookmark(dune, note="go on here"), FRESH)

    assert web.rows("bookmarks")[0]["notes"] == "go on here"
    assert [one.method for one in world.server.requests if one.path.startswith(PATH)][:2] == ["POST", "PUT"]


def test_bookmark_changes_in_place(world: World, dune: ServerBook, web: WebReader) -> None:
    target, noted = world.target(), bookmark(dune, note="go on here")
    target.deliver(noted, FRESH)

    assert target.deliver(changed(noted, text="the duel", note=None), before("bookmark:1")) == "bookmark:1"

    assert [without_page(row) for row in web.rows("bookmarks")] == [{**KEPT, "title": "the duel"}]


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"text": None}, "Book One"),
        ({"text": "", "chapter": None}, "Page 12"),
        ({"text": None, "chapter": None, "pageno": None}, "Bookmark"),
    ],
)
def test_bookmark_without_a_text_has_a_title_all_the_same(stock: World, facts: dict[str, Any], title: str) -> None:
    stock.target().deliver(bookmark(stock.server.books[1], **facts), FRESH)

    assert WebReader(stock).rows("bookmarks")[0]["title"] == title


def test_page_of_a_pdf_is_sent_as_such_where_the_server_keeps_it(
    world: World, paper: ServerBook, web: WebReader
) -> None:
    world.target().deliver(on_page(paper), FRESH)

    (row,) = web.rows("bookmarks", paper.id)
    if keeps_pages(world):
        assert (row["pageNumber"], row["cfi"]) == (12, None)
    else:
        assert row["cfi"].startswith("epubcfi(/6/24!/4/2/1:")


def test_no_empty_bookmark_is_ever_made(world: World, paper: ServerBook, web: WebReader) -> None:
    target = world.target()

    for page in (1, 2, 3):
        target.deliver(on_page(paper, page), FRESH)

    rows = web.rows("bookmarks", paper.id)
    assert len(rows) == 3
    assert all(row["cfi"] or row["pageNumber"] for row in rows)


def test_server_is_asked_once_whether_it_keeps_pages(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    paper = world.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper")

    for page in (1, 2):
        target = world.target()
        target.deliver(on_page(paper, page), FRESH)
        target.close()

    assert [one.status for one in world.server.requests if one.path == PATH] == [400, 200, 200]


def test_server_that_does_not_tell_the_page_again_is_sent_no_other(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    paper = world.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper")
    target = world.target()
    target.deliver(on_page(paper, 1), FRESH)
    world.server._state.dialect = open_world("booklore").server._state.dialect

    for page in (2, 3):
        target.deliver(on_page(paper, page), FRESH)

    rows = WebReader(world).rows("bookmarks", paper.id)
    assert [bool(row["cfi"]) for row in rows] == [False, True, True]


def test_two_marks_of_a_page_are_told_apart(stock: World) -> None:
    target, web = stock.target(), WebReader(stock)
    paper = stock.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper")
    facts = {"page": 12, "pos0": {"page": 12, "x": 1.0, "y": 2.0}, "pos1": {"page": 12, "x": 9.0, "y": 2.0}}

    for name in ("one", "two"):
        target.deliver(on_page(paper, key=name), FRESH)
        target.deliver(highlight(paper, key=name, text=name, **facts), FRESH)

    rows = web.rows("bookmarks", paper.id) + web.rows("annotations", paper.id)
    assert len({row["cfi"] for row in rows}) == len(rows) == 4
    assert all(row["cfi"].startswith("epubcfi(/6/24!/4/2/1:") for row in rows)


def test_bookmark_in_a_comic_goes_by_its_page_or_to_the_notes_of_the_book(world: World, web: WebReader) -> None:
    target, comic = world.target(), world.server.books[4]
    marked = on_page(comic, note="look again")

    remote_id = target.deliver(marked, FRESH)

    if keeps_pages(world):
        assert [row["pageNumber"] for row in web.rows("bookmarks", comic.id)] == [12]
    else:
        (row,) = web.everything(comic.id)["book_notes"]
        assert row["content"].endswith("\n\nlook again")
    target.deliver(removed(marked), before(remote_id))
    assert web.everything(comic.id) == {}


@pytest.mark.parametrize("suffix", ["cbz", "cbr", "djvu", "fb2", "mobi", "azw3", "txt", "html", "docx"])
def test_highlight_where_there_are_no_places_goes_to_the_book(stock: World, suffix: str) -> None:
    comic, web = stock.server.books[4], WebReader(stock)

    stock.target().deliver(highlight(comic, format=suffix, text="Pow!"), FRESH)

    note = {"title": "Book One (2026-11-20 13:41:01)", "content": "“Pow!”"}
    assert web.everything(comic.id) == {"book_notes": [note]}


def test_both_facts_about_a_note_share_the_row_where_there_are_no_places(world: World, web: WebReader) -> None:
    comic, target = world.server.books[4], world.target()
    noted = highlight(comic, text="Pow!", note="loud")
    twin = Item(noted.kind, f"{noted.key}/note", noted.book, {**noted.body, "place": "in_booklore"}, noted.occurred_at)

    remote_ids = [target.deliver(one, FRESH) for one in (noted, twin)]
    there = web.rows("book_notes", comic.id)
    target.deliver(removed(twin), before(remote_ids[1]))
    target.deliver(removed(noted), before(remote_ids[0]))

    assert [row["content"] for row in there] == ["“Pow!”\n\nloud"]
    assert web.everything(comic.id) == {}


def test_bookmark_that_was_removed_is_gone_and_can_come_back(world: World, dune: ServerBook, web: WebReader) -> None:
    target, marked = world.target(), bookmark(dune, note="go on here")
    remote_id = target.deliver(marked, FRESH)
    there = web.everything()

    target.deliver(removed(marked), before(remote_id))
    gone = web.everything()
    target.deliver(marked, before(remote_id))

    assert gone == {}
    assert web.everything() == there


def test_page_bookmark_that_is_there_already_is_taken_over(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    paper, web = world.server.add_book(b"%PDF-1.4\n" + b"0" * 3000, "paper.pdf", "Paper"), WebReader(world)
    web.make("bookmarks", paper.id, pageNumber=12, title="mine")

    assert world.target().deliver(on_page(paper), FRESH) == "bookmark:1"

    assert [row["title"] for row in web.rows("bookmarks", paper.id)] == ["in Book One"]


@pytest.mark.parametrize("fault", ["close_after", "commit_then_500"])
def test_lost_answer_makes_no_second_bookmark(world: World, dune: ServerBook, web: WebReader, fault: str) -> None:
    target = world.target()
    target.check()
    world.server.fail(fault, f"POST {PATH}")
    with pytest.raises(Exception, match="hung up|500"):
        target.deliver(bookmark(dune, note="go on here"), FRESH)

    assert target.find(bookmark(dune, note="go on here")) == "bookmark:1"

    assert [row["notes"] for row in web.rows("bookmarks")] == ["go on here"]


def test_note_that_could_not_be_set_is_set_at_the_next_time(world: World, dune: ServerBook, web: WebReader) -> None:
    target = world.target()
    target.check()
    world.server.fail("refuse", f"PUT {PATH}")
    with pytest.raises(Exception, match="500"):
        target.deliver(bookmark(dune, note="go on here"), FRESH)

    assert target.find(bookmark(dune, note="go on here")) == "bookmark:1"

    assert [row["notes"] for row in web.rows("bookmarks")] == ["go on here"]
