"""The menu: its order and labels, and a version that changes with it."""

from __future__ import annotations

import threading
from typing import Any

from bridge_world import DUNE, EReader, entry, paired, texts

from booklore_core import Action, Result, Setting, hookimpl
from booklore_core.core import Core
from booklore_core.testing import FakePlugin, FakeTarget


class Declaring:
    """Has settings and does nothing."""

    def __init__(self, settings: list[Setting]) -> None:
        self._settings = settings

    @hookimpl
    def register_settings(self) -> Any:
        return self._settings


def run(core: Core, request: Any) -> Any:
    yield from ()
    return Result()


def broken(core: Core) -> str:
    raise RuntimeError("no label")


def test_the_top_level_stands_in_the_documented_order(core: Core, ereader: EReader) -> None:
    places = [("Import & Matching",), ("Elsewhere",), ()]
    actions = [Action(f"act{n}", f"Act {n}", run, menu=place) for n, place in enumerate(places)]
    core.plugins.register("third_party", FakePlugin(actions=actions))
    core.refresh()

    assert texts(ereader.menu()["items"]) == [
        "Enable sync",
        "Authentication",
        "What to Sync",
        "Sync Settings",
        "Sync & Cache",
        "Import & Matching",
        "Act 2",
        "Elsewhere",
        "Plugins",
        "Preferences",
        "About",
    ]


def test_import_and_matching_has_the_seeds_entries(ereader: EReader) -> None:
    assert texts(entry(ereader.menu(), "Import & Matching")["items"])[:6] == [
        "Extract Historical Data",
        "Match Historical Sessions",
        "View Match Statistics",
        "Re-sync All Historical",
        "Sync Re-matched Sessions",
        "Manual Matching",
    ]


def test_sync_and_cache_shows_counts_and_greys_out_what_has_nothing_to_do(
    core: Core, ereader: EReader, bookworm: FakeTarget
) -> None:
    core.settings.set("sync.manual_only", True)
    before = ereader.menu()
    ereader.hand_off(*ereader.reader.read(DUNE))
    after = ereader.menu()

    assert entry(before, "Sync & Cache", "Sync Pending Now")["enabled"] is False
    assert entry(after, "Sync & Cache", "Sync Pending Now (1S)")["enabled"] is True
    assert texts(entry(after, "Sync & Cache")["items"])[:2] == ["Sync Pending Now (1S)", "View Pending Sessions"]
    assert texts(entry(after, "Sync & Cache")["items"])[-1] == "Advanced"
    assert before["version"] != after["version"]


def test_the_version_stays_while_nothing_changes(ereader: EReader, clock: Any) -> None:
    version = ereader.menu()["version"]
    clock.forward(days=1)

    assert ereader.hand_off(ereader.reader.network())["state"]["menu"] == version


