"""Requests that are carried out after their senders have given up: late ones, and those that wait for a table."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from one_clock import Clock
from server_world import SESSION, SESSIONS, Reader, soon

from booklore_core.testing.server import BookLoreServer

LISTING = "GET /api/v1/books$"


@pytest.fixture(params=["booklore", "grimmory", "grimmory-3.5", "custom"])
def server(request: pytest.FixtureRequest, clock: Clock) -> Iterator[BookLoreServer]:
    with BookLoreServer(request.param, now=clock) as running:
        yield running


def test_a_late_request_is_carried_out_when_its_time_has_come(
    server: BookLoreServer, reader: Reader, clock: Clock
) -> None:
    server.fail("late:300", SESSIONS)
    with pytest.raises(requests.ConnectionError):
        reader.send()
    assert reader.look() == 0

    clock.seconds += 299
    assert reader.look() == 0
    clock.seconds += 1

    assert reader.look() == 1


def test_a_late_request_happens_when_it_was_due_and_not_when_somebody_looks(
    server: BookLoreServer, reader: Reader, clock: Clock
) -> None:
    server.fail("late:300", SESSIONS)
    with pytest.raises(requests.ConnectionError):
        reader.send()
    due = clock() + 300

    clock.seconds += 4000
    (row,) = reader.get("/api/v1/reading-sessions/book/1").json()["content"]

    assert datetime.fromisoformat(row["createdAt"]).replace(tzinfo=UTC).timestamp() == pytest.approx(due, abs=1)


def test_a_late_request_without_a_time_is_carried_out_when_told(server: BookLoreServer, reader: Reader) -> None:
    server.fail("late", SESSIONS)
    with pytest.raises(requests.ConnectionError):
        reader.send()
    server.recover()
    assert server.sessions == []

    server.carry_out_late()

    assert len(server.sessions) == 1


def test_a_late_request_is_refused_as_it_would_be_then(server: BookLoreServer, reader: Reader, clock: Clock) -> None:
    server.fail("late:60", SESSIONS)
    with pytest.raises(requests.ConnectionError):
        reader.send()

    server.expire_tokens()
    clock.seconds += 60

    assert server.sessions == []


def test_while_the_table_is_locked_a_look_finds_nothing_and_afterwards_every_repeat_is_there(
    server: BookLoreServer, reader: Reader
) -> None:
    server.lock_sessions()
    for _ in range(3):
        reader.give_up()
        assert reader.look() == 0

    server.unlock_sessions()

    assert soon(reader.look, 3) == 3


def test_a_lock_may_end_by_itself(server: BookLoreServer, reader: Reader, clock: Clock) -> None:
    server.lock_sessions(300)
    reader.give_up()
    clock.seconds += 299
    assert reader.look() == 0

    clock.seconds += 1

    assert soon(reader.look, 1) == 1
    assert reader.send().status_code == 202


def test_whoever_still_waits_at_the_end_of_the_lock_is_answered(server: BookLoreServer, reader: Reader) -> None:
    server.lock_sessions()
    unlocking = threading.Timer(0.2, server.unlock_sessions)
    unlocking.start()

    assert reader.send().status_code == 202
    assert len(server.sessions) == 1
    unlocking.join()


def test_a_batch_waits_for_the_table_as_well() -> None:
    with BookLoreServer("custom", lock_patience=0) as server:
        reader = Reader(server)
        times = {name: SESSION[name] for name in ("startTime", "endTime", "durationSeconds")}
        batch = {"bookId": 1, "bookType": "EPUB", "sessions": [times, {**times, "startTime": "2026-02-22T13:00:00Z"}]}
        server.lock_sessions()
        with pytest.raises(requests.ConnectionError):
            reader.http.post(f"{server.url}/api/v1/reading-sessions/batch", json=batch, timeout=5)
        assert server.sessions == []

        server.unlock_sessions()

    assert len(server.sessions) == 2


def test_what_is_wrong_with_a_session_is_told_in_spite_of_the_lock(server: BookLoreServer, reader: Reader) -> None:
    server.lock_sessions()

    assert reader.send(bookId=999).status_code == 404
    assert reader.send(endTime=None).status_code == 400


def test_a_late_request_may_meet_a_locked_table(server: BookLoreServer, reader: Reader, clock: Clock) -> None:
    server.fail("late:60", SESSIONS)
    with pytest.raises(requests.ConnectionError):
        reader.send()
    server.lock_sessions()
    clock.seconds += 60
    assert reader.look() == 0

    server.unlock_sessions()

    assert reader.look() == 1


def test_a_fault_of_the_listing_spares_the_single_book(server: BookLoreServer, reader: Reader) -> None:
    server.fail("status:500", LISTING, times=None)

    assert reader.get("/api/v1/books").status_code == 500
    assert reader.get("/api/v1/books/1").status_code == 200
    assert reader.get("/api/v1/books/1/content").status_code == 200


def test_a_listing_can_take_longer_than_anybody_waits(server: BookLoreServer, reader: Reader) -> None:
    server.fail("delay:30", LISTING)

    with pytest.raises(requests.Timeout):
        reader.http.get(f"{server.url}/api/v1/books", timeout=0.2)
