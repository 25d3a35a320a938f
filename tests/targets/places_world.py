"""Where readers are at a BookLore server: items that say so, and other devices and people who use the same account."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from booklore_world import World, ref

from booklore_core import Item
from booklore_core.testing import ServerBook

PATH = "/api/koreader/syncs/progress"
PUT, GET = f"PUT {PATH}", f"GET {PATH}"
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
"""An hour before the worlds' clock begins."""

SECOND = "/body/DocFragment[2]/body/p[1]/text().0"
ELSEWHERE = "/body/DocFragment[9]/body/p[2]/text().0"


def place(book: ServerBook, percent: float, minute: int = 0, **changed: Any) -> Item:
    """A reader is at percent so many minutes after seven in the evening. changed: of the body; md5, size: of the file
    on the device; match: the server's id."""
    about = {name: changed.pop(name) for name in ("size",) if name in changed}
    digest, match = changed.pop("md5", book.partial_md5), changed.pop("match", str(book.id))
    body = {"percent": percent, "position": SECOND, "device": "Kobo Libra", "device_id": "kobo-7f3a", **changed}
    key = f"{digest}:{body['device_id']}"
    when = EVENING + timedelta(minutes=minute)
    return Item("progress", key, ref(book, partial_md5=digest, match=match, **about), body, when)


def put_bodies(world: World) -> list[bytes]:
    """What was pushed, byte for byte."""
    return [one.body for one in world.server.requests if (one.method, one.path) == ("PUT", PATH)]


def pushes(world: World) -> list[float]:
    return [json.loads(body)["percentage"] for body in put_bodies(world)]


def device_headers(world: World) -> dict[str, str]:
    key = hashlib.md5(world.server.koreader_password.encode()).hexdigest()
    return {"x-auth-user": world.server.koreader_username, "x-auth-key": key}


def elsewhere_pushed(world: World, book: ServerBook, percent: float | None, **changed: Any) -> None:
    """A program that is none of ours tells its position."""
    body = {"document": book.partial_md5, "percentage": percent, "progress": ELSEWHERE, "device": "ipad", **changed}
    answer = requests.put(
        world.server.url + PATH, json={"device_id": "i1", **body}, headers=device_headers(world), timeout=5
    )
    assert answer.status_code == 200


def told(world: World, document: str) -> dict[str, Any]:
    """What the server answers a device that asks."""
    answer = requests.get(f"{world.server.url}{PATH}/{document}", headers=device_headers(world), timeout=5)
    return dict(answer.json())


def signed(world: World) -> dict[str, str]:
    """The headers of the account's web page."""
    if not world.store.secrets.get("tokens"):
        world.target().check()
    return {"Authorization": f"Bearer {world.store.secrets.get('tokens')['access']}"}


def on_the_page(world: World, book: ServerBook) -> dict[str, Any]:
    """The book as the server's web page shows it."""
    answer = requests.get(f"{world.server.url}/api/v1/books/{book.id}", headers=signed(world), timeout=5)
    return dict(answer.json())


def mark(world: World, book: ServerBook, status: str) -> None:
    """Somebody sets the book's status on the web page."""
    body = {"bookIds": [book.id], "status": status}
    answer = requests.post(f"{world.server.url}/api/v1/books/status", json=body, headers=signed(world), timeout=5)
    assert answer.status_code == 200


def read_on_the_page(world: World, book: ServerBook, percent: float) -> None:
    """Somebody reads in the web reader, which is kept in step with devices. percent: 0–100."""
    patch = f"{world.server.url}/api/v1/koreader-users/me/sync-progress-with-booklore?enabled=true"
    assert requests.patch(patch, headers=signed(world), timeout=5).status_code == 204
    progress = {"bookFileId": book.id, "progressPercent": percent, "positionData": "epubcfi(/6/4!/4/2)"}
    body = {"bookId": book.id, "fileProgress": progress}
    answer = requests.post(f"{world.server.url}/api/v1/books/progress", json=body, headers=signed(world), timeout=5)
    assert answer.status_code == 204
