"""Setting an e-reader up: where it reaches the bridge, what lies beside the shim, and what is told of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_world import Booklore, in_a_dialog

from booklore_core.bridge.listening import own_host
from booklore_core.testing import BookLoreServer

KOSYNC = '["{}"] = {{\n        ["auto_sync"] = {},\n        ["custom_server"] = "{}",\n    }},\n'


@contextmanager
def serving(host: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running `booklore serve`, and its port."""
    command = [sys.executable, "-m", "booklore_core", "serve", "--port", "0", "--host", host]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.kill()


@pytest.fixture
def koreader(tmp_path: Path) -> Path:
    (tmp_path / "koreader" / "plugins").mkdir(parents=True)
    (tmp_path / "koreader" / "settings").mkdir()
    return tmp_path / "koreader"


def test_pair_tells_where_the_running_bridge_is_reached(booklore: Booklore, home: Path) -> None:
    with serving("0.0.0.0") as (_, port):
        ran = booklore("bridge", "pair", "--json")

    assert (ran.json["url"], ran.err) == (f"http://{own_host()}:{port}", "")


def test_a_bridge_that_only_this_machine_reaches_is_told(booklore: Booklore, home: Path, koreader: Path) -> None:
    with serving("127.0.0.1") as (_, port):
        told = [booklore("bridge", *words, "--json") for words in (["pair"], ["install", koreader])]

    for ran in told:
        assert (ran.code, ran.json["url"]) == (0, f"http://{own_host()}:{port}")
        assert "listens on 127.0.0.1 only" in ran.err and "`booklore serve --host 0.0.0.0`" in ran.err


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_bridge_that_has_ended_is_not_taken_for_running(booklore: Booklore, home: Path, end: signal.Signals) -> None:
    with serving("0.0.0.0") as (process, port):
        process.send_signal(end)
        process.wait(30)

    ran = booklore("bridge", "pair", "--json")

    assert not ran.json["url"].endswith(f":{port}")
    assert "No `booklore serve` runs here" in ran.err
    assert [file for file in (home / "running").iterdir() if file.suffix in (".address", ".serving")] == []


def test_of_several_bridges_the_one_that_e_readers_reach_is_told(booklore: Booklore, home: Path) -> None:
    with serving("127.0.0.1") as (_, closed), serving("0.0.0.0") as (_, reached):
        told = [booklore("bridge", "pair", "--json", *port) for port in ([], ["--port", closed])]

    assert [ran.json["url"].rsplit(":", 1)[1] for ran in told] == [str(reached), str(closed)]


def test_an_address_that_leads_an_e_reader_to_itself_is_warned_of(booklore: Booklore) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        ran = booklore("bridge", "pair", "--url", f"http://{host}:8765")
        assert (ran.code, "leads an e-reader to itself" in ran.err) == (0, True)