def test_every_line_has_an_id_of_its_own_and_leads_somewhere(ereader: EReader) -> None:
    seen: list[str] = []

    def walk(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            seen.append(line["id"])
            assert ("action" in line) != bool(line.get("items")), line
            walk(line.get("items", []))

    walk(ereader.menu()["items"])
    assert len(seen) == len(set(seen)) > 20


def test_gestures_are_offered_what_has_a_title(core: Core, ereader: EReader) -> None:
    core.plugins.register("third_party", FakePlugin(actions=[Action("quote", "Quote", run, dispatcher="Show a quote")]))
    core.refresh()

    offered = {action["id"]: action["title"] for action in ereader.menu()["actions"]}

    drop_in = {"sync_pending", "toggle_sync", "toggle_manual_only", "test_connection"}
    assert offered.keys() == drop_in | {"quote"} and offered["quote"] == "Show a quote"


def test_what_a_held_file_offers_stands_apart(ereader: EReader) -> None:
    menu = ereader.menu()

    assert texts(menu["long_press"]) == ["Match book", "Tracked", "Sync this book", "Forget match"]
    assert "Long press" not in texts(menu["items"])


def test_a_held_books_line_says_whether_it_is_tracked(core: Core, ereader: EReader) -> None:
    ereader.hand_off(*ereader.reader.read(DUNE))
    before = ereader.menu()
    ereader.act("track_book", book=DUNE)
    now = ereader.menu()

    (line,) = [line for line in now["long_press"] if line["id"] == "track_book"]
    assert (line["text"], line["checked"]) == ("Tracked", True)
    assert line["books"] == {DUNE["partial_md5"]: {"text": "Not tracked", "checked": False}}
    assert now["version"] != before["version"]


def test_a_plugins_switch_says_what_it_is_and_what_waits_for_it(
    core: Core, ereader: EReader, bookworm: FakeTarget
) -> None:
    core.settings.set("sync.manual_only", True)
    ereader.hand_off(*ereader.reader.read(DUNE))

    lines = entry(ereader.menu(), "Plugins")["items"]

    assert texts(lines) == ["Bookworm plugin", "Reading sessions"]
    assert "Waiting: 1S" in lines[0]["help"] and lines[1]["help"].startswith("Reading sessions:")


def test_a_label_is_made_once_a_request(core: Core, ereader: EReader) -> None:
    made: list[int] = []

    def label(core: Any) -> str:
        made.append(core.pending().get("session", 0))
        return f"Quote {core.status().books['total']}"

    core.plugins.register("third_party", FakePlugin(actions=[Action("quote", label, run)]))
    core.refresh()

    ereader.menu()
    assert made == [0]
    ereader.hand_off(*ereader.reader.read(DUNE))
    ereader.act("about")
    assert len(made) == 3


def test_settings_stand_where_they_say_in_the_order_of_their_declaration(core: Core, ereader: EReader) -> None:
    names = ("zebra", "ant", "mole")
    shelf = [Setting(name, str, "", name, label=name.title(), menu=("Preferences",)) for name in names]
    zoo = [Setting(name, bool, True, name, label=name.title()) for name in names]
    core.plugins.register("shelf", Declaring(shelf))
    core.plugins.register("zoo", Declaring(zoo))

    menu = ereader.menu()

    assert texts(entry(menu, "Preferences")["items"]) == ["Shelf", "Zebra: not set", "Ant: not set", "Mole: not set",
                                                          "Silent mode"]  # fmt: skip
    assert texts(entry(menu, "What to Sync", "Zoo")["items"]) == ["Zoo", "Zebra", "Ant", "Mole"]


def test_a_label_that_fails_costs_nothing_but_its_text(core: Core, ereader: EReader) -> None:
    core.plugins.register("third_party", FakePlugin(actions=[Action("quote", broken, run)]))
    core.refresh()

    assert "quote" in texts(ereader.menu()["items"])
    assert "no label" in core.plugins.plugins["third_party"].error


def test_a_bad_value_in_the_environment_is_told_in_the_menu(open_core: Any, serve: Any) -> None:
    core = open_core(BOOKLORE_SESSIONS__MIN_PAGES="many")
    menu = paired(core, serve(core)).menu()

    assert menu["items"][0]["text"].startswith("sessions.min_pages (env): expected a whole number")
    assert entry(menu, "Sync & Cache")


def test_a_label_that_hangs_costs_nobody_the_answer(core: Core, ereader: EReader) -> None:
    ended = threading.Event()

    def hanging(core: Core) -> str:
        ended.wait(30)
        return "Late"

    core.plugins.register("third_party", FakePlugin(actions=[Action("slow", hanging, run, menu=("Elsewhere",))]))
    core.refresh()

    try:
        menu = ereader.menu()

        assert entry(menu, "Elsewhere", "slow")["action"] == "slow"
        assert not ended.is_set()
        assert "took longer than 1 s" in (core.plugins.plugins["third_party"].error or "")
    finally:
        ended.set()
