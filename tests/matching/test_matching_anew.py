"""What became of a book on the server: its copy rewritten, its id given to another one; and matching all anew."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from library_world import Household, on_device, swapped

from booklore_core.testing import ServerBook, partial_digest, sample_book, small_epub

DIGEST, PERSON = ("digest", 1.0), ("person", 1.0)


def rewrite(household: Household, number: int, **changed: Any) -> ServerBook:
    """The server writes metadata into its copy, and moves it: other bytes, size, title and name."""
    facts = {"title": "Emma: A Novel in Three Volumes", "file_name": "Austen, Jane/emma-1.epub", **changed}
    return household.server.rewrite_book(number, small_epub("tidied up", paragraphs=90), **facts)


def read_and_sync(household: Household, *books: dict[str, Any]) -> None:
    for book in books:
        household.read(book)
    household.sync()


def hand_made(household: Household, number: int = 2) -> dict[str, Any]:
    """A book of the device that a person has matched to one that nothing makes it like."""
    book = sample_book("Device Edition", size=4_768)
    household.read(book)
    household.act("match_book", book=book["partial_md5"], args={"id": str(number)})
    return book


def test_match_survives_whatever_the_server_makes_of_its_copy(household: Household) -> None:
    emma = on_device(household.server.books[2])
    read_and_sync(household, emma)

    rewrite(household, 2)
    household.server.expire_tokens(refresh_too=True)
    read_and_sync(household, emma)
    household.act("rematch_all")
    read_and_sync(household, emma)

    assert household.match_of(emma) == ("2", *DIGEST)
    assert household.arrived() == [2, 2, 2]


def test_rematching_prefers_the_very_file_to_the_copy_that_was_rewritten(household: Household) -> None:
    emma = household.server.books[2]
    known = on_device(emma)
    read_and_sync(household, known)
    content = emma.read() or b""
    rewrite(household, 2)
    again = household.server.add_book(content, "emma.epub", "Emma", ["Jane Austen"])

    result = household.act("rematch_all")

    assert household.match_of(known) == (str(again.id), *DIGEST)
    assert "Emma – Jane Austen is matched to another book now; 1 session stays with Emma" in result.message


def test_library_built_anew_keeps_no_match_that_its_ids_do_not_hold(household: Household) -> None:
    books = [on_device(household.server.books[number]) for number in (1, 2)]
    read_and_sync(household, *books)
    mine = hand_made(household)

    household.build_anew(order=[2, 1, 3, 4])
    result = household.act("rematch_all")

    assert household.matches() == {
        books[0]["partial_md5"]: ("2", *DIGEST),
        books[1]["partial_md5"]: ("1", *DIGEST),
    }
    assert "booklore has no book or another one as number 2 than before; Device Edition – Frank" in result.message
    assert household.match_of(mine) is None


def test_match_by_hand_survives_rematching_and_the_servers_tidying(household: Household) -> None:
    mine = hand_made(household)

    for _ in range(2):
        household.act("rematch_all")
        read_and_sync(household, mine)
        rewrite(household, 2)

    assert household.match_of(mine) == ("2", *PERSON)
    assert household.arrived() == [2, 2, 2]


def test_match_by_hand_is_told_once_the_server_has_that_book_no_more(household: Household) -> None:
    hand_made(household)
    household.server.remove_book(2)

    result = household.act("rematch_all")
    again = household.act("rematch_all")

    told = "booklore has no book or another one as number 2 than before; "
    told += "Device Edition – Frank Herbert was matched to that by hand, as Emma"
    assert result.message.splitlines() == ["0 books matched anew", told]
    assert again.message == "0 books matched anew"
    assert household.matches() == {}


def test_what_was_sent_to_the_wrong_book_is_told_when_a_person_matches_anew(household: Household) -> None:
    mine = hand_made(household)
    for _ in range(2):
        read_and_sync(household, mine)

    told = []
    for number in ("3", "1", "1"):
        household.clock.forward(60)
        result = household.act("match_book", book=mine["partial_md5"], args={"id": number})
        told.append(result.message.splitlines()[1:])
        read_and_sync(household, mine)

    assert told == [["3 sessions stay with Emma"], ["1 session stays with Moby Dick"], []]
    assert household.arrived() == [2, 2, 2, 3, 1, 1]


@pytest.fixture
def refuted(household: Household) -> dict[str, Any]:
    """A book whose only likely copy was found to be another file; its own bytes come to the server later."""
    dune = household.server.books[1]
    content = swapped(dune.read() or b"")
    book = on_device(dune, partial_md5=partial_digest(content), authors=["Somebody Else"])
    read_and_sync(household, book)
    assert household.matches() == {}
    return book


def bring_back(household: Household, **changed: Any) -> None:
    """The server's copy becomes the very file of the device."""
    household.server.rewrite_book(1, swapped(household.server.books[1].read() or b""), **changed)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5"])
