"""The core's menu on the device, gestures, and the switch that turns everything off."""

from __future__ import annotations

from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader, from_lua

MENU: dict[str, Any] = {
    "version": "2",
    "items": [
        {"id": "sync", "text": "Enable sync", "checked": True, "action": "toggle_sync"},
        {
            "id": "cache",
            "text": "Sync & Cache",
            "help": "What waits",
            "items": [
                {"id": "now", "text": "Sync Pending Now (3S)", "action": "sync_pending", "args": {"all": True}},
                {"id": "clear", "text": "Clear Cache", "enabled": False, "action": "clear_cache"},
            ],
        },
    ],
    "actions": [{"id": "night_report", "title": "Night report"}],
}
GESTURES = {
    "booklore_sync_pending": ("SyncBooklorePending", "sync_pending"),
    "booklore_toggle_sync": ("ToggleBookloreSync", "toggle_sync"),
    "booklore_toggle_manual_sync_only": ("ToggleBookloreManualSyncOnly", "toggle_manual_only"),
    "booklore_test_connection": ("TestBookloreConnection", "test_connection"),
}


def texts(items: list[Any]) -> list[str]:
    return [from_lua(item.text) for item in items]


@pytest.fixture
def with_menu(paired: EReader, core: LoopbackCore) -> EReader:
    core.menu, core.state = MENU, {"menu": "2"}
    paired.send("NetworkConnected")
    paired.pass_time(3)
    return paired


def test_the_menu_is_the_cores(with_menu: EReader) -> None:
    sync, cache = with_menu.menu()

    assert texts([sync, cache]) == ["Enable sync", "Sync & Cache"]
    assert sync.checked_func() is True
    assert cache.help_text == "What waits"
    inside = list(cache.sub_item_table.values())
    assert texts(inside) == ["Sync Pending Now (3S)", "Clear Cache"]
    assert [item.enabled is not False for item in inside] == [True, False]


def test_the_menu_is_fetched_only_when_its_version_is_new(with_menu: EReader, core: LoopbackCore) -> None:
    with_menu.send("NetworkConnected")
    with_menu.pass_time(3)

    assert core.paths().count("/v1/menu") == 1


def test_a_menu_that_makes_no_sense_does_not_keep_the_shim_from_starting(
    with_menu: EReader, core: LoopbackCore
) -> None:
    core.menu, core.state = {"version": "3", "items": 5}, {"menu": "3"}
    with_menu.send("NetworkConnected")
    with_menu.pass_time(3)
    assert texts(with_menu.menu())[-2:] == ["Enable sync", "Sync & Cache"]

    with_menu.restart()
    assert texts(with_menu.menu())[-1] == "Pair with core…"


def test_the_entry_in_koreaders_menu_is_static_and_placed(reader: EReader) -> None:
    items = reader.lua.table_from({})
    reader.ko.menu_owner.addToMainMenu(reader.ko.menu_owner, items)

    assert (items.booklore_bridge.text, items.booklore_bridge.sorting_hint) == ("BookLore Sync", "tools")


def test_the_cached_menu_opens_with_the_core_out_of_reach(with_menu: EReader, core: LoopbackCore) -> None:
    core.loses_answers = True
    with_menu.restart()
    with_menu.open()
    with_menu.pass_time(3)

    assert texts(with_menu.menu()) == [
        *["Events that wait on this device: 1", "Enable sync", "Sync & Cache", "Pair with core…"]
    ]


def test_a_menu_that_was_never_fetched_says_how_many_events_wait(reader: EReader) -> None:
    assert texts(reader.menu()) == ["Events that wait on this device: 0", "Pair with core…"]


def window(reader: EReader) -> Any:
    """KOReader's menu, open at the plugin's entries."""
    window = reader.lua.eval("{ updateItems = function(self) self.updated = true end }")
    window.show_parent = window
    reader.ko.shown[len(reader.ko.shown) + 1] = window
    return window


