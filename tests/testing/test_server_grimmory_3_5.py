"""The dialect that is told of in release notes and not recorded: Grimmory 3.3 to 3.5. Source: server-contract.md 16."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from one_clock import Clock

from booklore_core.testing.server import DIALECTS, BookLoreServer

OLD = [name for name in DIALECTS if name != "grimmory-3.5"]
KEY = {"x-auth-user": "reader", "x-auth-key": "a902712c764e53ab81dca368897bb7d7"}


@pytest.fixture
def server(clock: Clock) -> Iterator[BookLoreServer]:
    with BookLoreServer("grimmory-3.5", now=clock) as running:
        yield running


def log_in(server: BookLoreServer, password: str = "adminadmin") -> requests.Response:
    return post(server, "/api/v1/auth/login", {"username": "admin", "password": password})


def refresh(server: BookLoreServer, token: str) -> requests.Response:
    return post(server, "/api/v1/auth/refresh", {"refreshToken": token})


def post(server: BookLoreServer, path: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(server.url + path, json=body, timeout=5)


def call(server: BookLoreServer, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {log_in(server).json()['accessToken']}"}
    return requests.request(method, server.url + path, headers=headers, timeout=5, **options)


def test_it_names_its_version(server: BookLoreServer) -> None:
    answer = requests.get(f"{server.url}/api/v1/healthcheck", timeout=5)

    assert answer.json()["data"]["version"] == "v3.5.0"


def test_a_wrong_password_is_a_401_with_the_application_s_words(server: BookLoreServer) -> None:
    answer = log_in(server, "wrong")

    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid credentials")


def test_wrong_passwords_lock_the_account_as_ever(server: BookLoreServer) -> None:
    assert [log_in(server, "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    assert log_in(server).status_code == 429


def test_logins_within_a_second_all_succeed(server: BookLoreServer) -> None:
    tokens = {log_in(server).json()["accessToken"] for _ in range(3)}

    assert len(tokens) == 3


def test_a_token_is_not_refreshed_in_its_first_minutes_and_the_session_stays_good(
    server: BookLoreServer, clock: Clock
) -> None:
    first = log_in(server).json()
    headers = {"Authorization": f"Bearer {first['accessToken']}"}

    assert refresh(server, first["refreshToken"]).status_code == 401
    assert requests.get(f"{server.url}/api/v1/users/me", headers=headers, timeout=5).status_code == 200
    clock.seconds += 119
    assert refresh(server, first["refreshToken"]).status_code == 401
    clock.seconds += 1

    second = refresh(server, first["refreshToken"])
    assert second.status_code == 200
    assert refresh(server, second.json()["refreshToken"]).status_code == 401
    assert refresh(server, first["refreshToken"]).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "old", "new"),
    [
        ("POST", "/api/v1/reading-sessions/batch", 500, 405),
        ("POST", "/api/v1/no-such-thing", 500, 405),
        ("DELETE", "/api/v1/books/1", 500, 405),
        ("GET", "/api/v1/books/search?title=Dune", 500, 400),
        ("DELETE", "/api/v1/annotations/99", 500, 404),
        ("GET", "/api/v1/bookmarks/99", 500, 404),
    ],
)
def test_what_was_a_500_without_a_reason_has_its_own_status(
    server: BookLoreServer, method: str, path: str, old: int, new: int
) -> None:
    assert call(server, method, path, json={}).status_code == new

    with BookLoreServer("grimmory") as older:
        assert call(older, method, path, json={}).status_code == old


def test_another_type_of_body_is_a_415(server: BookLoreServer) -> None:
    assert call(server, "POST", "/api/v1/reading-sessions", data="plain").status_code == 415


def test_the_app_routes_are_gone_like_any_unknown_path(server: BookLoreServer) -> None:
    for path in ("/api/v1/app/books", "/api/v1/app/books/1"):
        answer = call(server, "GET", path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert call(server, "PUT", "/api/v1/app/books/1/rating", json={"rating": 3}).status_code == 405

    assert call(server, "GET", "/api/v1/books/page").json()["page"]["totalElements"] == 4


def test_komga_routes_that_are_not_there_say_so(server: BookLoreServer) -> None:
    answer = requests.get(f"{server.url}/komga/api/v1/series", timeout=5)

    assert (answer.status_code, answer.headers["Content-Type"]) == (501, "application/json")


def test_positions_come_back_with_the_device_that_pushed(server: BookLoreServer) -> None:
    pushed = {"document": server.books[1].partial_md5, "percentage": 0.25, "progress": "/body/DocFragment[1]/body"}
    pushed |= {"device": "Libra", "device_id": "kobo-7f3a"}
    assert requests.put(f"{server.url}/api/koreader/syncs/progress", json=pushed, headers=KEY, timeout=5).ok

    assert position(server) == (0.25, "Libra", "kobo-7f3a")


def position(server: BookLoreServer) -> tuple[float, str, str]:
    path = f"{server.url}/api/koreader/syncs/progress/{server.books[1].partial_md5}"
    told = requests.get(path, headers=KEY, timeout=5).json()
    return told["percentage"], told["device"], told["device_id"]


def test_the_web_reader_s_position_comes_back_with_the_asking_device_s_id(server: BookLoreServer) -> None:
    test_positions_come_back_with_the_device_that_pushed(server)
    call(server, "PATCH", "/api/v1/koreader-users/me/sync-progress-with-grimmory?enabled=true")

    read_on = {"bookFileId": 1, "progressPercent": 62.5, "positionData": "epubcfi(/6/4!/4/2:0)"}
    call(server, "POST", "/api/v1/books/progress", json={"bookId": 1, "fileProgress": read_on})

    assert position(server) == (0.625, "Libra", "kobo-7f3a")


@pytest.mark.parametrize("dialect", OLD)
def test_older_servers_call_every_device_booklore(dialect: str) -> None:
    with BookLoreServer(dialect) as older:
        pushed = {"document": older.books[1].partial_md5, "percentage": 0.25, "progress": "x", "device_id": "kobo-7f3a"}
        requests.put(f"{older.url}/api/koreader/syncs/progress", json=pushed, headers=KEY, timeout=5)

        assert position(older) == (0.25, "BookLore", "BookLore")
