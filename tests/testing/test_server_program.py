"""The fake server as a program."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

LIBRARY = Path(__file__).parents[1] / "captures" / "server" / "library.json"


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program and the URL that it printed."""
    command = [sys.executable, "-m", "booklore_core.testing", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield program, program.stdout.readline().strip()
        finally:
            program.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_url_serves_and_stops_when_told(stop: signal.Signals) -> None:
    with running("--dialect", "grimmory") as (program, url):
        assert requests.get(f"{url}/api/v1/healthcheck", timeout=5).json()["data"]["version"] == "v3.2.4"

        program.send_signal(stop)

        assert program.wait(timeout=10) == 0


def test_it_says_who_can_log_in() -> None:
    with running("--dialect", "booklore") as (program, url):
        assert program.stdout is not None
        told = dict(program.stdout.readline().strip().split(": ", 1) for _ in range(2))

        account = {"username": told["user"], "password": told["password"]}
        assert requests.post(f"{url}/api/v1/auth/login", json=account, timeout=5).status_code == 200


@pytest.mark.parametrize(("sync", "enabled"), [("on", True), ("off", False)])
def test_it_holds_the_library_it_is_given(tmp_path: Path, sync: str, enabled: bool) -> None:
    book = {"id": 7, "title": "Own", "fileName": "own.epub", "file": "files/own.epub"}
    accounts = {
        "web_login": {"username": "me", "password": "mine"},
        "koreader_account": {"username": "kobo", "password": "pw"},
    }
    (tmp_path / "library.json").write_text(json.dumps({**accounts, "books": [book]}))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "own.epub").write_bytes(b"x" * 2048)

    options = ("--dialect", "booklore", "--library", str(tmp_path / "library.json"), "--koreader-sync", sync)
    with running(*options) as (_, url):
        login = requests.post(f"{url}/api/v1/auth/login", json=accounts["web_login"], timeout=5).json()
        headers = {"Authorization": f"Bearer {login['accessToken']}"}
        account = requests.get(f"{url}/api/v1/koreader-users/me", headers=headers, timeout=5).json()
        listed = requests.get(f"{url}/api/v1/books", headers=headers, timeout=5).json()
        content = requests.get(f"{url}/api/v1/books/7/content", headers=headers, timeout=5).content

    assert (account["username"], account["syncEnabled"]) == ("kobo", enabled)
    assert [(one["id"], one["primaryFile"]["fileSizeKb"]) for one in listed] == [(7, 2)]
    assert content == b"x" * 2048


def test_without_a_word_on_sync_the_library_decides() -> None:
    with running("--dialect", "custom", "--library", str(LIBRARY)) as (_, url):
        account = {"username": "admin", "password": "adminadmin"}
        token = requests.post(f"{url}/api/v1/auth/login", json=account, timeout=5).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        shown = requests.get(f"{url}/api/v1/koreader-users/me", headers=headers, timeout=5).json()

    assert shown["syncEnabled"] is False


def test_a_library_that_is_not_there_ends_it_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "booklore_core.testing", "--dialect", "custom", "--library", str(tmp_path / "no")]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


def test_it_is_a_bookorbit_too() -> None:
    with running("--dialect", "bookorbit") as (program, url):
        assert program.stdout is not None
        told = dict(program.stdout.readline().strip().split(": ", 1) for _ in range(4))

        account = {"x-auth-user": told["KOReader user"], "x-auth-key": told["KOReader password"]}
        version = requests.get(f"{url}/api/v1/koreader/plugin/version", headers=account, timeout=5).json()
        assert "bookmarkSync" in version["capabilities"]
