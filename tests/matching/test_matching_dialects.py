"""The right book on every dialect: found by digest, remembered with how it was found, and never mixed up later."""

from __future__ import annotations

from typing import Any

import pytest
from library_world import LISTING, Household, OpenHousehold, on_device, swapped

from booklore_core.actions.verify import compare
from booklore_core.testing import ServerBook, partial_digest, sample_book, small_epub

DIGEST = ("digest", 1.0)
STOCK = ("booklore", "grimmory")


def another_copy(book: ServerBook, paragraphs: int = 60, **changed: Any) -> dict[str, Any]:
    """A file on the device that is not the server's, though it says so of itself."""
    content = small_epub(book.title or "", paragraphs)
    return on_device(book, partial_md5=partial_digest(content), size=len(content), **changed)


def test_every_book_of_a_small_library_is_found_by_its_digest(household: Household) -> None:
    books = household.server.books
    for book in books.values():
        household.read(on_device(book))

    report = household.sync()

    assert household.matches() == {book.partial_md5: (str(number), *DIGEST) for number, book in books.items()}
    assert sorted(household.arrived()) == sorted(books)
    assert report.is_complete


def test_match_is_remembered_and_asked_for_no_more(household: Household) -> None:
    dune = on_device(household.server.books[1])
    household.read(dune)
    household.sync()
    asked = len(household.server.requests)

    household.read(dune)
    report = household.sync()

    assert household.arrived() == [1, 1]
    assert report.requests <= 2  # the health check and the session
    assert len(household.server.requests) - asked == report.requests


def test_renamed_and_moved_file_is_the_same_book(household: Household) -> None:
    dune = household.server.books[1]
    household.read(on_device(dune))
    household.sync()

    household.read(on_device(dune, file="/sdcard/sorted/Herbert, Frank - Dune.epub", title="DUNE (renamed)"))
    household.sync()

    assert household.arrived() == [1, 1]
    assert household.core.status().books["total"] == 1


def test_file_that_was_renamed_before_it_was_ever_matched_is_found(household: Household) -> None:
    household.read(on_device(household.server.books[1], file="/sdcard/1.epub", title="Untitled", authors=[]))

    household.sync()

    assert household.arrived() == [1]


def test_file_replaced_in_place_is_another_book_and_what_waited_keeps_the_first_one(household: Household) -> None:
    dune, emma = household.server.books[1], household.server.books[2]
    household.read(on_device(dune, file="/sdcard/current.epub"))

    household.read(on_device(emma, file="/sdcard/current.epub"))
    household.sync()

    assert sorted(household.arrived()) == [1, 2]
    assert {match[0] for match in household.matches().values()} == {"1", "2"}


def test_file_replaced_by_one_that_the_server_lacks_does_not_inherit_the_match(household: Household) -> None:
    dune = on_device(household.server.books[1])
    household.read(dune)
    household.sync()

    stranger = sample_book("Solaris", file=dune["file"], size=dune["size"])
    household.read(stranger)
    household.sync()

    assert household.match_of(stranger) is None
    assert household.arrived() == [1]
    assert household.core.pending() == {"session": 1}


def test_two_formats_of_a_book_are_told_apart(household: Household) -> None:
    pdf = household.server.add_book(b"%PDF-1.4" + b"page " * 900, "dune.pdf", "Dune", ["Frank Herbert"])

    household.read(on_device(household.server.books[1]))
    household.read(on_device(pdf))
    household.sync()

    assert {(row["bookId"], row["bookType"]) for row in household.server.sessions} == {(1, "EPUB"), (pdf.id, "PDF")}


def test_book_on_two_devices_is_one_book(household: Household) -> None:
    dune = household.server.books[1]

    household.read(on_device(dune), device="kobo-1")
    household.read(on_device(dune, folder="/storage/emulated/0/Books"), device="boox-2")
    household.sync()

    assert household.arrived() == [1, 1]
    assert household.core.status().books == {"total": 1, "matched": 1, "unmatched": 0}
    assert compare(household.core).is_clean


def test_two_devices_that_begin_in_the_same_second_both_arrive_though_answers_are_lost(household: Household) -> None:
    dune = on_device(household.server.books[1])
    household.core.targets["booklore"].check()  # type: ignore[attr-defined]
    household.read(dune, device="kobo-1")
    household.read(dune, device="boox-2")
    household.server.fail("close_after", "POST /api/v1/reading-sessions")

    for _ in range(3):
        household.sync()

    assert household.arrived() == [1, 1]
    assert household.core.pending() == {}


def test_matched_book_whose_file_the_server_rewrites_stays_matched(household: Household) -> None:
    emma = household.server.books[2]
    before = on_device(emma)
    household.read(before)
    household.sync()

    after = household.server.rewrite_book(2, small_epub("Emma", paragraphs=90))
    household.read(before)
    household.read(on_device(after), device="boox-2")
    household.sync()

    assert household.arrived() == [2, 2, 2]
    assert household.match_of(before) == household.match_of(on_device(after)) == ("2", *DIGEST)


def test_copy_from_before_the_server_rewrote_its_file_is_known_by_name_size_and_title(household: Household) -> None:
    before = on_device(household.server.books[2])
    household.server.rewrite_book(2, swapped(household.server.books[2].read() or b""))

    household.read(before)
    household.sync()

    assert household.match_of(before) == ("2", "file", 0.9)


def test_copy_from_before_that_differs_in_size_waits_for_a_person(household: Household) -> None:
    before = on_device(household.server.books[2])
    household.server.rewrite_book(2, small_epub("Emma", paragraphs=90))
    household.read(before)

    household.sync()
    assert household.match_of(before) is None
    household.act("match_unmatched", True, "Emma\n")

    assert household.match_of(before) == ("2", "person", 1.0)
    assert household.arrived() == [2]


