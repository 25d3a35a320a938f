"""Files that the core asks for: what the shim sends, in which order, and what a person is told meanwhile."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader

STATISTICS, FORMER = "statistics.sqlite3", "booklore-sync.sqlite"
LONG_AGO = 1_795_000_000
PART = 256 * 1024
ASK: dict[str, Any] = {"type": "send_file", "name": STATISTICS, "then": {"action": "extract", "args": {"gap": 300}}}
SENDING = "The reading history goes to the core…"


class FilingCore(LoopbackCore):
    """Keeps what it is sent, as the bridge does; `before` is told of each part before it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytearray] = {}
        self.states: dict[str, str] = {}
        self.before: Callable[[int], None] = lambda number: None
        self.parts: list[tuple[str, int, int]] = []
        self.takes = True

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if method != "PUT":
            return super().answer(method, path, body)
        self.before(len(self.parts))
        name, offset, state = re.fullmatch(r"/v1/files/([^?]+)\?offset=(\d+)&(size=\d+&changed=\d+)", path).groups()
        self.parts.append((name, int(offset), len(body)))
        if self.states.get(name) != state:
            self.states[name], self.files[name] = state, bytearray()
        if self.takes and len(self.files[name]) == int(offset):
            self.files[name] += body
        return {"held": len(self.files[name])}

    def finished(self) -> list[Any]:
        return self.bodies("/v1/actions/extract")


pytestmark = pytest.mark.parametrize("core", [FilingCore], indirect=True)


def put(reader: EReader, name: str, content: bytes, changed: int = LONG_AGO) -> Path:
    path = reader.root / "settings" / name
    path.write_bytes(content)
    os.utime(path, (changed, changed))
    return path


def ask(reader: EReader, core: LoopbackCore, *effects: dict[str, Any]) -> None:
    """A person's tap is answered with the effects."""
    core.effects = list(effects or [ASK])
    reader.ko.gesture("booklore_test_connection")
    reader.pass_time(1)


def test_a_file_goes_in_parts_then_the_action_is_asked_with_its_name(paired: EReader, core: FilingCore) -> None:
    content = os.urandom(2 * PART + 5)
    put(paired, STATISTICS, content)

    ask(paired, core)

    assert core.files == {STATISTICS: content}
    lengths = [(0, 0), (0, PART), (PART, PART), (2 * PART, 5)]
    assert core.parts == [(STATISTICS, offset, length) for offset, length in lengths]
    assert core.finished() == [{"args": {"gap": 300, "file": STATISTICS}}]
    assert {token for *_, token in core.requests} == {"Bearer secret"}


def test_it_is_told_at_the_beginning_and_at_the_end(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"short")
    core.effects = [ASK]
    paired.ko.gesture("booklore_test_connection")
    assert paired.notices() == ["Asking the core…"]

    paired.pass_time(0.25)
    assert (paired.notices(), core.finished()) == ([SENDING], [{"args": {"gap": 300, "file": STATISTICS}}])

    core.effects = [{"type": "toast", "text": "5 sessions found"}]
    paired.pass_time(1)
    assert paired.notices() == []


def test_what_the_core_says_of_the_file_is_an_answer(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"short")
    core.before = lambda number: core.effects.append({"type": "toast", "text": f"asked {number}"})

    ask(paired, core)

    assert paired.toasts() == ["asked 1"]


def test_in_silent_mode_nothing_is_told_and_the_file_goes(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"short")
    core.state = {"silent": True}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    core.effects = [ASK]
    paired.ko.gesture("booklore_test_connection")
    paired.pass_time(0.25)

    assert paired.notices() == [] and core.files == {STATISTICS: b"short"}


def test_what_waits_in_the_spool_goes_first(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"short")
    core.before = lambda number: None
    paired.ko.gesture("booklore_test_connection")
    core.effects = [ASK]
    paired.pass_time(0)
    paired.open()
    paired.close()
    paired.pass_time(5)

    assert [path.partition("?")[0].rpartition("/")[2] for path in core.paths()][:3] == [
        "test_connection",
        "events",
        STATISTICS,
    ]


@pytest.mark.parametrize(
    ("effect", "there"),
    [
        (ASK, False),
        (ASK | {"name": "settings.reader.lua"}, True),
        (ASK | {"name": "../statistics.sqlite3"}, True),
        (ASK | {"name": "booklorebridge.lua"}, True),
    ],
)
def test_what_is_not_there_or_nobody_s_to_ask_for_is_not_sent(
    paired: EReader, core: FilingCore, effect: dict[str, Any], there: bool
) -> None:
    if there:
        put(paired, "settings.reader.lua", b"secret")
        (paired.root / STATISTICS).write_bytes(b"elsewhere")

    ask(paired, core, effect)

    assert paired.toasts() == [f"This device has no such file: {effect['name']}"]
    assert core.parts == [] and core.finished() == []


