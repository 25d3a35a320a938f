"""When a sync starts by itself, and what the reader hears of it (seed offline-support)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from bridge_world import DUNE, EReader, paired, toasts

from booklore_core.core import Core
from booklore_core.items import Item
from booklore_core.targets import Before, ItemRejected, TargetUnavailable
from booklore_core.testing import FakeLibrary, FakeTarget, sample_book

WAKE = {"type": "schedule", "in": 15, "action": "wake_sync"}


class Slow(FakeTarget):
    """Delivers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.may_go = threading.Semaphore(0), threading.Event()

    def deliver(self, item: Item, before: Before) -> str | None:
        self.entered.release()
        self.may_go.wait(20)
        return super().deliver(item, before)


def asleep() -> TargetUnavailable:
    return TargetUnavailable("asleep", maybe_sent=False)


def heard_later(ereader: EReader) -> list[str]:
    """What a device is told as soon as it is known."""
    heard: list[str] = []
    while not heard:
        heard = toasts(ereader.act("about"))
    return heard


def test_many_closes_handed_over_late_start_one_sync(open_core: Any, serve: Any) -> None:
    books = [sample_book(f"Book {number}") for number in range(5)]
    library = FakeLibrary({book["partial_md5"]: str(number) for number, book in enumerate(books)}, kinds=["session"])
    core = open_core(library)
    ereader = paired(core, serve(core))
    for book in books:
        ereader.reader.read(book)

    assert toasts(ereader.hand_off()) == ["5 sessions synced"]
    assert len(library.asked) == 1


def test_a_close_without_news_starts_nothing(ereader: EReader, bookworm: FakeTarget) -> None:
    ereader.reader.read(DUNE, pages=0)

    assert ereader.hand_off()["effects"] == []


def test_what_is_rejected_is_told_when_it_changes_and_not_at_every_hand_over(
    ereader: EReader, bookworm: FakeTarget
) -> None:
    """It is tried again at every sync, and status says why."""
    refused: list[str] = []

    def refuse(item: Item) -> ItemRejected | None:
        """The first session, and the last of four."""
        if not refused or (len(heard) == 3 and len(refused) == 1 and item.key not in refused):
            refused.append(item.key)
        return ItemRejected("never") if item.key in refused else None

    bookworm.fails_with, heard = refuse, list[list[str]]()
    for _ in range(4):
        ereader.reader.sleep(3600)
        heard.append(toasts(ereader.hand_off(*ereader.reader.read(DUNE))))

    synced, never = ["1 session synced"], "\n“Dune”: never"
    assert heard == [[f"1 session rejected{never}"], synced, synced, [f"2 sessions rejected{never}"]]


def test_a_target_that_is_down_is_told_once_and_then_not_again(ereader: EReader, bookworm: FakeTarget) -> None:
    bookworm.fails_with = asleep()

    heard = []
    for _ in range(3):
        ereader.reader.sleep(3600)
        heard.append(toasts(ereader.hand_off(*ereader.reader.read(DUNE))))
    bookworm.wake_up()
    ereader.reader.sleep(3600)
    heard.append(toasts(ereader.hand_off(*ereader.reader.read(DUNE))))

    assert heard == [["1 session waits\nbookworm: asleep"], [], [], ["4 sessions synced"]]


@pytest.mark.parametrize("name", ["sync.manual_only", "sync.mode"])
def test_manual_only_syncs_when_asked(core: Core, ereader: EReader, bookworm: FakeTarget, name: str) -> None:
    core.settings.set(name, "manual" if name == "sync.mode" else True)
    ereader.reader.read(DUNE)
    ereader.reader.resume()
    ereader.reader.network()

    assert ereader.hand_off()["effects"] == []
    assert ereader.act("wake_sync")["effects"] == []
    assert bookworm.received == []

    assert toasts(ereader.act("sync_pending")) == ["1 session synced"]
    assert len(bookworm.received) == 1


@pytest.mark.parametrize(("mode", "on_suspend", "synced"), [
    ("automatic", False, 1), ("custom", True, 1), ("custom", False, 0),
])  # fmt: skip
def test_going_to_sleep_syncs_as_the_mode_says(
    core: Core, ereader: EReader, bookworm: FakeTarget, mode: str, on_suspend: bool, synced: int
) -> None:
    core.settings.set("sync.mode", mode)
    core.settings.set("sync.on_suspend", on_suspend)
    ereader.reader.open(DUNE)
    ereader.reader.turn(10)
    ereader.reader.suspend()

    ereader.hand_off()

    assert len(bookworm.received) == synced


