"""People at a BookLore server: what it has about their books, what they do there, and items about them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests
from booklore_world import World, ref

from booklore_core import Item
from booklore_core.testing import ServerBook, small_epub
from booklore_core.testing.server.library import partial_digest

EVENING, NIGHT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
"""An hour before the worlds' clock begins, and the books come into the library; an hour later."""

WRITES = ("PUT", "POST", "PATCH", "DELETE")
HARMLESS = ("/api/v1/auth/", "/api/v1/reading-sessions/batch")
"""What a run asks for without anything being changed: a login, and the probe of a route."""


def fact(kind: str, book: ServerBook, body: dict[str, Any], **changed: Any) -> Item:
    """A fact about a book whose very file the device had. changed: of the device's book."""
    about = ref(book, **{"match": str(book.id), **changed})
    return Item(kind, about.partial_md5, about, {**body, "device": "kobo-7f3a"}, EVENING)


def rating(book: ServerBook, value: Any, **changed: Any) -> Item:
    stars = value / 2 if isinstance(value, int) else None
    return fact("rating", book, {"rating": value, "stars": stars, "how": "scaled"}, **changed)


def status(book: ServerBook, word: Any, **changed: Any) -> Item:
    return fact("status", book, {"status": word}, **changed)


def deletion(book: ServerBook, policy: Any = "unshelve", shelf: Any = "KOReader", **changed: Any) -> Item:
    body = {"file": f"/mnt/onboard/{book.file_name}", "policy": policy, "shelf": shelf}
    return replace(fact("deletion", book, body, **changed), occurred_at=NIGHT)


class Person:
    """Somebody in front of the server's page."""

    def __init__(self, world: World, username: str = "", password: str = "") -> None:
        self.world = world
        self._account = {
            "username": username or world.server.username,
            "password": password or world.server.password,
        }
        self._headers: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = self.world.server.url
        if not self._headers:
            self.world.clock.now += 2  # two logins of one account within a second collide
            answer = requests.post(f"{url}/api/v1/auth/login", json=self._account, timeout=5)
            self.world.clock.now += 2
            self._headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
        return requests.request(method, url + path, json=body, headers=self._headers, timeout=5)

    def book(self, book: ServerBook) -> dict[str, Any]:
        """The Book object, empty when the book is gone."""
        answer = self.send("GET", f"/api/v1/books/{book.id}")
        return dict(answer.json()) if answer.status_code == 200 else {}

    def shelf(self, name: str, *books: ServerBook, public: bool = False) -> int:
        """Makes a shelf that holds the books."""
        made = self.send("POST", "/api/v1/shelves", {"name": name, "publicShelf": public})
        assert made.status_code == 201
        shelf = int(made.json()["id"])
        body = {"bookIds": [one.id for one in books], "shelvesToAssign": [shelf], "shelvesToUnassign": []}
        assert self.send("POST", "/api/v1/books/shelves", body).status_code == 200
        return shelf

    def stands_on(self, book: ServerBook, shelf: int) -> bool:
        listed = self.send("GET", f"/api/v1/shelves/{shelf}/books").json()
        return book.id in [one["id"] for one in listed]


def joined(world: World, username: str, permissions: tuple[str, ...] = ()) -> Person:
    """Another account that sees the first library."""
    world.server.add_user(username, f"{username}-pw", (1,), permissions)
    return Person(world, username, f"{username}-pw")


def writes(world: World, since: int = 0) -> list[str]:
    """The requests that could change something, as method and path. since: how many requests came before."""
    asked = [one for one in world.server.requests[since:] if one.method in WRITES]
    return [f"{one.method} {one.path}" for one in asked if not one.path.startswith(HARMLESS)]


def deletes(world: World) -> list[str | None]:
    """The ids of every call of the server's delete."""
    asked = [one for one in world.server.requests if one.method == "DELETE"]
    assert all(one.path == "/api/v1/books" for one in asked)
    return [one.query.get("ids") for one in asked]


def taken_over(world: World, book: ServerBook) -> ServerBook:
    """Another book has the book's number: a backup was restored, and the library has grown another way since."""
    content = small_epub("Another")
    facts = {"title": "Another", "file_name": "another.epub", "authors": (), "isbn13": None, "isbn10": None}
    digest = {"content": content, "partial_md5": partial_digest(content), "size_kb": len(content) // 1024}
    return world.server.put_book(replace(book, added=world.clock() + 60, **facts, **digest))


def just_before(world: World, method: str, path: str, work: Callable[[], object]) -> None:
    """Something happens between what a target has looked at and what it sends then."""

    def seen(request: Any) -> None:
        if (request.method, request.path) == (method, path):
            world.server.on_request = None
            work()

    world.server.on_request = seen


def connected(world: World, **changed: str) -> Any:
    """A target that has logged in and knows the server."""
    target = world.target(**changed)
    target.match([ref(book) for book in world.server.books.values()])
    return target
