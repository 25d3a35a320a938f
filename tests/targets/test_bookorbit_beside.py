"""A BookOrbit beside a BookLore: of all places that others came to, a reader is asked about the newest, once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import requests
from one_clock import Clock, OnClock
from orbit_world import OrbitWorld

from booklore_core.bridge.bridge import Bridge, Deadlines
from booklore_core.bridge.models import ActionRequest, HandOff
from booklore_core.core import Core
from booklore_core.testing import MORNING, BookLoreServer, BookOrbitServer

HOUR = timedelta(hours=1)
PATHS = {"booklore": "/api/koreader/syncs/progress", "bookorbit": "/api/v1/koreader/syncs/progress"}


class Both(OrbitWorld):
    """An e-reader, its bridge, and two servers that have the same book."""

    def __init__(self, home: Path) -> None:
        self.clock = Clock(MORNING)
        self.booklore = BookLoreServer("booklore", now=lambda: self.clock(), lock_patience=0)
        self.booklore.start()
        about = {"URL": self.booklore.url, "USERNAME": self.booklore.username, "PASSWORD": self.booklore.password}
        super().__init__(home, **{f"BOOKLORE_{name}": value for name, value in about.items()})
        self.reader.now = self.clock.utc()
        self.bridge = Bridge(self.core, Deadlines(replies=60.0))

    def open(self) -> Core:
        core = super().open()
        core.plugins.register("booklore", OnClock(self.clock))
        core.refresh()
        core.settings.set("sync.manual_only", True)
        return core

    def close(self) -> None:
        self.bridge.close()
        super().close()
        self.booklore.stop()

    def elsewhere(self, at: str, percent: float, when: datetime) -> None:
        """Somebody reads with another program, and tells one of the servers."""
        server: BookLoreServer | BookOrbitServer = self.booklore if at == "booklore" else self.server
        key = md5(server.koreader_password.encode()).hexdigest()
        body = {"document": self.books[0].md5, "percentage": percent, "progress": f"/body/p[{percent:.0%}].0"}
        body |= {"device": "iPad", "device_id": "ipad-1", "timestamp": int(when.timestamp())}
        self.clock.seconds = when.timestamp()
        headers = {"x-auth-user": server.koreader_username, "x-auth-key": key}
        assert requests.put(server.url + PATHS[at], json=body, headers=headers, timeout=30).status_code == 200

    def read(self) -> list[dict[str, Any]]:
        """Opens the book, turns some pages and closes it. What the reader is asked at the opening."""
        asked = self.hand_over(self.reader.open(self.book()))
        self.reader.turn(6, 60)
        assert self.hand_over(self.reader.close()) == []
        return asked

    def hand_over(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        self.clock.seconds = self.reader.now.timestamp()
        about = {"id": self.reader.device, "name": "Kobo", "model": "kobo"}
        answer = self.bridge.hand_off(HandOff.model_validate({"device": about, "lines": [line]}), self.reader.device)
        return list(answer["effects"])

    def answer(self, question: dict[str, Any], goes: bool) -> None:
        for then in question["on_ok" if goes else "on_cancel"]:
            if then["type"] == "goto":
                self.reader.page = round(then["percent"] * 600)
            else:
                given = ActionRequest(book=then["book"], args=then["args"])
                assert self.bridge.act(self.reader.device, then["action"], given)["effects"] == []


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    world = Both(tmp_path / "home")
    world.read()
    world.reader.sleep(3600)
    world.sync()
    yield world
    world.close()


def told_at_both(both: Both, first: tuple[str, float], second: tuple[str, float]) -> None:
    for at, percent in (first, second):
        both.elsewhere(at, percent, both.reader.now)
        both.reader.sleep(3600)


def open_and_answer(both: Both, goes: bool) -> list[float]:
    """The places that the reader is asked about, who reads on after that."""
    asked = both.hand_over(both.reader.open(both.book()))
    for question in asked:
        both.answer(question, goes)
    both.reader.turn(6, 60)
    assert both.hand_over(both.reader.close()) == []
    both.reader.sleep(3600)
    return [one["on_ok"][0]["percent"] for one in asked]


def assert_in_step(both: Both) -> None:
    """Nothing is asked any more, and either server has where the reader is."""
    for _ in range(3):
        both.sync()
        both.clock.forward(700)
        assert open_and_answer(both, goes=True) == []
    both.sync()
    here = int(both.reader.page / 600 * 10_000) / 10_000
    assert both.booklore.pushes[-1]["percentage"] == here
    assert both.server.readings[1]["percent"] == pytest.approx(100 * here)
    assert both.core.pending() == {}


@pytest.mark.parametrize("goes", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("booklore", 0.4), ("bookorbit", 0.6)),
        (("bookorbit", 0.4), ("booklore", 0.6)),
        (("bookorbit", 0.5), ("booklore", 0.5)),
        (("booklore", 0.5), ("bookorbit", 0.5)),
    ],
)
def test_a_reader_is_asked_about_the_newest_place_and_no_other(both: Both, first: Any, second: Any, goes: bool) -> None:
    told_at_both(both, first, second)

    assert open_and_answer(both, goes) == [second[1]]
    assert_in_step(both)


@pytest.mark.parametrize("goes", [True, False])
@pytest.mark.parametrize("order", [("booklore", "bookorbit"), ("bookorbit", "booklore")])
def test_an_earlier_place_that_is_further_on_is_asked_about_when_the_book_is_opened_again(
    both: Both, order: tuple[str, str], goes: bool
) -> None:
    """What nobody was asked about is not overwritten."""
    told_at_both(both, (order[0], 0.6), (order[1], 0.4))

    assert [open_and_answer(both, goes), open_and_answer(both, goes)] == [[0.4], [0.6]]
    assert_in_step(both)