def test_book_that_was_removed_and_came_back_under_a_new_id_gets_what_waited(household: Household) -> None:
    dune = household.server.books[1]
    household.read(on_device(dune))
    household.sync()
    household.server.remove_book(1)

    household.read(on_device(dune))
    household.sync()
    assert household.core.pending() == {"session": 1}
    again = household.server.add_book(dune.read() or b"", dune.file_name, dune.title)
    household.sync()

    assert household.arrived() == [again.id]
    assert household.match_of(on_device(dune)) == (str(again.id), *DIGEST)
    assert household.core.pending() == {}


def test_library_that_is_built_anew_gets_nothing_under_another_books_id(household: Household) -> None:
    dune, emma = (on_device(household.server.books[number]) for number in (1, 2))
    for book in (dune, emma):
        household.read(book)
    household.sync()

    household.build_anew(order=[2, 1, 3, 4])
    for book in (dune, emma):
        household.read(book)
    for _ in range(2):
        household.sync()

    titles = {number: book.title for number, book in household.server.books.items()}
    assert titles[1] == "Emma"
    assert sorted(titles[number] for number in household.arrived()) == ["Dune", "Emma"]
    assert household.match_of(dune) == ("2", *DIGEST)
    assert household.core.pending() == {}


def test_match_by_hand_survives_a_new_login_but_not_another_book_under_its_id(household: Household) -> None:
    emma = household.server.books[2]
    mine = another_copy(emma, file="/sdcard/my-emma.epub")
    household.read(mine)
    household.act("match_book", book=mine["partial_md5"], args={"id": "2"})

    household.server.expire_tokens(refresh_too=True)
    household.read(mine)
    household.sync()
    assert household.arrived() == [2, 2]
    household.build_anew(order=[2, 1, 3, 4])
    household.read(mine)
    household.sync()

    assert household.match_of(mine) is None
    assert household.arrived() == []
    assert household.core.pending() == {"session": 1}


def test_file_that_is_in_two_libraries_is_one_book_for_good(household: Household) -> None:
    dune = household.server.books[1]
    household.server.add_book(dune.read() or b"", dune.file_name, dune.title, library_id=2)

    for _ in range(2):
        household.read(on_device(dune))
        household.sync()
        household.act("rematch_all")

    assert household.arrived() == ([5, 5] if household.dialect == "grimmory" else [1, 1])


def test_admin_to_whom_the_library_is_not_assigned_is_served_all_the_same(household: Household) -> None:
    household.server.assign_libraries(household.server.username, [])
    dune = on_device(household.server.books[1])

    household.read(dune)
    household.sync()

    assert household.match_of(dune) == ("1", *DIGEST)


def test_book_without_a_digest_is_refused_at_the_door(household: Household) -> None:
    reader_line = {
        "v": 1,
        "id": "kobo-1-000001",
        "event": "book_open",
        "at": "2026-11-20T08:00:00Z",
        "device": "kobo-1",
    }

    taken = household.core.take([{**reader_line, "book": sample_book("Dune", partial_md5="")}], "test")

    assert len(taken.rejected) == 1
    assert household.core.status().books["total"] == 0


def test_candidate_that_was_proven_wrong_is_not_read_again_until_its_size_changes(household: Household) -> None:
    dune = household.server.books[1]
    mine = another_copy(dune, paragraphs=400, file="/sdcard/mine.epub", authors=["Somebody Else"])
    household.read(mine)
    household.sync()
    read = household.ranges()

    household.sync()
    assert household.ranges() == read > 0
    household.server.rewrite_book(1, small_epub("Dune", paragraphs=400))
    household.sync()

    assert household.match_of(mine) == ("1", *DIGEST)


@pytest.mark.parametrize("title", [" emma\n", "EMMA", "Ｅｍｍａ"])
def test_book_that_only_a_history_knows_is_found_by_title_and_proven(household: Household, title: str) -> None:
    emma = household.server.books[2]
    known = on_device(emma, title=title, file=None, size=None, authors=[])

    household.read(known)
    household.sync()

    assert household.match_of(known) == ("2", *DIGEST)


@pytest.mark.parametrize("file_name", ["Issue 7.cbz", "book.epub"])
def test_book_without_a_title_is_found_by_its_file(household: Household, file_name: str) -> None:
    book = household.server.add_book(b"pages" * 999, file_name)

    household.read(on_device(book, title=None))
    household.sync()

    assert household.arrived() == [book.id]


def test_isbn_finds_the_edition_that_the_server_has_rewritten(household: Household) -> None:
    mine = another_copy(household.server.books[1], identifiers="uuid:1\nISBN:978-0-441-01359-3")

    household.read(mine)
    household.sync()

    assert household.match_of(mine) == ("1", "isbn", 0.95)


def test_reader_without_the_library_waits_and_is_served_once_it_is_given(open_household: OpenHousehold) -> None:
    household = open_household("custom", BOOKLORE_USERNAME="ann", BOOKLORE_PASSWORD="annspassword")
    household.server.add_user("ann", "annspassword")
    household.read(on_device(household.server.books[1]))

    household.sync()
    assert household.matches() == {}
    household.server.assign_libraries("ann", [1])
    household.sync()

    assert household.arrived() == [1]


@pytest.mark.parametrize("dialect", STOCK)
def test_stock_servers_are_not_asked_by_digest(household: Household) -> None:
    household.read(on_device(household.server.books[1]))

    household.sync()
    household.read(sample_book("Solaris"))
    household.sync()

    assert household.asked("/api/v1/books/by-hash/") == 1  # the probe
    assert household.asked(LISTING) == 2
