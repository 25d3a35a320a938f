"""Which books the rows of KOReader's statistics are about.

KOReader knows a book by title, authors and digest; a row may lack the digest, and a renamed book has two rows. Books of
one title and the same authors, or of nobody knows whom, are namesakes: what was read of one is accounted for of all,
whatever digest it goes by.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from booklore_core import BookRef, stand_in

DIGEST = re.compile(r"[0-9a-f]{32}")
NOTHING = ("", "n/a")
"""What KOReader writes where a file names no author."""

Authors = tuple[str, ...]
Name = tuple[str, Authors]
"""Title and authors as they are compared."""


@dataclass(frozen=True)
class StatisticsBook:
    """A row of the statistics' table of books. title, md5: None where there is none."""

    id: Any
    title: str | None
    authors: tuple[str, ...]
    md5: str | None

    @classmethod
    def of(cls, row_id: Any, title: Any, authors: Any, md5: Any) -> "StatisticsBook":
        digest = (text_of(md5) or "").lower()
        lines = (text_of(line) for line in text(authors).splitlines())
        return cls(row_id, text_of(title), tuple(filter(None, lines)), digest if DIGEST.fullmatch(digest) else None)

    @property
    def name(self) -> Name:
        return name_of(self.title, self.authors)


@dataclass
class PastBook:
    """A book of the statistics. namesakes: the digests under which its reading may be known."""

    ref: BookRef
    namesakes: set[str] = field(default_factory=set)


def past_books(rows: Iterable[StatisticsBook], known: Iterable[BookRef]) -> dict[Any, PastBook]:
    """Id of a row → its book, the same one for rows of one digest. Not for rows that name no book at all.

    A row without a digest takes that of the only book of its title and authors. Where there is none, or several, it is
    given the one of `stand_in`, and can be matched by its title only.
    """
    told, refs = list(rows), {book.partial_md5: book for book in known}
    digests = digests_by_title(told, refs)
    books: dict[str, PastBook] = {}
    found: dict[Any, PastBook] = {}
    for row in told:
        if row.md5 is None and row.title is None:
            continue
        title, authors = row.name
        same = {md5 for others, md5 in digests[title] if alike(others, authors)} if row.title else set()
        made_up = [stand_in(title, authors), stand_in(title)]
        unknown = next((one for one in made_up if one in refs), made_up[0])
        md5 = row.md5 or (min(same) if len(same) == 1 else unknown)
        book = found[row.id] = books.setdefault(md5, PastBook(described(refs.get(md5), md5, row)))
        book.namesakes |= {md5, *same, *(made_up if row.title else ())}
    return found


def digests_by_title(
    rows: Iterable[StatisticsBook], known: Mapping[str, BookRef]
) -> dict[str, set[tuple[Authors, str]]]:
    """The digests of files with a title, and whose they are, without those that only stand in."""
    digests: dict[str, set[tuple[Authors, str]]] = defaultdict(set)
    named = [(row.name, row.md5) for row in rows if row.md5]
    named += [(name_of(book.title, book.authors), md5) for md5, book in known.items()]
    for (title, authors), md5 in named:
        if md5 != stand_in(title, authors):
            digests[title].add((authors, md5))
    return digests


def alike(authors: Authors, others: Authors) -> bool:
    """Whether books of one title may be the same: of some nobody knows who wrote them."""
    return not authors or not others or authors == others


def described(known: BookRef | None, md5: str, row: StatisticsBook) -> BookRef:
    """What devices told of a book holds; statistics fill in what is lacking."""
    book = known or BookRef(md5)
    return replace(book, title=book.title or row.title, authors=book.authors or row.authors)


def name_of(title: str | None, authors: Iterable[str]) -> Name:
    return plain(title or ""), tuple(sorted(map(plain, authors)))


def plain(words: str) -> str:
    return " ".join(words.casefold().split())


def text_of(value: Any) -> str | None:
    """A field's text without what surrounds it, None where it says nothing."""
    words = text(value).strip()
    return None if words.casefold() in NOTHING else words


def text(value: Any) -> str:
    """Whatever stands in a field of text. MuPDF's titles ended with NUL for a time (statistics.koplugin)."""
    words = value.decode(errors="replace") if isinstance(value, bytes) else "" if value is None else str(value)
    return words.replace("\0", "")
