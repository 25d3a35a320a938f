"""Compares titles, names of authors and of files: as keys, as those of one book, and by likeness."""

import re
import unicodedata
from collections.abc import Sequence

APOSTROPHES = str.maketrans("´ʼ′", "'''")
TOKEN = re.compile(r"""[^\W_]+|[^\w\s"'`‘’‚‛“”„‟«»‹›()\[\]{}<>.,:;·/\\|‐‒–—―−-]""")
"""A word, or a sign that may tell two books apart: `#`, `+`, `!`, `★`, a vowel sign."""
SIGN = "\0"
PLAIN = str.maketrans(
    {one: one if one.isalnum() else SIGN if TOKEN.match(one) else " " for one in map(chr, range(128))}
)
"""Of the letters that need no composition: what parts words is a blank, what is a token of its own a sign."""
SUBTITLE = re.compile(r"""\s*(?:[:;,(\[/\n]|[.–—-]\s|\s[–—-])""")
"""What comes between a title and its subtitle, volume or edition."""
EDITION = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\])")
"""What stands in brackets: an edition, a series, a year."""
SLIP = 75.0
"""Per cent of the letters of two words that are the same, so that one may be the other with a slip of the finger."""


def title_key(text: str | None) -> str:
    """The title without differences that mean nothing: letter case, width, composition, white space, kinds of quotes
    and hyphens; "" for none."""
    return " ".join(tokens(text))


def tokens(text: str | None) -> list[str]:
    words = text.lower().translate(PLAIN) if text and text.isascii() else SIGN
    if SIGN not in words:  # as nearly all titles, of which a library has very many
        return words.split()
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
    """How well a book fits what a person typed, a title with or without its authors: a fraction 0–1, 1 for the very
    title. Whole titles are compared: the words that two of them happen to share say little, the longer they are."""
    text, key = title_key(wanted), title_key(title)
    if text == key:
        return 1.0
    told_with_authors = 0.95 * shared(text, title_key(" ".join((title, *authors))))
    without_editions = 0.95 * shared(title_key(bare(wanted)), title_key(bare(title)))
    return round(max(shared(text, key), within(wanted, title), told_with_authors, without_editions), 4)


def bare(title: str) -> str:
    """A title without what stands in brackets, as far as anything is left of it, and with words for signs."""
    return (EDITION.sub("", title).strip() or title).replace("&", " and ")


def shared(one: str, other: str) -> float:
    """The part of two titles' letters that stand in words of both, in any order; a word with a slip counts less."""
    from rapidfuzz import fuzz

    left, common = other.split(), 0.0
    for word in one.split():
        alike, found = max(((fuzz.ratio(word, each), each) for each in left), default=(0.0, ""))
        if alike >= SLIP:
            left.remove(found)
            common += alike / 100 * (len(word) + len(found))
    return common / max(1, sum(map(len, (one + other).split())))


def within(one: str, other: str) -> float:
    """How likely it is that the shorter one of two titles is a part of the longer one: its main title, before a
    subtitle or an edition, more than words that stand somewhere in it."""
    shorter, longer = sorted((one, other), key=len)
    key, whole = title_key(shorter), title_key(longer)
    part = len(key) / max(1, len(whole))
    if key and key == title_key(SUBTITLE.split(longer.strip(), maxsplit=1)[0]):
        return 0.7 + 0.3 * part
    is_part = f" {key} " in f" {whole} " if key.isascii() else key in whole  # not every script parts its words
    return 0.35 + 0.6 * part if key and is_part else 0.0
