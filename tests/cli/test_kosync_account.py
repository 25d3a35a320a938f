"""`booklore bridge kosync-user`, and what becomes of the accounts that it makes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import requests
from cli_world import Booklore
from test_bridge_command import served


@pytest.fixture
def url(home: Path) -> str:
    """An address at which nobody has to answer."""
    return "http://nas:8765"


def key(password: str) -> str:
    return hashlib.md5(password.encode()).hexdigest()


def test_an_account_works_at_the_address_that_is_told(booklore: Booklore, home: Path) -> None:
    with served("serve", "--port", "0") as bridge:
        made = booklore("bridge", "kosync-user", "anna", "--url", bridge, "--json")
        headers = {"x-auth-user": made.json["username"], "x-auth-key": key(made.json["password"])}
        answer = requests.get(f"{made.json['url']}/users/auth", headers=headers, timeout=10)
        listed = booklore("bridge", "devices").out
        revoked = booklore("bridge", "revoke", "kosync:anna")
        refused = requests.get(f"{made.json['url']}/users/auth", headers=headers, timeout=10)

    assert (made.code, list(made.json), made.err) == (0, ["username", "password", "url"], "")
    assert (made.json["username"], made.json["url"]) == ("anna", f"{bridge}/kosync")
    assert (answer.status_code, refused.status_code) == (200, 401)
    assert "kosync:anna" in listed and "kosync account" in listed
    assert (revoked.code, booklore("bridge", "devices", "--json").json) == (0, [])


def test_an_account_is_shown_to_people_once(booklore: Booklore, url: str) -> None:
    ran = booklore("bridge", "kosync-user", "anna", "--url", f"{url}/")

    server, name, password, note = ran.out.splitlines()
    assert (ran.code, server.split(), name.split()) == (0, ["Server", f"{url}/kosync"], ["Username", "anna"])
    assert len(password.split()[1]) == 12 and "not shown again" in note
    assert password.split()[1] not in booklore("bridge", "devices", "--json").out


def test_an_account_that_there_is_gets_a_new_password(booklore: Booklore, url: str) -> None:
    first, second = (booklore("bridge", "kosync-user", "anna", "--url", url, "--json").json for _ in range(2))

    assert first["password"] != second["password"]
    assert [one["id"] for one in booklore("bridge", "devices", "--json").json] == ["kosync:anna"]


@pytest.mark.parametrize("name", ["a:b", "an na", ""])
def test_a_name_that_cannot_be_is_refused_in_one_line(booklore: Booklore, url: str, name: str) -> None:
    ran = booklore("bridge", "kosync-user", name, "--url", url, "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "cannot be a name" in ran.err