def pair(reader: EReader, *typed: str, menu: Any = None) -> None:
    reader.menu()[-1].callback(menu)
    for text in typed:
        dialog = reader.shown("inputdialog")[-1]
        dialog.typed = text
        dialog.buttons[1][2].callback()
    reader.pass_time(5)


def test_after_pairing_the_open_menu_is_the_cores(reader: EReader, core: LoopbackCore) -> None:
    core.menu = MENU
    items = reader.menu()
    table = reader.ko.entries
    menu = window(reader)
    items[-1].callback(menu)
    for text in (core.url, "654321"):
        (dialog,) = reader.shown("inputdialog")
        dialog.typed = text
        dialog.buttons[1][2].callback()
    reader.pass_time(5)

    assert menu.updated
    assert texts(list(table.values())) == ["Enable sync", "Sync & Cache"]


def test_a_device_whose_token_counts_no_more_can_be_paired_again(with_menu: EReader, core: LoopbackCore) -> None:
    with_menu.remember(device={"id": "kobo-7f3a"}, url=core.url, token="old", unpaired=True)
    with_menu.restart()
    core.status = 401
    with_menu.send("NetworkConnected")
    with_menu.pass_time(3)

    assert texts(with_menu.menu())[-1] == "Pair with core…"


def test_an_address_is_completed_before_the_core_is_asked(reader: EReader, core: LoopbackCore) -> None:
    pair(reader, f"  {core.url.removeprefix('http://')}/ ", "654321")

    assert core.paths() == ["/v1/pair", "/v1/menu"]


def test_an_address_that_is_none_is_told_at_once_and_asked_for_again(reader: EReader, core: LoopbackCore) -> None:
    pair(reader, "my server")

    assert reader.toasts() == ["An address has no spaces: my server"]
    (dialog,) = reader.shown("inputdialog")
    assert (from_lua(dialog.title), dialog.input) == ("Address of the core", "my server")
    assert core.paths() == []


def test_pairing_that_is_cancelled_asks_nothing_more(reader: EReader, core: LoopbackCore) -> None:
    reader.menu()[-1].callback(None)
    reader.shown("inputdialog")[0].buttons[1][1].callback()
    reader.pass_time(5)

    assert reader.shown() == [] and core.paths() == []


def test_a_tap_runs_the_action_with_its_arguments(with_menu: EReader, core: LoopbackCore) -> None:
    book = with_menu.open()
    with_menu.menu()[1].sub_item_table[1].callback(None)
    with_menu.pass_time(5)

    (body,) = core.bodies("/v1/actions/sync_pending")
    assert body["args"] == {"all": True}
    assert body["book"]["partial_md5"] == book.settings.partial_md5_checksum


def test_an_open_menu_shows_what_changed(with_menu: EReader, core: LoopbackCore) -> None:
    item = with_menu.menu()[1].sub_item_table[1]
    menu = window(with_menu)
    now = MENU["items"][1]["items"][0] | {"text": "Sync Pending Now"}
    core.menu, core.state = {"version": "3", "items": [{"id": "cache", "text": "x", "items": [now]}]}, {"menu": "3"}
    item.callback(menu)
    with_menu.pass_time(5)

    assert menu.updated and item.text == "Sync Pending Now"


@pytest.mark.parametrize("gesture", GESTURES)
@pytest.mark.parametrize("place", ["file manager", "reader"])
def test_gestures_work_from_the_first_moment(paired: EReader, core: LoopbackCore, gesture: str, place: str) -> None:
    if place == "reader":
        paired.open()
    event, action = GESTURES[gesture]

    spec = paired.ko.actions[gesture]
    assert (spec.event, spec.category, spec.general) == (event, "none", True)
    assert paired.ko.gesture(gesture) is True
    paired.pass_time(5)
    assert f"/v1/actions/{action}" in core.paths()


def test_the_first_registration_stays_and_reaches_the_instance_that_lives(with_menu: EReader) -> None:
    with_menu.ko.actions["booklore_sync_pending"].first = True
    with_menu.open()
    with_menu.close()

    assert with_menu.ko.actions["booklore_sync_pending"].first
    assert with_menu.ko.gesture("booklore_sync_pending") is True


