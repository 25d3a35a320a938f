"""Highlights, notes and bookmarks of the sample books, and what a server holds of them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import requests
from booklore_world import World, ref

from booklore_core import Before, Declined, Item
from booklore_core.testing import ServerBook

TABLES = {
    "annotations": "/api/v1/annotations",
    "notes": "/api/v2/book-notes",
    "book_notes": "/api/v1/book-notes",
    "bookmarks": "/api/v1/bookmarks",
}
MADE_BY_SERVER = ("id", "userId", "bookId", "createdAt", "updatedAt", "positionMs", "trackIndex", "priority")
MADE = datetime(2026, 11, 20, 13, 41, 2, tzinfo=UTC)


def highlight(book: ServerBook, paragraph: int = 1, key: str = "", **changed: Any) -> Item:
    """A paragraph of one of the server's small EPUBs, marked in yellow a few seconds after another."""
    text = f"{book.title}, paragraph {paragraph}: the page turns."
    place = f"/body/DocFragment[1]/body/p[{paragraph}]/text()"
    body = {
        "place": "in_book",
        "datetime": f"2026-11-20 13:41:{paragraph % 60:02}",
        "updated": None,
        "pos0": f"{place}.0",
        "pos1": f"{place}.{len(text)}",
        "page": f"{place}.0",
        "pageno": 12,
        "text": text,
        "note": None,
        "color": "yellow",
        "drawer": "lighten",
        "chapter": "Book One",
        "device": "kobo-7f3a",
        "format": book.file_name.partition(".")[2],
    }
    return mark("annotation", book, key or f"{paragraph}", {**body, **changed})


def bookmark(book: ServerBook, paragraph: int = 1, key: str = "", **changed: Any) -> Item:
    """The place where a paragraph begins."""
    body = {
        "datetime": f"2026-11-20 14:00:{paragraph % 60:02}",
        "page": f"/body/DocFragment[1]/body/p[{paragraph}]/text().0",
        "pageno": 12,
        "text": "in Book One",
        "note": None,
        "chapter": "Book One",
        "device": "kobo-7f3a",
        "format": book.file_name.partition(".")[2],
    }
    return mark("bookmark", book, key or f"b{paragraph}", {**body, **changed})


def mark(kind: str, book: ServerBook, name: str, body: dict[str, Any]) -> Item:
    key = f"{book.partial_md5}:{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Item(kind, key, ref(book, match=str(book.id)), body, MADE)


def changed(item: Item, **facts: Any) -> Item:
    """The next revision of an item."""
    return Item(item.kind, item.key, item.book, {**item.body, **facts}, item.occurred_at)


def removed(item: Item) -> Item:
    return changed(item, removed=True)


def elsewhere(item: Item, twin: str = "/note") -> Item:
    """The second fact about a note, which goes to the book as a whole."""
    return Item(item.kind, item.key + twin, item.book, {**item.body, "place": "in_booklore"}, item.occurred_at)


class WebReader:
    """The same account in a browser: it sees what is there, and makes marks of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = requests.Session()

    def rows(self, table: str, book: int = 1) -> list[dict[str, Any]]:
        """The rows of a book as they were made, the oldest first, without what the server adds."""
        found = self.raw("GET", f"{TABLES[table]}/book/{book}").json()
        ordered = sorted(found, key=lambda row: row["id"])
        return [{name: row[name] for name in row if name not in MADE_BY_SERVER} for row in ordered]

    def ids(self, table: str, book: int = 1) -> list[int]:
        return sorted(row["id"] for row in self.raw("GET", f"{TABLES[table]}/book/{book}").json())

    def everything(self, book: int = 1) -> dict[str, list[dict[str, Any]]]:
        """All rows of the book that there are, by table."""
        return {table: rows for table in TABLES if (rows := self.rows(table, book))}

    def make(self, table: str, book: int = 1, **fields: Any) -> int:
        return int(self.raw("POST", TABLES[table], {"bookId": book, **fields}).json()["id"])

    def edit(self, table: str, row: int, **fields: Any) -> None:
        self.raw("PUT", f"{TABLES[table]}/{row}", fields)

    def delete(self, table: str, row: int) -> None:
        assert self.raw("DELETE", f"{TABLES[table]}/{row}").status_code == 204

    def raw(self, method: str, path: str, json: Any = None) -> requests.Response:
        if "Authorization" not in self._http.headers:
            server = self._world.server
            account = {"username": server.username, "password": server.password}
            self._world.clock.now += 5  # two logins of one second collide
            answer = self._http.post(f"{server.url}/api/v1/auth/login", json=account, timeout=10).json()
            self._world.clock.now += 5
            self._http.headers["Authorization"] = f"Bearer {answer['accessToken']}"
        return self._http.request(method, self._world.server.url + path, json=json, timeout=10)


def before(remote_id: str | None, maybe_sent: bool = False) -> Before:
    return Before(remote_id=remote_id, maybe_sent=maybe_sent)


def brought(world: World, *items: Item, remote_id: str | None = None) -> str | None:
    """The remote id after these revisions of one item, each in a run of its own."""
    for item in items:
        target = world.target()
        remote_id = target.deliver(item, before(remote_id)) or remote_id
        target.close()
    return remote_id


def brought_at_last(world: World, item: Item, remote_id: str | None) -> str | None:
    """The remote id after a revision whose first try may fail, and the second may not."""
    target, maybe_sent = world.target(), False
    try:
        remote_id = target.deliver(item, before(remote_id)) or remote_id
    except Declined as error:
        maybe_sent = error.maybe_sent
    target.close()
    target, world.clock.now = world.target(), world.clock.now + 700
    remote_id = target.deliver(item, before(remote_id, maybe_sent)) or remote_id
    target.close()
    return remote_id
