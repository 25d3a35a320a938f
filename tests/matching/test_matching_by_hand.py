"""A person matches on the real server's library: candidates, numbers, other titles, skipping and cancelling."""

from __future__ import annotations

from typing import Any

import pytest
from library_world import LISTING, Household, index_of

from booklore_core.actions import start
from booklore_core.actions.by_hand import CANCEL, EDIT, SKIP
from booklore_core.actions.verify import compare
from booklore_core.flows import Ask, Choose, Confirm, Question, Request
from booklore_core.testing import sample_book, small_epub

PERSON = ("person", 1.0)
BY_HAND = {"title": "Dune (2nd printing)", "authors": ["F. Herbert"]}


@pytest.fixture
def shelf(household: Household) -> list[dict[str, Any]]:
    """Three books that were read and that the server has in other editions; the last read one is asked about first."""
    for number in range(1, 7):
        household.server.add_book(small_epub(f"d{number}"), f"d{number}.epub", f"Dune\n   Volume {number}", ["Herbert"])
    books = [sample_book("Ulysses"), sample_book("Middlemarch"), {**sample_book("My Dune"), **BY_HAND}]
    for number, book in enumerate(books):
        household.read(book, device=f"kobo-{number}")
        household.clock.forward(60)
    return books


def questions(household: Household, name: str, *answers: Any, **request: Any) -> list[Question]:
    """The questions of a flow that is given these answers and then left alone."""
    flow = start(household.core, name, Request(**request))
    asked = [next(flow)]
    for answer in answers:
        asked.append(flow.send(index_of(asked[-1], answer)))
    flow.close()
    return asked


def test_five_candidates_are_shown_with_score_and_author(household: Household, shelf: list[dict[str, Any]]) -> None:
    _, question = questions(household, "match_unmatched", True)

    assert isinstance(question, Choose)
    assert question.text == "1 of 3: Dune (2nd printing) – F. Herbert"
    assert len(question.options) == 5 + len((EDIT, SKIP, CANCEL))
    assert question.options[5:] == [EDIT, SKIP, CANCEL]
    scores = [int(option.partition(" % · ")[0]) for option in question.options[:5]]
    assert scores == sorted(scores, reverse=True)
    assert all(30 <= score <= 60 for score in scores[1:])
    assert question.options[0] == "92 % · Dune\nFrank Herbert"
    assert all("  " not in option and option.count("\n") <= 1 for option in question.options)


def test_a_choice_is_remembered_and_what_waits_is_sent_before_the_next_question(
    household: Household, shelf: list[dict[str, Any]]
) -> None:
    *_, last = questions(household, "match_unmatched", True, "Dune\n")

    assert last.text.startswith("2 of 3: Middlemarch")
    assert household.match_of(shelf[2]) == ("1", *PERSON)
    assert household.arrived() == [1]


def test_nobody_is_asked_twice_and_nobody_is_left_out(household: Household, shelf: list[dict[str, Any]]) -> None:
    first, *asked = questions(household, "match_unmatched", True, SKIP, SKIP)

    assert isinstance(first, Confirm)
    assert [question.text[:6] for question in asked] == ["1 of 3", "2 of 3", "3 of 3"]
    assert len({question.text for question in asked}) == 3


def test_skipped_books_stay_unmatched_and_their_sessions_wait(
    household: Household, shelf: list[dict[str, Any]]
) -> None:
    result = household.act("match_unmatched", True, SKIP, SKIP, SKIP)

    assert (result.ok, household.matches(), household.arrived()) == (False, {}, [])
    assert household.core.pending() == {"session": 3}


def test_cancelling_keeps_what_was_matched_before(household: Household, shelf: list[dict[str, Any]]) -> None:
    household.act("match_unmatched", True, "Dune\n", CANCEL)

    assert household.matches() == {shelf[2]["partial_md5"]: ("1", *PERSON)}


def test_a_number_goes_straight_to_that_book(household: Household, shelf: list[dict[str, Any]]) -> None:
    household.act("match_unmatched", True, SKIP, EDIT, " 2 ", CANCEL)

    assert household.match_of(shelf[1]) == ("2", *PERSON)
    assert household.arrived() == [2]


def test_a_number_that_is_no_book_is_looked_for_as_a_title(household: Household, shelf: list[dict[str, Any]]) -> None:
    *_, question = questions(household, "match_unmatched", True, EDIT, "1984")

    assert household.matches() == {}
    assert question.text.endswith("Nothing found for “1984”")


