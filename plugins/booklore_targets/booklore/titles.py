"""Compares titles and authors: as keys, as names of one book, and by likeness."""

import re
import unicodedata
from collections.abc import Sequence

REST = re.compile(r"\s*(?::|;|\(|\[|\s[-–—]\s)")
"""Where a title's subtitle, series or edition begins."""

VOLUME = re.compile(
    r"vol(ume)?s?|books?|parts?|band|teil|tom[eo]|issue|box(ed)?|set|collection|omnibus|complete|trilogy|series|saga"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|[ivx]+|\w*[0-9]\w*"
)
"""A word that says which part of a set a book is, or that it is the set."""


def title_key(text: str | None) -> str:
    """The title without differences that mean nothing: letter case, width, runs of white space; "" for none."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())


def titles_agree(one: str | None, other: str | None) -> bool:
    """Whether nothing in two titles speaks against their naming one book.

    A box and its volumes share an ISBN, so "Saga: Volume One" is neither "Saga: Volume Two" nor "Saga", nor is
    "Foundation" "Foundation and Empire". A subtitle that only one of them has is no difference. An unknown title may be
    any but that of one of several.
    """
    if not title_key(one) or not title_key(other):
        return not names_volume(words(title_key(one or other)))
    (main, rest), (other_main, other_rest) = split_title(one), split_title(other)
    if main != other_main:
        return False
    return rest == other_rest or not ((rest and other_rest) or names_volume(rest or other_rest))


def names_volume(said: list[str]) -> bool:
    """Whether words of a title say which part of a set a book is, or that it is the set."""
    return any(VOLUME.fullmatch(word) for word in said)


def authors_agree(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists of authors may be the same people: a name in common, or one of the lists is unknown."""
    one, other = names(some), names(others)
    return not one or not other or bool(one & other)


def names(authors: Sequence[str]) -> set[str]:
    """The names without initials and particles, however they are arranged."""
    return {word for author in authors for word in words(title_key(author)) if len(word) > 2 or not word.isascii()}


def split_title(text: str | None) -> tuple[list[str], list[str]]:
    """The words of the title proper, and those of what follows it."""
    key = title_key(text)
    found = REST.search(key, 1)
    end = found.start() if found else len(key)
    return words(key[:end]), words(key[end:])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def likeness(wanted: str, title: str, authors: tuple[str, ...]) -> float:
    """How well a book fits what a person typed: a fraction 0–1, 1 for the very title."""
    from rapidfuzz import fuzz

    key, with_authors = title_key(title), title_key(" ".join((title, *authors)))
    score = max(fuzz.WRatio(title_key(wanted), key), 0.95 * fuzz.token_sort_ratio(title_key(wanted), with_authors))
    return round(score / 100, 4)
