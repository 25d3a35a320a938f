"""What is like a book and may be another one: a volume, a sample, a box, a file with the same digest. It is asked."""

from __future__ import annotations

from typing import Any

import pytest
from library_world import Household, OpenHousehold, on_device

from booklore_core.actions import start
from booklore_core.flows import Choose, Request
from booklore_core.testing import ServerBook, partial_digest, sample_book, small_epub

SHARED, ASIN, PRINT, OTHER = "9780306406157", "9780306407222", "9780441013593", "9780140328721"
ASIN_AS_WRITTEN = "0306407221"
AUTHOR = "J. R. Writer"
FULL = small_epub("The whole edition", paragraphs=3_000)
"""About 230 KiB."""

ADDED = [
    "{}: Die Rückkehr",
    "{} – Band 2",
    "{} 2",
    "{} II",
    "{} (Tome 2)",
    "{}. Том второй",
    "{} 第2卷",
    "{}（下）",
    "{} vol. 2",
    "{}, part two",
    "{} #3",
    "{}: Leseprobe",
    "{} (Sample Chapters)",
    "{} [extrait]",
    "{}: The Complete Trilogy",
    "{} Box Set",
    "The {}",
]


def held(household: Household, title: str, content: bytes = FULL, **facts: Any) -> ServerBook:
    return household.server.add_book(content, f"{title}.epub", title, [AUTHOR], **facts)


def mine(title: str | None, size: int, **facts: Any) -> dict[str, Any]:
    """A file of the device that the server does not have."""
    known = sample_book(f"{title} {size} {facts}", size=size, authors=[AUTHOR], file="/mnt/x.epub")
    return {**known, "title": title, "identifiers": f"ISBN:{SHARED}", **facts}


def match_of(household: Household, book: dict[str, Any]) -> tuple[str, str, float] | None:
    household.read(book)
    household.sync()
    return household.match_of(book)


@pytest.fixture
def whole(household: Household) -> ServerBook:
    return held(household, "Long Novel", isbn13=SHARED)