@pytest.mark.parametrize("effect", [{}, {"name": STATISTICS}, {"name": 7, "then": 7}, ASK | {"then": {"action": 7}}])
def test_an_effect_that_makes_no_sense_ends_in_the_log(
    paired: EReader, core: FilingCore, effect: dict[str, Any]
) -> None:
    put(paired, STATISTICS, b"short")

    ask(paired, core, {"type": "send_file", **effect}, {"type": "toast", "text": "and on"})

    assert "and on" in paired.toasts()
    assert core.finished() == []


def test_what_sqlite_keeps_beside_it_goes_along(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"the database")
    put(paired, f"{STATISTICS}-wal", b"and the newest of it")

    ask(paired, core)

    assert core.files == {STATISTICS: b"the database", f"{STATISTICS}-wal": b"and the newest of it"}
    assert core.finished()


def test_an_empty_one_beside_it_is_as_good_as_none(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"the database")
    put(paired, f"{STATISTICS}-wal", b"")

    ask(paired, core)

    assert core.files == {STATISTICS: b"the database"} and core.finished()


@pytest.mark.parametrize("number", range(4))
def test_a_file_that_changes_while_it_is_sent_is_sent_anew(paired: EReader, core: FilingCore, number: int) -> None:
    before, after = os.urandom(3 * PART), os.urandom(3 * PART)
    put(paired, STATISTICS, before)

    def change(at: int) -> None:
        if at == number:
            put(paired, STATISTICS, after, LONG_AGO + 60)

    core.before = change
    ask(paired, core)

    assert core.files == {STATISTICS: after}
    assert len(core.finished()) == 1


@pytest.mark.parametrize("number", range(4))
def test_a_checkpoint_in_the_middle_leaves_no_mixture(paired: EReader, core: FilingCore, number: int) -> None:
    """KOReader closes the database: what was beside it is in it by then."""
    put(paired, STATISTICS, b"database of then")
    wal = put(paired, f"{STATISTICS}-wal", b"newest of then")

    def close(at: int) -> None:
        if at == number:
            put(paired, STATISTICS, b"database of now", LONG_AGO + 60)
            wal.unlink()

    core.before = close
    ask(paired, core)

    assert core.files[STATISTICS] == b"database of now"
    assert core.parts[-1][0] == STATISTICS and len(core.finished()) == 1


def test_what_grows_beside_it_is_sent_again_and_the_rest_is_not(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"the database")
    put(paired, f"{STATISTICS}-wal", b"some")

    def grow(at: int) -> None:
        if at == 3:
            put(paired, f"{STATISTICS}-wal", b"some more", LONG_AGO + 5)

    core.before = grow
    ask(paired, core)

    assert core.files == {STATISTICS: b"the database", f"{STATISTICS}-wal": b"some more"}
    assert [part for part in core.parts if part[0] == STATISTICS and part[2]] == [(STATISTICS, 0, 12)]


def test_a_file_that_was_written_just_now_is_let_settle(paired: EReader, core: FilingCore) -> None:
    """Another change within the same second would have the same time: FAT even counts in twos."""
    put(paired, STATISTICS, b"half of it", int(paired.wall))

    ask(paired, core)

    assert core.finished() and paired.wall >= 1_795_188_851 + 3


def test_a_clock_that_was_set_back_holds_nothing_up(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"from the future", int(paired.wall) + 86_400)

    ask(paired, core)

    assert core.finished() and paired.wall < 1_795_188_851 + 3


def test_a_file_goes_on_over_several_children(paired: EReader, core: FilingCore) -> None:
    content = os.urandom(9 * PART)
    put(paired, STATISTICS, content)

    def take_time(_: int) -> None:
        paired.mono += 7

    core.before = take_time
    ask(paired, core)
    paired.pass_time(300)

    assert core.files == {STATISTICS: content} and len(core.finished()) == 1
    assert len(list(paired.ko.pipes.values())) > 3
    assert paired.ko.standby == 0


def test_what_else_a_person_wants_meanwhile_does_not_wait_for_the_end_of_the_file(
    paired: EReader, core: FilingCore
) -> None:
    put(paired, STATISTICS, os.urandom(9 * PART))

    def take_time(_: int) -> None:
        paired.mono += 7

    core.before = take_time
    core.effects = [ASK]
    paired.ko.gesture("booklore_test_connection")
    paired.pass_time(0.25)
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(300)

    paths = core.paths()
    assert paths.index("/v1/actions/sync_pending") < paths.index("/v1/actions/extract")


