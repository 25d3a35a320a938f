"""Somebody else, who reads the same books with another program and tells the server so itself."""

from __future__ import annotations

import hashlib

import requests
from books import BOOKS

from booklore_core.testing import BookLoreServer, BookOrbitServer

OTHER = "ipad-1"
PATH = "/api/koreader/syncs/progress"


def read_on(
    server: BookLoreServer | BookOrbitServer, title: str, percent: float, device: str = OTHER, path: str = PATH,
    at: float = 0,
) -> None:  # fmt: skip
    """The server is told of a place, a fraction of the book. at: seconds since 1970, for one that does not stamp it
    with its own time. It must be in good health."""
    key = hashlib.md5(server.koreader_password.encode(), usedforsecurity=False).hexdigest()
    body = {"document": BOOKS[title]["partial_md5"], "percentage": percent, "progress": None, "timestamp": int(at)}
    about = {"device": "iPad", "device_id": device}
    headers = {"x-auth-user": server.koreader_username, "x-auth-key": key}
    answer = requests.put(server.url + path, json={**body, **about}, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
