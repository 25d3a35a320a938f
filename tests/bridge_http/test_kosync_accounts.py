"""Accounts for kosync: told once, kept as a hash, slow to guess, and open to nothing else."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from bridge_world import EReader
from kosync_world import DOCUMENT, UNAUTHORIZED, SyncClient, client_of

from booklore_core.bridge.accounts import BadName, new_account
from booklore_core.core import Core

CALLS = [("GET", "/users/auth"), ("PUT", "/syncs/progress"), ("GET", f"/syncs/progress/{DOCUMENT}")]


@pytest.fixture
def kobo(core: Core, url: str) -> SyncClient:
    return client_of(core, url)


def test_a_password_can_be_typed_and_is_another_each_time(core: Core) -> None:
    passwords = {new_account(core, f"reader{number}") for number in range(20)}

    assert len(passwords) == 20
    assert all(len(one) == 12 and one.isascii() and one.islower() and one.isalpha() for one in passwords)


@pytest.mark.parametrize("name", ["a:b", "", "a b", "ä", "x" * 65, "a\n", "a/b"])
def test_a_name_that_clients_could_not_send_is_refused(core: Core, name: str) -> None:
    with pytest.raises(BadName, match="cannot be a name"):
        new_account(core, name)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("header", "value"),
    [("key", "0" * 32), ("key", ""), ("user", "eve"), ("user", ""), ("user", "a:b"), ("user", "Anna")],
)
def test_a_wrong_name_or_key_opens_nothing(kobo: SyncClient, call: tuple[str, str], header: str, value: str) -> None:
    answer = kobo.call(*call, body={}, **{f"x-auth-{header}": value})

    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


def test_the_key_is_compared_as_it_is(kobo: SyncClient) -> None:
    key = kobo.headers["x-auth-key"]

    for wrong in (key.upper(), f"{key} x", kobo.password, f"{key[:-1]}é"):
        assert kobo.call("GET", "/users/auth", **{"x-auth-key": wrong.encode()}).status_code == 401  # type: ignore[arg-type]


def test_a_new_password_ends_the_old_one(core: Core, kobo: SyncClient) -> None:
    again = replace(kobo, password=new_account(core, kobo.user))

    assert kobo.login().status_code == 401
    assert again.login().status_code == 200
    assert len(core.devices.paired()) == 1


def test_an_account_is_listed_and_can_be_ended_and_what_it_told_stays(core: Core, kobo: SyncClient, clock) -> None:
    clock.forward(hours=1)
    kobo.push(0.32)
    (listed,) = core.devices.paired()

    assert listed == {
        "id": "kosync:anna",
        "name": "anna",
        "model": "kosync account",
        "last_seen": "2026-11-20T21:00:00Z",
        "waiting": 0,
    }
    assert core.devices.revoke("kosync:anna")
    assert core.devices.paired() == []
    assert (kobo.login().status_code, kobo.put(0.4).status_code) == (401, 401)
    assert core.database.value("SELECT COUNT(*) FROM events WHERE name = 'page_turns'") == 1


def test_an_account_opens_nothing_else(core: Core, kobo: SyncClient) -> None:
    (stored,) = [one for _, one in core.devices.with_token()]

    for token in (kobo.password, kobo.headers["x-auth-key"], stored, stored.rpartition(":")[2]):
        assert EReader(kobo.url, token=token).get("/v1/menu").status_code == 401


def test_a_devices_token_opens_no_account(kobo: SyncClient, ereader: EReader) -> None:
    for name in (ereader.id, kobo.user, "Libra"):
        wrong = {"x-auth-user": name, "x-auth-key": ereader.token}

        assert kobo.call("GET", "/users/auth", **wrong).status_code == 401


def test_neither_password_nor_key_is_stored_or_logged(
    core: Core, kobo: SyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        kobo.push(0.32)
        kobo.call("GET", "/users/auth", **{"x-auth-key": "another-secret"})
    tables, _ = core.database.names()
    stored = json.dumps([core.database.rows(f"SELECT * FROM {name}") for name in tables])

    for secret in (kobo.password, kobo.headers["x-auth-key"], "another-secret"):
        assert secret not in stored and secret not in caplog.text


def test_five_wrong_keys_in_a_minute_close_the_account_for_a_while(kobo: SyncClient, clock) -> None:
    wrong = [kobo.call("GET", "/users/auth", **{"x-auth-key": f"guess{number}"}).status_code for number in range(6)]
    closed = kobo.put(0.32)

    assert wrong == [401] * 5 + [429]
    assert (closed.status_code, closed.headers["Retry-After"], closed.json()["code"]) == (429, "60", 2001)

    clock.forward(seconds=61)
    assert kobo.put(0.32).status_code == 200


def test_wrong_keys_of_others_do_not_close_the_account_to_whoever_is_using_it(kobo: SyncClient) -> None:
    assert kobo.put(0.32).status_code == 200
    for number in range(6):
        kobo.call("GET", "/users/auth", **{"x-auth-key": f"guess{number}"})

    assert kobo.put(0.4).status_code == 200
    assert kobo.call("GET", "/users/auth", **{"x-auth-key": "guess7"}).status_code == 429


def test_a_key_that_was_right_is_judged_anew_every_time(core: Core, kobo: SyncClient) -> None:
    assert kobo.put(0.32).status_code == 200

    core.devices.revoke(f"kosync:{kobo.user}")

    assert kobo.put(0.4).status_code == 401


def test_of_sixty_guesses_at_once_five_are_judged(kobo: SyncClient) -> None:
    together = threading.Barrier(60)

    def guess(number: int) -> int:
        together.wait(20)
        return kobo.call("GET", "/users/auth", **{"x-auth-key": f"guess{number}"}).status_code

    with ThreadPoolExecutor(60) as guessers:
        told = list(guessers.map(guess, range(60)))

    assert (told.count(401), told.count(429)) == (5, 55)


def test_a_device_with_an_old_password_locks_nobody_out(core: Core, kobo: SyncClient) -> None:
    again = replace(kobo, password=new_account(core, kobo.user))

    assert {kobo.login().status_code for _ in range(20)} == {401}
    assert again.login().status_code == 200


def test_many_devices_of_one_account_at_once_are_no_guesses(kobo: SyncClient) -> None:
    together = threading.Barrier(30)

    def push(number: int) -> int:
        together.wait(20)
        return replace(kobo, id=f"{number}").put(0.32).status_code

    with ThreadPoolExecutor(30) as devices:
        assert set(devices.map(push, range(30))) == {200}
