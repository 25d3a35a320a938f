"""ISBNs in the free text that books carry."""

import pytest

from booklore_core import find_isbn, normalize_isbn


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