def test_the_title_can_be_edited_and_looked_for_again(household: Household, shelf: list[dict[str, Any]]) -> None:
    edit = questions(household, "match_unmatched", True, SKIP, EDIT)[-1]
    assert isinstance(edit, Ask)
    assert edit.value == "Middlemarch"

    household.act("match_unmatched", True, SKIP, EDIT, "Mobby dik", "Moby Dick\n", CANCEL)

    assert household.match_of(shelf[1]) == ("3", *PERSON)


def test_an_isbn_can_be_looked_for(household: Household, shelf: list[dict[str, Any]]) -> None:
    household.act("match_unmatched", True, EDIT, "978-0-441-01359-3", "Dune\n", CANCEL)

    assert household.match_of(shelf[2]) == ("1", *PERSON)


def test_the_whole_flow_costs_one_listing_however_long_a_person_thinks(
    household: Household, shelf: list[dict[str, Any]]
) -> None:
    flow = start(household.core, "match_unmatched", Request())
    question = next(flow)
    for answer in (True, "Dune\n", EDIT, "emma", "Emma\n", EDIT, "moby", "Moby Dick\n"):
        household.clock.forward(45)
        try:
            question = flow.send(index_of(question, answer))
        except StopIteration:
            break

    assert sorted(household.arrived()) == [1, 2, 3]
    assert household.asked(LISTING) == 1
    assert household.core.pending() == {}


def test_one_book_is_matched_by_its_id_and_sent(household: Household, shelf: list[dict[str, Any]]) -> None:
    result = household.act("match_book", book=shelf[0]["partial_md5"], args={"id": "3"})

    assert result.ok
    assert household.match_of(shelf[0]) == ("3", *PERSON)
    assert household.arrived() == [3]


@pytest.mark.parametrize("number", ["4711", "0", "-1", "x"])
def test_an_id_that_is_no_book_is_refused(household: Household, shelf: list[dict[str, Any]], number: str) -> None:
    result = household.act("match_book", book=shelf[0]["partial_md5"], args={"id": number})

    assert not result.ok
    assert household.matches() == {}


def test_one_book_is_chosen_and_can_be_chosen_anew(household: Household, shelf: list[dict[str, Any]]) -> None:
    book = shelf[2]
    household.act("match_book", "Dune\n", book=book["partial_md5"])

    household.act("match_book", True, EDIT, "2", book=book["partial_md5"])
    household.read(book)
    household.sync()

    assert household.match_of(book) == ("2", *PERSON)
    assert household.arrived() == [1, 2]


def test_what_is_matched_automatically_first_is_sent_before_anybody_is_asked(household: Household) -> None:
    dune = household.server.books[1]
    household.read({**sample_book(), "partial_md5": dune.partial_md5, "size": len(dune.read() or b"")})
    household.read(sample_book("Ulysses"))

    (question,) = questions(household, "match_unmatched")

    assert question.text.startswith("1 book matched (1 still unmatched)")
    assert household.arrived() == [1]


def test_rematching_all_forgets_and_finds_anew_with_one_listing(household: Household) -> None:
    for book in household.server.books.values():
        known = {**sample_book(), "partial_md5": book.partial_md5, "file": f"/mnt/{book.file_name}"}
        household.read({**known, "title": book.title, "size": len(book.read() or b"")})
    household.sync()
    before, listed = household.matches(), household.asked(LISTING)

    result = household.act("rematch_all")

    assert result.message == "4 books matched anew"
    assert household.matches() == before
    assert household.asked(LISTING) <= listed + 1
    assert len(household.arrived()) == 4


def test_cleared_cache_keeps_queues_and_what_was_synced(household: Household, shelf: list[dict[str, Any]]) -> None:
    household.act("match_unmatched", True, "Dune\n", CANCEL)

    household.act("clear_cache", True)

    assert household.matches() == {}
    assert household.core.pending() == {"session": 2}
    assert household.core.status().synced == {"session": 1}
    household.act("match_book", book=shelf[2]["partial_md5"], args={"id": "1"})
    assert household.arrived() == [1]
    assert compare(household.core).is_clean


def test_a_book_by_other_authors_is_less_likely(household: Household) -> None:
    household.server.add_book(small_epub("h"), "h.epub", "Silence", ["Shusaku Endo"])
    household.server.add_book(small_epub("k"), "k.epub", "Silence", ["John Cage"])
    household.read({**sample_book("Other"), "title": "Silence", "authors": ["Cage, John"]})

    _, question = questions(household, "match_unmatched", True)

    assert question.options[0] == "100 % · Silence\nJohn Cage"
    assert question.options[1].endswith("Silence\nShusaku Endo")
    assert question.options[1] < "90"
