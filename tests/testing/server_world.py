"""A reader who is logged in at the fake server, and the session that it sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from booklore_core.testing.server import BookLoreServer

SESSIONS = "POST /api/v1/reading-sessions"
SESSION = {
    "bookId": 1,
    "bookType": "EPUB",
    "startTime": "2026-02-22T14:00:00Z",
    "endTime": "2026-02-22T14:10:00Z",
    "durationSeconds": 600,
}


class Reader:
    """A logged-in client."""

    def __init__(self, server: BookLoreServer) -> None:
        self.url = server.url
        self.http = requests.Session()
        account = {"username": server.username, "password": server.password}
        token = self.http.post(f"{self.url}/api/v1/auth/login", json=account, timeout=5).json()["accessToken"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path, timeout=5)

    def send(self, timeout: float = 5, **changes: Any) -> requests.Response:
        return self.http.post(f"{self.url}/api/v1/reading-sessions", json=SESSION | changes, timeout=timeout)

    def give_up(self) -> None:
        """Sends the session, and does not wait for the answer. The server may come to it later than this returns."""
        with pytest.raises(requests.Timeout):
            self.send(timeout=0.1)

    def look(self) -> int:
        """How many sessions the server shows."""
        return len(self.get("/api/v1/reading-sessions/book/1").json()["content"])


def soon(told: Callable[[], int], wanted: int) -> int:
    """What is told as soon as it is what is wanted, or after twenty seconds: the server works in threads of its own."""
    until = time.monotonic() + 20
    while told() != wanted and time.monotonic() < until:
        time.sleep(0.01)
    return told()
