"""Covers of the server's books come through the core, for whoever may see the book."""

from __future__ import annotations

from library_world import Household

from booklore_core.bridge.web.covers import cover_of, kind_of


def test_a_books_cover_is_asked_of_the_server_once(household: Household) -> None:
    number = next(iter(household.server.books))

    body = cover_of(household.core, "booklore", str(number))

    assert body is not None and kind_of(body) == "image/png"
    household.server.stop()
    assert cover_of(household.core, "booklore", str(number)) == body
    household.server.start()


def test_a_book_that_there_is_not_has_none(household: Household) -> None:
    for strange in ("999999", "../health", "", "7?token="):
        assert cover_of(household.core, "booklore", strange) is None
