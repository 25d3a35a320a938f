"""Devices with and without the shim meet: one journal knows where any of them last read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from bridge_world import DUNE, EReader
from kosync_world import DOCUMENT, SyncClient, client_of

from booklore_core import Item, Kind, PageTurns, hookimpl
from booklore_core.bridge.elsewhere import LAST_LINES
from booklore_core.core import Core
from booklore_core.testing import FakeTarget, sample_book


@pytest.fixture
def kobo(core: Core, url: str) -> SyncClient:
    return client_of(core, url)


def read(ereader: EReader, pages: int) -> dict[str, Any]:
    """Reads on in Dune, and hands over. Returns the line that was written last."""
    return finish(ereader, lambda: ereader.reader.read(DUNE, pages))


def finish(ereader: EReader, do: Any) -> dict[str, Any]:
    ereader.reader.lines.clear()
    do()
    ereader.hand_off()
    return dict(ereader.reader.lines[-1])


def test_what_a_device_with_the_shim_read_last_is_told(kobo: SyncClient, ereader: EReader) -> None:
    closed = read(ereader, 30)

    assert kobo.pull() == {
        "document": DOCUMENT,
        "percentage": closed["reading"]["percent"],
        "progress": closed["reading"]["position"],
        "device": "Libra",
        "device_id": "kobo-7f3a",
        "timestamp": int(datetime.fromisoformat(closed["at"]).timestamp()),
    }


def test_a_checkpoint_counts_before_the_book_is_closed(kobo: SyncClient, ereader: EReader) -> None:
    reader = ereader.reader
    told = finish(ereader, lambda: (reader.open(DUNE), reader.turn(12), reader.checkpoint()))

    assert kobo.pull()["progress"] == told["reading"]["position"]


def test_whoever_read_last_is_told_to_everybody(kobo: SyncClient, ereader: EReader, clock) -> None:
    other = replace(kobo, model="Readest", id="r1")
    read(ereader, 30)
    kobo.push(0.5)
    assert other.pull()["device"] == kobo.pull()["device"] == "Kobo_clara"

    clock.forward(hours=1)
    other.push(0.2)
    assert (kobo.pull()["device"], kobo.pull()["percentage"]) == ("Readest", 0.2)

    ereader.reader.now = clock.forward(hours=1)
    read(ereader, 5)
    assert kobo.pull()["device"] == "Libra"


def test_what_was_read_earlier_and_handed_over_later_is_not_the_last(kobo: SyncClient, ereader: EReader) -> None:
    kobo.push(0.5)

    read(ereader, 30)

    assert kobo.pull()["percentage"] == 0.5


def test_who_only_opens_a_book_has_not_read_it(kobo: SyncClient, ereader: EReader, clock) -> None:
    kobo.push(0.5)
    ereader.reader.now = clock.forward(hours=1)

    reader = ereader.reader
    for end in (reader.close, reader.suspend):
        finish(ereader, lambda end=end: (reader.open(DUNE), reader.wait(20), end()))
    finish(ereader, lambda: (reader.resume(), reader.close()))

    assert kobo.pull()["percentage"] == 0.5


def test_where_nobody_ever_read_the_place_of_an_opening_is_told(kobo: SyncClient, ereader: EReader) -> None:
    opened = finish(ereader, lambda: ereader.reader.open(DUNE))

    assert kobo.pull()["percentage"] == opened["reading"]["percent"]


def test_a_line_without_a_place_is_passed_over(kobo: SyncClient, ereader: EReader, clock) -> None:
    kobo.push(0.5)
    ereader.reader.now = clock.forward(hours=1)
    lines = [{**line, "reading": {"turns": 3}} for line in ereader.reader.read(DUNE)]

    ereader.hand_off(*lines)

    assert kobo.pull()["percentage"] == 0.5


def test_another_book_is_another_book(kobo: SyncClient, ereader: EReader) -> None:
    ereader.reader.read(sample_book("Emma"), 30)
    ereader.hand_off()

    assert kobo.pull() == {}


def test_accounts_share_what_was_read_and_keep_their_devices_apart(core: Core, url: str, kobo: SyncClient) -> None:
    other = client_of(core, url, "bo")
    kobo.push(0.32)

    assert other.pull() == kobo.pull()
    other.push(0.4)
    assert len({row["device"] for row in core.database.rows("SELECT device FROM events")}) == 2


def test_a_device_is_one_whatever_it_calls_itself_and_its_name_is_told(core: Core, kobo: SyncClient) -> None:
    for model in ("Kobo_clara", "Anna's Kobo", "Anna's Kobo", "  "):
        replace(kobo, model=model).push(0.32)

    (device,) = {row["device"] for row in core.database.rows("SELECT device FROM events")}
    names = [row["name"] for row in core.database.rows("SELECT name FROM events ORDER BY id")]
    assert device.startswith("kosync:anna:")
    assert names.count("device") == 3 and names.count("page_turns") == 4
    known = core.devices.find(device)
    assert known is not None and known["name"] == "anna"


def test_the_same_push_again_changes_nothing_that_is_told(core: Core, kobo: SyncClient) -> None:
    kobo.push(0.32)
    before = kobo.pull()

    for _ in range(3):
        kobo.push(0.32)

    assert kobo.pull() == before
    assert core.quarantine.count() == 0


def test_no_session_comes_of_places(core: Core, kobo: SyncClient, ereader: EReader, clock) -> None:
    for step in range(40):
        clock.forward(minutes=2)
        replace(kobo, id=f"{step % 2}").push(step / 50)
    core.derive.lead()

    assert core.database.value("SELECT COUNT(*) FROM items") == 0
    assert core.derive.failing() == {}


def test_a_book_that_is_not_tracked_is_neither_kept_nor_told(core: Core, kobo: SyncClient) -> None:
    kobo.push(0.32)
    core.books.track(DOCUMENT, on=False)

    assert kobo.push(0.5)["document"] == DOCUMENT
    assert kobo.pull() == {}

    core.books.track(DOCUMENT, on=True)
    assert kobo.pull()["percentage"] == 0.32


def test_nothing_is_refused_into_quarantine(core: Core, kobo: SyncClient, clock) -> None:
    for hours in (1, -30, 2, -500, 1000):
        clock.forward(hours=hours)
        kobo.push(0.32, str(hours))

    assert core.quarantine.count() == 0
    assert core.database.value("SELECT COUNT(*) FROM remarks") == 0


def test_a_journal_of_years_is_not_read_from_end_to_end(core: Core) -> None:
    plan = core.database.rows("EXPLAIN QUERY PLAN " + LAST_LINES, md5=DOCUMENT, ids=["page_turns"], most=1)

    assert [row["detail"] for row in plan if "events" in row["detail"]] == [
        "SEARCH events USING INDEX events_of_book (book_md5=?)"
    ]


class Places:
    """A feature that makes a fact of every checkpoint."""

    @hookimpl
    def register_kinds(self) -> Iterator[Kind]:
        yield Kind("spot", "Q", "spot", "spots", 40)

    @hookimpl
    def on_page_turns(self, event: PageTurns) -> Iterable[Item]:
        body = {"percent": event.reading.percent, "position": event.reading.position, "turns": event.reading.turns}
        yield Item("spot", f"{event.book.partial_md5}:{event.device}", event.book.ref, body, event.at)


@dataclass
class SlowServer:
    """Tells when a spot has arrived, and holds its answer back until it is told to go on."""

    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    may_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, item: Item) -> None:
        self.arrived.release()
        assert self.may_go.wait(20)


@pytest.fixture
def server() -> SlowServer:
    return SlowServer()


@pytest.fixture
def spots(server: SlowServer) -> FakeTarget:
    return FakeTarget("spots", {"spot"}, fails_with=server)


@pytest.fixture
def told_on(open_core: Any, serve: Any, spots: FakeTarget) -> SyncClient:
    """A client of a core with a feature and a target for what it tells."""
    core = open_core(spots)
    core.plugins.register("places", Places())
    core.refresh()
    return client_of(core, serve(core))


def test_a_place_becomes_a_fact_and_arrives_at_the_targets(
    told_on: SyncClient, server: SlowServer, spots: FakeTarget
) -> None:
    server.may_go.set()

    told_on.push(0.32, "a")
    assert server.arrived.acquire(timeout=20)
    told_on.push(0.4, "b")
    assert server.arrived.acquire(timeout=20)

    assert spots.received[0].body == {"percent": 0.32, "position": "a", "turns": 0}
    assert spots.received[0].key.startswith(f"{DOCUMENT}:kosync:anna:")


def test_nobody_waits_for_a_sync_in_progress(told_on: SyncClient, server: SlowServer, spots: FakeTarget) -> None:
    told_on.push(0.32)
    assert server.arrived.acquire(timeout=20)

    for percentage in (0.4, 0.5, 0.6):
        told_on.push(percentage)
        assert told_on.pull()["percentage"] == percentage
        assert told_on.login().status_code == 200

    assert spots.received == [] and not server.may_go.is_set()
    server.may_go.set()
    assert server.arrived.acquire(timeout=20)
