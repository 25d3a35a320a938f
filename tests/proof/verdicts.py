"""What readers say about a book as a whole: its stars and their review, of which the one that was given last counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from facts import Stars, Written

from booklore_core.testing import BookLoreServer

REVIEW = "Review (KOReader)"
"""The title of the note that a review is at a BookLore server."""

Verdict = Stars | Written


def held_ratings(server: BookLoreServer) -> dict[str, int | None]:
    return {server.books[book].title or "": kept.rating for book, kept in server.readings.items()}


def held_reviews(server: BookLoreServer) -> dict[str, Any]:
    """title → its review, or all of them where there are several."""
    found: dict[str, list[str]] = {}
    for row in server.rows("book_notes"):
        if row["title"] == REVIEW:
            found.setdefault(server.books[row["bookId"]].title or "", []).append(row["content"])
    return {title: texts[0] if len(texts) == 1 else texts for title, texts in found.items()}


def misrated(held: Mapping[str, int | None], told: Collection[Stars]) -> list[str]:
    """Ratings are stars, twice over."""
    return misjudged("rating", held, [one._replace(stars=one.stars and 2 * one.stars) for one in told])


def misreviewed(held: Mapping[str, Any], told: Collection[Written]) -> list[str]:
    return misjudged("review", held, told)


def misjudged(kind: str, held: Mapping[str, Any], told: Collection[Verdict]) -> list[str]:
    """What is wrong with them: of each book that counts which a device changed last; where none did, what stood first
    on any of them."""
    faults = []
    for book in sorted({*held, *(one.book for one in told)}):
        known = [one for one in told if one.book == book]
        changed = list(changes_of(known)) or found_first(known)
        latest = max((one.at for one in changed), default=None)
        may_stand = [one[-1] for one in changed if one.at == latest] or [None]
        if held.get(book) not in [*may_stand, *(one[-1] for one in known), None]:
            faults.append(f"unexpected {kind}: {book} has {held.get(book)}")
        elif held.get(book) not in may_stand:
            faults.append(f"lost {kind}: {book} has {held.get(book)}, it should have {may_stand}")
    return faults


def changes_of(told: Collection[Verdict]) -> Iterator[Verdict]:
    """The lines about one book that say something else than the line of the same device before."""
    last: dict[str, Any] = {}
    for one in sorted(told, key=lambda one: one.at):
        if one[-1] != last.setdefault(one.device, one[-1]):
            yield one
        last[one.device] = one[-1]


def found_first(told: Collection[Verdict]) -> list[Verdict]:
    """The earliest that a book had when a device told of it for the first time: nobody knows how old these are."""
    first: dict[str, Verdict] = {}
    for one in sorted(told, key=lambda one: one.at):
        first.setdefault(one.device, one)
    return [one for one in first.values() if one[-1]][:1]
