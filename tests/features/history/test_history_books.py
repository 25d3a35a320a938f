"""Which book the pages are of, however KOReader has written it down."""

import pytest
from history_world import START, add_book, add_pages, digest, open_file, reading

from booklore_core.testing import SampleReader, sample_book

A, B = digest("a file"), digest("another file")


@pytest.fixture
def db(path):
    """A file without books."""
    return open_file(path)


@pytest.fixture
def books(db, path, read):
    """What becomes of books that were read one after the other, ten minutes each: title, authors, digest of each."""

    def books(*given):
        for number, (title, authors, md5) in enumerate(given):
            add_pages(db, *reading(15, at=number * 3600), book=add_book(db, title, md5, authors))
        return [(one.book.title, one.book.authors, one.book.partial_md5) for one in read(path)[0]]

    return books


@pytest.mark.parametrize("md5", [A, A.upper(), f" {A}\n", A.encode()])
def test_a_digest_is_one_however_it_is_written(books, md5):
    assert books(("Dune", "Frank Herbert", md5)) == [("Dune", ("Frank Herbert",), A)]


@pytest.mark.parametrize("md5", [None, "", "N/A", A[:31], f"{A}0", "g" * 32, 1234567890, b"\xff" * 16])
def test_a_book_without_a_digest_is_given_one_that_is_the_same_in_every_copy(books, md5):
    ((title, _, made),) = books(("Dune", "Frank Herbert", md5))

    assert title == "Dune"
    assert made == digest("statistics\ndune\nfrank herbert")


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (" Whitespace Oddities ", "Whitespace Oddities"),
        ("Dune\0", "Dune"),
        ("D\0une\0", "Dune"),
        (1984, "1984"),
        (19.5, "19.5"),
        ("Die Verwandlung 🪲", "Die Verwandlung 🪲"),
        (b"Caf\xe9", "Caf\ufffd"),
        ("N/A", None),
        ("n/a ", None),
        (None, None),
        ("", None),
    ],
)
def test_a_title_is_what_can_be_read_of_it(books, written, title):
    assert books((written, "", A)) == [(title, (), A)]


@pytest.mark.parametrize(
    ("written", "authors"),
    [
        ("P. Gil\nSecond Author", ("P. Gil", "Second Author")),
        (" P. Gil \n\n", ("P. Gil",)),
        ("N/A", ()),
        (None, ()),
        ("P. Gil\0", ("P. Gil",)),
        (b"\xff\n", ("\ufffd",)),
    ],
)
def test_authors_stand_in_lines(books, written, authors):
    assert books(("Dune", written, A)) == [("Dune", authors, A)]


def test_a_title_of_broken_characters_is_read_as_far_as_it_goes(db, read, path):
    db.execute("INSERT INTO book (title, authors, md5) VALUES (CAST(x'44756EFF' AS TEXT), 'x', ?)", (A,))
    add_pages(db, *reading(3))

    assert read(path)[0][0].book.title == "Dun\ufffd"


def test_two_rows_of_one_digest_are_one_book(db, read, path):
    for title in ("Dune", "Dune (renamed)"):
        add_book(db, title, A)
    add_pages(db, *reading(5))
    add_pages(db, *reading(5, at=200), book=2)

    ((item,), _) = read(path)

    assert (item.body["duration"], item.book.title) == (400, "Dune")


def test_a_row_without_a_digest_is_the_only_book_of_its_title_and_authors(books):
    assert books(("Dune", "Frank Herbert", A), ("dune ", "FRANK HERBERT", "")) == [("Dune", ("Frank Herbert",), A)] * 2


def test_a_row_without_a_digest_is_none_of_several_books_of_its_name(books):
    found = books(("Dune", "F. H.", A), ("Dune", "F. H.", B), ("Dune", "F. H.", None))

    assert [md5 for _, _, md5 in found] == [A, B, digest("statistics\ndune\nf. h.")]


def test_a_row_without_a_digest_is_the_book_that_devices_told_of(core, books):
    core.take([SampleReader().open(sample_book("Dune"))], "live")

    assert books(("DUNE", "Frank Herbert", None)) == [("Dune", ("Frank Herbert",), digest("Dune"))]


def test_another_author_is_another_book(books):
    found = books(("Essays", "One", A), ("Essays", "Another", None))

    assert [md5 for _, _, md5 in found] == [A, digest("statistics\nessays\nanother")]


def test_what_devices_told_of_a_book_holds(core, books):
    core.take([SampleReader().open(sample_book("Dune", identifiers="ISBN:9780441013593"))], "live")

    ((title, authors, _),) = books(("Old name", "", digest("Dune")))

    assert (title, authors) == ("Dune", ("Frank Herbert",))


def test_pages_of_no_book_are_left_out_and_counted(db, read, path):
    add_book(db, None, None, None)
    add_pages(db, *reading(3))
    add_pages(db, (500, 10), book=77)

    items, remarks = read(path)

    assert items == []
    assert remarks == ["the history is taken without 4 pages of a book without title and digest, or of none"]


@pytest.mark.parametrize(("at", "year"), [(1_000_000_000 - START, 2001), (-START, 1970), (4_000_000_000 - START, 2096)])
def test_pages_by_a_wrong_clock_are_left_out_with_one_remark_a_book(db, read, path, at, year):
    for title in ("Dune", "Emma", "Persuasion"):
        add_book(db, title)
    for book in (1, 2):
        add_pages(db, *reading(5, at=at), book=book)
    add_pages(db, *reading(5), book=1)
    add_pages(db, *reading(5), book=3)

    items, remarks = read(path)

    left_out = "is taken without 5 pages that were shown before 2010 or in the future, by a clock that was wrong"
    assert {item.book.title for item in items} == {"Dune", "Persuasion"}
    assert remarks == [f"the history of {title} {left_out}" for title in ("Dune", "Emma")]
