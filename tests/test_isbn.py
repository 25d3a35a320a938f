"""ISBNs in the free text that books carry."""

import pytest

from booklore_core import find_isbn, find_isbns, normalize_isbn
from booklore_core.isbn import check_digit_10


@pytest.mark.parametrize(
    ("text", "isbn"),
    [
        ("ISBN:978-0-00-000101-6", "9780000001016"),
        ("uuid:urn:uuid:3f0c\nisbn:9780441013593", "9780441013593"),
        ("0-441-01359-7", "9780441013593"),
        ("080442957X", "9780804429573"),
        ("080442957x", "9780804429573"),
        ("ISBN:9780441013594", None),
        ("ASIN:B00B7NPRY8", None),
        ("https://example.org/97804410135931234", None),
        ("", None),
        (None, None),
    ],
)
def test_only_an_isbn_with_a_valid_check_digit_is_found(text, isbn):
    assert find_isbn(text) == isbn


@pytest.mark.parametrize("text", ["half", "123", "978-0-00-0001", "97804410135930"])
def test_what_is_no_isbn_is_none(text):
    assert normalize_isbn(text) is None


@pytest.mark.parametrize("text", ["0000000000", "9780000000002", "1111111111", "123456789X"])
def test_a_number_that_stands_in_for_a_missing_one_is_none(text):
    assert find_isbn(text) is None


FIRST, SECOND = "9780306406157", "9780306407222"


@pytest.mark.parametrize(
    "text",
    [
        "ISBN9780306406157",
        "isbn13: 978 0 306 40615 7",
        "ISBN-13 978-0-306-40615-7",
        "ISBN139780306406157",
        "ISBN-10: 0-306-40615-2",
        "978.0.306.40615.7",
        "978–0–306–40615–7",
        "978\u20110\u2011306\u201140615\u20117",
        "978\u22120\u2212306\u221240615\u22127",
        "９７８０３０６４０６１５７",
        "٩٧٨٠٣٠٦٤٠٦١٥٧",
        "978\u00ad0306\u00ad406157",
        "978--0--306--40615--7",
        "978\u00a00\u00a0306\u00a040615\u00a07",
        "\ufeff9780306406157\u200b",
        "urn:isbn:9780306406157",
        "URN:ISBN:0-306-40615-2",
        "(9780306406157)",
        "9780306406157.",
    ],
)
def test_an_isbn_is_read_however_it_is_written(text):
    assert find_isbns(text) == (FIRST,)


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST} {SECOND}",
        f"{FIRST}\n{SECOND}",
        f"ISBN:{FIRST}, 0306407221",
        f"urn:isbn:{FIRST};urn:isbn:{SECOND}\nISBN:{FIRST}",
        f"calibre:12\nISBN:{FIRST}\nAMAZON:0306407221",
        f"AMAZON:0306407221\nISBN:{FIRST}",
    ],
)
def test_every_isbn_is_found_and_what_is_called_one_comes_first(text):
    assert find_isbns(text) == (FIRST, SECOND)
    assert find_isbn(text) == FIRST


@pytest.mark.parametrize("text", ["AMAZON:B00306406152", "x9780306406157", "97803064061571", "12\n9780306406158"])
def test_a_number_in_a_longer_word_is_none(text):
    assert find_isbns(text) == ()


@pytest.mark.parametrize("text", ["978-0-306-404", "9780306404", "978-3-16-1482", "978-0-306-4"])
def test_a_long_isbn_that_was_cut_is_no_short_one(text):
    assert find_isbns(text) == ()


def test_numbers_without_end_are_bounded():
    digits = (f"ISBN:{number:09d}{check_digit_10(f'{number:09d}')}" for number in range(306406150, 306408150))

    assert len(find_isbns("\n".join(digits))) == 20
