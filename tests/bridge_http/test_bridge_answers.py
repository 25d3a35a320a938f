"""Answers to questions: each goes on once, and none is lost to a core that is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bridge_world import EReader, paired, toasts

from booklore_core import Action, Confirm, Result
from booklore_core.bridge.workers import MAX_WORKERS
from booklore_core.core import Core
from booklore_core.testing import FakePlugin


class Clerk:
    """Asks, and counts how often it is told to go on; and dawdles until it is let go."""

    def __init__(self) -> None:
        self.went_on, self.may_go = 0, threading.Event()

    def ask(self, core: Core, request: Any) -> Any:
        answer = yield Confirm("Really?")
        self.went_on += 1
        return Result(f"Done: {answer}")

    def insist(self, core: Core, request: Any) -> Any:
        try:
            yield Confirm("Really?")
        finally:
            self.may_go.set()
            yield Confirm("Really not?")  # against the rules of generators

    def dawdle(self, core: Core, request: Any) -> Any:
        self.may_go.wait(20)
        yield from ()
        return Result()


@pytest.fixture
def clerk() -> Iterator[Clerk]:
    clerk = Clerk()
    yield clerk
    clerk.may_go.set()


@pytest.fixture
def ereader(open_core: Any, serve: Callable[..., str], clerk: Clerk) -> EReader:
    core = open_core()
    actions = [Action("ask", "Ask", clerk.ask), Action("dawdle", "Dawdle", clerk.dawdle)]
    actions.append(Action("insist", "Insist", clerk.insist))
    core.plugins.register("clerk", FakePlugin(actions=actions))
    core.refresh()
    return paired(core, serve(core, action=0.3))


def the_question(ereader: EReader) -> dict[str, Any]:
    (question,) = ereader.act("ask")["effects"]
    return question


def keep_busy(ereader: EReader) -> None:
    """Begins as many actions as the core carries out at a time."""
    with ThreadPoolExecutor(MAX_WORKERS) as callers:
        list(callers.map(lambda _: ereader.act("dawdle"), range(MAX_WORKERS)))


def answer_it(ereader: EReader, question: dict[str, Any]) -> int:
    return ereader.post(f"/v1/answers/{question['id']}", {"answer": True}).status_code


def test_an_answer_that_meets_a_busy_core_can_be_given_again(ereader: EReader, clerk: Clerk) -> None:
    question = the_question(ereader)
    keep_busy(ereader)

    assert [answer_it(ereader, question) for _ in range(2)] == [503, 503]
    clerk.may_go.set()

    told: list[str] = []
    while not told:  # until a hand is free
        answer = ereader.post(f"/v1/answers/{question['id']}", {"answer": True})
        told = toasts(answer.json()) if answer.status_code == 200 else []
    assert "Done: True" in told and clerk.went_on == 1


def test_an_answer_to_a_busy_core_does_not_prolong_the_question(ereader: EReader, clerk: Clerk, clock: Any) -> None:
    question = the_question(ereader)
    keep_busy(ereader)

    clock.forward(seconds=599)
    assert answer_it(ereader, question) == 503
    clock.forward(seconds=1)
    assert answer_it(ereader, question) == 404


def test_of_two_answers_at_the_same_time_one_goes_on(ereader: EReader, clerk: Clerk) -> None:
    for _ in range(5):
        question, together = the_question(ereader), threading.Barrier(2)

        def answer(_: int, question: Any = question, together: Any = together) -> int:
            together.wait(20)
            return answer_it(ereader, question)

        with ThreadPoolExecutor(2) as hands:
            assert sorted(hands.map(answer, range(2))) == [200, 404]
    assert clerk.went_on == 5


def test_a_question_that_nobody_answers_is_ended_and_what_goes_wrong_is_logged(
    ereader: EReader, clerk: Clerk, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (question,) = ereader.act("insist")["effects"]

    clock.forward(minutes=11)
    assert answer_it(ereader, question) == 404

    assert clerk.may_go.wait(20)
    for thread in [one for one in threading.enumerate() if one.name == "given up"]:
        thread.join(20)
    assert "generator ignored GeneratorExit" in caplog.text
