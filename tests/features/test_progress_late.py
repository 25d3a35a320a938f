"""Reading that is told late, after the book was opened since: it was read, and when it was."""

from __future__ import annotations

import pytest
from library_world import Household, on_device

from booklore_core import Position
from booklore_core.pipeline.facts import item_of
from booklore_core.testing import SampleReader

HELD = "SELECT i.*, b.* FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.key LIKE :key"
KOBO, BOOX = "kobo-1", "boox-2"


@pytest.fixture
def home(tmp_path):
    home = Household(tmp_path / "home", "booklore", plugins=("progress",))
    yield home
    home.close()


@pytest.fixture
def book(home):
    return on_device(next(iter(home.server.books.values())), pages=600)


def take(home, *lines):
    assert not home.core.take(lines, "test").rejected


def read(reader, book, page, pages=5):
    """Reads on from a page, and goes to sleep for a while."""
    reader._pages[book["partial_md5"]] = page
    lines = reader.read(book, pages)
    reader.sleep(3600)
    return lines


def opened(reader, book, page=None):
    """Opens the book where it was closed, or at another page, and closes it without reading."""
    if page:
        reader._pages[book["partial_md5"]] = page
    lines = [reader.open(book)]
    reader.wait(60)
    return [*lines, reader.close()]


def place(home, device):
    (row,) = home.core.database.rows(HELD, key=f"%:{device}")
    return Position.of(item_of(row))


def there(home):
    """Pages into the book, of six hundred."""
    return [round(600 * one["percentage"]) for one in home.server.pushes]


def two_readers(book):
    """One who has read to page 17, another to 26 later, who has opened the book since where he was."""
    boox, kobo = SampleReader(BOOX), SampleReader(KOBO)
    early = read(boox, book, 12)
    kobo.now = boox.now
    late = read(kobo, book, 21)
    return early, late, opened(kobo, book)


def test_reading_that_ends_where_the_book_was_opened_since_is_read(home, book):
    early, late, since = two_readers(book)
    take(home, *early)
    home.sync()
    take(home, *since)
    home.sync()
    assert there(home) == [17]

    take(home, *late)
    home.sync()

    assert there(home) == [17, 26]
    assert not place(home, KOBO).is_opening
    assert home.core.pending() == {}


def test_it_was_read_when_it_was_and_not_when_the_book_was_opened(home, book):
    """Who has read meanwhile, and less far, is the later."""
    early, late, since = two_readers(book)
    boox = SampleReader(BOOX)
    boox.now = SampleReader().now.replace(hour=10, minute=0)
    boox._counter = 50
    meanwhile = read(boox, book, 30)
    take(home, *early, *meanwhile)
    home.sync()
    for line in since:
        line["at"] = line["at"].replace("T10:", "T12:")

    take(home, *since)
    take(home, *late)
    home.sync()

    assert there(home) == [35]
    ((reason,),) = [tuple(row.values()) for row in home.core.database.rows(
        "SELECT reason FROM deliveries WHERE state = 'superseded'")]  # fmt: skip
    assert "read later" in reason


@pytest.mark.parametrize("order", ["late", "in order"])
def test_a_book_that_was_opened_further_on_was_read_when_the_late_lines_say(home, book, order):
    kobo = SampleReader(KOBO)
    late = read(kobo, book, 21)
    since = opened(kobo, book, page=60)
    lines = (late, since) if order == "in order" else (since, late)

    for some in lines:
        take(home, *some)

    held = place(home, KOBO)
    assert (round(600 * held.percent), held.is_opening) == (60, True)
    assert held.read_at == SampleReader().now.timestamp() + 200


@pytest.mark.parametrize("last", [0, 1])
def test_several_late_stretches_count_in_their_order(home, book, last):
    kobo = SampleReader(KOBO)
    first, second = read(kobo, book, 21), read(kobo, book, 26)
    since = opened(kobo, book)
    take(home, *since)

    for lines in (second, first)[:: -1 if last else 1]:
        take(home, *lines)
    home.sync()

    held = place(home, KOBO)
    assert (round(600 * held.percent), held.is_opening) == (31, False)
    assert held.read_at == SampleReader().now.timestamp() + 200 + 3600 + 200
    assert there(home) == [31]


def test_checkpoints_on_the_way_there_take_nothing_of_it(home, book):
    kobo = SampleReader(KOBO)
    kobo._pages[book["partial_md5"]] = 21
    kobo.open(book)
    for _ in range(2):
        kobo.turn(5)
        kobo.checkpoint()
    kobo.close()
    late = list(kobo.lines)
    kobo.sleep(3600)
    take(home, *opened(kobo, book))

    take(home, *late)

    held = place(home, KOBO)
    assert (round(600 * held.percent), held.is_opening) == (31, False)
    assert held.read_at == SampleReader().now.timestamp() + 400


def test_what_a_dead_battery_has_put_back_is_told_as_read(home, book):
    boox, kobo = SampleReader(BOOX), SampleReader(KOBO)
    early = read(boox, book, 12)
    kobo.now = boox.now
    kobo._pages[book["partial_md5"]] = 21
    kobo.open(book)
    kobo.turn(5)
    kobo.checkpoint()
    late = list(kobo.lines)
    kobo.die()
    since = opened(kobo, book, page=21)
    take(home, *early, *since)
    home.sync()

    take(home, *late)
    home.sync()

    assert there(home)[-1] == 26
