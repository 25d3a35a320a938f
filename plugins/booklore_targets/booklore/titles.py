"""Compares titles, names of authors and of files: as keys, as those of one book, and by likeness."""

import re
import unicodedata
from collections.abc import Sequence

APOSTROPHES = str.maketrans("´ʼ′", "'''")
TOKEN = re.compile(r"""[^\W_]+|[^\w\s"'`‘’‚‛“”„‟«»‹›()\[\]{}<>.,:;·/\\|‐‒–—―−-]""")
"""A word, or a sign that may tell two books apart: `#`, `+`, `!`, `★`, a vowel sign."""


def title_key(text: str | None) -> str:
    """The title without differences that mean nothing: letter case, width, composition, white space, kinds of quotes
    and hyphens; "" for none."""
    return " ".join(tokens(text))


def tokens(text: str | None) -> list[str]:
    composed = unicodedata.normalize("NFKC", (text or "").translate(APOSTROPHES)).casefold()
    if not composed.isascii():
        composed = unicodedata.normalize("NFKC", composed)
        composed = "".join(one for one in composed if unicodedata.category(one) != "Cf")  # nothing that is invisible
    return TOKEN.findall(composed)


def titles_agree(one: str | None, other: str | None) -> bool:
    """Whether two titles are the same but for their writing.

    A box, its volumes and a sample of them share an ISBN, and every language has words of its own for what they are:
    whatever only one of two titles has may be one. So "Saga" is not "Saga: The Return", and an unknown title is none's.
    """
    return title_key(one) == title_key(other) != ""


def authors_agree(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists of authors may be the same people: one in common, or one of the lists is unknown."""
    theirs = [names(author) for author in others]
    ours = [names(author) for author in some]
    return not any(ours) or not any(theirs) or any(is_one(one, other) for one in ours for other in theirs)


def is_one(one: set[str], other: set[str]) -> bool:
    """Whether two names may be one person's: "F. Herbert" is "Herbert, Frank", "Ann Author" is not "Ann Writer"."""
    return bool(one and other) and (one <= other or other <= one)


def names(author: str) -> set[str]:
    """The parts of a name without initials and particles, however they are arranged."""
    return {word for word in tokens(author) if len(word) > 2 or not word.isascii()}


def likeness(wanted: str, title: str, authors: Sequence[str] = ()) -> float:
    """How well a book fits what a person typed: a fraction 0–1, 1 for the very title."""
    from rapidfuzz import fuzz

    text, key, with_authors = title_key(wanted), title_key(title), title_key(" ".join((title, *authors)))
    score = max(fuzz.WRatio(text, key), 0.95 * fuzz.token_sort_ratio(text, with_authors))
    return round(score / 100, 4)
