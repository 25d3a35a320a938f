"""`booklore track`: the switch of a single book."""

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import SampleReader, sample_book


def test_tracking_of_one_book_is_switched_off(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    dune = sample_book()
    reader.open(dune)
    booklore("ingest", spool())

    ran = booklore("track", dune["partial_md5"][:6], "off", "--json")
    reader.turn(20)
    reader.close()
    booklore("ingest", spool())

    assert ran.json == {"book": dune["partial_md5"], "title": "Dune", "tracked": False}
    assert booklore("status", "--json").json["pending"] == {}


def test_tracking_of_a_book_never_heard_of_is_refused(booklore: Booklore) -> None:
    ran = booklore("track", "00ff", "on", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("booklore: no book is known as '00ff': give its title") and ran.err.count("\n") == 1


@pytest.mark.parametrize("book", ["Völlig 2", "vÖllig  2", "lig 2", "abab", "/mnt/Two.epub", "/media/kobo/Two.epub"])
def test_book_is_known_by_title_digest_or_path(
    booklore: Booklore, reader: SampleReader, spool: Spool, book: str
) -> None:
    reader.read(sample_book("Völlig 2", partial_md5="ab" * 16, file="/mnt/Two.epub"))
    reader.read(sample_book("Völlig anders", partial_md5="ac" * 16, file="/mnt/Twenty.epub"))
    booklore("ingest", spool())

    found = {
        "track": booklore("track", book, "off", "--json").json["book"],
        "match": booklore("match", book).err.split("`")[1].split()[2],
    }

    assert set(found.values()) == {"ab" * 16}


def test_start_that_fits_two_books_is_refused(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    for ending in "ab":
        reader.read(sample_book(ending, partial_md5="0" * 31 + ending))
    booklore("ingest", spool())

    ran = booklore("track", "000", "off")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert all("0" * 31 + ending in ran.err for ending in "ab")


def test_nothing_of_a_book_is_ever_sent_and_what_waits_is_discarded(
    booklore: Booklore, reader: SampleReader, spool: Spool
) -> None:
    book = sample_book()["partial_md5"]
    reader.read(sample_book())
    booklore("ingest", spool())
    asked = booklore("track", book, "off", "--discard")
    waits = booklore("status", "--json").json["pending"]

    done = booklore("track", book, "off", "--discard", "--yes")

    assert asked.code == 1 and "--yes" in asked.err
    assert waits and not booklore("status", "--json").json["pending"]
    assert done.code == 0 and "is not tracked from now on" in done.out
    assert booklore("track", book, "on", "--discard").code == 1
