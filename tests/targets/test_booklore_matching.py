"""Finding the server's book: by its digest, proven on the server's file, whatever the server can do."""

import hashlib
import json

import pytest
from booklore_world import OpenWorld, World, ref, size_of

from booklore_core import BookRef, Match, TargetUnavailable
from booklore_core.testing import partial_digest, small_epub
from booklore_targets.booklore.digest import Piece, samples_of
from booklore_targets.booklore.library import BookFile, Listed, Shelf, listed, read_objects

LISTING = "/api/v1/books"


def listings(world: World) -> int:
    return sum(one.path == LISTING for one in world.server.requests)


def test_books_are_found_by_digest(world: World) -> None:
    books = world.server.books

    found = world.target().match([ref(book) for book in books.values()])

    assert found == {book.partial_md5: Match(str(number), "digest", 1.0, book.title) for number, book in books.items()}


def test_file_of_another_name_and_title_is_the_same_book(world: World) -> None:
    dune = world.server.books[1]

    found = world.target().match([ref(dune, file="/sdcard/renamed.epub", title="Something else")])

    assert found[dune.partial_md5].remote_id == "1"


def test_large_file_is_proven_by_one_range_for_its_head_and_a_few_beyond(open_world: OpenWorld) -> None:
    world = open_world()
    large = world.server.add_book(bytes(range(256)) * 4 * 6000, "large.epub", "Large")

    found = world.target().match([ref(large)])

    assert found[large.partial_md5].how == "digest"
    assert world.content_requests() == 3  # up to 257 KiB, 1 MiB and 4 MiB of 6 MiB


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 4096, 5000, 16_385])
def test_files_of_every_length_are_proven(open_world: OpenWorld, size: int) -> None:
    world = open_world()
    book = world.server.add_book(b"x" * size, "odd.epub", "Odd")

    assert world.target().match([ref(book)])[book.partial_md5].remote_id == str(book.id)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_one_listing_serves_all_books_of_a_run(world: World) -> None:
    strangers = [BookRef(f"{number:032x}", f"Stranger {number}", size=5) for number in range(40)]

    world.target().match([*strangers, *(ref(book) for book in world.server.books.values())])

    assert listings(world) == 1


def test_image_is_asked_by_digest_and_lists_nothing(open_world: OpenWorld) -> None:
    world = open_world("custom")

    world.target().match([ref(book) for book in world.server.books.values()])

    assert (listings(world), world.content_requests()) == (0, 0)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5", "custom"])
@pytest.mark.parametrize("title", ["Dune", "Dune, tidied up"])
def test_file_that_is_there_twice_is_the_book_that_kosync_updates(
    open_world: OpenWorld, dialect: str, title: str
) -> None:
    world = open_world(dialect)
    dune = world.server.books[1]
    copy = world.server.add_book(dune.read() or b"", dune.file_name, title, library_id=2)

    matched = world.target().match([ref(dune)])[dune.partial_md5].remote_id

    assert matched == str(copy.id if dialect.startswith("grimmory") else dune.id)


def test_admin_without_the_library_still_finds_its_books(open_world: OpenWorld) -> None:
    world = open_world("custom")
    world.server.assign_libraries(world.server.username, [])
    dune = world.server.books[1]

    assert world.target().match([ref(dune)])[dune.partial_md5].remote_id == "1"


def test_reader_finds_only_books_of_their_libraries(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[2])
    dune, other = world.server.books[1], world.server.add_book(small_epub("Theirs"), "theirs.epub", library_id=2)

    found = world.target(USERNAME="ann", PASSWORD="annspassword").match([ref(dune), ref(other)])

    assert {match.remote_id for match in found.values()} == {str(other.id)}


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_wrong_candidate_is_not_chosen_and_not_asked_again(world: World) -> None:
    dune = world.server.books[1]
    stranger = ref(dune, partial_md5="f" * 32, title="Not Dune", file="/other.epub")

    assert world.target().match([stranger]) == {}
    asked = world.content_requests()
    assert world.target().match([stranger]) == {}

    assert world.content_requests() == asked > 0


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_wrong_candidate_is_asked_again_when_its_file_has_changed(world: World) -> None:
    dune, longer = world.server.books[1], small_epub("Dune", paragraphs=400)
    later = BookRef(partial_digest(longer), "Dune", file="/dune.epub", size=len(longer))
    assert world.target().match([later]) == {}

    world.server.rewrite_book(dune.id, longer)

    assert world.target().match([later])[later.partial_md5] == Match("1", "digest", 1.0, "Dune")


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_as_many_candidates_are_read_as_there_is_time_for(world: World) -> None:
    for number in range(50):
        world.server.add_book(f"{number:04d}".encode() * 300, f"{number}.epub", "Untitled", isbn13="9780441013593")
    last = ref(world.server.books[54], file="/renamed.epub")

    assert world.target().match([last]) == {last.partial_md5: Match("54", "digest", 1.0, "Untitled")}


