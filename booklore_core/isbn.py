"""Finds and checks ISBNs in the free text that books carry."""

import re
import unicodedata

SEPARATOR = "[-. ]{0,2}"
CANDIDATE = re.compile(
    rf"(?:(?<![0-9a-z])|(?<=isbn)|(?<=isbn1[03]))(?:97[89]{SEPARATOR})?(?:[0-9]{SEPARATOR}){{9}}[0-9x](?![0-9a-z])"
)
MAX_TEXT, MAX_FOUND = 10_000, 20
MINUS = "\N{MINUS SIGN}"


def find_isbn(text: str | None) -> str | None:
    """The likeliest ISBN in text as 13 digits, or None: the first that is called one, else the first number that is."""
    return next(iter(find_isbns(text)), None)


def find_isbns(text: str | None) -> tuple[str, ...]:
    """Every valid ISBN in text, each once and as 13 digits, at most 20; those that are called ISBN come first.

    Takes KOReader's raw `identifiers` (one identifier a line, such as `ISBN:978-0-00-000101-6`) as well as a bare
    number: an ASIN that adds up as an ISBN, or the print edition's, may stand before the e-book's own. A number whose
    check digit is wrong is passed over: an invalid ISBN matches arbitrary books on the image with a search endpoint.
    Source: server contract §5.3.
    """
    found: dict[str, bool] = {}
    for line in plain((text or "")[:MAX_TEXT]).splitlines():
        for number in CANDIDATE.finditer(line):
            isbn = normalize_isbn(number.group())
            if isbn:
                found[isbn] = found.get(isbn, False) or "isbn" in line[: number.start()]
    return tuple(sorted(found, key=lambda isbn: not found[isbn]))[:MAX_FOUND]


def normalize_isbn(text: str | None) -> str | None:
    """The ISBN as 13 digits, or None unless its check digit is right. Hyphens, dots and spaces are ignored.

    None also for one that stands in for a missing one: 0000000000 and 123456789X add up, too.
    """
    isbn = add_up(text)
    is_stand_in = isbn is not None and (len(set(isbn[3:12])) == 1 or isbn[3:12] == "123456789")
    return None if is_stand_in else isbn


def plain(text: str) -> str:
    """The text in small letters and ASCII digits, with one kind of hyphen and nothing invisible."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded if folded.isascii() else "".join(map(plain_character, folded))


def plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if category == "Pd" or character == MINUS:
        return "-"
    return "" if category == "Cf" else character  # soft hyphens and spaces without width


def add_up(text: str | None) -> str | None:
    """The ISBN as 13 digits if its check digit is right.

    Ten digits that begin with 978 are the beginning of thirteen: Grimmory cuts what it stores (contract §2.5).
    """
    digits = re.sub(r"[-.\s]", "", plain(text or "")).upper()
    if re.fullmatch(r"97[89][0-9]{10}", digits):
        return digits if check_digit_13(digits[:12]) == digits[12] else None
    is_ten = re.fullmatch(r"(?!97[89])[0-9]{9}[0-9X]", digits)
    if is_ten and check_digit_10(digits[:9]) == digits[9]:
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
