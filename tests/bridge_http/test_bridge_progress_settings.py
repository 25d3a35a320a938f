"""What a person chooses about progress: the menu, what is looked for, and what is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from bridge_world import EReader, entry, texts, toasts
from progress_world import DUNE, MORNING, PATIENT, Household, opened, read

from booklore_core.testing import FakeRemote

MENU = ("What to Sync", "Progress Sync")


class Server(FakeRemote):
    address = "https://books.example/library"


@pytest.fixture
def home(open_core: Any, serve: Any, clock: Any) -> Household:
    remote = Server(clock)
    core = open_core(remote, plugins=("progress",))
    return Household(core, serve(core, **PATIENT), remote)


@pytest.fixture
def kobo(home: Household) -> EReader:
    return home.device()


def test_the_menu_is_that_of_the_manual(kobo: EReader) -> None:
    assert texts(entry(kobo.menu(), *MENU)["items"])[:8] == [
        "Automatically keep documents in sync",
        "Pull progress on book open",
        "Pull progress on resume",
        "Sync to a newer state: Prompt",
        "Sync to an older state: Disable",
        "Periodic page-turn updates",
        "Periodically sync every # pages: 10",
        "Least time between page-turn updates: 25 seconds",
    ]
    assert texts(entry(kobo.menu(), *MENU)["items"])[8] == "Set book to read on rating"
    assert texts(entry(kobo.menu(), *MENU, "Sync to a newer state: Prompt")["items"]) == [
        "Silently",
        "Prompt",
        "Disable",
    ]


def test_staying_is_in_no_menu(kobo: EReader) -> None:
    assert "Stay here" not in str(kobo.menu())


def test_the_core_wants_checkpoints_while_positions_are_sent(home: Household, kobo: EReader) -> None:
    home.core.settings.set("progress.every_pages", 3)
    assert kobo.hand_off([])["state"]["hand_over"] == {"pages": 3, "seconds": 25}

    home.core.settings.set("progress.periodic", False)

    assert kobo.hand_off([])["state"]["hand_over"] is None


@pytest.mark.parametrize(
    ("setting", "asks"), [(None, True), ("progress.pull_on_open", False), ("progress.enabled", False)]
)
def test_an_opening_looks_only_where_that_is_wanted(
    home: Household, kobo: EReader, setting: str | None, asks: bool
) -> None:
    if setting:
        home.core.settings.set(setting, False)
    home.somewhere(0.7, MORNING)

    assert bool(opened(kobo)) == asks
    assert bool(home.remote.looked) == asks


@pytest.mark.parametrize(("setting", "asks"), [(None, True), ("progress.pull_on_resume", False)])
def test_waking_up_in_a_book_looks_only_where_that_is_wanted(
    home: Household, kobo: EReader, setting: str | None, asks: bool
) -> None:
    if setting:
        home.core.settings.set(setting, False)
    kobo.hand_off(kobo.reader.open(DUNE), kobo.reader.suspend())
    home.somewhere(0.7, MORNING)

    effects = kobo.hand_off(kobo.reader.resume())["effects"]

    assert ("confirm" in [one["type"] for one in effects]) == asks
    assert bool(home.remote.looked) == asks


def test_waking_up_without_a_book_looks_for_nothing(home: Household, kobo: EReader) -> None:
    kobo.hand_off(kobo.reader.resume())

    assert home.remote.looked == []


def test_reading_on_and_closing_look_for_nothing(home: Household, kobo: EReader) -> None:
    home.core.settings.set("progress.pull_on_open", False)
    kobo.reader.open(DUNE)
    kobo.reader.turn(5)
    kobo.hand_off(kobo.reader.checkpoint())
    kobo.hand_off(kobo.reader.close())

    assert home.remote.looked == []


def test_a_book_that_is_not_tracked_is_not_looked_for(home: Household, kobo: EReader) -> None:
    read(kobo)
    home.core.books.track(DUNE["partial_md5"], False)
    home.remote.looked.clear()
    home.somewhere(0.7, MORNING)

    assert opened(kobo) == [] and home.remote.looked == []


def test_manual_only_queues_and_sends_when_asked(home: Household, kobo: EReader) -> None:
    home.core.settings.set("sync.manual_only", True)

    assert read(kobo, pages=30)["state"]["pending"] == {"P": 1}
    assert home.remote.received == []
    assert kobo.act("sync_pending")["state"]["pending"] == {}
    assert home.pushed == [0.31]


def test_silent_mode_leads_without_a_word(home: Household, kobo: EReader) -> None:
    home.core.settings.set("sync.silent", True)
    home.core.settings.set("progress.newer", "silently")
    home.somewhere(0.7, MORNING)

    assert [one["type"] for one in opened(kobo)] == ["goto"]


def clash(kobo: EReader, address: Any) -> list[str]:
    line = kobo.reader.open(DUNE)
    return toasts(kobo.hand_off({**line, "kosync": address}))


@pytest.mark.parametrize(
    "address",
    ["https://books.example/library/api/koreader", "https://books.example/library/", "HTTPS://BOOKS.EXAMPLE/library",
     "https://books.example:443/library", "http://books.example/library"],
)  # fmt: skip
def test_koreaders_own_sync_with_the_same_server_is_warned_of_once(
    home: Household, kobo: EReader, address: str
) -> None:
    (warning,) = clash(kobo, address)

    said = "KOReader's own progress sync is on for the server that remote keeps progress at, "
    assert warning == (
        f"{said}https://books.example/library. Switch one of the two off, or they lead you back and forth."
    )
    assert clash(kobo, address) == []
    assert [row["remark"] for row in home.core.database.rows("SELECT remark FROM remarks")] == [warning]
    assert clash(home.device("boox"), address) == [warning]


@pytest.mark.parametrize(
    "address",
    ["https://sync.koreader.rocks:443/", "https://books.example/sync", "https://books.example/library2",
     "https://books.example:8443/library", "http://[::1", "", None, 7],
)  # fmt: skip
def test_koreaders_own_sync_with_another_server_is_nobodys_business(kobo: EReader, address: Any) -> None:
    assert clash(kobo, address) == []


def test_a_target_without_an_address_or_progress_is_not_meant(open_core: Any, serve: Any, clock: Any) -> None:
    plain, other = FakeRemote(clock), Server(clock, name="other")
    other.kinds = frozenset({"session"})
    core = open_core(plain, other, plugins=("progress",))
    kobo = Household(core, serve(core, **PATIENT), plain).device()

    assert clash(kobo, "https://books.example/library") == []


def test_what_waits_and_what_was_synced_stand_in_the_summary(home: Household, kobo: EReader) -> None:
    home.core.settings.set("sync.manual_only", True)
    read(kobo, pages=30)
    home.core.sync()
    boox = home.device("boox")
    read(boox, pages=40)

    (summary,) = kobo.act("view_pending")["effects"]

    assert "  Progress updates: 1\n" in summary["text"] and "  Synced progress: 1" in summary["text"]
    (question,) = kobo.act("clear_synced")["effects"]
    assert question["options"] == ["Synced progress (1)"]
    assert toasts(kobo.answer(question, [0])) == ["1 progress update cleared from the history"]
