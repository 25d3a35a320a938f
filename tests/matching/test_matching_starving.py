"""Libraries in which many files are alike: the likeliest is read first, a run goes on as long as there is time."""

from __future__ import annotations

import random
from typing import Any

import pytest
from library_world import LISTING, Household, OpenHousehold, on_device

from booklore_core.testing import SampleReader, ServerBook, sample_book

KIB = 1024
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "larch", "moor", "otter")
DIALECTS = ("booklore", "grimmory", "custom")


def content_of(number: int, size: int) -> bytes:
    return f"{number:08d}".encode() * (size // 8)


def stock(household: Household, count: int, sizes: list[int]) -> list[ServerBook]:
    """So many books with titles of their own, by fifty authors; the same every time."""
    chance = random.Random(7)
    books = []
    for number in range(count):
        title = f"{' '.join(chance.sample(WORDS, 3))} {number}".title()
        author = f"{chance.choice(WORDS).title()} {chance.choice(WORDS).title()}son"
        content = content_of(number, chance.choice(sizes))
        books.append(household.server.add_book(content, f"{title} - {author}.epub", title, [author]))
    return books


def read_all(household: Household, books: list[dict[str, Any]]) -> None:
    reader = SampleReader()
    for book in books:
        reader.read(book, pages=3)
        reader.sleep(900)
    household.core.take(reader.lines, "test")


def ranges_of(household: Household) -> int:
    before = household.ranges()
    household.sync()
    return household.ranges() - before


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("count", "sizes"), [(3000, [3 * KIB]), (1500, [KIB + 64 * step for step in range(32)])])
def test_forty_books_among_thousands_of_one_size_are_found_in_one_run(
    open_household: OpenHousehold, dialect: str, count: int, sizes: list[int]
) -> None:
    household = open_household(dialect, {"books": []})
    wanted = random.Random(9).sample(stock(household, count, sizes), 40)
    read_all(household, [on_device(book) for book in wanted])

    by_digest = household.asked("/api/v1/books/by-hash/")
    ranges = ranges_of(household)
    by_digest = household.asked("/api/v1/books/by-hash/") - by_digest

    assert len(household.matches()) == 40
    assert ranges + by_digest <= 41
    assert household.asked(LISTING) == 1


@pytest.mark.parametrize("dialect", ["booklore"])
def test_what_was_renamed_or_edited_costs_little_more(open_household: OpenHousehold, dialect: str) -> None:
    household = open_household(dialect, {"books": []})
    wanted = random.Random(9).sample(stock(household, 3000, [3 * KIB]), 40)
    known = [on_device(book) for book in wanted]
    for number, book in enumerate(known):
        if number % 4 == 1:
            known[number] = {**book, "title": f"{book['title']} (A Series #{number})", "file": f"/mnt/{number}.epub"}
        elif number % 4 == 2:
            known[number] = {**book, "title": None, "file": f"/mnt/{wanted[number].title} by somebody.epub"}
    read_all(household, known)

    ranges = ranges_of(household)

    assert len(household.matches()) == 40
    assert ranges <= 3 * 40


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_twenty_books_of_one_size_that_nothing_else_tells_apart_are_found_in_one_run(
    open_household: OpenHousehold, dialect: str
) -> None:
    household = open_household(dialect, {"books": []})
    books = [household.server.add_book(content_of(number, 5 * KIB), f"{number}.epub") for number in range(20)]
    read_all(household, [on_device(book, file=f"/mnt/book of {book.id}.epub") for book in books])

    ranges = ranges_of(household)

    assert len(household.matches()) == 20
    assert ranges == 20


@pytest.mark.parametrize("dialect", ["booklore"])
def test_strangers_of_that_size_hold_nobody_up_and_are_not_read_twice(
    open_household: OpenHousehold, dialect: str
) -> None:
    household = open_household(dialect, {"books": []})
    books = stock(household, 400, [3 * KIB])
    strangers = [sample_book(f"Unheard of {number}", size=3 * KIB) for number in range(3)]
    read_all(household, [*strangers, *(on_device(book) for book in books[:10]), *strangers])

    first = ranges_of(household)
    later = [ranges_of(household) for _ in range(14)]

    assert len(household.matches()) == 10
    assert first <= 10 + 30
    assert first + sum(later) <= 400
    assert later[-1] == 0


@pytest.mark.parametrize("dialect", ["booklore"])
def test_run_goes_on_until_its_time_is_up_and_keeps_what_it_found(open_household: OpenHousehold, dialect: str) -> None:
    household = open_household(dialect, {"books": []})
    books = stock(household, 60, [3 * KIB])
    read_all(household, [on_device(book) for book in books])
    household.server.on_request = lambda record: household.clock.forward(record.path.endswith("/content"))

    household.sync()
    first = len(household.matches())
    household.sync()

    assert 25 <= first <= 35
    assert len(household.matches()) == 60


@pytest.mark.parametrize("dialect", ["booklore"])
def test_list_that_comes_late_leaves_time_for_some_books(open_household: OpenHousehold, dialect: str) -> None:
    household = open_household(dialect, {"books": []})
    books = stock(household, 10, [3 * KIB])
    read_all(household, [on_device(book) for book in books])
    household.server.on_request = lambda record: household.clock.forward(34 * (record.path == LISTING))

    household.sync()

    assert len(household.matches()) == 10


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5"])
@pytest.mark.parametrize("fault", ["status:500", "status:503", "half_body", "close_before"])
def test_list_that_fails_keeps_no_session_of_a_matched_book(household: Household, fault: str) -> None:
    dune, emma = (on_device(household.server.books[number]) for number in (1, 2))
    household.read(dune)
    household.sync()
    household.server.fail(fault, f"GET {LISTING}$", times=None)

    household.read(dune)
    household.read(emma)
    household.sync()

    assert household.arrived() == [1, 1]
    (waiting,) = household.core.status().waiting
    assert "the server's list of books cannot be had: " in waiting.reason
    household.server.recover()
    household.sync()
    assert household.arrived() == [1, 1, 2]