def test_the_address_may_come_from_the_environment(booklore: Booklore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKLORE_BRIDGE_URL", "books.example/bridge")

    assert booklore("bridge", "pair", "--json").json["url"] == "http://books.example/bridge"


def test_a_terminal_shows_a_qr_code_and_a_pipe_none(
    booklore: Booklore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    _, shown = in_a_dialog(["bridge", "pair", "--url", "http://nas:8765"])
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    _, plain = in_a_dialog(["bridge", "pair", "--url", "http://nas:8765"])

    assert "Code " in shown and "█▀" in shown
    assert "Code " in plain and "?" not in plain
    assert "█" not in booklore("bridge", "pair", "--url", "http://nas:8765").out


def test_an_installation_is_listed_until_its_e_reader_shows_up(booklore: Booklore, koreader: Path) -> None:
    ran = booklore("bridge", "install", koreader, "--url", "http://nas:8765")
    [listed] = booklore("bridge", "devices", "--json").json
    shown = booklore("bridge", "devices").out
    revoked = booklore("bridge", "revoke", listed["id"])

    assert "does not expire" in ran.out and ran.out.splitlines()[-1].startswith("Restart KOReader now")
    assert (listed["name"], listed["last_seen"], listed["waiting"]) == (str(koreader), None, 0)
    assert "installed, not seen yet" in " ".join(shown.split())
    assert revoked.code == 0 and booklore("bridge", "devices", "--json").json == []


def test_the_shim_is_packed_for_an_e_reader(booklore: Booklore, tmp_path: Path) -> None:
    file = tmp_path / "booklorebridge.koplugin.zip"

    ran = booklore("bridge", "zip", file, "--url", "http://nas:8765", "--json")

    assert (ran.code, ran.json) == (0, {"path": str(file), "url": "http://nas:8765"})
    assert "booklorebridge.koplugin/main.lua" in zipfile.ZipFile(file).namelist()
    assert [one["name"] for one in booklore("bridge", "devices", "--json").json] == [str(file)]


def test_headers_for_an_access_proxy_are_given_to_the_shim(booklore: Booklore, koreader: Path) -> None:
    words = [
        "--url",
        "http://nas",
        "--header",
        "CF-Access-Client-Id: a.access",
        "--header",
        "CF-Access-Client-Secret: b",
    ]
    booklore("bridge", "install", koreader, *words)
    text = (koreader / "plugins" / "booklorebridge.koplugin" / "booklorebridge.json").read_text()

    assert json.loads(text)["headers"] == {"CF-Access-Client-Id": "a.access", "CF-Access-Client-Secret": "b"}


@pytest.mark.parametrize("header", ["hunter2", "A b: hunter2", "A: hunter2\r\nB: c", "Authorization: Basic hunter2"])
def test_what_is_no_header_for_a_proxy_is_refused_and_not_repeated(
    booklore: Booklore, koreader: Path, header: str
) -> None:
    ran = booklore("bridge", "install", koreader, "--url", "http://nas", "--header", header)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "--header" in ran.err and "hunter2" not in ran.err
    assert list((koreader / "plugins").iterdir()) == []


def test_the_plugin_that_was_there_before_is_told(booklore: Booklore, koreader: Path) -> None:
    (koreader / "plugins" / "bookloresync.koplugin").mkdir()

    ran = booklore("bridge", "install", koreader, "--url", "http://nas:8765", "--json")

    [warning] = ran.json["warnings"]
    assert "bookloresync.koplugin" in warning and "remove that folder" in warning
    assert warning in ran.err


@pytest.mark.parametrize(("file", "table"), [("settings/kosync.lua", "settings"), ("settings.reader.lua", "kosync")])
@pytest.mark.parametrize(
    ("own", "is_on", "warns"),
    [
        ("{library}/api/koreader", "true", True),
        ("http://nas:8765/kosync", "true", True),
        ("{library}/api/koreader", "false", False),
        ("https://sync.koreader.rocks:443/", "true", False),
        ("http://[oops", "true", False),
    ],
)
def test_koreaders_own_sync_for_the_same_server_is_told(
    booklore: Booklore, account: BookLoreServer, koreader: Path, file: str, table: str, own: str, is_on: str,
    warns: bool,
) -> None:  # fmt: skip
    address = own.replace("{library}", account.url.replace("//", "//anna:secret@"))
    other = KOSYNC.format("other", "true", f"{account.url}/api/koreader").replace("auto_sync", "auto")
    (koreader / file).write_text(f"return {{\n    {other}    {KOSYNC.format(table, is_on, address)}}}\n")

    ran = booklore("bridge", "install", koreader, "--url", "http://nas:8765", "--json")

    assert [("own progress sync" in one, "secret" in one) for one in ran.json["warnings"]] == [(True, False)] * warns


def test_settings_that_cannot_be_read_are_no_reason_to_install_nothing(booklore: Booklore, koreader: Path) -> None:
    (koreader / "settings" / "kosync.lua").write_bytes(b"\xff\xfe\0" * 9)
    (koreader / "settings.reader.lua").mkdir()

    assert booklore("bridge", "install", koreader, "--url", "http://nas", "--json").json["warnings"] == []


def test_a_port_that_is_taken_by_another_program_is_not_called_a_bridge(booklore: Booklore, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ran = booklore("bridge", "pair", "--port", other.getsockname()[1], "--json")

    assert "No `booklore serve` runs here" in ran.err
    assert os.environ["BOOKLORE_HOME"] == str(home)
