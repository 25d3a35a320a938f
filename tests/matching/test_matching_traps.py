"""Libraries that invite mistakes: a wrong book is never chosen silently, whatever the dialect."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from library_world import Household, on_device, swapped

from booklore_core import BookRef, Match
from booklore_core.isbn import check_digit_13
from booklore_core.testing import ServerBook, partial_digest, sample_book, small_epub

BOX, OTHER = "9780306406157", "9780441013593"
CUT = "978-0-306-40615-7"


def held(household: Household, title: str | None, author: str = "Ann Author", **facts: Any) -> ServerBook:
    """A book that the server has, in an edition of its own."""
    content = small_epub(f"{title} by {author} {facts}")
    name = facts.pop("file_name", f"{len(household.server.books)}.epub")
    return household.server.add_book(content, name, title, [author], **facts)


def mine(title: str | None, author: str = "Ann Author", isbn: str = "", **facts: Any) -> dict[str, Any]:
    """A book on the device that the server does not have."""
    identifiers = f"ISBN:{isbn}" if isbn else None
    known = sample_book(f"mine {title} {author} {facts}", authors=[author], identifiers=identifiers, size=7_777_777)
    return {**known, "title": title, **facts}


def assert_asked(household: Household, *books: dict[str, Any]) -> None:
    """The books are left to a person, and nothing of them is sent anywhere."""
    for book in books:
        household.read(book)
    household.sync()
    household.sync()
    assert household.matches() == {}
    assert household.arrived() == []
    assert household.core.pending() == {"session": len(books)}


def isbn_number(number: int) -> str:
    """One valid ISBN for each number."""
    digits = f"97803064{number:04d}"
    return digits + check_digit_13(digits)


VOLUMES = [
    ("Saga: Volume One", "Saga: Volume Two"),
    ("Saga", "Saga: Volume Two"),
    ("Saga: The Complete Trilogy", "Saga"),
    ("Saga (Saga #1)", "Saga (Saga #2)"),
    ("Saga 1", "Saga 2"),
    ("Saga I", "Saga II"),
    ("Saga - Band 1", "Saga - Band 2"),
    ("Foundation", "Foundation and Empire"),
    ("The Fellowship of the Ring", "The Two Towers"),
    ("Saga: Volume One", None),
    (None, "Saga 2"),
    ("Ｓａｇａ： Volume One", "SAGA:\n  volume   two"),
]


def test_volumes_that_share_the_isbn_of_their_box(household: Household) -> None:
    isbns = [isbn_number(number) for number in range(len(VOLUMES))]
    for (theirs, _), isbn in zip(VOLUMES, isbns, strict=True):
        held(household, theirs, isbn13=isbn)

    assert_asked(household, *(mine(ours, isbn=isbn) for (_, ours), isbn in zip(VOLUMES, isbns, strict=True)))


def test_isbn_of_somebody_elses_book(household: Household) -> None:
    held(household, "Poems", author="Bob Writer", isbn13=BOX)

    assert_asked(household, mine("Poems", isbn=BOX))


def test_isbn_that_two_editions_share(household: Household) -> None:
    held(household, "Poems", isbn13=BOX)
    held(household, "Poems", isbn10="0306406152", library_id=2)

    assert_asked(household, mine("Poems", isbn=BOX))


BAD_ISBNS = ["9780306406158", "0306406153", "978-0-306-40615", "X", "-", "9" * 13]
STAND_INS = ["0000000000", "9780000000002", "1111111111", "123456789X", "978-1-234-56789-7"]


def test_isbn_that_is_none_and_isbn_that_stands_in_for_a_missing_one(household: Household) -> None:
    held(household, "Without one")
    for number, isbn in enumerate(BAD_ISBNS + STAND_INS):
        held(household, f"Poems {number}", isbn13=isbn)

    assert_asked(household, *(mine(f"Poems {number}", isbn=isbn) for number, isbn in enumerate(BAD_ISBNS + STAND_INS)))


def test_isbn_that_the_server_has_mutilated(household: Household) -> None:
    for written in (CUT[:13], "9780306", "", "0", "978030640615X"):
        held(household, "Poems", isbn13=written)

    assert_asked(household, mine("Poems", isbn=BOX))


def test_isbn_of_an_audiobook(household: Household) -> None:
    household.server.add_book(b"sound" * 999, "poems.m4b", "Poems", ["Ann Author"], isbn13=BOX)

    assert_asked(household, mine("Poems", isbn=BOX))


def test_equal_titles(household: Household) -> None:
    held(household, "Selected Poems", "Ann Author")
    held(household, "Collected Poems", "Bob Writer")

    assert_asked(household, mine("Selected Poems"), mine("Collected Poems"))


def test_equal_titles_in_two_formats(household: Household) -> None:
    household.server.add_book(b"%PDF" + b"poems" * 999, "poems.pdf", "Poems", ["Ann Author"])

    assert_asked(household, mine("Poems", file="/mnt/poems.epub"))


def test_files_that_are_alike_in_all_but_one_thing(household: Household) -> None:
    book = held(household, "Poems", author="Bob Writer", file_name="poems.epub")
    digest = partial_digest(swapped(book.read() or b""))
    differences: list[dict[str, Any]] = [
        {"title": "Poems, revised"},
        {"file": "/mnt/poems2.epub"},
        {"authors": ["Ann Author"]},
        {"title": None},
        {"size": 7_777_777},
    ]

    others = [{"partial_md5": f"{number}{digest[1:]}", **one} for number, one in enumerate(differences)]
    assert_asked(household, *(on_device(book, **other) for other in others))


def test_two_files_of_one_name_size_and_title(household: Household) -> None:
    book = held(household, "Poems", file_name="poems.epub")
    household.server.add_book(swapped(book.read() or b""), "poems.epub", "Poems", ["Ann Author"], library_id=2)
    digest = partial_digest((book.read() or b"")[:-1] + b"?")

    assert_asked(household, on_device(book, partial_md5=digest[::-1]))


def test_likely_book_whose_file_cannot_be_read_keeps_the_others_from_being_chosen(household: Household) -> None:
    right, tempting = held(household, "Poems"), held(household, "Poems", isbn13=BOX)
    household.server.fail("refuse", f"GET /api/v1/books/{right.id}/content", times=None)
    household.server.fail("refuse", "GET /api/v1/books/by-hash", times=None)
    book = on_device(right, identifiers=f"ISBN:{BOX}", file="/mnt/poems-mine.epub")

    assert_asked(household, book)
    household.server.recover()
    household.clock.forward(900)
    household.sync()

    assert household.match_of(book) == (str(right.id), "digest", 1.0)
    assert str(tempting.id) not in {match[0] for match in household.matches().values()}


@pytest.mark.parametrize(
    ("title", "author"),
    [
        ("Poems\n", "Author, Ann"),
        ("poems ", "ANN AUTHOR"),
        ("“Poems”", ""),
        ("Ｐｏｅｍｓ", "A. Author"),
    ],
)
def test_what_differs_in_writing_only_is_still_found(household: Household, title: str, author: str) -> None:
    book = held(household, "Poems", isbn13=CUT if household.dialect != "grimmory" else BOX)
    known = mine(title, isbn="0-306-40615-2", authors=[author] if author else [], size=len(book.read() or b"") * 2)

    household.read(known)
    household.sync()

    assert household.match_of(known) == (str(book.id), "isbn", 0.95)


SAMPLE = 4
"""The volume that stands for a sample of the box."""


@dataclass(frozen=True)
class Work:
    """One volume of a series, 0 for the box with all of them, SAMPLE for a sample of it."""

    series: str
    volume: int
    author: str


SERIES, AUTHORS = ("Saga", "Emma", "The Long Way"), ("Ann Author", "Ann Writer")
ISBNS = {"Saga": BOX, "Emma": OTHER, "The Long Way": "9780140328721"}
STYLES = ("{0}: Volume {1}", "{0} {1}", "{0} (Book {1})", "{0} - Bd. {1}", "{0}\n   #{1}", "{0} 第{1}卷", "{0} Т. {1}")
BOXES = ("{0}", "{0}: The Complete Series", "{0} (Box Set)")
SAMPLES = ("{0}", "{0}: Leseprobe", "{0} [extrait]")
works = st.builds(Work, st.sampled_from(SERIES), st.integers(0, SAMPLE), st.sampled_from(AUTHORS))
copies = st.tuples(works, st.integers(0, 6), st.booleans(), st.integers(0, 1))
"""A work, how its title is written, whether it carries the ISBN of its series, and which edition it is."""


def title_of(work: Work, style: int) -> str:
    forms = {0: BOXES, SAMPLE: SAMPLES}.get(work.volume, STYLES)
    return forms[style % len(forms)].format(work.series, work.volume)


def isbn_of(work: Work, edition: int) -> str:
    """The ISBN of the series for the first edition; the others have none."""
    return "" if edition else ISBNS[work.series]


def content_of(work: Work, edition: int) -> bytes:
    """A sample is a tenth of the other works."""
    return small_epub(f"{work} {edition}", paragraphs=(20 if work.volume == SAMPLE else 200) + edition)


def stock(household: Household, shelf: list[tuple[Work, int, bool, int]], rewritten: bool) -> dict[str, Work]:
    """Puts these editions into an empty library. Returns which work each id is."""
    for number in household.server.books:
        household.server.remove_book(number)
    found = {}
    for work, style, has_isbn, edition in shelf:
        isbn = isbn_of(work, edition) if has_isbn else None
        content = content_of(work, edition)
        book = household.server.add_book(content, "book.epub", title_of(work, style), [work.author], isbn13=isbn)
        if rewritten:
            household.server.rewrite_book(book.id, swapped(content))
        found[str(book.id)] = work
    return found


@settings(deadline=None, max_examples=10, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(shelf=st.lists(copies, min_size=1, max_size=8), style=st.integers(0, 6), rewritten=st.booleans())
def test_whatever_is_matched_is_the_same_work(
    household: Household, shelf: list[tuple[Work, int, bool, int]], style: int, rewritten: bool
) -> None:
    stocked = stock(household, shelf, rewritten)
    refs = {}
    works = product(sorted({one[0].series for one in shelf}), range(SAMPLE + 1), AUTHORS, (0, 1))
    for series, volume, author, edition in works:
        work = Work(series, volume, author)
        content = content_of(work, edition)
        facts = (title_of(work, style), (author,), isbn_of(work, edition) or None, "/mnt/book.epub", len(content))
        for digest in (partial_digest(content), partial_digest(content)[::-1]):
            refs[digest] = (BookRef(digest, *facts), work)

    matches = match_all(household, [ref for ref, _ in refs.values()])

    wrong = {md5: match for md5, match in matches.items() if stocked[match.remote_id] != refs[md5][1]}
    assert wrong == {}
    exact = {partial_digest(content_of(work, edition)) for work, _, _, edition in shelf}
    assert {md5 for md5, match in matches.items() if match.how == "digest"} == (set() if rewritten else exact)


@settings(deadline=None, max_examples=5, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(shelf=st.lists(copies, min_size=1, max_size=6), style=st.integers(0, 6), more=st.integers(1_024, 9_000))
def test_digest_of_a_file_of_another_size_proves_nothing(
    household: Household, shelf: list[tuple[Work, int, bool, int]], style: int, more: int
) -> None:
    stock(household, shelf, rewritten=False)
    refs = []
    for work, _, _, edition in shelf:
        content = content_of(work, edition)
        other = Work(f"Not {work.series}", work.volume, work.author)
        facts = (title_of(other, style), (work.author,), isbn_of(work, edition) or None, "/mnt/book.epub")
        refs.append(BookRef(partial_digest(content), *facts, size=len(content) + more))

    assert match_all(household, refs) == {}


def match_all(household: Household, refs: list[BookRef]) -> dict[str, Match]:
    target: Any = household.core.targets["booklore"]
    matches: dict[str, Match] = target.match(refs)
    target.close()
    return matches
