"""Who has little to tell is not kept waiting by those who have much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from bridge_world import DUNE, EReader, paired

from booklore_core import hookimpl
from booklore_core.core import Core
from booklore_core.testing import FakeTarget, sample_book

LONG = 60.0


class Slow:
    """A feature that takes its time over one book, until it may go on."""

    def __init__(self) -> None:
        self.has_begun, self.may_go = threading.Event(), threading.Event()

    @hookimpl
    def on_book_close(self, event: Any) -> Any:
        if event.book.title == "Dune":
            self.has_begun.set()
            self.may_go.wait(LONG)


@pytest.fixture
def slow() -> Iterator[Slow]:
    one = Slow()
    yield one
    one.may_go.set()


@pytest.fixture
def core(open_core: Any, slow: Slow) -> Core:
    core: Core = open_core(FakeTarget())
    core.plugins.register("slow", slow)
    core.refresh()
    return core


def test_a_line_beside_much_that_features_are_led_through_is_answered_at_once(
    core: Core, serve: Any, slow: Slow
) -> None:
    url = serve(core, replies=LONG, sync=LONG)
    busy, idle = paired(core, url, "kobo-1"), paired(core, url, "kobo-2")
    busy.reader.read(DUNE)
    waits = threading.Thread(target=busy.hand_off)
    waits.start()
    assert slow.has_begun.wait(LONG)

    answer = idle.hand_off(*idle.reader.read(sample_book("Emma")))

    assert len(answer["ack"]) == 2
    assert waits.is_alive() and not slow.may_go.is_set()
    slow.may_go.set()
    waits.join(LONG)


def test_lists_of_many_lines_are_all_taken_in_whoever_comes_first(core: Core, serve: Any, slow: Slow) -> None:
    slow.may_go.set()
    url = serve(core)
    devices = [paired(core, url, f"kobo-{number}") for number in range(4)]
    for ereader in devices:
        for _ in range(15):
            ereader.reader.read(sample_book("Emma"))
            ereader.reader.sleep(600)
    answers: dict[str, set[str]] = {}

    def tell(ereader: EReader) -> None:
        answers[ereader.id] = set(ereader.hand_off()["ack"])

    threads = [threading.Thread(target=tell, args=(ereader,)) for ereader in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)

    assert answers == {one.id: {line["id"] for line in one.reader.lines} for one in devices}
    assert core.database.value("SELECT COUNT(*) FROM events") == sum(map(len, answers.values()))
