"""What a BookOrbit makes of page events that come in any order: it derives anew all that lies between the first and the
last new one. Source: bookorbit contract 5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from booklore_core.testing import BookOrbitServer

LIBRARY = Path(__file__).parents[1] / "captures" / "bookorbit" / "library.json"
BOOK = "f97d8b58a2a3ae391f418ae47735fbef"
DEVICE = {"deviceId": "A1B2C3D4E5F60718293A4B5C6D7E8F90", "deviceModel": "Kobo_libra2", "pluginVersion": "1.0.0"}
START, HOUR = 1788000000, 3600


@pytest.fixture
def server() -> Iterator[BookOrbitServer]:
    with BookOrbitServer(LIBRARY) as running:
        yield running


def tell(server: BookOrbitServer, *hours: int, page: int = 1) -> None:
    """A minute of reading at each of these hours, in one request."""
    events = [
        {"page": page, "startTime": START + hour * HOUR + 60 * page, "durationSeconds": 60, "totalPages": 100}
        for hour in hours
    ]
    account = {"x-auth-user": server.koreader_username, "x-auth-key": server.koreader_password}
    body = {**DEVICE, "books": [{"hash": BOOK, "events": events}]}
    path = "/api/v1/koreader/plugin/page-stats"
    answer = requests.post(f"{server.url}{path}", json=body, headers=account, timeout=30)
    assert answer.status_code == 201


def held(server: BookOrbitServer) -> list[tuple[str, int]]:
    return sorted((one["startedAt"][11:16], one["durationSeconds"]) for one in server.sessions)


def test_a_session_between_two_that_grow_stays(server: BookOrbitServer) -> None:
    tell(server, 0, 2, 4)
    before = held(server)

    tell(server, 0, 4, page=2)

    assert [duration for _, duration in before] == [60, 60, 60]
    assert [duration for _, duration in held(server)] == [120, 60, 120]


def test_a_session_between_two_new_ones_stays(server: BookOrbitServer) -> None:
    tell(server, 2)

    tell(server, 0, 4)

    assert [duration for _, duration in held(server)] == [60, 60, 60]


def test_one_that_was_deleted_comes_back_when_it_lies_between_new_ones(server: BookOrbitServer) -> None:
    tell(server, 2)
    for rows in server.state.sessions.values():
        rows.clear()

    tell(server, 0, 4)

    assert [duration for _, duration in held(server)] == [60, 60, 60]
