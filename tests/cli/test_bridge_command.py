"""`booklore serve`, `booklore bridge` and `booklore demo`."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from cli_world import Booklore, Install
from freezegun import freeze_time

from booklore_core.cli.commands.demo import check
from booklore_core.cli.demo_day import Arrival
from booklore_core.cli.errors import Refused
from booklore_core.testing import SampleReader

ASKING = """
import os, threading
from pathlib import Path
from booklore_core import Action, Ask, Result, hookimpl

def hesitate(core, request):
    try:
        yield Ask("Well?")
    finally:
        leaving = threading.Thread(target=(Path(os.environ["BOOKLORE_HOME"]) / "left").write_text, args=("in order",))
        leaving.start()
        leaving.join()
    return Result()

@hookimpl
def register_actions():
    yield Action("hesitate", "Hesitate", hesitate)
"""

KOBO = {"id": "kobo-7f3a", "name": "Libra", "model": "Kobo_io"}


@contextmanager
def served(*words: str) -> Iterator[str]:
    """The address of a `booklore` that serves, which is ended afterwards."""
    command = [sys.executable, "-m", "booklore_core", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


@pytest.fixture
def bridge(home: Path) -> Iterator[str]:
    """The address of a running `booklore serve`."""
    with served("serve", "--port", "0") as url:
        yield url


def test_device_is_paired_listed_and_revoked(booklore: Booklore, bridge: str) -> None:
    made = booklore("bridge", "pair", "--json", "--url", bridge)
    assert (made.code, made.json["url"], made.json["expires_in"]) == (0, bridge, 600)
    body = {"code": made.json["code"], "device": KOBO}
    token = requests.post(f"{bridge}/v1/pair", json=body, timeout=10).json()["token"]

    (listed,) = booklore("bridge", "devices", "--json").json
    revoked = booklore("bridge", "revoke", "kobo-7f3a", "--json")
    refused = requests.get(f"{bridge}/v1/menu", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert set(listed) == {"id", "name", "model", "last_seen", "waiting"}
    assert (listed["id"], listed["name"], listed["model"], listed["waiting"]) == (*KOBO.values(), 0)
    assert (revoked.code, refused.status_code) == (0, 401)
    assert booklore("bridge", "devices", "--json").json == []


def test_everybody_who_has_to_be_paired_anew_is_named(booklore: Booklore, bridge: str) -> None:
    code = booklore("bridge", "pair", "--json", "--url", bridge).json["code"]
    token = requests.post(f"{bridge}/v1/pair", json={"code": code, "device": KOBO}, timeout=10).json()["token"]
    for title in ("Dune", "Emma"):  # two devices with one id's settings
        lines = SampleReader(KOBO["id"]).read({"partial_md5": title[0].lower() * 32, "title": title})
        headers, body = {"Authorization": f"Bearer {token}"}, {"device": KOBO, "lines": lines}
        assert requests.post(f"{bridge}/v1/events", headers=headers, json=body, timeout=10).status_code == 200
    original, clone = sorted(one["id"] for one in booklore("bridge", "devices", "--json").json)

    ran = booklore("bridge", "revoke", clone)

    assert (ran.code, original) == (0, KOBO["id"])
    assert ran.out.startswith(f"{clone} and {original}, which spoke by the same token, have to be paired anew")
    assert booklore("bridge", "devices", "--json").json == []


@pytest.mark.parametrize("command", [("pair",), ("install", "{koreader}")])
def test_address_of_the_bridge_is_completed(booklore: Booklore, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "koreader" / "plugins").mkdir(parents=True)
    words = [word.format(koreader=tmp_path / "koreader") for word in command]

    ran = booklore("bridge", *words, "--url", "nas:8765", "--json")
    refused = booklore("bridge", *words, "--url", "my nas:8765", "--json")

    assert (ran.code, ran.json["url"]) == (0, "http://nas:8765")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("booklore: 'my nas:8765' is no address such as")


def test_code_is_shown_to_people(booklore: Booklore) -> None:
    ran = booklore("bridge", "pair")

    assert ran.code == 0
    assert ran.out.startswith("Code ")
    assert ":8765" in ran.out


@pytest.mark.parametrize("command", [("pair",), ("install", "{koreader}")])
def test_an_address_at_which_nobody_answers_is_told(
    booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """`serve` listens on loopback by itself: an e-reader that is told this computer's address finds nobody there."""
    (tmp_path / "koreader" / "plugins").mkdir(parents=True)
    words = [word.format(koreader=tmp_path / "koreader") for word in command]
    with socket.create_server(("", 0)) as listener:
        monkeypatch.setenv("BOOKLORE_PORT", str(listener.getsockname()[1]))
        answered = booklore("bridge", *words, "--json")
    ran = booklore("bridge", *words, "--json")

    assert (answered.code, answered.err) == (0, "")
    assert (ran.code, ran.json["url"]) == (0, answered.json["url"])
    assert ran.json["url"] in ran.err
    assert "`booklore serve --host 0.0.0.0`" in ran.err


