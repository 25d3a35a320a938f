"""The server's EPUB, of which CFIs are made: where it comes from, what is kept of it, and what is declined."""

import io
import logging
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from booklore_world import FRESH, OpenWorld, World
from marks_world import WebReader, bookmark, changed, highlight

from booklore_core import Declined, Item, ItemFailed, ItemRejected
from booklore_core.testing import ServerBook, small_epub

CONTENT = "/api/v1/books/1/content"
MEGABYTE = 1024 * 1024


def illustrated(title: str, megabytes: int) -> bytes:
    """An EPUB with a large picture."""
    buffer = io.BytesIO(small_epub(title))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("cover.jpg", random.Random(megabytes).randbytes(megabytes * MEGABYTE))
    return buffer.getvalue()


def at(item: Item, file: Path | None) -> Item:
    """The item, its book's file lying there."""
    return Item(item.kind, item.key, replace(item.book, file=file and str(file)), item.body, item.occurred_at)


def kept(world: World) -> list[str]:
    return sorted(path.name for path in world.store.cache.iterdir())


def test_epub_is_fetched_once_and_kept(world: World) -> None:
    book = world.server.books[1]
    for paragraph in (1, 2, 3):
        target = world.target()
        target.deliver(highlight(book, paragraph), FRESH)
        target.close()

    assert world.asked(CONTENT) == 2  # its digest, and all of it
    assert kept(world) == [f"{book.partial_md5}.epub"]


def test_epub_that_lies_on_this_machine_is_not_fetched(world: World, tmp_path: Path) -> None:
    book, file = world.server.books[1], tmp_path / "dune.epub"
    file.write_bytes(book.read() or b"")

    world.target().deliver(at(highlight(book), file), FRESH)

    assert world.asked(CONTENT) == 1  # its digest
    assert kept(world) == []
    assert len(WebReader(world).rows("annotations")) == 1


@pytest.mark.parametrize("lies_here", [True, False])
def test_epub_that_is_too_large_to_fetch_is_taken_from_this_machine(
    stock: World, tmp_path: Path, lies_here: bool
) -> None:
    content, file = illustrated("Atlas", 201), tmp_path / "atlas.epub"
    book = stock.server.add_book(content, "atlas.epub", "Atlas")
    if lies_here:
        file.write_bytes(content)
        assert stock.target().deliver(at(highlight(book), file), FRESH) == "annotation:1"
    else:
        with pytest.raises(ItemRejected, match="more than the 209,715,200 that are fetched"):
            stock.target().deliver(at(highlight(book), file), FRESH)
    file.unlink(missing_ok=True)  # pytest keeps what lies here

    assert kept(stock) == []