def test_refuted_copy_is_read_again_once_it_has_another_name(household: Household, refuted: dict[str, Any]) -> None:
    read = household.ranges()
    household.sync()
    assert household.ranges() == read

    bring_back(household, file_name="dune (1).epub")
    household.sync()

    assert household.match_of(refuted) == ("1", *DIGEST)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_refuted_copy_is_read_again_once_it_has_another_date(household: Household, refuted: dict[str, Any]) -> None:
    household.build_anew(order=[1, 2, 3, 4])
    bring_back(household)

    household.sync()

    assert household.match_of(refuted) == ("1", *DIGEST)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_refuted_copy_is_read_again_on_rematching(household: Household, refuted: dict[str, Any]) -> None:
    bring_back(household)
    household.sync()
    assert household.matches() == {}

    household.act("rematch_all")

    assert household.match_of(refuted) == ("1", *DIGEST)


def test_session_whose_answer_was_lost_stays_with_the_book_that_it_was_sent_to(household: Household) -> None:
    mine = hand_made(household)
    household.server.fail("commit_then_500", "POST /api/v1/reading-sessions")
    read_and_sync(household, mine)
    assert household.core.pending() == {"session": 1}

    result = household.act("match_book", book=mine["partial_md5"], args={"id": "1"})
    household.clock.forward(600)
    household.sync()

    assert household.arrived() == [2, 2]
    assert result.message.splitlines()[1:] == ["2 sessions stay with Emma"]
    verification = household.act("verify")
    assert verification.ok
    assert "2 sessions given to “Emma” (2), which it is not matched with any more" in verification.message


def test_rematching_tells_what_stays_as_a_person_has_matched_it(household: Household) -> None:
    hand_made(household)

    result = household.act("rematch_all")

    assert result.message.splitlines() == ["0 books matched anew", "booklore: 1 match by hand stays"]


@pytest.mark.parametrize("is_rematched", [True, False], ids=["rematched", "not rematched"])
def test_choosing_anew_holds_although_the_library_was_built_anew(household: Household, is_rematched: bool) -> None:
    mine = hand_made(household)
    household.sync()

    household.build_anew(order=[1, 2, 3, 4])
    first = household.act("rematch_all") if is_rematched else None
    chosen = household.act("match_book", book=mine["partial_md5"], args={"id": "2"})
    second = household.act("rematch_all")

    assert chosen.ok
    assert household.match_of(mine) == ("2", *PERSON)
    assert "booklore: 1 match by hand stays" in second.message.splitlines()
    told = "booklore has no book or another one as number 2 than before; Device Edition – Frank Herbert was matched"
    assert first is None or told in first.message


@pytest.mark.parametrize("comes_first", [1, 2, 3])
def test_reading_goes_to_no_book_that_another_one_was_matched_with_meanwhile(
    household: Household, comes_first: int
) -> None:
    """Of books whose ids have moved on by one, one is read and found first; its new id is the old one of another."""
    books = {number: on_device(household.server.books[number]) for number in (1, 2, 3)}
    for book in books.values():
        household.read(book)
    household.sync()
    household.build_anew(order=[2, 3, 1, 4])

    household.read(books[comes_first])
    household.sync()
    for number in books.keys() - {comes_first}:
        household.read(books[number])
    household.sync()

    titles = {number: book.title for number, book in household.server.books.items()}
    assert sorted(titles[number] for number in household.arrived()) == sorted(book["title"] for book in books.values())
    assert [household.match_of(books[number])[0] for number in (1, 2, 3)] == ["3", "1", "2"]
    assert household.core.pending() == {}


def test_what_is_sent_once_more_goes_to_no_book_that_another_one_was_matched_with(household: Household) -> None:
    books = {number: on_device(household.server.books[number]) for number in (1, 2, 3)}
    for book in books.values():
        household.read(book)
    household.sync()
    household.build_anew(order=[2, 3, 1, 4])
    household.read(books[2])
    household.sync()

    household.act("verify", args={"resend": True})
    household.sync()

    titles = {number: book.title for number, book in household.server.books.items()}
    arrived = Counter(titles[number] for number in household.arrived())
    assert arrived == {books[1]["title"]: 1, books[2]["title"]: 2, books[3]["title"]: 1}


def test_what_a_person_matched_stays_theirs_though_the_id_was_another_books_before(household: Household) -> None:
    dune, emma = (on_device(household.server.books[number]) for number in (1, 2))
    for book in (dune, emma):
        household.read(book)
    household.sync()
    household.build_anew(order=[2, 3, 1, 4])
    mine = {**dune, "partial_md5": "f" * 32, "file": "/mnt/onboard/my-own-emma.epub"}
    household.read(mine)
    household.act("match_book", book="f" * 32, args={"id": "1"})

    household.read(mine)
    household.read(dune)
    household.sync()

    assert household.match_of(mine) == ("1", "person", 1.0)
    assert sorted(household.arrived()) == [1, 1, 3]
