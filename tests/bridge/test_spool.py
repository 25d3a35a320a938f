"""The spool file: what the disk, a crash and a second instance can do to it."""

from __future__ import annotations

import json
from pathlib import Path

from core_on_loopback import LoopbackCore
from ereader import EReader


def test_a_spool_begins_with_the_device(reader: EReader) -> None:
    reader.send("Resume")

    head, *rest = reader.spool()
    assert (head["event"], head["model"], head["koreader"]) == ("device", "Kobo_nova", "v2026.08")
    assert [line["event"] for line in rest] == ["resume"]


def test_the_version_comes_first_in_every_line(reader: EReader) -> None:
    reader.open()
    reader.close()

    assert all(line.startswith(b'{"v":1,"id":"kobo-7f3a-') for line in reader.spool_bytes().splitlines())


def test_each_device_makes_up_its_own_id_once(tmp_path: Path) -> None:
    first, second = EReader(tmp_path / "a", device=""), EReader(tmp_path / "b", device="")
    first.send("Resume")
    first.restart()
    first.send("Resume")
    second.send("Resume")

    assert len({line["device"] for line in first.spool()}) == 1
    assert first.spool()[0]["device"] != second.spool()[0]["device"]


def test_ids_are_never_used_again_not_even_without_the_spool(reader: EReader) -> None:
    seen: set[str] = set()
    for _ in range(4):
        reader.open()
        reader.read(pages=10, seconds=5)
        ids = {line["id"] for line in reader.spool()}
        assert not seen & ids
        seen |= ids
        reader.lose_spool()
        reader.restart()


def test_ids_go_on_when_the_settings_are_those_of_an_earlier_day(reader: EReader) -> None:
    earlier = reader.setting("lua").read_bytes()
    for _ in range(200):
        reader.send("Resume")
    last = reader.spool()[-1]["id"]
    for _ in range(3):
        reader.restart()
    reader.setting("lua").write_bytes(earlier.replace(b"10000", b"0"))
    reader.restart()
    reader.send("Resume")

    assert reader.spool()[-1]["id"] > last


def test_ids_go_on_after_all_lines_have_left(paired: EReader) -> None:
    paired.open()
    paired.close()
    seen = {line["id"] for line in paired.spool()}
    paired.pass_time(2)
    paired.remember(device={"id": "kobo-7f3a", "name": "Kobo_nova", "model": "Kobo_nova"})
    paired.restart()
    paired.send("Resume")

    assert not seen & {line["id"] for line in paired.spool()}


def test_a_page_turn_neither_syncs_nor_rewrites_nor_asks_the_network(reader: EReader) -> None:
    reader.open()
    syncs, opened = reader.ko.fsyncs, len(reader.ko.opened)
    reader.read(pages=50, seconds=20)

    assert len(reader.spool("page_turns")) >= 10
    assert reader.ko.fsyncs == syncs
    assert {(file.path, file.mode) for file in list(reader.ko.opened.values())[opened:]} == {
        ("/settings/booklorebridge.spool/00000001.jsonl", "r+b")
    }


def test_closing_and_suspending_wait_for_the_disk(reader: EReader) -> None:
    reader.open()
    for event in ("Suspend", "Resume", "CloseDocument"):
        before = reader.ko.fsyncs
        reader.send(event)
        assert (reader.ko.fsyncs > before) == (event != "Resume")


def test_a_full_disk_loses_nothing(reader: EReader) -> None:
    reader.open()
    reader.full = True
    reader.read(pages=10, seconds=20)
    reader.close()
    written = len(reader.spool())
    assert "No space left" in str([item.text for item in reader.menu()])

    reader.full = False
    reader.send("Resume")

    assert [line["event"] for line in reader.spool()[written:]] == ["page_turns"] * 3 + ["book_close", "resume"]
    assert len({line["id"] for line in reader.spool()}) == len(reader.spool())


def test_a_disk_that_was_full_from_the_start_gives_out_no_id_twice(reader: EReader) -> None:
    reader.full = True
    reader.restart()
    reader.send("Resume")
    reader.full = False
    reader.send("Resume")
    reader.restart()
    reader.send("Resume")

    ids = [line["id"] for line in reader.spool()]
    assert len(ids) == len(set(ids)) == 5


def test_lines_that_went_from_memory_leave_their_ids_to_nobody(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.pass_time(5)
    paired.full = True
    paired.read(pages=5, seconds=20)
    paired.close()
    paired.pass_time(5)
    assert core.events() == ["book_open", "page_turns", "book_close"]

    paired.open()
    paired.full = False
    paired.close()
    paired.pass_time(5)
    assert core.events()[3:] == ["book_open", "book_close"]
    assert len({line["id"] for line in core.lines}) == 5


def test_a_torn_line_is_ended_so_that_later_lines_stay_whole(reader: EReader) -> None:
    reader.open()
    reader.read(pages=5, seconds=5)
    torn = reader.spool_bytes()[:-40]
    reader.segments()[0].write_bytes(torn)
    reader.send("Resume")

    *_, fragment, last = reader.spool_bytes().splitlines()
    assert torn.endswith(fragment)
    assert json.loads(last)["event"] == "resume"
    assert json.loads(last)["id"] not in torn.decode()


def test_two_instances_share_one_spool(reader: EReader) -> None:
    reader.open()
    old = reader.ko.plugin
    reader.ko.file_manager()
    reader.send("Resume")
    old.handleEvent(old, "CloseDocument")
    reader.ko.plugin.handleEvent(reader.ko.plugin, "NetworkConnected")

    assert [line["event"] for line in reader.spool()] == [
        *["device", "book_open", "resume", "book_close", "network_connected"]
    ]
    assert len({line["id"] for line in reader.spool()}) == 5


def test_settings_that_cannot_be_read_do_not_keep_the_shim_from_starting(reader: EReader) -> None:
    reader.setting("lua").write_text("return { half a fi")
    reader.restart()
    reader.send("Resume")

    assert reader.spool("resume")


def test_a_file_system_that_cannot_sync_still_gets_each_line_once(reader: EReader) -> None:
    reader.lua.execute("require('ffi/util').fsyncOpenedFile = function() return false, 'Invalid argument' end")
    reader.open()
    reader.close()
    reader.send("Resume")

    assert [line["event"] for line in reader.spool()] == ["device", "book_open", "book_close", "resume"]


def test_annotations_that_json_cannot_say_cost_themselves_and_not_the_line(reader: EReader) -> None:
    book = reader.open(annotations=[{"datetime": "2026-11-20 13:41:02"}])
    book.annotations[1].pos0 = float("nan")
    reader.close()

    (closed,) = reader.spool("book_close")
    assert "annotations" not in closed and closed["reading"]["dwell"] == [0]
