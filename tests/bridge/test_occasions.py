"""When lines are handed over: each time costs a fork and the radio."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader

MINUTE = 60


def forks(reader: EReader) -> int:
    return len(list(reader.ko.pipes.values()))


def settled(reader: EReader) -> EReader:
    """A book is open, and the core knows."""
    reader.open()
    reader.pass_time(4)
    return reader


def read(reader: EReader, pages: int, seconds: float) -> None:
    """Reads on, and KOReader does what it has to do meanwhile."""
    for _ in range(pages):
        reader.pass_time(seconds)
        reader.read(pages=1)


def test_a_checkpoint_waits_for_a_hand_over_that_is_due_anyway(paired: EReader, core: LoopbackCore) -> None:
    settled(paired)
    read(paired, pages=14, seconds=MINUTE)
    assert core.events() == ["book_open"]
    assert len(paired.spool("page_turns")) == 14

    paired.send("Suspend")
    paired.pass_time(2)
    assert core.events() == ["book_open"] + ["page_turns"] * 14 + ["book_close"]


def test_while_somebody_reads_it_is_done_every_quarter_of_an_hour_at_most(paired: EReader, core: LoopbackCore) -> None:
    before = forks(settled(paired))
    read(paired, pages=120, seconds=MINUTE)

    assert 7 <= forks(paired) - before <= 8
    assert core.events().count("page_turns") >= 100


@pytest.mark.parametrize(
    ("pages", "seconds", "times"), [(10, 25, 6), (1, 25, 31), (3, 1, 20), (60, 25, 1), (10, 900, 1)]
)
def test_a_checkpoint_goes_when_the_core_has_asked_for_it(
    paired: EReader, core: LoopbackCore, pages: int, seconds: int, times: int
) -> None:
    core.state = {"hand_over": {"pages": pages, "seconds": seconds}}
    before = forks(settled(paired))
    read(paired, pages=60, seconds=20)
    paired.pass_time(15)

    assert times - 1 <= forks(paired) - before <= times


def test_each_of_those_tells_of_exactly_as_many_pages_as_the_core_asked_for(
    paired: EReader, core: LoopbackCore
) -> None:
    core.state = {"hand_over": {"pages": 10, "seconds": 25}}
    settled(paired)
    read(paired, pages=60, seconds=5)

    told = [body["lines"][-1]["reading"]["turns"] for body in core.bodies("/v1/events")[1:]]
    assert told == [10, 20, 30, 40, 50]


def test_the_next_stretch_is_counted_from_its_own_beginning(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"hand_over": {"pages": 10, "seconds": 25}}
    settled(paired)
    read(paired, pages=8, seconds=5)
    paired.send("Suspend")
    paired.send("Resume")
    paired.pass_time(30)
    before = len(core.requests)
    read(paired, pages=12, seconds=5)
    paired.pass_time(10)

    (body,) = core.bodies("/v1/events")[before:]
    assert body["lines"][-1]["reading"]["turns"] == 10


def test_what_the_core_asked_for_is_forgotten_when_it_does_not_any_more(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"hand_over": {"pages": 5, "seconds": 25}}
    settled(paired)
    core.state = {"hand_over": None}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    before = forks(paired)
    read(paired, pages=40, seconds=20)

    assert forks(paired) == before


def test_nothing_is_handed_over_while_a_book_is_opening(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.send("NetworkConnected")
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(0.9)
    assert forks(paired) == 0

    paired.pass_time(2)
    assert core.events() == ["book_open", "network_connected"]
    assert core.paths()[-1] == "/v1/actions/sync_pending"


def test_a_book_that_is_closed_for_the_next_one_waits_until_that_is_open(paired: EReader, core: LoopbackCore) -> None:
    settled(paired)
    before = forks(paired)
    paired.close()
    paired.send("ShowingReader")
    paired.pass_time(5)
    assert forks(paired) == before

    paired.open("emma.epub")
    paired.pass_time(4)
    assert core.events() == ["book_open", "book_close", "book_open"]
    assert forks(paired) == before + 1


def test_a_book_that_never_opens_holds_nothing_up_for_long(paired: EReader, core: LoopbackCore) -> None:
    paired.send("ShowingReader")
    paired.send("Resume")
    paired.pass_time(35)

    assert core.events() == ["resume"]


def test_after_failures_checkpoints_pause_longer_and_longer(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"hand_over": {"pages": 1, "seconds": 1}}
    settled(paired)
    core.status, at, times = 503, len(core.requests), []
    for minute in range(1, 200):
        read(paired, pages=4, seconds=15)
        times += [minute] * (len(core.requests) - at)
        at = len(core.requests)

    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert pauses[:7] == pytest.approx([1, 2, 4, 8, 16, 32, 60], abs=1)


@pytest.mark.parametrize("occasion", ["CloseDocument", "Suspend", "Resume", "NetworkConnected", "a wish"])
def test_an_end_waking_a_network_and_a_wish_always_try(paired: EReader, core: LoopbackCore, occasion: str) -> None:
    settled(paired)
    core.status = 503
    for _ in range(5):
        paired.send("NetworkConnected")
        paired.pass_time(2)
    before = len(core.requests)
    if occasion == "a wish":
        paired.ko.gesture("booklore_sync_pending")
    else:
        paired.send(occasion)
    paired.pass_time(2)

    assert len(core.requests) == before + 1


def test_one_success_ends_the_pauses(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"hand_over": {"pages": 5, "seconds": 5}}
    settled(paired)
    core.status = 503
    for _ in range(5):
        paired.send("NetworkConnected")
        paired.pass_time(2)
    core.status = 200
    paired.send("NetworkConnected")
    paired.pass_time(2)
    read(paired, pages=10, seconds=3)
    paired.pass_time(12)

    assert "page_turns" in core.events()


def test_a_request_that_hangs_holds_standby_for_five_seconds_at_most(paired: EReader) -> None:
    paired.child_hangs = True
    paired.send("Resume")
    paired.pass_time(4)
    assert paired.ko.standby == 1
    paired.pass_time(2)
    assert paired.ko.standby == 0
    paired.pass_time(100)
    assert paired.ko.standby == 0
    assert paired.ko.pipes[1].killed


def test_manual_only_hands_over_at_a_wish_and_writes_down_all_the_same(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"manual_only": True, "hand_over": {"pages": 1, "seconds": 1}}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    paired.restart()
    settled(paired)
    read(paired, pages=60, seconds=30)
    for event in ("Suspend", "Resume", "NetworkConnected"):
        paired.send(event)
        paired.pass_time(10)
    assert len(core.requests) == 1

    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(2)
    assert core.events()[-3:] == ["book_close", "resume", "network_connected"]

    core.state = {"manual_only": False}
    paired.ko.gesture("booklore_toggle_manual_sync_only")
    paired.pass_time(2)
    before = len(core.requests)
    paired.send("NetworkConnected")
    paired.pass_time(2)
    assert len(core.requests) == before + 1


def test_what_the_core_scheduled_is_not_done_in_manual_only(paired: EReader, core: LoopbackCore) -> None:
    core.state, core.effects = {"manual_only": True}, [{"type": "schedule", "in": 15, "action": "wake_sync"}]
    paired.send("Resume")
    paired.pass_time(30)

    assert core.paths() == ["/v1/events"]


def test_without_wifi_nothing_runs(paired: EReader) -> None:
    paired.plugin.joinpath("booklorebridge.json").write_text('{"url": "http://books.example", "token": "secret"}')
    paired.restart()
    settled(paired)
    read(paired, pages=60, seconds=30)
    paired.close()
    paired.pass_time(3600)

    assert forks(paired) == 0


def test_what_the_core_asked_for_makes_no_line_of_each_turn_while_wifi_is_off(
    tmp_path: Path, core: LoopbackCore
) -> None:
    reader = EReader(tmp_path, config={"url": core.url.replace("127.0.0.1", "0.0.0.0"), "token": "secret"})
    core.state, reader.connected = {"hand_over": {"pages": 2, "seconds": 30}}, True
    settled(reader)
    reader.connected = False
    read(reader, pages=60, seconds=20)

    assert 25 <= len(reader.spool("page_turns")) <= 31


@pytest.mark.parametrize("said", [7, [], {}, {"pages": "many", "seconds": 1}, {"pages": None, "seconds": None}])
def test_a_word_that_makes_no_sense_asks_for_nothing(paired: EReader, core: LoopbackCore, said: object) -> None:
    core.state = {"hand_over": said}
    before = forks(settled(paired))
    read(paired, pages=20, seconds=30)

    assert forks(paired) == before
    assert len(paired.spool("page_turns")) >= 4 and paired.log() == []
