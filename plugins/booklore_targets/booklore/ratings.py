"""Delivers what a reader gives a book, on the server's scale of 1 to 10; none clears it."""

from __future__ import annotations

from functools import partial

from booklore_core import Before, Item, ItemRejected
from booklore_targets.booklore.answers import confirm
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of

PATH = "/api/v1/books/personal-rating"
"""Grimmory's other route writes stars of 1 to 5 into the same column (contract §8)."""

LOWEST, HIGHEST = 1, 10


class Ratings:
    """The target's handler of items of the kind `rating`. The same rating once more changes nothing, but one whose
    answer was lost may still come, over another one that was given since: so it is looked for (contract §17)."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def deliver(self, item: Item, before: Before) -> None:
        """Source: server contract §8."""
        book_id, rating = book_id_of(item), rating_of(item)
        look = partial(self._run.identities.look, book_id)
        look()
        body = {"ids": [int(book_id)], "rating": rating}
        response = self._run.connection.ask("PUT", PATH, json=body, before_repeat=look)
        confirm(response, book_id, personalRating=rating)

    def find(self, item: Item) -> str | None:
        """An empty text when the server has the rating."""
        there = self._run.identities.look(book_id_of(item)).get("personalRating")
        return "" if there == rating_of(item) else None


def rating_of(item: Item) -> int | None:
    """1 to 10, None for a rating that was taken back. Raises ItemRejected: the server would store anything."""
    rating = item.body.get("rating", 0)
    if rating is None or item.is_tombstone:
        return None
    is_number = isinstance(rating, (int, float)) and not isinstance(rating, bool)
    if not is_number or rating != int(rating) or not LOWEST <= rating <= HIGHEST:
        raise ItemRejected(f"a rating is a whole number from {LOWEST} to {HIGHEST}, and this one is {rating!r}")
    return int(rating)
