"""A file that an e-reader has found beside its own: the action that it is for is offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bridge_world import EReader, paired, toasts
from files_world import COUNT, FORMER, STATISTICS, TAKE_OVER, sent, with_actions

from booklore_core import Action
from booklore_core.core import Core


@pytest.fixture
def core(open_core: Any) -> Core:
    return with_actions(open_core())


def offered(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [effect for effect in answer["effects"] if effect["type"] == "confirm"]


def test_the_action_for_it_is_offered_and_yes_sends_the_file_to_it(ereader: EReader) -> None:
    (offer,) = offered(ereader.hand_off(ereader.reader.network(), found=[FORMER]))

    assert offer == {
        "type": "confirm",
        "text": "booklore-sync.sqlite was found on this e-reader.\nTake over what the former plugin has kept?\n"
        "Nothing is sent twice.\nLater it is in Tools → BookLore Sync → Import & Matching.",
        "ok": "Yes",
        "cancel": "Not now",
        "on_ok": [{"type": "send_file", "name": FORMER, "then": {"action": "take_over", "args": {}}}],
        "on_cancel": [],
    }
    sent(ereader, b"0123456789", FORMER)
    assert toasts(ereader.act("take_over", file=FORMER)) == ["10 bytes taken over"]


def test_it_is_told_with_any_part_of_a_backlog(ereader: EReader) -> None:
    assert offered(ereader.hand_off(ereader.reader.network(), found=[FORMER], waiting=5000))


@pytest.mark.parametrize("found", [None, [], [""], [STATISTICS], ["other.sqlite"], "x", 7, [7], [None], ["x"] * 21])
def test_for_what_no_action_is_nothing_is_offered_and_the_lines_are_taken(ereader: EReader, found: Any) -> None:
    line = ereader.reader.network()

    answer = ereader.hand_off(line, found=found)

    assert answer["ack"] == [line["id"]] and offered(answer) == []


@pytest.mark.parametrize(
    "action",
    [
        replace(TAKE_OVER, enabled=lambda core: False),
        replace(TAKE_OVER, offered_for=""),
        COUNT,
    ],
)
def test_an_action_that_is_not_for_it_or_not_enabled_is_not_offered(open_core: Any, serve: Any, action: Action) -> None:
    core = with_actions(open_core(), action)
    ereader = paired(core, serve(core))

    assert offered(ereader.hand_off(ereader.reader.network(), found=[FORMER, ""])) == []


def test_an_action_that_cannot_say_what_it_is_is_offered_by_its_name(open_core: Any, serve: Any) -> None:
    broken = replace(TAKE_OVER, label=lambda core: str(1 / 0), enabled=lambda core: 1 / 0 > 0, help="", menu=None)
    core = with_actions(open_core(), broken)
    ereader = paired(core, serve(core))

    (offer,) = offered(ereader.hand_off(ereader.reader.network(), found=[FORMER]))

    assert offer["text"] == "booklore-sync.sqlite was found on this e-reader.\ntake_over?"


@pytest.mark.parametrize("name", [7, "two\nlines", None])
def test_what_is_no_name_of_a_file_cannot_be_declared(name: Any) -> None:
    with pytest.raises(ValueError, match="offered_for"):
        replace(TAKE_OVER, offered_for=name)
