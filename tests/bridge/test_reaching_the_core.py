"""Pairing, addresses, Wi-Fi and TLS: how the shim gets to the core, and when it does not try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader

AWAY = {"url": "https://books.example/core/", "token": "secret"}


def test_an_installed_code_is_traded_for_a_token_once(tmp_path: Path, core: LoopbackCore) -> None:
    reader = EReader(tmp_path, config={"url": core.url + "/", "code": "123456"})
    reader.send("NetworkConnected")
    reader.pass_time(5)
    reader.restart()
    reader.send("NetworkConnected")
    reader.pass_time(5)

    assert core.paths() == ["/v1/pair", "/v1/events", "/v1/menu", "/v1/events"]
    assert core.bodies("/v1/pair")[0]["device"]["id"] == "kobo-7f3a"
    assert core.requests[-1][3] == "Bearer token for 123456"


def test_a_refused_code_is_not_tried_again(tmp_path: Path, core: LoopbackCore) -> None:
    reader = EReader(tmp_path, config={"url": core.url, "code": "123456"})
    core.status = 401
    for _ in range(3):
        reader.send("NetworkConnected")
        reader.pass_time(5)

    assert core.paths().count("/v1/pair") == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_code_that_was_not_judged_is_tried_again(tmp_path: Path, core: LoopbackCore, status: int) -> None:
    reader = EReader(tmp_path, config={"url": core.url, "code": "123456"})
    core.status = status
    reader.send("NetworkConnected")
    reader.pass_time(5)
    core.status = 200
    reader.send("NetworkConnected")
    reader.pass_time(5)

    assert core.paths()[-3:] == ["/v1/pair", "/v1/events", "/v1/menu"]


def test_a_new_install_replaces_the_old_token(paired: EReader, core: LoopbackCore) -> None:
    paired.plugin.joinpath("booklorebridge.json").write_text(json.dumps({"url": core.url, "token": "newer"}))
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(5)

    assert core.requests[-1][3] == "Bearer newer"


def test_pairing_by_hand_takes_address_and_code(reader: EReader, core: LoopbackCore) -> None:
    reader.menu()[-1].callback(None)
    for typed in (core.url, "654321"):
        (dialog,) = reader.shown("inputdialog")
        dialog.typed = typed
        dialog.buttons[1][2].callback()
    reader.pass_time(5)

    assert core.paths() == ["/v1/pair", "/v1/menu"]
    assert reader.toasts() == ["Paired with the core."]
    reader.restart()
    reader.send("NetworkConnected")
    reader.pass_time(5)
    assert core.requests[-1][1:4:2] == ("/v1/events", "Bearer token for 654321")


def test_a_mistyped_address_does_not_replace_the_one_that_works(paired: EReader, core: LoopbackCore) -> None:
    paired.menu()[-1].callback(None)
    for typed in ("http://127.0.0.1:9", "123456"):
        (dialog,) = paired.shown("inputdialog")
        dialog.typed = typed
        dialog.buttons[1][2].callback()
    paired.pass_time(5)
    paired.send("NetworkConnected")
    paired.pass_time(5)

    assert core.paths() == ["/v1/events"]


def test_a_device_nobody_has_set_up_keeps_its_lines_and_says_so_when_asked(reader: EReader) -> None:
    reader.connected = True
    reader.open()
    reader.close()
    reader.pass_time(5)
    assert reader.toasts() == []

    reader.ko.gesture("booklore_sync_pending")
    reader.pass_time(5)
    assert reader.toasts() == ["Events that wait on this device: 2\nNo core is set up yet."]


def test_background_work_never_switches_wifi_on(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config=AWAY)
    reader.open()
    reader.read(pages=10, seconds=5)
    reader.send("Suspend")
    reader.send("Resume")
    reader.close()
    reader.pass_time(60)

    assert reader.ko.network.wanted == 0
    assert list(reader.ko.pipes.values()) == []


def test_a_person_may_switch_wifi_on(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config=AWAY)
    reader.ko.gesture("booklore_sync_pending")

    assert reader.ko.network.wanted == 1
    assert reader.shown("confirmbox") == []


def test_with_ask_wifi_a_person_is_asked_first_whatever_koreader_does_else(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config=AWAY)
    reader.remember(device={"id": "kobo-7f3a"}, ask_wifi=True, url=AWAY["url"])
    reader.restart()
    reader.ko.gesture("booklore_sync_pending")

    assert reader.ko.network.wanted == 0
    assert reader.ko.network.prompted is not None


def test_certificates_are_verified(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config=AWAY | {"ca_file": "/mnt/onboard/home-ca.pem", "url": "https://127.0.0.1:9"})
    reader.send("NetworkConnected")
    reader.pass_time(5)

    assert reader.ko.last_request.verify == "peer"
    assert reader.ko.last_request.cafile == "/mnt/onboard/home-ca.pem"
    assert reader.ko.last_request.redirect is False


def test_a_core_on_the_device_is_started_once(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config={"url": "http://127.0.0.1:9", "token": "t", "start_command": "booklore serve"})
    for _ in range(3):
        reader.send("NetworkConnected")
        reader.pass_time(5)

    assert [line for line in reader.log() if line.startswith("execute")] == [
        "execute (booklore serve) >/dev/null 2>&1 &"
    ]


def test_what_an_installation_leaves_in_the_plugins_folder_is_taken_over_once(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config={"url": "http://127.0.0.1:9", "code": "123456"})

    assert not reader.plugin.joinpath("booklorebridge.json").exists()
    assert '["code"] = "123456"' in reader.setting("lua").read_text()


def test_a_refusal_is_told_in_the_cores_words(paired: EReader, core: LoopbackCore) -> None:
    core.status, core.refusal = 401, b'{"detail": "this device is not paired"}'
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(3)

    assert paired.toasts() == ["Events that wait on this device: 0\nthis device is not paired"]


def test_a_code_is_used_once_however_many_lines_wait(reader: EReader, core: LoopbackCore) -> None:
    line = '{{"v":1,"id":"kobo-7f3a-{:06d}","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}}\n'
    reader.put_segment("".join(line.format(i) for i in range(1500)))
    reader.restart()
    core.state = {"menu": "1"}
    reader.menu()[-1].callback(None)
    for typed in (core.url, "654321"):
        (dialog,) = reader.shown("inputdialog")
        dialog.typed = typed
        dialog.buttons[1][2].callback()
    reader.pass_time(5)

    assert core.paths() == ["/v1/pair", "/v1/events", "/v1/events", "/v1/menu"]
    assert reader.toasts() == ["Paired with the core."]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/actions/about"])
def test_headers_for_an_access_proxy_go_with_every_request(tmp_path: Path, core: LoopbackCore, path: str) -> None:
    headers = {"CF-Access-Client-Id": "a.access", "CF-Access-Client-Secret": "b"}
    reader = EReader(tmp_path, config={"url": core.url, "token": "t", "headers": headers})
    reader.restart()
    reader.send("NetworkConnected") if path == "/v1/events" else reader.ko.plugin.onBookloreAction(None, "about")
    reader.pass_time(5)

    sent = dict(reader.ko.last_request.headers.items())
    assert path in core.paths()
    assert headers.items() < sent.items() and sent["Authorization"] == "Bearer t"


def test_headers_that_are_none_cost_nothing(tmp_path: Path, core: LoopbackCore) -> None:
    reader = EReader(tmp_path, config={"url": core.url, "token": "t", "headers": "CF-Access-Client-Id: a"})
    reader.send("NetworkConnected")
    reader.pass_time(5)

    assert core.events() == ["network_connected"]
