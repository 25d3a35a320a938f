"""Finds and checks ISBNs in the free text that books carry."""

import re

CANDIDATE = re.compile(r"(?<![0-9A-Za-z])(?:97[89][- ]?)?(?:[0-9][- ]?){9}[0-9Xx](?![0-9A-Za-z])")


def find_isbn(text: str | None) -> str | None:
    """The first valid ISBN in text as 13 digits, or None.

    Takes KOReader's raw `identifiers` (one identifier a line, such as `ISBN:978-0-00-000101-6`) as well as a bare
    number. A number whose check digit is wrong is passed over: an invalid ISBN matches arbitrary books on the image
    with a search endpoint. Source: server contract §5.3.
    """
    for found in CANDIDATE.finditer(text or ""):
        isbn = normalize_isbn(found.group())
        if isbn:
            return isbn
    return None


def normalize_isbn(text: str | None) -> str | None:
    """The ISBN as 13 digits, or None unless its check digit is right. Hyphens and spaces are ignored.

    None also for one that stands in for a missing one: 0000000000 and 123456789X add up, too.
    """
    isbn = add_up(text)
    is_stand_in = isbn is not None and (len(set(isbn[3:12])) == 1 or isbn[3:12] == "123456789")
    return None if is_stand_in else isbn


def add_up(text: str | None) -> str | None:
    """The ISBN as 13 digits if its check digit is right."""
    digits = re.sub(r"[-\s]", "", text or "").upper()
    if re.fullmatch(r"97[89][0-9]{10}", digits):
        return digits if check_digit_13(digits[:12]) == digits[12] else None
    if re.fullmatch(r"[0-9]{9}[0-9X]", digits) and check_digit_10(digits[:9]) == digits[9]:
        return "978" + digits[:9] + check_digit_13("978" + digits[:9])
    return None


def check_digit_13(digits: str) -> str:
    """The thirteenth digit that belongs to these twelve."""
    total = sum(int(digit) * (1, 3)[position % 2] for position, digit in enumerate(digits))
    return str(-total % 10)


def check_digit_10(digits: str) -> str:
    """The tenth character (0–9 or X) that belongs to these nine digits."""
    total = sum(int(digit) * (10 - position) for position, digit in enumerate(digits))
    rest = -total % 11
    return "X" if rest == 10 else str(rest)
