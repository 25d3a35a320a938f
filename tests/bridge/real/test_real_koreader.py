"""The shim in an unmodified KOReader: its plugin loader, dispatcher, file manager, reader, menus and dialogs."""

from __future__ import annotations

from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from koreader_process import Visit, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

QUESTION = {"type": "question", "id": "7", "text": "Which?"}
QUESTIONS = {
    "choose": {"options": ["Dune", "Dune Messiah"], "default": 0},
    "pick": {"options": ["Dune", "Dune Messiah"], "default": [0]},
    "ask": {"default": "Caladan"},
    "confirm": {"ok": "OK", "cancel": "Keep"},
}
ITEMS: list[dict[str, Any]] = [
    {"id": "toggle_sync", "text": "Enable sync", "checked": True, "action": "toggle_sync"},
    *({"id": kind, "text": f"Ask: {kind}", "action": f"ask_{kind}", "help": "A question"} for kind in QUESTIONS),
    {"id": "cache", "text": "Sync & Cache", "items": [{"id": "clear", "text": "Clear Cache", "enabled": False}]},
]
HELD = [
    {"id": "match_book", "text": "Match book", "action": "match_book"},
    {"id": "track_book", "text": "Enable or disable tracking", "action": "track_book", "enabled": False},
]
ACTIONS = [{"id": "sync_pending", "title": "Sync"}, {"id": "night_report", "title": "Night report"}]


class TalkativeCore(LoopbackCore):
    """Asks and tells what the scenario waits for."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        on = body["args"]["enabled"] if name == "toggle_sync" else self.state.get("enabled", True)
        self.state = {"enabled": on, "menu": f"{on}"}
        items = [ITEMS[0] | {"checked": on}, *ITEMS[1:]]
        self.menu = {"version": f"{on}", "items": items, "long_press": HELD, "actions": ACTIONS}
        return super().answer(method, path, body) | self.says(name, body)

    def says(self, name: str, body: Any) -> dict[str, Any]:
        texts = {
            "sync_pending": "Synced 3 items",
            "night_report": "Good night",
            "7": "Answered",
            "match_book": "Matched",
        }
        if name in texts:
            return {"effects": [{"type": "toast", "text": texts[name]}]}
        kind = name.removeprefix("ask_")
        if kind in QUESTIONS:
            return {"effects": [QUESTION | {"kind": kind} | QUESTIONS[kind]]}
        lines = body["lines"] if name == "events" else []
        if resumed := [line for line in lines if line["event"] == "resume"]:
            jump = {"type": "goto", "book": resumed[0]["book"]["partial_md5"], "position": None, "percent": 0.5}
            return {"effects": [{"type": "info", "title": "Welcome back", "text": "…"}, jump]}
        return {}


CORE, SCENARIO = TalkativeCore, "visit"


def test_the_shim_loads_in_file_manager_and_reader(visited: Visit) -> None:
    assert visited.report["file manager"]["loaded"]
    assert visited.report["reader"]["loaded"]
    assert visited.report["end"]["loaded"]


def test_nothing_goes_wrong_inside(visited: Visit) -> None:
    assert "BookLore Sync:" not in visited.output
    assert "An error occurred" not in visited.output


def test_the_dispatcher_runs_a_gesture_and_the_core_is_paired_first(visited: Visit, core: TalkativeCore) -> None:
    assert core.paths()[0] == "/v1/pair"
    assert "/v1/actions/sync_pending" in core.paths()
    assert {token for *_, token in core.requests[1:]} == {"Bearer token for 123456"}


def test_the_actions_of_the_cores_plugins_are_gestures_too(visited: Visit, core: TalkativeCore) -> None:
    assert "/v1/actions/night_report" in core.paths()


@pytest.mark.parametrize("place", ["file manager", "reader"])
def test_the_menu_opens(visited: Visit, place: str) -> None:
    assert visited.report[f"{place}'s menu"]["items"] == [item["text"] for item in ITEMS]


def test_questions_are_answered_in_real_dialogs(visited: Visit, core: TalkativeCore) -> None:
    assert [body["answer"] for body in core.bodies("/v1/answers/7")] == [1, [0, 1], "Arrakis", True]


def test_a_switch_shows_in_the_open_menu(visited: Visit) -> None:
    assert visited.report["switched off"]["checked"] is False


def test_reading_is_written_down(visited: Visit, core: TalkativeCore) -> None:
    opened, closed, resumed = (core.told(event)[0] for event in ("book_open", "book_close", "resume"))

    assert opened["reading"] | {"page": 1, "pages": 30, "turns": 0} == opened["reading"]
    assert (closed["reason"], closed["reading"]["turns"], closed["reading"]["page"]) == ("suspend", 6, 7)
    assert (closed["reading"]["stars"], closed["annotations"]) == (4, [])
    assert resumed["reading"]["page"] == 7
    assert [line["reason"] for line in core.told("book_close")] == ["suspend", "close"]


def test_the_core_moves_the_reader_without_a_page_turn(visited: Visit, core: TalkativeCore) -> None:
    last = core.told("book_close")[-1]

    assert visited.report["moved"]["page"] == 15
    assert (last["reading"]["page"], last["reading"]["turns"]) == (15, 1)


def test_a_book_deleted_in_the_file_manager_is_told(visited: Visit, core: TalkativeCore) -> None:
    (deleted,) = core.told("delete")

    assert deleted["book"]["partial_md5"] == core.told("book_open")[0]["book"]["partial_md5"]


@pytest.mark.parametrize("place", ["file manager", "history"])
def test_a_held_book_offers_what_the_core_says(visited: Visit, place: str) -> None:
    assert visited.report[f"held in {place}"] == {
        "step": f"held in {place}",
        "buttons": ["Match book", "Enable or disable tracking"],
        "closed": True,
    }


def test_a_held_folder_offers_nothing(visited: Visit) -> None:
    assert visited.report["held folder"]["buttons"] == []


def test_a_tap_on_a_held_books_button_names_the_book(visited: Visit, core: TalkativeCore) -> None:
    fresh, read = (body["book"] for body in core.bodies("/v1/actions/match_book"))

    assert (fresh["file"], fresh.get("pages"), read["pages"]) == (read["file"], None, 30)
    assert fresh["partial_md5"] == read["partial_md5"] == core.told("book_open")[0]["book"]["partial_md5"]


def test_everything_was_handed_over_and_nothing_is_left_behind(visited: Visit) -> None:
    assert [line["event"] for line in visited.spool()] == ["device"]
    assert visited.report["end"]["windows"] == 1
