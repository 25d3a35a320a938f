"""What can be made to go wrong on the fake server, and what is stored then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from server_world import SESSION, SESSIONS, Reader, soon

from booklore_core.testing.server import FAULTS, BookLoreServer


@pytest.fixture
def server() -> Iterator[BookLoreServer]:
    with BookLoreServer("booklore") as running:
        yield running


@pytest.mark.parametrize(("fault", "stored"), [("close_before", 0), ("close_after", 1), ("half_body", 1)])
def test_a_cut_connection_leaves_the_session_stored_or_not(
    server: BookLoreServer, reader: Reader, fault: str, stored: int
) -> None:
    server.fail(fault, SESSIONS)

    with pytest.raises(requests.ConnectionError):
        reader.send()

    assert len(server.sessions) == stored
    assert reader.send().status_code == 202


def test_half_a_body_is_shorter_than_it_says(server: BookLoreServer, reader: Reader) -> None:
    server.fail("half_body", "GET /api/v1/books")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        reader.get("/api/v1/books")


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "stored"),
    [
        ("refuse", 500, "application/json", 0),
        ("status:500", 500, "application/json", 0),
        ("status:429", 429, "application/json", 0),
        ("status:502_html", 502, "text/html", 0),
        ("status:401_empty", 401, None, 0),
        ("html_200", 200, "text/html", 0),
        ("sync_disabled", 401, "application/json", 0),
        ("commit_then_500", 500, "application/json", 1),
        ("commit_then_502_html", 502, "text/html", 1),
        ("commit_then_html_200", 200, "text/html", 1),
    ],
)
def test_another_answer_leaves_the_session_stored_or_not(
    server: BookLoreServer, reader: Reader, fault: str, status: int, content_type: str | None, stored: int
) -> None:
    server.fail(fault, SESSIONS)

    answer = reader.send()

    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)
    assert len(server.sessions) == stored


def test_a_delayed_answer_comes_after_the_session_is_stored(server: BookLoreServer, reader: Reader) -> None:
    server.fail("delay:30", SESSIONS)

    reader.give_up()

    assert soon(lambda: len(server.sessions), 1) == 1


def test_a_delayed_request_is_not_stored_while_it_waits(server: BookLoreServer, reader: Reader) -> None:
    server.fail("delay_before:30", SESSIONS)

    reader.give_up()

    assert server.sessions == []


def test_a_fault_happens_as_often_as_asked_and_spares_other_requests(server: BookLoreServer, reader: Reader) -> None:
    server.fail("refuse", SESSIONS, times=2, after=1)

    statuses = [reader.send().status_code for _ in range(4)]

    assert statuses == [202, 500, 500, 202]
    assert reader.get("/api/v1/users/me").ok


def test_a_login_is_never_told_that_sync_is_off(server: BookLoreServer) -> None:
    """A 401 of the application is a wrong password there."""
    server.fail("sync_disabled", times=None)

    assert Reader(server).get("/api/v1/books").json()["message"] == "Sync is disabled for this user"


def test_a_lasting_fault_ends_with_recover(server: BookLoreServer, reader: Reader) -> None:
    server.fail("status:503", times=None)
    assert {reader.get("/api/v1/books").status_code for _ in range(3)} == {503}

    server.recover()

    assert reader.get("/api/v1/books").ok


def test_an_unknown_fault_is_a_mistake_that_names_the_known_ones(server: BookLoreServer) -> None:
    with pytest.raises(ValueError, match="commit_then_CODE"):
        server.fail("explode")

    assert all(FAULTS.values())


def test_a_restarted_server_has_the_same_address_and_memory(server: BookLoreServer, reader: Reader) -> None:
    address = server.url
    reader.send()

    server.stop()
    with pytest.raises(requests.ConnectionError):
        reader.send()
    server.start()

    assert server.url == address
    assert reader.send().status_code == 202
    assert len(server.sessions) == 2


def test_requests_are_recorded_with_their_kind_of_credentials(server: BookLoreServer, reader: Reader) -> None:
    seen = []
    server.on_request = lambda record: seen.append((record.method, record.status))

    reader.send()
    requests.get(f"{server.url}/api/koreader/users/auth", headers={"x-auth-user": "a", "x-auth-key": "b"}, timeout=5)

    assert [(one.method, one.auth, one.status) for one in server.requests[-2:]] == [
        ("POST", "bearer", 202),
        ("GET", "md5", 403),
    ]
    assert seen == [("POST", None), ("GET", None)]


def test_sessions_are_kept_as_sent_and_never_taken_for_repeats(server: BookLoreServer, reader: Reader) -> None:
    for _ in range(2):
        reader.send(startProgress=33.333333333, startLocation=12)

    first, second = server.sessions
    assert first["startTime"] == "2026-02-22T14:00:00Z"
    assert (first["durationSeconds"], first["startProgress"], first["startLocation"]) == (600, 33.3333, "12")
    assert {**first, "id": 0, "createdAt": 0} == {**second, "id": 0, "createdAt": 0}


def test_ten_thousand_sessions_are_listed_a_page_at_a_time(server: BookLoreServer, reader: Reader) -> None:
    with BookLoreServer("custom") as custom:
        rich = Reader(custom)
        batch = [
            {**SESSION, "startTime": 1_700_000_000 + number, "endTime": 1_700_000_600 + number}
            for number in range(10_000)
        ]
        body = {"bookId": 1, "bookType": "EPUB", "sessions": batch}
        sent = rich.http.post(f"{custom.url}/api/v1/reading-sessions/batch", json=body, timeout=60)
        assert sent.json()["successCount"] == 10_000

        page = rich.get("/api/v1/reading-sessions/book/1?page=99&size=100").json()

    assert page["page"] == {"size": 100, "number": 99, "totalElements": 10_000, "totalPages": 100}
    assert page["content"][-1]["startTime"] == "2023-11-14T22:13:20Z"