def test_host_and_port_of_the_service_come_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("BOOKLORE_HOST", "localhost")
    monkeypatch.setenv("BOOKLORE_PORT", str(port))

    with served("serve") as url:
        assert url == f"http://localhost:{port}"
        assert requests.get(f"http://127.0.0.1:{port}/v1/health", timeout=10).json()["ready"] is True


def test_name_of_a_device_stays_in_its_row(booklore: Booklore, bridge: str) -> None:
    code = booklore("bridge", "pair", "--json", "--url", bridge).json["code"]
    body = {"code": code, "device": {**KOBO, "name": "Libra\nkindle  forged"}}
    requests.post(f"{bridge}/v1/pair", json=body, timeout=10).raise_for_status()

    head, row = booklore("bridge", "devices").out.splitlines()

    assert "Libra kindle forged" in row


def test_open_question_does_not_keep_the_service_from_ending(
    home: Path, tmp_path: Path, install: Install, booklore: Booklore, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("slow_to_leave", ASKING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site-packages"), *sys.path]))

    with served("serve", "--port", "0") as url:
        code = booklore("bridge", "pair", "--json", "--url", url).json["code"]
        token = requests.post(f"{url}/v1/pair", json={"code": code, "device": KOBO}, timeout=10).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        asked = requests.post(f"{url}/v1/actions/hesitate", json={}, headers=headers, timeout=30).json()

    assert asked["effects"][0]["text"] == "Well?"
    assert (home / "left").read_text() == "in order"


def test_device_that_there_is_not_cannot_be_revoked(booklore: Booklore) -> None:
    ran = booklore("bridge", "revoke", "kindle", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: no paired device 'kindle'; `booklore bridge devices` lists them\n"


def test_shim_is_put_into_a_koreader_folder(booklore: Booklore, tmp_path: Path) -> None:
    (tmp_path / "koreader" / "plugins").mkdir(parents=True)

    ran = booklore("bridge", "install", tmp_path / "koreader", "--url", "http://nas:8765", "--json")

    assert (ran.code, ran.json["url"]) == (0, "http://nas:8765")
    assert (Path(ran.json["path"]) / "main.lua").is_file()
    assert Path(ran.json["path"]).is_relative_to(tmp_path / "koreader")


def test_folder_that_is_no_koreader_is_refused(booklore: Booklore, tmp_path: Path) -> None:
    ran = booklore("bridge", "install", tmp_path / "nowhere", "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)


def test_port_that_is_taken_is_told_in_one_line(booklore: Booklore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = booklore("serve", "--port", taken.getsockname()[1])

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "cannot listen" in ran.err


def test_demo_delivers_what_was_read_and_leaves_nothing(
    booklore: Booklore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    ran = booklore("demo")

    assert (ran.code, ran.err) == (0, "")
    assert "3 sessions read, 3 arrived, each once" in ran.out
    assert "2 sessions, 2 progress updates wait" in ran.out
    assert "2 sessions, 2 progress updates synced" in ran.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("now", ["2026-11-20T00:00:30Z", "2028-02-29T23:59:50Z", "2027-01-01T06:00:00Z"])
def test_demo_works_at_every_hour_of_every_day(booklore: Booklore, home: Path, now: str) -> None:
    with freeze_time(now, tick=True):
        ran = booklore("demo")

    assert (ran.code, ran.err) == (0, "")
    assert "3 sessions read, 3 arrived, each once" in ran.out
    assert str(datetime.fromisoformat(now).date() - timedelta(days=1)) in ran.out


def test_demo_fails_when_something_is_missing_or_arrives_twice() -> None:
    read = Arrival("Dune", "2026-11-20T07:00:00Z", "2026-11-20T07:10:30Z", 630)

    check([read], [read])
    for arrived in ([], [read, read], [replace(read, seconds=631)]):
        with pytest.raises(Refused, match="the demo failed"):
            check([read], arrived)