def test_volume_or_sample_with_the_isbn_of_the_whole(household: Household, whole: ServerBook) -> None:
    titles = [form.format("Long Novel") for form in ADDED]

    found = [match_of(household, mine(title, size)) for title in titles for size in (len(FULL), len(FULL) // 10)]

    assert found == [None] * 2 * len(titles)
    assert household.arrived() == []


def test_sample_under_the_very_title_of_the_whole(household: Household, whole: ServerBook) -> None:
    sizes = [22 * 1024, len(FULL) // 3, len(FULL) * 3]

    assert [match_of(household, mine("Long Novel", size)) for size in sizes] == [None] * 3


def test_another_printing_of_about_its_size_is_the_book(household: Household, whole: ServerBook) -> None:
    sizes = [len(FULL) // 2, len(FULL) + 100, len(FULL) * 2]

    assert [match_of(household, mine("Long Novel", size)) for size in sizes] == [(str(whole.id), "isbn", 0.95)] * 3


@pytest.mark.parametrize("subtitle", ["Die Rückkehr", "2"])
def test_subtitle_that_only_the_server_has(household: Household, subtitle: str) -> None:
    volume = held(household, "Long Novel", isbn13=SHARED, subtitle=subtitle)

    assert match_of(household, mine("Long Novel", len(FULL) + 1)) is None
    assert match_of(household, mine(f"Long Novel – {subtitle}", len(FULL) + 1)) == (str(volume.id), "isbn", 0.95)


def test_what_is_not_certain_is_shown_to_a_person(household: Household, whole: ServerBook) -> None:
    household.read(mine("Long Novel (Sample Chapters)", 21_171))
    household.sync()

    flow = start(household.core, "match_unmatched", Request())
    next(flow)
    question = flow.send(True)

    assert isinstance(question, Choose)
    assert question.options[0] == f"95 % · Long Novel\n{AUTHOR}"


def collision() -> tuple[bytes, bytes]:
    """Two files with one digest: KOReader takes no sample between 5 KiB and 16 KiB."""
    head = bytes(range(256)) * 20
    one, other = head + b"a" * 4_000, head + b"b" * 9_000
    assert partial_digest(one) == partial_digest(other)
    return one, other


def test_equal_digest_with_another_size_is_not_believed(household: Household) -> None:
    theirs, ours = collision()
    book = household.server.add_book(theirs, "theirs.epub", "Theirs", [AUTHOR])

    stranger = on_device(book, size=len(ours), title="Ours", file="/mnt/ours.epub")
    namesake = {**stranger, "title": "Theirs", "file": "/mnt/theirs.epub"}

    assert match_of(household, stranger) is None
    assert match_of(household, namesake) is None
    assert household.arrived() == []


def test_equal_digest_with_another_size_is_another_book_though_both_are_there(household: Household) -> None:
    theirs, ours = collision()
    household.server.add_book(theirs, "theirs.epub", "Same", [AUTHOR])
    right = household.server.add_book(ours, "ours.epub", "Same", [AUTHOR])

    assert match_of(household, on_device(right)) == (str(right.id), "digest", 1.0)


IDENTIFIERS = [
    f"uuid:0b8f\ncalibre:12\nAMAZON:{ASIN_AS_WRITTEN}\nISBN:{SHARED}",
    f"urn:isbn:{PRINT}\nurn:isbn:{SHARED}",
    f"ISBN:{PRINT}\nISBN:0-306-40615-2",
    f"mobi-asin:{ASIN_AS_WRITTEN}\nISBN{SHARED}",
    f"{PRINT} 978–0–306–40615–7",
    "isbn:978.0.441.01359.3\nisbn:９７８０３０６４０６１５７",
]


@pytest.mark.parametrize("identifiers", IDENTIFIERS)
def test_every_isbn_of_a_book_is_tried(household: Household, identifiers: str) -> None:
    household.server.remove_book(1)
    book = held(household, "Twice Numbered", isbn13=SHARED)

    known = mine("Twice Numbered", len(FULL) * 2, identifiers=identifiers)

    assert match_of(household, known) == (str(book.id), "isbn", 0.95)


def test_isbns_that_lead_to_two_books_lead_to_none(household: Household) -> None:
    held(household, "Twice Numbered", isbn13=SHARED)
    held(household, "Twice Numbered", small_epub("Other"), isbn13=OTHER)

    assert match_of(household, mine("Twice Numbered", len(FULL), identifiers=f"{OTHER}\n{SHARED}")) is None


def test_the_same_author_is_more_than_a_first_name(household: Household) -> None:
    household.server.add_book(FULL, "poems.epub", "Poems", ["Ann Writer"], isbn13=SHARED)

    assert match_of(household, mine("Poems", len(FULL), authors=["Ann Author"])) is None
    assert match_of(household, mine("Poems", len(FULL), authors=["Writer, Ann"])) is not None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Café – L’Été.epub", "Cafe\u0301 - L'E\u0301te\u0301.EPUB"),
        ("“Quoted” title.epub", '"Quoted" title.epub'),
        ("Full Width.epub", "Ｆｕｌｌ　Ｗｉｄｔｈ.epub"),
    ],
)
def test_rewritten_file_is_known_though_its_name_is_written_otherwise(
    household: Household, theirs: str, ours: str
) -> None:
    book = household.server.add_book(FULL, theirs, "A  Title\n here", [AUTHOR])

    known = on_device(book, partial_md5="f" * 32, file=f"/mnt/{ours}", title="a title here")

    assert match_of(household, known) == (str(book.id), "file", 0.9)


def test_digest_that_the_library_has_twice_is_proven_on_the_file(open_household: OpenHousehold) -> None:
    household = open_household("custom")
    dune = household.server.books[1]
    household.server.add_book(dune.read() or b"", "other.epub", "Another title", library_id=2)

    assert match_of(household, on_device(dune)) == ("1", "digest", 1.0)
