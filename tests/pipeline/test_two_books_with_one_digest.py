"""KOReader keeps a digest when another book is written to the same path: a line about that one waits."""

import pytest

from booklore_core.testing import FakeTarget, SampleReader, sample_book

FIRST = {**sample_book("First Download"), "size": 3728}
STALE = {**FIRST, "title": "Second Download", "size": 5901}


WAITS = (
    "the digest is that of “First Download” (3728 bytes), and this line is about “Second Download” (5901 bytes), "
    "which is another file"
)


def quarantined(core):
    return [(line.field, line.reason) for line in core.quarantine.lines()]


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_read_of_the_second_book_does_not_go_to_the_first(open_core, at_once):
    core = open_core(FakeTarget())
    reader = SampleReader()
    lines = [*reader.read(FIRST), *reader.read(STALE)]

    taken = [core.take(part, "test") for part in ([lines] if at_once else [[line] for line in lines])]

    assert sum(one.accepted for one in taken) == 2
    assert core.pending() == {"session": 1}
    assert core.books.get(FIRST["partial_md5"]).title == "First Download"
    assert quarantined(core) == [("book.partial_md5", WAITS)] * 2


def test_a_deletion_by_a_kept_digest_names_no_other_book(open_core):
    core = open_core()
    reader = SampleReader()
    core.take(reader.read(FIRST), "test")
    gone = {name: value for name, value in STALE.items() if name != "size"}

    taken = core.take([reader.delete(gone)], "test")

    assert (taken.accepted, len(taken.rejected)) == (0, 1)


@pytest.mark.parametrize(
    "again",
    [
        {**FIRST, "title": "A title of my own"},
        {**FIRST, "size": 5901},
        {**FIRST, "title": "FIRST  download", "size": 5901},
        {name: value for name, value in FIRST.items() if name != "title"} | {"size": 5901},
    ],
    ids=["another title", "highlights in the file", "another writing", "no title"],
)
def test_the_same_book_with_a_new_title_or_size_is_the_same(open_core, again):
    core = open_core(FakeTarget())
    reader = SampleReader()
    core.take(reader.read(FIRST), "test")

    taken = core.take(reader.read(again), "test")

    assert (taken.accepted, taken.rejected) == (2, [])
