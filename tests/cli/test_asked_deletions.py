"""A dozen books that were deleted at once: what status and other commands say while a person is asked about them."""

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import SampleReader, sample_book

ASKED = (
    "More than 10 books were deleted on kobo-7f3a in a row, on 2026-11-20. "
    "Take those off the shelf “KOReader” that the server was not told of yet?"
)
NAMES = ", ".join(f"“Book {number}”" for number in range(1, 13))


@pytest.fixture(autouse=True)
def deleted(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    for number in range(1, 13):
        reader.wait(5)
        reader.delete(sample_book(f"Book {number}"))
    assert booklore("ingest", spool()).code == 0


def test_status_shows_the_question_once_and_counts_beside_what_waits(booklore: Booklore) -> None:
    ran = booklore("status")

    assert ran.out.count(ASKED) == 1
    (row,) = [line for line in ran.out.splitlines() if ASKED in line]
    assert row.startswith("12 deletions  12 books") and row.endswith(f"{ASKED} (12: {NAMES})")
    assert ["Deletions", "0", "12", "0"] in [line.split() for line in ran.out.splitlines()]
    assert "FOR YOUR ANSWER" in ran.out
    assert "more" not in ran.out


def test_status_as_json_counts_them_and_lists_each(booklore: Booklore) -> None:
    status = booklore("status", "--json").json

    assert (status["pending"], status["asked"]) == ({}, {"deletion": 12})
    assert {(one["state"], one["reason"]) for one in status["waiting"]} == {("asked", ASKED)}
    assert len(status["waiting"]) == 12


def test_view_pending_sessions_says_the_same(booklore: Booklore) -> None:
    told = booklore("run", "view-pending").out

    assert told.count(ASKED) == 1
    assert "  Deletions: 0, and 12 for your answer\n" in told


def test_clear_pending_says_what_becomes_of_them(booklore: Booklore) -> None:
    ran = booklore("clear", "pending", "--yes")

    assert ran.out == (
        "Nothing was cleared; not what you are asked about, 12 deletions: `booklore answer` or Answer Questions… "
        "ends that\n"
    )
    assert booklore("answer", "--no").out == "12 changes dropped\n"
    assert booklore("status", "--json").json["asked"] == {}


def test_what_is_asked_is_a_question_and_names_the_books(booklore: Booklore) -> None:
    assert booklore("answer").err == f"booklore: {ASKED} (12: {NAMES}) Give --yes or --no\n"
