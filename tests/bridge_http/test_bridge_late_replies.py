"""What plugins say too late for the answer: fetched a few seconds later, and shown where it still fits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridge_world import DUNE, EReader, paired, wait_for_workers

from booklore_core import AskReader, GoTo, Toast, hookimpl
from booklore_core.bridge.replies import LATER, LOOKS
from booklore_core.core import Core
from booklore_core.testing import FakeTarget, sample_book

MD5 = DUNE["partial_md5"]
AGAIN = {"type": "schedule", "in": LATER, "action": "late_reply"}
GOTO = {"type": "goto", "book": MD5, "position": "/body/p[9].0", "percent": 0.5}


class Pondering:
    """Says what it is told to, to the first event and once it may."""

    def __init__(self, *effects: Any) -> None:
        self.effects, self.may_go = effects, threading.Event()

    @hookimpl
    def reply(self, event: Any) -> Any:
        effects, self.effects = self.effects, ()
        self.may_go.wait(20)
        return effects


class Quick:
    @hookimpl
    def reply(self, event: Any) -> Any:
        return [Toast("Good morning")]


Ponder = Callable[..., tuple[EReader, Pondering]]


@pytest.fixture
def ponder(open_core: Any, serve: Any) -> Iterator[Ponder]:
    """A core with a plugin that ponders, and a device; more plugins by name come before it."""
    all_pondering: list[Pondering] = []

    def begin(*effects: Any, seconds: float = 0.05, **plugins: Any) -> tuple[EReader, Pondering]:
        core: Core = open_core(FakeTarget())
        pondering = Pondering(*effects)
        all_pondering.append(pondering)
        for name, plugin in {**plugins, "pondering": pondering}.items():
            core.plugins.register(name, plugin)
        return paired(core, serve(core, replies=seconds)), pondering

    yield begin
    for pondering in all_pondering:
        pondering.may_go.set()


def fetched(ereader: EReader) -> list[dict[str, Any]]:
    """What the device is shown that comes when all is said."""
    wait_for_workers()
    shown: list[dict[str, Any]] = ereader.act("late_reply")["effects"]
    return shown


def test_a_plugin_that_takes_too_long_is_not_waited_for(ponder: Ponder) -> None:
    ereader, _ = ponder(Toast("At last"))

    answer = ereader.hand_off(ereader.reader.open(DUNE))

    assert answer["ack"] and answer["effects"] == [AGAIN]


def test_what_it_says_is_fetched_later_once(ponder: Ponder) -> None:
    ereader, pondering = ponder(Toast("At last"))
    ereader.hand_off(ereader.reader.open(DUNE))

    pondering.may_go.set()

    assert fetched(ereader) == [{"type": "toast", "text": "At last"}]
    assert ereader.act("late_reply")["effects"] == []


def test_what_others_said_in_time_is_not_held_back(ponder: Ponder) -> None:
    ereader, _ = ponder(Toast("At last"), seconds=3, a_quick=Quick())

    assert ereader.hand_off(ereader.reader.open(DUNE))["effects"] == [{"type": "toast", "text": "Good morning"}, AGAIN]


def test_nobody_is_led_away_from_another_page_than_that_of_the_opening(ponder: Ponder) -> None:
    question = AskReader("Go there?", on_ok=(GoTo(MD5, "/body/p[9].0", 0.5),), book=MD5)
    ereader, pondering = ponder(GoTo(MD5, "/body/p[9].0", 0.5), question, AskReader("Rate it?"))
    ereader.reader._pages[MD5] = 7
    ereader.hand_off(ereader.reader.open(DUNE))

    pondering.may_go.set()
    goto, about_the_book, about_nothing = fetched(ereader)

    assert goto == {**GOTO, "page": 7}
    assert (about_the_book["book"], about_the_book["page"], about_the_book["on_ok"]) == (MD5, 7, [GOTO])
    assert "page" not in about_nothing


def test_where_nobody_knows_the_page_nobody_is_led_late(ponder: Ponder) -> None:
    ereader, pondering = ponder(GoTo(MD5, "/body/p[9].0", 0.5), Toast("At last"))
    line = ereader.reader.open(DUNE)
    del line["reading"]["page"]
    ereader.hand_off(line)

    pondering.may_go.set()

    assert fetched(ereader) == [{"type": "toast", "text": "At last"}]


@pytest.mark.parametrize("moves_on", ["close", "turn", "another"])
def test_what_is_late_about_a_book_that_was_read_on_is_dropped(ponder: Ponder, moves_on: str) -> None:
    ereader, pondering = ponder(Toast("At last"))
    ereader.hand_off(ereader.reader.open(DUNE))
    reader = ereader.reader
    lines = {"close": reader.close, "turn": reader.checkpoint, "another": lambda: reader.open(sample_book("Emma"))}
    pondering.may_go.set()
    wait_for_workers()

    ereader.hand_off(lines[moves_on]())

    assert fetched(ereader) == []


def test_a_network_that_comes_meanwhile_drops_nothing(ponder: Ponder) -> None:
    ereader, pondering = ponder(Toast("At last"))
    ereader.hand_off(ereader.reader.open(DUNE))

    assert AGAIN not in ereader.hand_off(ereader.reader.network())["effects"]
    pondering.may_go.set()

    assert fetched(ereader) == [{"type": "toast", "text": "At last"}]


def test_a_device_comes_a_few_times_and_no_more(ponder: Ponder) -> None:
    ereader, _ = ponder(Toast("At last"))
    ereader.hand_off(ereader.reader.open(DUNE))

    answers = [ereader.act("late_reply")["effects"] for _ in range(LOOKS + 1)]

    assert answers == [*[[AGAIN]] * (LOOKS - 1), [], []]


def test_a_device_that_was_never_answered_late_gets_nothing(ponder: Ponder) -> None:
    ereader, _ = ponder()

    assert ereader.act("late_reply")["effects"] == []


def test_silent_mode_hides_what_is_said_late_and_nothing_else(ponder: Ponder) -> None:
    ereader, pondering = ponder(GoTo(MD5, "/body/p[9].0", 0.5), Toast("At last"))
    ereader.act("set_setting", name="sync.silent", value=True)
    ereader.hand_off(ereader.reader.open(DUNE))

    pondering.may_go.set()

    assert fetched(ereader) == [{**GOTO, "page": 1}]
