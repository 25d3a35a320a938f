"""The hand-off: lines leave the device once the core has them, and nothing waits for it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader


def read_a_book(reader: EReader) -> None:
    reader.open()
    reader.read(pages=3, seconds=20)
    reader.close()


def test_a_closed_book_is_handed_over_and_leaves_the_spool(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    paired.pass_time(2)

    assert core.events() == ["book_open", "page_turns", "book_close"]
    assert [line["event"] for line in paired.spool()] == ["device"]
    assert {token for *_, token in core.requests} == {"Bearer secret"}
    kobo = {"id": "kobo-7f3a", "name": "Kobo_nova", "model": "Kobo_nova", "shim": version("booklore-sync")}
    assert core.bodies("/v1/events")[0]["device"] == kobo


def test_opening_a_book_asks_the_core_so_that_it_can_send_the_reader_on(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.pass_time(4)

    assert core.events() == ["book_open"]


def test_what_is_written_down_after_wifi_went_down_goes_with_the_next_network(
    tmp_path: Path, core: LoopbackCore
) -> None:
    reader = EReader(tmp_path, config={"url": core.url.replace("127.0.0.1", "0.0.0.0"), "token": "secret"})
    reader.connected = True
    reader.open()
    reader.pass_time(4)
    reader.connected = False
    reader.send("Suspend")
    reader.pass_time(2)
    assert core.events() == ["book_open"]

    reader.connected = True
    reader.send("NetworkConnected")
    reader.pass_time(2)
    assert core.events() == ["book_open", "book_close", "network_connected"]


def test_where_the_network_stays_up_suspending_hands_over_too(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.send("Suspend")
    paired.pass_time(2)

    assert core.events() == ["book_open", "book_close"]


def test_a_lost_answer_costs_nothing_but_a_second_hand_over(paired: EReader, core: LoopbackCore) -> None:
    core.loses_answers = True
    read_a_book(paired)
    paired.pass_time(2)
    before = paired.spool_bytes()
    assert len(core.lines) == 3

    core.loses_answers = False
    paired.send("NetworkConnected")
    paired.pass_time(2)

    assert before and core.lines[:3] == core.lines[3:6]
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_spool_that_was_handed_over_twice_says_the_same_twice(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    spool = paired.spool_bytes().decode()
    paired.pass_time(2)
    paired.put_segment(spool)
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(2)

    assert core.lines[:3] == core.lines[3:6]


def test_without_a_core_reading_goes_on_and_lines_wait_silently(paired: EReader, core: LoopbackCore) -> None:
    paired.plugin.joinpath("booklorebridge.json").write_text('{"url": "http://127.0.0.1:9", "token": "secret"}')
    paired.restart()
    read_a_book(paired)
    paired.pass_time(70)

    assert len(paired.spool()) == 4
    assert paired.toasts() == []
    assert paired.ko.standby == 0


def test_a_person_who_asks_without_a_core_is_told_once_how_many_events_wait(tmp_path: Path) -> None:
    reader = EReader(tmp_path, config={"url": "http://127.0.0.1:9", "token": "secret"})
    read_a_book(reader)
    reader.pass_time(2)
    reader.ko.gesture("booklore_sync_pending")
    reader.pass_time(2)

    (toast,) = reader.toasts()
    assert toast.startswith("Events that wait on this device: 3\nThe core does not answer: ")


def test_five_thousand_waiting_lines_go_in_bounded_requests(paired: EReader, core: LoopbackCore) -> None:
    line = '{{"v":1,"id":"kobo-7f3a-{:06d}","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}}\n'
    for number in range(5):
        paired.put_segment("".join(line.format(i + number * 1000) for i in range(1000)), f"{number + 1:08d}.jsonl")
    paired.restart()
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(10)

    assert [len(body["lines"]) for body in core.bodies("/v1/events")] == [1000] * 5
    assert [line["event"] for line in paired.spool()] == ["device"]
    assert core.paths()[-1] == "/v1/actions/sync_pending"


def test_long_lines_make_smaller_requests(paired: EReader, core: LoopbackCore) -> None:
    for _ in range(4):
        paired.open(annotations=[{"datetime": "2026-11-20 13:41:02", "text": "x" * 400_000}])
        paired.close()
    paired.pass_time(10)

    assert max(len(json.dumps(body)) for body in core.bodies("/v1/events")) < 2**20
    assert core.events().count("book_close") == 4


def test_lines_written_while_the_core_thinks_stay(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    paired.pass_time(1.1)
    paired.connected = False
    assert core.events() == ["book_open", "page_turns", "book_close"]
    core.status = 503
    paired.send("Resume")
    paired.pass_time(2)

    assert [line["event"] for line in paired.spool()] == ["device", "resume"]


def test_a_torn_line_goes_as_text_and_is_dropped_when_the_core_has_kept_it_aside(
    paired: EReader, core: LoopbackCore
) -> None:
    torn = '{"v":1,"id":"kobo-7f3a-000001","event":"book_cl'
    paired.put_segment(torn)
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(2)

    assert core.lines[0] == torn
    assert core.lines[1]["event"] == "network_connected"
    assert [line["event"] for line in paired.spool()] == ["device"]


CUT = '{"v":1,"id":"kobo-7f3a-000001","event":"book_open","book":{"title":"Dune"}'


@pytest.mark.parametrize("cut", [CUT, CUT.replace("Dune", "D\x01ne") + "}"])
def test_a_torn_line_that_looks_whole_goes_as_text_once_the_core_could_not_read_it(
    paired: EReader, core: LoopbackCore, cut: str
) -> None:
    paired.put_segment(cut)
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(2)

    assert core.lines[0] == cut
    assert core.lines[1]["event"] == "network_connected"
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_core_that_acknowledges_nothing_is_not_asked_again_and_again(paired: EReader, core: LoopbackCore) -> None:
    core.answer = lambda *_: {"ack": [], "rejected": [], "effects": []}  # type: ignore[method-assign]
    read_a_book(paired)
    paired.pass_time(5)

    assert len(core.requests) == 1
    assert len(paired.spool()) == 4


@pytest.mark.parametrize("answer", [{}, {"ack": 7}, {"ack": [None]}, {"ack": [], "rejected": [{}]}, [1, 2], "text"])
def test_an_answer_that_makes_no_sense_loses_nothing(paired: EReader, core: LoopbackCore, answer: object) -> None:
    core.answer = lambda *_: answer  # type: ignore[method-assign, assignment, return-value]
    read_a_book(paired)
    paired.pass_time(5)
    paired.send("NetworkConnected")
    paired.pass_time(5)

    assert len(paired.spool()) == 5
    assert len(core.requests) == 2
    assert paired.ko.standby == 0


def test_an_answer_of_200_that_is_a_web_page_counts_for_nothing(paired: EReader, core: LoopbackCore) -> None:
    core.answer = lambda *_: "<html>Welcome</html>"  # type: ignore[method-assign, assignment, return-value]
    read_a_book(paired)
    paired.pass_time(5)

    assert len(paired.spool()) == 4


def test_a_child_that_hangs_is_ended_in_the_end(paired: EReader) -> None:
    paired.child_hangs = True
    read_a_book(paired)
    paired.pass_time(95)

    assert paired.ko.pipes[1].killed
    assert paired.ko.standby == 0
    assert len(paired.spool()) == 4


def test_a_fork_that_fails_ends_the_hand_off_and_the_next_one_works(paired: EReader, core: LoopbackCore) -> None:
    paired.fork_fails = True
    read_a_book(paired)
    paired.pass_time(5)
    paired.fork_fails = False
    paired.send("NetworkConnected")
    paired.pass_time(5)

    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_fork_that_fails_does_not_leave_what_waits_behind_it(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    for gesture in ("sync_pending", "test_connection"):
        paired.ko.gesture(f"booklore_{gesture}")
    paired.fork_fails = True
    paired.pass_time(30)

    assert len(paired.toasts()) >= 1 and paired.notices() == []


def test_only_one_hand_off_runs_at_a_time(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    for gesture in ("sync_pending", "test_connection", "toggle_manual_sync_only"):
        paired.ko.gesture(f"booklore_{gesture}")
    paired.pass_time(5)

    actions = ["sync_pending", "test_connection", "toggle_manual_only"]
    assert core.paths() == ["/v1/events", *(f"/v1/actions/{action}" for action in actions)]


def test_an_error_in_any_scheduled_callback_stays_inside(paired: EReader, core: LoopbackCore) -> None:
    core.effects = [{"type": "toast", "text": 5}, {"type": "question", "id": "1", "kind": "unheard"}, {"type": "goto"}]
    core.effects += [{"type": "schedule", "in": "soon"}, {"type": "confirm"}, {"type": "info"}, {"type": "new"}]
    read_a_book(paired)
    paired.ko.ui = None
    paired.pass_time(5)

    assert [line["event"] for line in paired.spool()] == ["device"]
    assert any("BookLore Sync:" in line for line in paired.log())


def test_the_disk_filling_up_before_the_rewrite_ends_the_rounds(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    paired.full = True
    paired.pass_time(5)
    assert len(core.requests) == 1

    paired.full = False
    paired.send("NetworkConnected")
    paired.pass_time(5)
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_core_that_hangs_does_not_let_hand_offs_pile_up(paired: EReader) -> None:
    paired.child_hangs = True
    paired.open()
    for _ in range(20):
        paired.read(pages=5)
        paired.pass_time(15)

    assert len(list(paired.ko.pipes.values())) <= 4
    assert len(paired.spool("page_turns")) == 20


def test_the_core_hears_how_many_lines_wait(paired: EReader, core: LoopbackCore) -> None:
    read_a_book(paired)
    paired.pass_time(2)

    assert core.bodies("/v1/events")[0]["waiting"] == 3
