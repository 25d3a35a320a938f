"""Actions on the e-reader: questions, answers, effects, and what a plugin's action may do."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from bridge_world import DUNE, EReader, ok, paired, toasts
from declared_kinds import RATING

from booklore_core import Action, Ask, BookRef, Choose, Confirm, GoTo, Item, Pick, Result, TargetUnavailable
from booklore_core.core import Core
from booklore_core.testing import FakePlugin, FakeTarget

MD5 = DUNE["partial_md5"]


def rate(core: Core, request: Any) -> Any:
    """Asks for stars and a shelf, and makes a rating of the answers."""
    stars = yield Choose("How many stars?", ["1", "2", "3"], default=1)
    if stars is None:
        return Result("Not rated")
    shelves = yield Pick("Which shelves?", ["Best", "Sci-fi"], chosen=[1])
    note = yield Ask("A word?", value="good", skip="No word")
    pages = yield Ask("Pages?", value=100, low=1, high=600)
    if not (yield Confirm("Send it?", ok="Send", cancel="Keep")):
        return Result()
    body = {"stars": stars + 1, "shelves": shelves, "note": note, "pages": pages}
    item = Item("rating", request.book, BookRef(request.book, "Dune"), body, core.clock())
    return Result("Rated", effects=(GoTo(request.book, None, 1.0),), items=(item,))


def fall_over(core: Core, request: Any) -> Any:
    yield Confirm("Really?")
    raise RuntimeError("fell over")


def be_unreachable(core: Core, request: Any) -> Any:
    yield from ()
    raise TargetUnavailable("the shop is closed")


ACTIONS = [
    Action("rate", "Rate", rate, dispatcher="Rate this book"),
    Action("fall_over", "Fall over", fall_over),
    Action("be_unreachable", "Visit the shop", be_unreachable),
    Action("be_plain", "No flow", lambda core, request: Result("no generator")),
]


@pytest.fixture
def shop() -> FakeTarget:
    return FakeTarget("shop", kinds=["rating"])


@pytest.fixture
def core(open_core: Any, shop: FakeTarget) -> Core:
    core = open_core(shop)
    core.plugins.register("third_party", FakePlugin(actions=ACTIONS, kinds=[RATING]))
    core.refresh()
    return core


def the_question(answer: dict[str, Any]) -> dict[str, Any]:
    (question,) = answer["effects"]
    assert question["type"] == "question"
    return question


def test_a_third_partys_action_asks_and_its_facts_are_delivered(core: Core, ereader: EReader, shop: FakeTarget) -> None:
    asked, answer = [], ereader.act("rate", book=DUNE)
    for value in (2, [0, 1], "splendid", 250, True):
        asked.append(the_question(answer))
        answer = ereader.answer(asked[-1], value)

    assert [{key: value for key, value in one.items() if key not in ("id", "type")} for one in asked] == [
        {"kind": "choose", "text": "How many stars?", "options": ["1", "2", "3"], "default": 1},
        {"kind": "pick", "text": "Which shelves?", "options": ["Best", "Sci-fi"], "default": [1], "ok": "OK"},
        {"kind": "ask", "text": "A word?", "default": "good", "skip": "No word"},
        {"kind": "ask", "text": "Pages?", "default": 100, "low": 1, "high": 600},
        {"kind": "confirm", "text": "Send it?", "ok": "Send", "cancel": "Keep"},
    ]
    goto = {"type": "goto", "book": MD5, "position": None, "percent": 1.0}
    assert answer["effects"] == [{"type": "toast", "text": "Rated"}, goto]
    assert answer["state"]["pending"] == {"R": 1}

    ereader.act("sync_pending")
    body = {"stars": 3, "shelves": [0, 1], "note": "splendid", "pages": 250}
    assert [item.body for item in shop.received] == [body]


def test_an_answer_that_does_not_fit_leaves_the_question_open(ereader: EReader) -> None:
    question = the_question(ereader.act("rate", book=MD5))

    refused = ereader.post(f"/v1/answers/{question['id']}", {"answer": 3})

    assert refused.status_code == 422
    assert refused.json()["detail"] == "answer: expected an index from 0 to 2"
    assert the_question(ereader.answer(question, 0))["kind"] == "pick"


def test_no_answer_is_a_cancelled_question(ereader: EReader) -> None:
    assert toasts(ereader.answer(the_question(ereader.act("rate")), None)) == ["Not rated"]


def test_a_question_is_answered_once(ereader: EReader) -> None:
    question = the_question(ereader.act("rate"))
    ereader.answer(question, None)

    assert ereader.post(f"/v1/answers/{question['id']}", {"answer": 1}).status_code == 404


def test_a_question_lives_ten_minutes(ereader: EReader, clock: Any) -> None:
    early, late = the_question(ereader.act("rate")), the_question(ereader.act("rate"))

    clock.forward(seconds=599)
    ereader.answer(early, None)
    clock.forward(seconds=1)
    assert ereader.post(f"/v1/answers/{late['id']}", {"answer": None}).status_code == 404


def test_only_the_device_that_was_asked_may_answer(core: Core, url: str, ereader: EReader) -> None:
    question = the_question(ereader.act("rate"))
    other = paired(core, url, "kindle")

    assert other.post(f"/v1/answers/{question['id']}", {"answer": 0}).status_code == 404
    assert the_question(ereader.answer(question, 0))


def test_the_oldest_questions_make_room(ereader: EReader) -> None:
    first, *_, last = [the_question(ereader.act("rate")) for _ in range(101)]

    assert ereader.post(f"/v1/answers/{first['id']}", {"answer": None}).status_code == 404
    assert ereader.answer(last, None)


def test_a_plugins_action_that_fails_is_told_and_the_plugin_named(core: Core, ereader: EReader) -> None:
    question = the_question(ereader.act("fall_over"))

    (told,) = toasts(ereader.answer(question, True))

    assert told == "The plugin third_party failed at this; the log of `booklore serve` says why."
    assert "fell over" in core.plugins.plugins["third_party"].error
    assert the_question(ereader.act("rate"))


def test_an_action_that_is_no_flow_is_told(ereader: EReader) -> None:
    assert toasts(ereader.act("be_plain"))[0].startswith("The plugin third_party failed")


def test_a_target_that_declines_is_told_in_one_line(ereader: EReader) -> None:
    assert toasts(ereader.act("be_unreachable")) == ["the shop is closed"]


def test_an_action_that_takes_long_goes_on_in_the_background(open_core: Any, serve: Any) -> None:
    may_go, done = threading.Event(), threading.Event()

    def dawdle(core: Core, request: Any) -> Any:
        may_go.wait(20)
        yield from ()
        done.set()
        return Result("at last")

    core = open_core()
    core.plugins.register("dawdler", FakePlugin(actions=[Action("dawdle", "Dawdle", dawdle)]))
    core.refresh()
    ereader = paired(core, serve(core, action=0.05))

    assert "background" in toasts(ereader.act("dawdle"))[0]
    may_go.set()
    done.wait(20)
    heard: list[str] = []
    while not heard:
        heard = toasts(ereader.act("set_setting", name="sync.silent", value=False))
    assert heard == ["at last"]


def test_toggling_sync_is_told_and_takes_effect(ereader: EReader) -> None:
    answer = ereader.act("toggle_sync")

    assert toasts(answer) == ["Sync disabled"] and answer["state"]["enabled"] is False


def test_the_connection_test_stays_on_the_screen(ereader: EReader) -> None:
    (info,) = ereader.act("test_connection")["effects"]

    assert info == {"type": "info", "title": "Test Connection", "text": "✓ shop: enabled; it has no connection test"}


def test_about_tells_what_runs_and_what_waits_on_the_device(ereader: EReader) -> None:
    ereader.hand_off(ereader.reader.network(), waiting=5)

    (info,) = ereader.act("about")["effects"]

    assert info["type"] == "info" and info["title"] == "About"
    assert "4 events not handed over yet" in info["text"] and "Last contact: " in info["text"]
    assert "  third_party" in info["text"] and "shop: enabled" in info["text"]


def test_an_answer_without_an_answer_is_refused(ereader: EReader) -> None:
    assert ereader.post("/v1/answers/x", {}).status_code == 422


def test_arguments_may_be_left_out(ereader: EReader) -> None:
    assert ok(ereader.post("/v1/actions/view_pending", {}))["effects"][0]["title"] == "Pending Sessions"