def test_waking_up_schedules_a_sync(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    bookworm.fails_with = asleep()
    ereader.hand_off(*ereader.reader.read(DUNE))
    bookworm.wake_up()

    assert ereader.hand_off(ereader.reader.resume())["effects"] == [WAKE]
    assert bookworm.received == []
    assert toasts(ereader.act("wake_sync")) == ["1 session synced"]


def test_a_wake_sync_with_nothing_to_do_says_nothing(ereader: EReader) -> None:
    ereader.hand_off(ereader.reader.resume())

    assert ereader.act("wake_sync")["effects"] == []


def test_wake_syncs_keep_five_minutes_apart(ereader: EReader, clock: Any) -> None:
    ereader.hand_off(ereader.reader.resume())
    ereader.act("wake_sync")

    clock.forward(seconds=299)
    assert ereader.hand_off(ereader.reader.resume())["effects"] == []
    clock.forward(seconds=1)
    assert ereader.hand_off(ereader.reader.resume())["effects"] == [WAKE]


def test_a_wake_sync_that_reached_nobody_starts_no_cooldown(ereader: EReader, bookworm: FakeTarget) -> None:
    bookworm.fails_with = asleep()
    ereader.hand_off(*ereader.reader.read(DUNE), ereader.reader.resume())
    ereader.act("wake_sync")

    assert ereader.hand_off(ereader.reader.resume())["effects"] == [WAKE]


def test_each_device_has_its_own_cooldown(core: Core, url: str) -> None:
    kobo, kindle = paired(core, url, "kobo"), paired(core, url, "kindle")
    kobo.hand_off(kobo.reader.resume())
    kobo.act("wake_sync")

    assert kindle.hand_off(kindle.reader.resume())["effects"] == [WAKE]


def test_the_network_coming_back_runs_a_due_wake_sync_at_once(ereader: EReader, bookworm: FakeTarget) -> None:
    bookworm.fails_with = asleep()
    ereader.hand_off(*ereader.reader.read(DUNE), ereader.reader.resume())
    bookworm.wake_up()

    answer = ereader.hand_off(ereader.reader.network())

    assert toasts(answer) == ["1 session synced"] and WAKE not in answer["effects"]
    assert ereader.act("wake_sync")["effects"] == []


def test_the_network_coming_back_without_a_due_wake_sync_starts_nothing(ereader: EReader, bookworm: FakeTarget) -> None:
    bookworm.fails_with = asleep()
    ereader.hand_off(*ereader.reader.read(DUNE))
    bookworm.wake_up()

    assert ereader.hand_off(ereader.reader.network())["effects"] == []
    assert bookworm.received == []


def test_silent_mode_hides_the_message_and_syncs_the_same(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    core.settings.set("sync.silent", True)
    ereader.reader.read(DUNE)

    assert ereader.hand_off()["effects"] == []
    assert len(bookworm.received) == 1


def test_a_slow_sync_is_told_at_the_next_contact(open_core: Any, serve: Any) -> None:
    core = open_core(slow := Slow())
    ereader = paired(core, serve(core, sync=0.05))
    ereader.reader.read(DUNE)

    assert ereader.hand_off()["effects"] == []
    slow.may_go.set()

    assert heard_later(ereader) == ["1 session synced"]


def test_requests_during_a_run_share_one_more_run(open_core: Any, serve: Any) -> None:
    core = open_core(slow := Slow())
    url = serve(core, sync=0.05)
    ereaders = [paired(core, url, name) for name in ("kobo", "kindle", "boox")]

    for ereader in ereaders:
        ereader.hand_off(*ereader.reader.read(DUNE))
    slow.entered.acquire()
    slow.may_go.set()

    assert [heard_later(one) for one in ereaders] == [
        ["1 session synced, 2 sessions wait"],
        ["2 sessions synced"],
        ["2 sessions synced"],
    ]
    assert len(slow.befores) == 3


def test_a_sync_that_is_asked_for_during_a_run_sends_nothing_twice(open_core: Any, serve: Any) -> None:
    core = open_core(slow := Slow())
    ereader = paired(core, serve(core, sync=0.05, action=0.05))
    ereader.hand_off(*ereader.reader.read(DUNE))
    slow.entered.acquire()

    assert "background" in toasts(ereader.act("sync_pending"))[0]
    slow.may_go.set()

    heard: list[str] = []
    while len(heard) < 2:
        heard += heard_later(ereader)
    assert sorted(heard) == ["1 session synced", "Nothing to sync"] and len(slow.befores) == 1


def test_the_worker_outlives_a_run_that_failed(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    core.database.run("ALTER TABLE leases RENAME TO mislaid")
    (told,) = toasts(ereader.hand_off(*ereader.reader.read(DUNE)))
    core.database.run("ALTER TABLE mislaid RENAME TO leases")

    assert told.startswith("Sync failed")
    assert toasts(ereader.act("sync_pending")) == ["1 session synced"]


def test_a_book_that_is_not_known_is_told_once_although_nothing_else_arrived(open_core: Any, serve: Any) -> None:
    core = open_core(FakeLibrary({}, kinds=["session"]))
    ereader = paired(core, serve(core))

    heard = []
    for title in ("Dune", "Dune", "Emma"):
        ereader.reader.sleep(3600)
        heard.append(toasts(ereader.hand_off(*ereader.reader.read(sample_book(title)))))

    assert heard[0] == ["1 session waits\nlibrary does not know “Dune” yet"]
    assert heard[1] == []
    assert heard[2] == ["3 sessions wait\nlibrary does not know “Dune”, “Emma” yet"]
