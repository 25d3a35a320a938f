"""Read statuses, stars and finish dates of the fake server go as those of the real servers were recorded to go."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from one_clock import Clock

from booklore_core.testing.server import BookLoreServer

CAPTURES = Path(__file__).parents[1] / "captures" / "server"
RECORDED_AS = {"booklore": "booklore-2.3.0", "grimmory": "grimmory-3.2.4", "custom": "koreader-plugin-image"}
LIBRARY = {
    "koreader_account": {"username": "reader", "password": "kosyncpw"},
    "books": [{"id": 3, "fileName": "three.epub", "fileSizeKb": 8, "md5": "81e34bb537caf8cad25d23c33acdc2fc"}],
}
"""The one book that the recordings are about."""

MARKS = ("readStatus", "personalRating", "koreaderProgress")
"""What of a Book object no clock decides."""


def replayed(server: BookLoreServer, clock: Clock, recording: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same asked of the fake server, seconds apart as the real ones were."""
    account = {"username": server.username, "password": server.password}
    token = requests.post(f"{server.url}/api/v1/auth/login", json=account, timeout=5).json()["accessToken"]
    key = {"x-auth-user": "reader", "x-auth-key": hashlib.md5(b"kosyncpw").hexdigest()}
    headers = {"bearer": {"Authorization": f"Bearer {token}"}, "md5": key}
    answers = []
    for exchange in recording:
        clock.forward(2)
        asked = exchange["request"]
        answer = requests.request(
            asked["method"],
            server.url + asked["path"],
            json=asked.get("json"),
            headers=headers[asked["auth"]],
            timeout=5,
        )
        answers.append({"status": answer.status_code, "json": answer.json() if answer.content else None})
    return answers


def marks(answers: list[dict[str, Any]]) -> list[Any]:
    """Of every answer that tells it what the book's marks are, with its status."""
    told = [(one["status"], book_of(one)) for one in answers]
    return [(status, {name: book.get(name) for name in MARKS}) for status, book in told]


def book_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer tells about the book: as a Book object, or as the only one of a list."""
    body = answer.get("json")
    body = body[0] if isinstance(body, list) and body else body
    return body if isinstance(body, dict) else {}


def dates(answers: list[dict[str, Any]]) -> list[str]:
    """What has become of the finish date from one Book object to the next: `none`, `kept` or `moved`."""
    shown = [str(book_of(one).get("dateFinished"))[:19] for one in answers if "addedOn" in book_of(one)]
    steps = [
        ("none" if after == "None" else "kept" if before == after else "moved") for before, after in pairwise(shown)
    ]
    return [shown[0], *steps]


@pytest.mark.parametrize("dialect", RECORDED_AS)
def test_statuses_stars_and_finish_dates_go_as_recorded(dialect: str, clock: Clock) -> None:
    recording = json.loads((CAPTURES / RECORDED_AS[dialect] / "more.json").read_text("utf-8"))
    wanted = [exchange["response"] for exchange in recording]

    with BookLoreServer(dialect, LIBRARY, now=clock) as server:
        answers = replayed(server, clock, recording)

    assert marks(answers) == marks(wanted)
    assert dates(answers) == dates(wanted)
    assert {"none", "kept", "moved"} <= set(dates(wanted))
    assert book_of(answers[-1])["dateFinished"] == book_of(wanted[-1])["dateFinished"] == "2026-11-01T10:00:00Z"