def test_actions_of_plugins_are_gestures_too_also_after_a_restart(with_menu: EReader, core: LoopbackCore) -> None:
    with_menu.restart()
    assert with_menu.ko.actions["booklore_action_night_report"].title == "Night report"

    with_menu.ko.gesture("booklore_action_night_report")
    with_menu.pass_time(5)
    assert core.paths()[-1] == "/v1/actions/night_report"


def test_a_toggle_tells_the_core_what_is_wanted_and_takes_over_its_state(paired: EReader, core: LoopbackCore) -> None:
    paired.ko.gesture("booklore_toggle_sync")
    paired.pass_time(2)
    paired.open()
    paired.close()

    assert core.bodies("/v1/actions/toggle_sync")[0]["args"] == {"enabled": False}
    assert paired.spool_bytes() == b""


def test_switched_off_nothing_is_written_down_not_even_after_a_restart(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"enabled": False}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    before = paired.spool_bytes()
    paired.restart()
    paired.open()
    paired.read(pages=20, seconds=5)
    paired.send("Suspend")
    paired.send("Resume")
    paired.close()
    paired.send("NetworkConnected")

    assert paired.spool_bytes() == before


def test_switching_off_in_a_book_ends_the_stretch_and_on_begins_one(paired: EReader, core: LoopbackCore) -> None:
    core.status = 503
    paired.open()
    paired.read(pages=2, seconds=30)
    paired.ko.gesture("booklore_toggle_sync")
    paired.pass_time(2)
    paired.read(pages=9, seconds=30)
    paired.ko.gesture("booklore_toggle_sync")
    paired.pass_time(2)
    paired.close()

    lines = paired.spool("book_open", "book_close")
    assert [line["event"] for line in lines] == ["book_open", "book_close"] * 2
    assert [line["reading"]["turns"] for line in lines] == [0, 2, 0, 0]


def test_a_toggle_without_the_core_holds_and_is_told_later(paired: EReader, core: LoopbackCore) -> None:
    core.status, core.state = 503, {"enabled": True}
    paired.ko.gesture("booklore_toggle_sync")
    paired.pass_time(2)
    assert paired.toasts() == ["Sync is off."]
    core.status = 200
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(5)

    assert core.paths()[-1] == "/v1/actions/toggle_sync"
    assert core.bodies("/v1/actions/toggle_sync")[-1]["args"] == {"enabled": False}


def test_a_switch_that_is_flipped_back_while_the_core_is_asked_stays_as_it_is(
    paired: EReader, core: LoopbackCore
) -> None:
    for _ in range(2):
        paired.ko.gesture("booklore_toggle_sync")
    paired.pass_time(5)
    paired.send("Resume")

    assert [body["args"]["enabled"] for body in core.bodies("/v1/actions/toggle_sync")] == [False, True]
    assert paired.spool("resume")


def test_switched_on_again_at_the_core_the_device_follows_at_the_next_contact(
    paired: EReader, core: LoopbackCore
) -> None:
    core.state = {"enabled": False}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    core.state = {"enabled": True}
    paired.open()
    paired.pass_time(4)
    paired.close()
    paired.pass_time(2)

    assert core.bodies("/v1/events")[1]["lines"] == []
    assert core.events() == ["network_connected", "book_open", "book_close"]


def test_the_gestures_that_the_shim_has_anyway_are_not_offered_twice(paired: EReader, core: LoopbackCore) -> None:
    own = [{"id": name, "title": "Again"} for _, name in GESTURES.values()]
    core.menu, core.state = MENU | {"actions": own}, {"menu": "2"}
    paired.send("NetworkConnected")
    paired.pass_time(3)

    assert set(paired.ko.actions.keys()) == set(GESTURES)


def test_silent_mode_hides_the_shims_own_message(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"silent": True}
    paired.send("NetworkConnected")
    paired.pass_time(2)
    core.status = 503
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(2)

    assert paired.toasts() == []