def test_a_child_that_is_killed_in_the_middle_is_told_and_the_next_tap_goes_on(
    paired: EReader, core: FilingCore
) -> None:
    content = os.urandom(4 * PART)
    put(paired, STATISTICS, content)

    def kill(at: int) -> None:
        paired.child_hangs = at == 2

    core.before = kill
    ask(paired, core)
    paired.pass_time(100)
    paired.child_hangs = False
    assert paired.toasts() == ["Events that wait on this device: 0\nThe core does not answer."]
    assert len(core.files[STATISTICS]) == 2 * PART and core.finished() == []

    core.parts.clear()
    core.before = lambda number: None
    ask(paired, core)
    assert core.parts[:2] == [(STATISTICS, 0, 0), (STATISTICS, 2 * PART, PART)]
    assert core.files == {STATISTICS: content} and len(core.finished()) == 1


def test_a_network_that_goes_in_the_middle_is_told_and_the_next_tap_goes_on(paired: EReader, core: FilingCore) -> None:
    content = os.urandom(4 * PART)
    put(paired, STATISTICS, content)
    core.before = lambda number: setattr(core, "loses_answers", number == 2)

    ask(paired, core)
    (told,) = paired.toasts()
    assert told.startswith("Events that wait on this device: 0\nThe core does not answer: ")
    assert told.endswith("\nWhat has arrived of the file is kept: the next time it goes on from there.")

    core.loses_answers = False
    core.before = lambda number: None
    core.parts.clear()
    ask(paired, core)
    assert core.parts[:2] == [(STATISTICS, 0, 0), (STATISTICS, 2 * PART, PART)]
    assert core.files == {STATISTICS: content} and len(core.finished()) == 1


def test_why_the_core_does_not_take_it_is_told_in_its_own_words(paired: EReader, core: FilingCore) -> None:
    put(paired, STATISTICS, b"short")
    ask(paired, core, {"type": "toast", "text": "there"})
    core.effects = [ASK]
    core.before = lambda number: None
    paired.ko.gesture("booklore_test_connection")
    core.status, core.refusal = 507, b'{"detail": "the computer that the core runs on has no room for it"}'
    paired.pass_time(1)

    told = "Events that wait on this device: 0\nthe computer that the core runs on has no room for it"
    assert paired.toasts() == [told]


@pytest.mark.parametrize("takes", ["nothing", "garbage"])
def test_a_core_that_takes_nothing_is_not_asked_for_ever(paired: EReader, core: FilingCore, takes: str) -> None:
    put(paired, STATISTICS, b"short")
    core.takes = False
    if takes == "garbage":
        core.answer = lambda method, path, body: {"effects": core.effects and [core.effects.pop()]}  # type: ignore[method-assign]

    ask(paired, core)
    paired.pass_time(300)

    assert len(core.parts) <= 2 and core.finished() == []
    assert len(paired.toasts()) == 1


def test_sixty_megabytes_go_in_bounded_memory_and_the_ui_reads_none_of_them(paired: EReader, core: FilingCore) -> None:
    content = os.urandom(1000) * 60_000
    put(paired, STATISTICS, content)
    opened = len(list(paired.ko.opened.values()))
    paired.ko.child.kib = 0

    ask(paired, core)

    assert core.files == {STATISTICS: content} and len(core.finished()) == 1
    assert paired.ko.child.kib < 8 * 1024
    by_all = [one for one in list(paired.ko.opened.values())[opened:] if one.path.endswith(STATISTICS)]
    assert {one.mode for one in by_all} == {"rb"} and len(by_all) <= paired.ko.child.opened


def test_a_file_beside_our_own_is_told_once_the_core_has_answered(paired: EReader, core: FilingCore) -> None:
    paired.send("NetworkConnected")
    paired.pass_time(2)
    put(paired, FORMER, b"of the former plugin")
    core.loses_answers = True
    paired.send("NetworkConnected")
    paired.pass_time(2)
    core.loses_answers = False
    for _ in range(2):
        paired.send("NetworkConnected")
        paired.pass_time(2)
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(2)

    assert [body.get("found") for body in core.bodies("/v1/events")] == [None, [FORMER], [FORMER], None, None]


def test_to_say_yes_to_an_offer_sends_the_file(paired: EReader, core: FilingCore) -> None:
    put(paired, FORMER, b"of the former plugin")
    then = {"type": "send_file", "name": FORMER, "then": {"action": "extract", "args": {}}}
    core.effects = [
        {"type": "confirm", "text": "Take over?", "ok": "Yes", "cancel": "No", "on_ok": [then], "on_cancel": []}
    ]
    paired.send("NetworkConnected")
    paired.pass_time(2)

    (dialog,) = paired.shown("buttondialog")
    next(button for button in dialog.buttons[1].values() if button.text == "Yes").callback()
    paired.pass_time(1)

    assert core.files == {FORMER: b"of the former plugin"} and core.finished() == [{"args": {"file": FORMER}}]
