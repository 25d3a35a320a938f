"""What a BookOrbit makes of forty requests at once, as it was recorded: some of it doubles, and some falls short."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from booklore_core.testing import BookOrbitServer

LIBRARY = Path(__file__).parents[1] / "captures" / "bookorbit" / "library.json"
BOOK = "f97d8b58a2a3ae391f418ae47735fbef"
DEVICE = {"deviceId": "A1B2C3D4E5F60718293A4B5C6D7E8F90", "deviceModel": "Kobo_libra2", "pluginVersion": "1.0.0"}
START, MANY = 1788000000, 40
PLUGIN = "/api/v1/koreader/plugin"


@pytest.fixture
def server() -> Iterator[BookOrbitServer]:
    with BookOrbitServer(LIBRARY, seconds=0.02) as running:
        yield running


def ask(server: BookOrbitServer, path: str, body: dict[str, Any], method: str = "POST") -> Any:
    account = {"x-auth-user": server.koreader_username, "x-auth-key": server.koreader_password}
    answer = requests.request(method, f"{server.url}{path}", json=body, headers=account, timeout=30)
    assert answer.status_code in (200, 201)
    return answer.json()


def ask_at_once(server: BookOrbitServer, path: str, bodies: list[dict[str, Any]], method: str = "POST") -> list[Any]:
    together, told = threading.Barrier(len(bodies)), []

    def go(body: dict[str, Any]) -> None:
        together.wait()
        told.append(ask(server, path, body, method))

    threads = [threading.Thread(target=go, args=(one,)) for one in bodies]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return told


def about(name: str, *told: Any) -> dict[str, Any]:
    marks = {"keys": [], "keysComplete": False} if name == "changes" else {}
    return {**DEVICE, "books": [{"hash": BOOK, **marks, name: list(told)}]}


def event(page: int, start: int) -> dict[str, int]:
    return {"page": page, "startTime": start, "durationSeconds": 60, "totalPages": 100}


def totals(told: list[Any], *names: str) -> tuple[int, ...]:
    counts: Counter[str] = Counter()
    for one in told:
        counts.update({name: one["results"][0].get("applied", one["results"][0])[name] for name in names})
    return tuple(counts[name] for name in names)


HIGHLIGHT = {
    "datetime": "2026-08-29 12:00:00", "drawer": "lighten", "posFormat": "xpointer", "text": "whatever",
    "pos0": "/body/DocFragment[1]/body/p[1]/text().0", "pos1": "/body/DocFragment[1]/body/p[1]/text().4",
}  # fmt: skip


def test_equal_highlights_are_doubled(server: BookOrbitServer) -> None:
    """Recorded: 6 made, 34 unchanged."""
    told = ask_at_once(server, f"{PLUGIN}/annotations/exchange", [about("changes", HIGHLIGHT)] * MANY)

    made, unchanged = totals(told, "created", "unchanged")
    assert 1 < made < MANY
    assert made + unchanged == MANY
    assert len(server.annotations) == made
    assert server.overlaps


def test_one_tombstone_removes_one_of_the_doubled(server: BookOrbitServer) -> None:
    ask_at_once(server, f"{PLUGIN}/annotations/exchange", [about("changes", HIGHLIGHT)] * MANY)
    doubled = len(server.annotations)
    removal = about("changes", HIGHLIGHT) | {"deviceId": "7043B000000000000000000000000001"}
    removal["books"][0]["keysComplete"] = True

    for _ in range(2):
        ask(server, f"{PLUGIN}/annotations/exchange", removal)

    assert len(server.annotations) == doubled - 1


def test_equal_page_events_are_there_once(server: BookOrbitServer) -> None:
    """Recorded: 2 accepted, 78 duplicates."""
    body = about("events", event(1, START), event(2, START + 60))
    told = ask_at_once(server, f"{PLUGIN}/page-stats", [body] * MANY)

    assert totals(told, "accepted", "duplicates") == (2, 78)
    assert [one["durationSeconds"] for one in server.sessions] == [120]


def test_different_pages_of_a_book_make_a_session_that_is_short_until_the_next_one(server: BookOrbitServer) -> None:
    """Recorded: 40 accepted, 1,140 seconds of 2,400."""
    bodies = [about("events", event(10 + number, START + 60 * number)) for number in range(MANY)]
    told = ask_at_once(server, f"{PLUGIN}/page-stats", bodies)

    assert totals(told, "accepted") == (40,)
    assert 0 < sum(one["durationSeconds"] for one in server.sessions) < 60 * MANY
    ask(server, f"{PLUGIN}/page-stats", about("events", event(50, START + 60 * MANY)))
    assert [one["durationSeconds"] for one in server.sessions] == [60 * (MANY + 1)]


def test_equal_bookmarks_places_and_stars_are_there_once(server: BookOrbitServer) -> None:
    """Recorded: 1 bookmark accepted, 39 duplicates."""
    bookmark = {"datetime": "2026-08-29 13:00:00", "pos": "/body/DocFragment[1]/body/p[1]/text().0"}
    told = ask_at_once(server, f"{PLUGIN}/bookmarks/exchange", [about("changes", bookmark)] * MANY)
    place = {"document": BOOK, "percentage": 0.5, "device": "Kobo", "device_id": "kobo", "timestamp": START}
    ask_at_once(server, "/api/v1/koreader/syncs/progress", [place] * MANY, "PUT")
    stars = {**DEVICE, "books": [{"hash": BOOK, "rating": 4}]}
    ask_at_once(server, f"{PLUGIN}/book-states", [stars] * MANY)

    assert totals(told, "accepted", "duplicates") == (1, 39)
    assert len(server.bookmarks) == 1
    assert (server.readings[7]["percent"], server.readings[7]["rating"]) == (50, 4)
    assert len(server.state.attempts) == 1


def test_a_repeat_while_the_first_is_still_under_way_doubles_a_highlight(server: BookOrbitServer) -> None:
    server.fail("late", "POST /api/v1/koreader/plugin/annotations")
    with pytest.raises(requests.ConnectionError):
        ask(server, f"{PLUGIN}/annotations/exchange", about("changes", HIGHLIGHT))

    ask(server, f"{PLUGIN}/annotations/exchange", about("changes", HIGHLIGHT))
    server.carry_out_late()

    assert len(server.annotations) == 2


def test_what_comes_one_after_the_other_overlaps_with_nothing(server: BookOrbitServer) -> None:
    for _ in range(3):
        told = ask(server, f"{PLUGIN}/annotations/exchange", about("changes", HIGHLIGHT))

    assert totals([told], "unchanged") == (1,)
    assert server.overlaps == []
