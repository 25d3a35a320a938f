"""Whether the server keeps the page of a bookmark: one that does not makes an empty bookmark of it, time and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booklore_core import ItemFailed
from booklore_targets.booklore.answers import details, is_page

if TYPE_CHECKING:
    from booklore_targets.booklore.capabilities import Capabilities
    from booklore_targets.booklore.connection import Connection

KEY, PAGE = "page_bookmarks", "pageNumber"


class PageBookmarks:
    """Asked once a version of the server, and remembered."""

    def __init__(self, connection: Connection, capabilities: Capabilities) -> None:
        self._connection, self._family = connection, capabilities.family
        self._server = [connection.setup.url, capabilities.family, capabilities.version]

    @property
    def are_kept(self) -> bool:
        """Raises Declined when that cannot be told. BookLore is not asked: no version of it keeps any."""
        if self._family != "grimmory":
            return False
        known = self._connection.store.get(KEY)
        if not known or known["server"] != self._server:
            self._note(self._probe())
        return bool(self._connection.store.get(KEY)["are_kept"])

    def deny(self) -> None:
        """The server has shown that it keeps none."""
        self._note(False)

    def _probe(self) -> bool:
        """A page 0 in no book is refused for its page where pages are kept, elsewhere for its book; nothing is made."""
        response = self._connection.ask("POST", "/api/v1/bookmarks", json={"bookId": 0, PAGE: 0})
        if response.status_code == 400:
            return any(text.startswith(PAGE) for text in details(response))
        if response.status_code in (404, 500) and not is_page(response):
            return False
        raise ItemFailed("whether the server keeps bookmarks by page cannot be told now")

    def _note(self, are_kept: bool) -> None:
        self._connection.store.set(KEY, {"server": self._server, "are_kept": are_kept})
