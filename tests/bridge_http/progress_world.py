"""Readers of one book with several devices, over the bridge, and the remote that keeps their place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge_world import EReader, paired

from booklore_core import RemotePosition
from booklore_core.core import Core
from booklore_core.testing import MORNING, FakeRemote, sample_book

DUNE = sample_book(pages=100)
MD5 = DUNE["partial_md5"]
HOUR = timedelta(hours=1)
PATIENT = {"replies": 30.0}
"""What is not meant to be late has the time of a busy machine."""


@dataclass
class Household:
    """Nothing is sent unless somebody asks, so that each test says when."""

    core: Core
    url: str
    remote: FakeRemote

    def device(self, name: str = "kobo") -> EReader:
        ereader = paired(self.core, self.url, name)
        ereader.hand_off(ereader.reader._write("device", name=name.capitalize()))
        return ereader

    def somewhere(self, percent: float | None, at: datetime | None, position: str | None = "there") -> None:
        """Somebody else pushed where he is."""
        self.remote.places[MD5] = RemotePosition(percent, position, "BookLore", at)

    @property
    def pushed(self) -> list[float]:
        return [item.body["percent"] for item in self.remote.received]

    def state(self) -> dict[str, Any]:
        """How the deliveries stand: state, attempts that failed, and why."""
        rows = self.core.database.rows("SELECT state, retry_count, reason FROM deliveries ORDER BY item_id")
        return rows[0] if rows else {}


def read(ereader: EReader, pages: int = 0, to: int | None = None) -> dict[str, Any]:
    """A stretch of reading, handed over at its end. to: the page on which it begins."""
    reader = ereader.reader
    if to is not None:
        reader._pages[MD5] = to
    return ereader.hand_off(*reader.read(DUNE, pages))


def opened(ereader: EReader) -> list[dict[str, Any]]:
    """What the reader is shown who opens the book an hour later."""
    ereader.reader.wait(3600)
    effects: list[dict[str, Any]] = ereader.hand_off(ereader.reader.open(DUNE))["effects"]
    return effects


def stays(ereader: EReader, effects: list[dict[str, Any]]) -> None:
    """Says no to the question; the device carries out what it was told to."""
    (asked,) = effects
    (then,) = asked["on_cancel"]
    assert then["type"] == "schedule"
    assert ereader.act(then["action"], book=then["book"], **then["args"])["effects"] == []


def goes(ereader: EReader, effects: list[dict[str, Any]]) -> None:
    """Says yes to the question: the book is at that place then."""
    (asked,) = effects
    goto, then = asked["on_ok"]
    ereader.reader.page = round(goto["percent"] * DUNE["pages"])
    assert ereader.act(then["action"], book=then["book"], **then["args"])["effects"] == []


__all__ = ["DUNE", "HOUR", "MD5", "MORNING", "PATIENT", "Household", "goes", "opened", "read", "stays"]
