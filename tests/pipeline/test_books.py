"""A book is its partial MD5: where its file lies, what it is called and who has it may change."""

import pytest

from booklore_core import BookRef, Match
from booklore_core.testing import FakeLibrary, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
MD5 = DUNE["partial_md5"]


@pytest.fixture
def core(open_core):
    return open_core()


def see(core, book, device="kobo"):
    core.take([SampleReader(device, _counter=see.count).open(book)], "test")
    see.count += 1


see.count = 0


def test_a_book_is_known_from_its_first_line(core):
    see(core, {**DUNE, "identifiers": "ISBN:9780441013593", "language": "en"})

    book = core.books.get(MD5)

    assert (book.title, book.authors, book.isbn) == ("Dune", ("Frank Herbert",), "9780441013593")
    assert (book.file, book.size) == (DUNE["file"], DUNE["size"])


def test_what_a_later_line_does_not_tell_stays_as_it_was(core):
    see(core, {**DUNE, "identifiers": "ISBN:9780441013593"})

    see(core, {"partial_md5": MD5})

    assert core.books.get(MD5).title == "Dune"
    assert core.books.get(MD5).authors == ("Frank Herbert",)
    assert core.books.get(MD5).isbn == "9780441013593"


def test_a_book_keeps_every_isbn_that_it_carries(core):
    see(core, {**DUNE, "identifiers": "AMAZON:0306407221\nurn:isbn:9780441013593\nISBN:9780306406157"})

    book = core.books.get(MD5)

    assert (book.isbn, book.isbns) == ("9780441013593", ("9780441013593", "9780306406157", "9780306407222"))
    assert core.database.value("SELECT isbn13 FROM book_cache") == "9780441013593"


def test_a_moved_file_is_the_same_book(core):
    see(core, DUNE)

    see(core, {**DUNE, "file": "/mnt/onboard/read/dune.epub"})

    assert core.status().books["total"] == 1
    assert core.books.get(MD5).file == "/mnt/onboard/read/dune.epub"


def test_another_book_at_the_same_path_is_another_book_where_the_old_plugin_kept_the_old_digest(core):
    see(core, DUNE)

    see(core, {**EMMA, "file": DUNE["file"]})

    assert core.books.get(EMMA["partial_md5"]).file == DUNE["file"]
    assert core.books.get(MD5).file is None


@pytest.mark.parametrize("digest", ["", None, "0", "z" * 32])
def test_an_empty_digest_is_never_accepted_because_it_made_all_books_one(core, digest):
    taken = core.take([SampleReader().open({**DUNE, "partial_md5": digest})], "test")

    assert [refused.field for refused in taken.rejected] == ["book.partial_md5"]
    assert core.status().books["total"] == 0
    with pytest.raises(ValueError, match="partial_md5"):
        BookRef(digest or "")


def test_a_digest_in_capitals_is_the_same_book(core):
    see(core, DUNE)
    see(core, {**DUNE, "partial_md5": MD5.upper()})

    assert core.status().books["total"] == 1


def test_books_are_found_by_the_beginning_of_their_digest(core):
    see(core, DUNE)
    see(core, EMMA)

    assert [book.title for book in core.books.find(MD5[:6].upper())] == ["Dune"]
    assert core.books.find("_") == []
    assert core.books.find("%") == []


def test_what_means_several_books_finds_them_all_but_what_is_named_in_full_goes_first(core):
    see(core, DUNE)
    see(core, {**DUNE, "partial_md5": "d" * 32, "title": "Dune Messiah", "file": "/mnt/messiah.epub"})
    see(core, {**DUNE, "partial_md5": "e" * 32, "title": None, "file": "/mnt/children-of-dune.epub"})

    assert [book.title for book in core.books.find("dune")] == ["Dune"]
    assert {book.partial_md5 for book in core.books.find("dun")} == {MD5, "d" * 32, "e" * 32}
    assert [book.partial_md5 for book in core.books.find("children-of")] == ["e" * 32]
    assert core.books.find(" ") == []


def test_tracking_is_on_until_it_is_switched_off(core):
    see(core, DUNE)
    assert core.books.is_tracked(MD5)
    assert core.books.is_tracked("0" * 32)

    core.books.track(MD5, False)

    assert not core.books.is_tracked(MD5)


def test_a_match_is_remembered_per_target_and_can_be_forgotten(core, clock):
    see(core, DUNE)
    core.books.match(MD5, "home", Match("42", "digest"), clock())
    core.books.match(MD5, "club", Match("7", "isbn"), clock())
    core.books.match(MD5, "home", Match("43", "person"), clock())

    assert core.books.matches("home") == {MD5: "43"}
    assert core.books.unmatched("home") == []
    assert core.status().books == {"total": 1, "matched": 1, "unmatched": 0}

    core.books.forget_match(MD5, "home")

    assert core.books.matches("home") == {}
    assert core.books.matches("club") == {MD5: "7"}


def test_matching_a_book_with_a_queue_keeps_the_queue_where_the_old_plugin_failed_on_foreign_keys(open_core):
    library = FakeLibrary({})
    core = open_core(library)
    core.take(SampleReader().read(DUNE), "test")
    core.sync()

    library.shelf[MD5] = "42"
    core.sync()

    assert [item.book.match for item in library.received] == ["42"]