def test_book_of_an_imported_history_is_found_by_title_and_proven(world: World) -> None:
    emma = world.server.books[2]

    found = world.target().match([BookRef(emma.partial_md5, title=" emma\n")])

    assert found[emma.partial_md5].how == "digest"


def test_titles_are_compared_without_white_space_case_and_width(open_world: OpenWorld) -> None:
    world = open_world()
    book = world.server.add_book(small_epub("w"), "d05.epub", "Whitespace\n   Oddities Ｂ")

    found = world.target().match([BookRef(book.partial_md5, title="whitespace oddities b")])

    assert found[book.partial_md5].remote_id == str(book.id)


def test_comic_without_title_is_found_by_size_or_by_its_name(open_world: OpenWorld) -> None:
    world = open_world()
    comic = world.server.add_book(b"pages" * 999, "Issue 7.cbz")

    by_size = world.target().match([ref(comic, title=None)])
    by_name = world.target().match([BookRef(comic.partial_md5, title="Issue 7")])

    assert by_size == by_name == {comic.partial_md5: Match(str(comic.id), "digest", 1.0, None)}


def test_book_that_says_nothing_about_itself_is_left_alone(open_world: OpenWorld) -> None:
    world = open_world()

    assert world.target().match([BookRef("f" * 32)]) == {}
    assert world.content_requests() == 0


@pytest.mark.parametrize("fault", ["status:404", "status:500", "half_body"])
def test_file_that_cannot_be_read_is_neither_right_nor_wrong(open_world: OpenWorld, fault: str) -> None:
    world = open_world()
    emma = world.server.books[2]
    world.server.fail(fault, "GET /api/v1/books/2/content")

    first = world.target().match([ref(world.server.books[1]), ref(emma, title="My Emma")])
    second = world.target().match([ref(emma, title="My Emma")])

    assert list(first) == [world.server.books[1].partial_md5]
    assert list(second) == [emma.partial_md5]


def test_server_that_goes_away_half_way_costs_nothing_that_was_found(open_world: OpenWorld) -> None:
    world = open_world()
    world.server.fail("status:503", "GET /api/v1/books/2/content")

    found = world.target().match([ref(world.server.books[number]) for number in (1, 2, 3)])

    assert [match.remote_id for match in found.values()] == ["1"]


@pytest.mark.parametrize("fault", ["status:503", "html_200", "close_before", "half_body"])
def test_listing_that_cannot_be_had_ends_the_run(open_world: OpenWorld, fault: str) -> None:
    world = open_world()
    target = world.target()
    target.check()
    world.server.fail(fault, f"GET {LISTING}")

    with pytest.raises(TargetUnavailable, match="the server's list of books cannot be had: "):
        target.match([ref(world.server.books[1])])


@pytest.mark.parametrize("size", [0, 1, 1024, 5000, 300_000])
def test_file_that_a_proxy_sends_whole_has_the_same_digest(size: int) -> None:
    content = bytes(range(250)) * (size // 250 + 1)

    samples = samples_of(Piece(0, size, content[:size]))

    assert hashlib.md5(b"".join(samples)).hexdigest() == partial_digest(content[:size])


def test_other_formats_of_a_book_are_candidates_too() -> None:
    book = listed(
        {
            "id": 7,
            "metadata": {"title": "Two Ways", "isbn10": "0-306-40615-2", "isbn13": None},
            "primaryFile": {"bookType": "AUDIOBOOK", "fileName": "two.m4b", "fileSizeKb": 9},
            "alternativeFormats": [{"bookType": "PDF", "fileName": "two.pdf", "fileSizeKb": 44}],
        }
    )

    assert book == Listed(
        7, "Two Ways", (), frozenset({"9780306406157"}), (BookFile("PDF", "two.pdf", 44, is_primary=False),)
    )
    assert Shelf([book]).by_size[44] == [book]


def test_listing_is_read_piece_by_piece_wherever_it_is_cut() -> None:
    books = [{"id": number, "metadata": {"title": "Ünïcödé 📚 " * 300}} for number in range(60)]

    assert list(read_objects(json.dumps(books, ensure_ascii=False).encode())) == books
    assert list(read_objects(b" [ ] ")) == []


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'[{"id": 1}', b'[{"id": 1}, {"i', b"[{]"])
def test_listing_that_is_cut_off_is_no_listing(raw: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_objects(raw))


def test_size_in_bytes_is_compared_in_kilobytes(open_world: OpenWorld) -> None:
    world = open_world()
    book = world.server.add_book(b"y" * 2047, "two.epub", "Two")
    assert (book.size_kb, size_of(book)) == (1, 2047)

    assert world.target().match([ref(book, title=None)])
