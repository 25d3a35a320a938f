"""Compares titles: as keys, as two names of one book, and by likeness."""

import re
import unicodedata

REST = re.compile(r"\s*(?::|;|\(|\[|\s[-–—]\s)")
"""Where a title's subtitle, series or edition begins."""


def title_key(text: str | None) -> str:
    """The title without differences that mean nothing: letter case, width, runs of white space; "" for none."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())


def titles_agree(one: str | None, other: str | None) -> bool:
    """Whether nothing in two titles speaks against their naming one book; an unknown title never does.

    A box and its volumes share an ISBN, so "Saga: Volume One" is not "Saga: Volume Two", nor is "Foundation"
    "Foundation and Empire". A subtitle that only one of them has is no difference.
    """
    if not title_key(one) or not title_key(other):
        return True
    (main, rest), (other_main, other_rest) = split_title(one), split_title(other)
    return main == other_main and (rest == other_rest or not rest or not other_rest)


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
