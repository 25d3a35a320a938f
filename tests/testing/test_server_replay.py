"""The fake server answers what the real servers were recorded to answer, in all three dialects."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import requests
from one_clock import Clock

from booklore_core.testing.server import BookLoreServer

CAPTURES = Path(__file__).parents[1] / "captures" / "server"
RECORDED_AS = {"booklore": "booklore-2.3.0", "grimmory": "grimmory-3.2.4", "custom": "koreader-plugin-image"}
OWN_AREAS = ("detection", "progress", "annotations", "shelves", "komga", "content")
"""Areas whose answers do not depend on what an earlier area did."""


@pytest.fixture(params=RECORDED_AS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(dialect: str, clock: Clock) -> Iterator[BookLoreServer]:
    with BookLoreServer(dialect, CAPTURES / "library.json", now=clock) as running:
        yield running


def load_replay(clock: Clock) -> ModuleType:
    """The recordings' own replay tool, whose waits let the server's clock go on."""
    spec = importlib.util.spec_from_file_location("replay", CAPTURES / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    replay = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replay)
    replay.time = SimpleNamespace(sleep=clock.forward)  # type: ignore[attr-defined]
    return replay


def replayed(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, server: BookLoreServer, recording: Path, *areas: str
) -> int:
    asked = [word for area in areas for word in ("--area", area)]
    monkeypatch.setattr(sys, "argv", ["replay.py", server.url, str(recording), *asked])
    return int(load_replay(clock).main())


def recording(dialect: str, name: str) -> Path:
    return CAPTURES / RECORDED_AS[dialect] / name


def exchanges(dialect: str, name: str, area: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(recording(dialect, name).read_text("utf-8")) if one["area"] == area]


def test_the_whole_recording_is_answered_alike(
    server: BookLoreServer,
    dialect: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    differences = replayed(monkeypatch, clock, server, recording(dialect, "exchanges.json"))

    assert differences == 0, capsys.readouterr().out


@pytest.mark.parametrize("area", OWN_AREAS)
def test_an_area_alone_is_answered_alike(
    server: BookLoreServer,
    dialect: str,
    area: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    differences = replayed(monkeypatch, clock, server, recording(dialect, "exchanges.json"), area)

    assert differences == 0, capsys.readouterr().out


def test_logins_reverse_sync_and_the_lock_are_answered_alike(
    dialect: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with BookLoreServer(dialect, CAPTURES / "library.json", koreader_sync=True, now=clock) as server:
        areas = ("logins", "reverse sync", "lock-out")
        differences = replayed(monkeypatch, clock, server, recording(dialect, "logins.json"), *areas)

    assert differences == 0, capsys.readouterr().out


def asked(server: BookLoreServer, exchange: dict[str, Any], bearer: str, md5: dict[str, str]) -> requests.Response:
    """Ask again what was asked of the real server, with these credentials."""
    wanted = exchange["request"]
    kinds = (wanted["auth"] or "").split("+")
    headers = {"Authorization": f"Bearer {bearer}"} if "bearer" in kinds else {}
    headers |= md5 if "md5" in kinds else {}
    return requests.request(
        wanted["method"], server.url + wanted["path"], json=wanted.get("json"), headers=headers, timeout=10
    )


def outcome(answer: requests.Response) -> tuple[int, str | None, str | None]:
    is_json = "json" in answer.headers.get("Content-Type", "")
    return answer.status_code, answer.headers.get("Content-Type"), message_of(answer.json() if is_json else None)


def recorded_outcome(exchange: dict[str, Any]) -> tuple[int, str | None, str | None]:
    response = exchange["response"]
    return response["status"], response["content_type"], message_of(response.get("json"))


def message_of(body: Any) -> str | None:
    return body.get("message") if isinstance(body, dict) else None


def logged_in(server: BookLoreServer, username: str, password: str) -> str:
    answer = requests.post(
        f"{server.url}/api/v1/auth/login", json={"username": username, "password": password}, timeout=10
    )
    return str(answer.json()["accessToken"])


def device_headers(username: str) -> dict[str, str]:
    return {"x-auth-user": username, "x-auth-key": "a902712c764e53ab81dca368897bb7d7"}


def test_a_reader_without_libraries_is_refused_as_recorded(server: BookLoreServer, dialect: str) -> None:
    register, *rest = exchanges(dialect, "exchanges.json", "second reader")
    admin = logged_in(server, server.username, server.password)
    signed = {"Authorization": f"Bearer {admin}"}
    # The recording assigns to another's second shelf.
    requests.post(f"{server.url}/api/v1/shelves", json={"name": "KOReader"}, headers=signed, timeout=10)

    assert outcome(asked(server, register, admin, {})) == recorded_outcome(register)
    limited = logged_in(server, "limited", "limitedpw")

    for exchange in rest:
        answer = asked(server, exchange, limited, device_headers("limited"))
        assert outcome(answer) == recorded_outcome(exchange), exchange["name"]


def test_an_expired_token_is_refused_as_recorded(server: BookLoreServer, dialect: str, clock: Clock) -> None:
    token = logged_in(server, server.username, server.password)

    server.expire_tokens()
    clock.forward(2)

    for exchange in exchanges(dialect, "exchanges.json", "expired token"):
        answer = asked(server, exchange, token, device_headers(server.koreader_username))
        assert outcome(answer) == recorded_outcome(exchange), exchange["name"]


def test_a_missing_database_shows_as_recorded(server: BookLoreServer, dialect: str, clock: Clock) -> None:
    token = logged_in(server, server.username, server.password)
    *away, back = exchanges(dialect, "logins.json", "database away")

    server.database_away = True
    for exchange in away:
        answer = asked(server, exchange, token, device_headers(server.koreader_username))
        assert outcome(answer) == recorded_outcome(exchange), exchange["name"]

    server.database_away = False
    assert outcome(asked(server, back, token, {})) == recorded_outcome(back)