@pytest.mark.parametrize("content", [b"", b"other", small_epub("Dune").replace(b"paragraph 1:", b"paragraph 0:")])
def test_file_of_that_name_that_is_another_one_is_not_taken(stock: World, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dune.epub"
    file.write_bytes(content)

    stock.target().deliver(at(highlight(stock.server.books[1]), file), FRESH)

    assert kept(stock) == [f"{stock.server.books[1].partial_md5}.epub"]


@pytest.mark.parametrize("name", ["", "/", "\udcff", "nowhere.epub"])
def test_path_that_leads_nowhere_is_no_obstacle(stock: World, name: str) -> None:
    item = highlight(stock.server.books[1])
    if name.isprintable():
        item = at(item, Path(name) if name else None)

    stock.target().deliver(item, FRESH)

    assert len(WebReader(stock).rows("annotations")) == 1


def test_epub_is_fetched_anew_after_the_server_has_rewritten_it(world: World) -> None:
    book, target = world.server.books[1], world.target()
    target.deliver(highlight(book), FRESH)
    target.close()
    world.server.rewrite_book(1, small_epub("Dune", paragraphs=80))

    world.target().deliver(highlight(book, 2), FRESH)

    assert f"{world.server.books[1].partial_md5}.epub" in kept(world)
    assert len(WebReader(world).rows("annotations")) == 2


@pytest.mark.parametrize("fault", ["half_body", "close_before", "status:503", "html_200", "status:404"])
def test_epub_that_does_not_arrive_is_not_kept(stock: World, fault: str) -> None:
    target, book = stock.target(), stock.server.books[1]
    target.check()
    stock.server.fail(fault, f"GET {CONTENT}", after=1)

    with pytest.raises(Declined) as refusal:
        target.deliver(highlight(book), FRESH)
    there = kept(stock)
    target.deliver(highlight(book), FRESH)

    assert not refusal.value.maybe_sent
    assert not any(name.endswith(".epub") for name in there)
    assert len(WebReader(stock).rows("annotations")) == 1


def test_epub_that_changes_while_it_is_fetched_is_fetched_again(open_world: OpenWorld) -> None:
    world = open_world()
    book = world.server.add_book(illustrated("Long", 12), "long.epub", "Long")
    target = world.target()
    target.check()
    seen: list[str] = []

    def rewrite(record: object) -> None:
        seen.append(getattr(record, "path", ""))
        if sum(path.endswith("/content") for path in seen) == 5:
            world.server.rewrite_book(book.id, illustrated("Long", 13))

    world.server.on_request = rewrite
    with pytest.raises(ItemFailed, match="fetches it again"):
        target.deliver(highlight(book), FRESH)
    world.server.on_request = None
    target.close()
    world.target().deliver(highlight(book), FRESH)

    assert kept(world) == [f"{world.server.books[book.id].partial_md5}.epub"]


def test_large_epub_that_takes_too_long_is_fetched_in_several_syncs(open_world: OpenWorld) -> None:
    world = open_world()
    book = world.server.add_book(illustrated("Long", 20), "long.epub", "Long")
    target = world.target()
    target.check()
    world.server.on_request = lambda record: setattr(world.clock, "now", world.clock.now + 15)

    with pytest.raises(ItemFailed, match=r"being fetched, \d+ of \d+ MiB so far; the next sync goes on"):
        target.deliver(highlight(book), FRESH)
    target.deliver(highlight(book), FRESH)

    assert kept(world) == [f"{book.partial_md5}.epub"]


@pytest.mark.parametrize("content", [b"no EPUB at all" * 100, small_epub("Dune")[:-100]])
def test_epub_that_nobody_can_read_is_declined_with_the_reason_and_not_kept(stock: World, content: bytes) -> None:
    book = stock.server.rewrite_book(1, content)

    with pytest.raises(ItemRejected, match="not a ZIP archive"):
        stock.target().deliver(highlight(book), FRESH)

    assert kept(stock) == []
    assert stock.asked("/api/v1/annotations") == 0


def test_highlight_that_is_nowhere_is_declined_with_the_reason(stock: World) -> None:
    lost = highlight(stock.server.books[1], text="Nobody has ever written this.")

    with pytest.raises(ItemRejected, match="Nobody has ever written this"):
        stock.target().deliver(lost, FRESH)

    assert stock.asked("/api/v1/annotations") == 0


def test_bookmark_that_is_nowhere_is_declined_with_the_reason(stock: World) -> None:
    lost = bookmark(stock.server.books[1], page="/body/DocFragment[9]/body/p[1]/text().0")

    with pytest.raises(ItemRejected, match="at no place of this EPUB"):
        stock.target().deliver(lost, FRESH)

    assert stock.asked("/api/v1/bookmarks") == 0


def other_edition(item: Item) -> Item:
    """The same mark in another file than the server's."""
    book = replace(item.book, partial_md5="0" * 32, file="/mnt/onboard/dune.kepub.epub")
    return Item(item.kind, "0" * 32 + item.key[32:], book, {**item.body, "format": "kepub.epub"}, item.occurred_at)


def test_highlight_of_another_edition_is_found_by_its_text(world: World) -> None:
    place = "/body/DocFragment[1]/body/div[1]/div[1]/p[3]/span[1]/text()"
    marked = highlight(world.server.books[1], 3, pos0=f"{place}.0", pos1=f"{place}.34")

    world.target().deliver(other_edition(marked), FRESH)

    assert [row["cfi"] for row in WebReader(world).rows("annotations")] == ["epubcfi(/6/2!/4/6,/1:0,/1:34)"]


@pytest.mark.parametrize("make", [bookmark, lambda book: highlight(book, text="")])
def test_mark_without_a_text_is_not_guessed_in_another_edition(stock: World, make: object) -> None:
    assert callable(make)

    with pytest.raises(ItemRejected, match="another edition"):
        stock.target().deliver(other_edition(make(stock.server.books[1])), FRESH)


def test_book_of_which_the_server_has_no_epub_is_told(stock: World) -> None:
    comic = stock.server.books[4]

    with pytest.raises(ItemRejected, match="no EPUB of this book"):
        stock.target().deliver(highlight(comic, format="epub"), FRESH)


def test_reader_without_the_permission_to_download_gets_highlights_placed(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[1])

    target = world.target(USERNAME="ann", PASSWORD="annspassword")

    assert target.deliver(highlight(world.server.books[1]), FRESH) == "annotation:1"


def test_thousand_highlights_of_a_book_are_as_many_requests(open_world: OpenWorld) -> None:
    world = open_world()
    book: ServerBook = world.server.add_book(small_epub("Long", 1000), "long.epub", "Long")
    target = world.target()
    target.deliver(highlight(book), FRESH)
    begun = len(world.server.requests)

    for paragraph in range(2, 1001):
        target.deliver(highlight(book, paragraph), FRESH)

    assert len(world.server.requests) - begun == 999


def test_no_text_of_a_book_is_logged(stock: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    stock.target().deliver(changed(highlight(stock.server.books[1]), note="my secret"), FRESH)

    assert "my secret" not in caplog.text
