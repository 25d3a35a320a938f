"""Takes a book off one of the reader's own shelves. Everybody else's are left alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from booklore_core import ItemFailed
from booklore_targets.booklore.answers import declined, json_body
from booklore_targets.booklore.koreader import read_me, same_name
from booklore_targets.booklore.run import Run

LIST, ASSIGN = "/api/v1/shelves", "/api/v1/books/shelves"


class Shelves:
    """The shelves of one run. The server lists the reader's own and everybody's public ones (contract §9)."""

    def __init__(self, run: Run) -> None:
        self._run, self._connection = run, run.connection

    def take_off(self, book_id: str, name: str, agree: Callable[[Any], None]) -> None:
        """Does nothing where there is no such shelf, or the book is gone or does not stand on it. Raises Declined.

        agree: is given the Book object before anything is changed, and raises what speaks against that.
        """
        shelf = self._find(name)
        book = self._run.identities.find(book_id) if shelf is not None else None
        if shelf is None or book is None:
            return
        standing = shelves_of(book)
        if standing is None or shelf in standing:
            agree(book)
            self._unassign(book_id, shelf)

    @cached_property
    def _own_id(self) -> int:
        own_id = read_me(self._connection).get("id")
        if not isinstance(own_id, int):
            raise ItemFailed("the server does not tell whose account this is, so no shelf is known to be its own")
        return own_id

    def _find(self, name: str) -> int | None:
        """The id of the reader's own shelf of that name."""
        response = self._connection.read(LIST)
        told = json_body(response)
        if response.status_code != 200 or not isinstance(told, list):
            raise declined(response, writing=False)
        named = (one for one in told if isinstance(one, dict) and same_name(str(one.get("name")), name))
        return next((int(one["id"]) for one in named if one.get("userId") == self._own_id), None)

    def _unassign(self, book_id: str, shelf: int) -> None:
        """All three lists must be there (contract §9). A book that is gone meanwhile is answered with an empty list."""
        body = {"bookIds": [int(book_id)], "shelvesToAssign": [], "shelvesToUnassign": [shelf]}
        still = partial(self._run.identities.check, book_id)
        response = self._connection.ask("POST", ASSIGN, json=body, before=still)
        told = json_body(response)
        if response.status_code != 200 or not isinstance(told, list):
            raise declined(response, writing=True)
        if any(shelf in (shelves_of(book) or ()) for book in told):
            raise ItemFailed("the server answers, and leaves the book on the shelf")


def shelves_of(book: Any) -> set[Any] | None:
    """The ids of the shelves on which a Book object stands, None when it does not tell them."""
    told = book.get("shelves") if isinstance(book, dict) else None
    return {one.get("id") for one in told if isinstance(one, dict)} if isinstance(told, list) else None
