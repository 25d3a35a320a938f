"""Delivers what a reader gives a book, on the server's scale of 1 to 10; none clears it."""

from __future__ import annotations

from functools import partial

from booklore_core import Before, Item, ItemRejected, Superseded
from booklore_targets.booklore.answers import confirm
from booklore_targets.booklore.book_memory import BookMemory
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of

PATH = "/api/v1/books/personal-rating"
"""Grimmory's other route writes stars of 1 to 5 into the same column (contract §8)."""

LOWEST, HIGHEST = 1, 10
MOST_OWN = 5
"""So many of the ratings that we gave a book are known again as ours."""


class Ratings:
    """The target's handler of items of the kind `rating`. The same rating once more changes nothing, but one whose
    answer was lost may still come, over another one that was given since: so it is looked for (contract §17). One that
    an earlier database may have sent takes the place of none but our own."""

    def __init__(self, run: Run) -> None:
        self._run, self._given = run, BookMemory(run.connection.store, "rating")

    def deliver(self, item: Item, before: Before) -> None:
        """Source: server contract §8."""
        book_id, rating = book_id_of(item), rating_of(item)
        still = partial(self._run.identities.check, book_id)
        there = self._run.identities.look(book_id).get("personalRating")
        own = self._given.get(book_id) or ()
        is_doubtful = before.is_older or item.body.get("how") == "found"
        if is_doubtful and there not in (None, rating, *own, *item.body.get("earlier", ())):
            raise Superseded(f"the book is rated {there} of 10 on the server, which may have been given since")
        self._note(book_id, rating)
        body = {"ids": [int(book_id)], "rating": rating}
        response = self._run.connection.ask("PUT", PATH, json=body, before=still)
        confirm(response, book_id, personalRating=rating)

    def find(self, item: Item) -> str | None:
        """An empty text when the server has the rating."""
        book_id, rating = book_id_of(item), rating_of(item)
        if self._run.identities.look(book_id).get("personalRating") != rating:
            return None
        self._note(book_id, rating)
        return ""

    def _note(self, book_id: str, rating: int | None) -> None:
        """Before it is sent: the answer may be lost."""
        own = self._given.get(book_id) or ()
        self._given.set(book_id, [*own, rating][-MOST_OWN:])


def rating_of(item: Item) -> int | None:
    """1 to 10, None for a rating that was taken back. Raises ItemRejected: the server would store anything."""
    rating = item.body.get("rating", 0)
    if rating is None or item.is_tombstone:
        return None
    is_number = isinstance(rating, (int, float)) and not isinstance(rating, bool)
    if not is_number or rating != int(rating) or not LOWEST <= rating <= HIGHEST:
        raise ItemRejected(f"a rating is a whole number from {LOWEST} to {HIGHEST}, and this one is {rating!r}")
    return int(rating)
