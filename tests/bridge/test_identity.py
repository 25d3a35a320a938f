"""Who a device is, what its clocks say, and what happens when it or the core has forgotten the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader


def lose_settings(reader: EReader, core: LoopbackCore) -> None:
    reader.setting("lua").unlink()
    reader.plugin.joinpath("booklorebridge.json").write_text(json.dumps({"url": core.url, "code": "123456"}))
    reader.restart()


def hand_over(reader: EReader) -> None:
    reader.send("NetworkConnected")
    reader.pass_time(4)


def test_a_device_whose_settings_are_lost_is_the_one_that_wrote_its_spool(reader: EReader, core: LoopbackCore) -> None:
    reader.open()
    reader.close()
    lose_settings(reader, core)
    hand_over(reader)

    assert {line["device"] for line in core.lines} == {"kobo-7f3a"}
    assert core.bodies("/v1/pair")[0]["device"]["id"] == "kobo-7f3a"
    assert core.events() == ["book_open", "book_close", "network_connected"]


def test_it_is_known_too_when_nothing_waits(paired: EReader, core: LoopbackCore) -> None:
    paired.send("Resume")
    paired.pass_time(2)
    seen = {line["id"] for line in [*paired.spool(), *core.lines]}
    lose_settings(paired, core)
    hand_over(paired)

    assert core.lines[-1]["device"] == "kobo-7f3a"
    assert core.lines[-1]["id"] not in seen


def test_the_single_file_of_an_older_version_says_it_as_well(tmp_path: Path, core: LoopbackCore) -> None:
    settings = tmp_path / "settings"
    settings.mkdir()
    line = '{"v":1,"id":"kobo-7f3a-000041","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}\n'
    settings.joinpath("booklorebridge.spool").write_text(line)
    reader = EReader(tmp_path, device="", config={"url": core.url, "token": "secret"})
    hand_over(reader)

    assert [line["device"] for line in core.lines] == ["kobo-7f3a"] * 2
    assert core.lines[1]["id"] > "kobo-7f3a-000041"


def test_lines_of_a_former_id_are_named_as_ours(paired: EReader, core: LoopbackCore) -> None:
    old = '{"v":1,"id":"kobo-0001-000041","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-0001"}\n'
    paired.put_segment(old)
    paired.restart()
    hand_over(paired)

    assert core.bodies("/v1/events")[0]["device"]["former_ids"] == ["kobo-0001"]
    assert [line["id"] for line in core.lines][0] == "kobo-0001-000041"
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_new_id_from_the_core_is_taken_at_once_and_kept(paired: EReader, core: LoopbackCore) -> None:
    line = '{{"v":1,"id":"kobo-7f3a-{:06d}","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}}\n'
    paired.put_segment("".join(line.format(i) for i in range(1500)))
    paired.restart()
    core.effects = [{"type": "device", "id": "kobo-5eed"}, {"type": "info", "title": "Hello", "text": "…"}]
    hand_over(paired)
    first, second = (body["device"] for body in core.bodies("/v1/events"))
    assert (first["id"], second["id"], second["former_ids"]) == ("kobo-7f3a", "kobo-5eed", ["kobo-7f3a"])
    assert [shown.title for shown in paired.shown("textviewer")] == ["Hello"]

    paired.restart()
    paired.open()
    head, opened = paired.spool()[-2:]
    assert (head["event"], head["device"], opened["device"]) == ("device", "kobo-5eed", "kobo-5eed")
    assert opened["id"].startswith("kobo-5eed-")
    paired.pass_time(4)
    assert core.requests[-1][2]["device"]["former_ids"] == ["kobo-7f3a"]
    assert core.requests[-1][3] == "Bearer secret"


def test_a_segment_has_lines_of_one_id_only(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.connected = True
    core.effects = [{"type": "device", "id": "kobo-5eed"}]
    answer = core.answer

    def while_it_thinks(*request: Any) -> Any:
        core.answer = answer  # type: ignore[method-assign]
        return answer(*request) | {"ack": []}

    core.answer = while_it_thinks  # type: ignore[method-assign]
    paired.pass_time(4)
    paired.close()

    of_segments = [{json.loads(line)["device"] for line in one.read_bytes().splitlines()} for one in paired.segments()]
    assert of_segments == [{"kobo-7f3a"}, {"kobo-5eed"}]


@pytest.mark.parametrize("id_", [None, 7, "", "kobo 1", 'a"b', "kobo-7f3a", {"a": 1}])
def test_what_is_no_new_id_changes_nothing(paired: EReader, core: LoopbackCore, id_: object) -> None:
    core.effects = [{"type": "device", "id": id_}]
    hand_over(paired)
    paired.send("Resume")

    assert {line["device"] for line in paired.spool()} == {"kobo-7f3a"}
    assert paired.log() == []


def test_only_the_last_twenty_former_ids_are_kept(paired: EReader, core: LoopbackCore) -> None:
    for number in range(25):
        core.effects = [{"type": "device", "id": f"kobo-{number:04d}"}]
        hand_over(paired)
    hand_over(paired)

    former = core.requests[-1][2]["device"]["former_ids"]
    assert former == [f"kobo-{number:04d}" for number in range(4, 24)]


def test_a_refused_token_marks_the_device_as_not_paired_until_it_is_taken_again(
    paired: EReader, core: LoopbackCore
) -> None:
    core.status, core.refusal = 401, b'{"detail": "this device is not paired"}'
    hand_over(paired)
    assert '["unpaired"] = true' in paired.setting("lua").read_text()

    core.status = 200
    hand_over(paired)
    assert "unpaired" not in paired.setting("lua").read_text()


def test_after_pairing_anew_the_menu_is_the_new_cores_even_if_its_version_is_the_same(
    paired: EReader, core: LoopbackCore
) -> None:
    core.state = {"menu": "1"}
    hand_over(paired)
    core.status = 401
    hand_over(paired)
    core.status, core.menu = 200, {"version": "1", "items": [{"id": "new", "text": "The new core"}]}
    paired.remember(device={"id": "kobo-7f3a"}, url=core.url, token="old", code="123456", unpaired=True, menu="{}")
    paired.restart()
    hand_over(paired)

    assert core.paths()[-3:] == ["/v1/pair", "/v1/events", "/v1/menu"]
    assert "The new core" in [item.text for item in paired.menu()]
    assert "unpaired" not in paired.setting("lua").read_text()


def test_lines_carry_the_clock_that_goes_on_in_sleep_and_the_boot_it_counts_from(reader: EReader) -> None:
    reader.open()
    reader.send("Suspend")
    reader.spend_asleep(8 * 3600)
    reader.wall -= 86400 * 365
    reader.send("Resume")
    reader.boot, reader.mono, reader.slept = "00000000-5b1f-4f6e-9d0a-3a0b6f1c2d3e", 7.9, 0.0
    reader.restart()
    reader.send("Resume")

    told = [(line["event"], line["up"], line["boot"]) for line in reader.spool() if line["event"] != "device"]
    assert told == [
        ("book_open", 100, "4cc1d7e2"),
        ("book_close", 100, "4cc1d7e2"),
        ("resume", 100 + 8 * 3600, "4cc1d7e2"),
        ("resume", 7, "00000000"),
    ]


def test_a_hand_off_says_what_the_clocks_show_now(paired: EReader, core: LoopbackCore) -> None:
    paired.send("Resume")
    paired.pass_time(30)
    paired.spend_asleep(3600)
    hand_over(paired)

    body = core.bodies("/v1/events")[-1]
    assert (body["now"], body["up"], body["boot"]) == ("2026-11-20T16:34:41Z", 3730, "4cc1d7e2")


def test_where_no_clock_goes_on_in_sleep_none_is_told(tmp_path: Path, core: LoopbackCore) -> None:
    reader = EReader(tmp_path, config={"url": core.url, "token": "secret"}, has_boottime=False)
    reader.boot = "unreadable"
    reader.restart()
    hand_over(reader)

    assert not {"up", "boot"} & (set(core.bodies("/v1/events")[0]) | set(core.lines[0]))


@pytest.mark.parametrize("url", ["books.example:x", "http://my core", "ftp://books.example", "HTTP:", "http://a:b@c"])
def test_an_address_that_is_none_is_told_in_a_sentence(tmp_path: Path, url: str) -> None:
    reader = EReader(tmp_path, config={"url": url, "token": "secret"})
    reader.connected = True
    reader.ko.gesture("booklore_sync_pending")
    reader.pass_time(4)

    (toast,) = reader.toasts()
    assert "address" in toast.lower() and ".lua" not in toast
    assert list(reader.ko.pipes.values()) == []


@pytest.mark.parametrize("url", ["127.0.0.1", "HTTP://127.0.0.1"])
def test_an_address_is_completed_before_it_is_asked(tmp_path: Path, core: LoopbackCore, url: str) -> None:
    reader = EReader(tmp_path, config={"url": f"{url}:{core.url.rpartition(':')[2]}/", "token": "secret"})
    hand_over(reader)

    assert core.paths() == ["/v1/events"]


def test_no_lua_path_reaches_the_screen_whatever_goes_wrong_in_the_child(paired: EReader, core: LoopbackCore) -> None:
    paired.lua.execute("require('socket.http').request = function(spec) return spec.nothing.here end")
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(4)

    (toast,) = paired.toasts()
    assert toast == "Events that wait on this device: 0\nSomething went wrong; KOReader's log says what."
    assert any("BookLore Sync:" in line for line in paired.log())
