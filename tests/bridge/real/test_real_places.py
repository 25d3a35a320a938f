"""Places that the core sends: KOReader goes there, in a book whose pages are laid out on the device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore, serving
from koreader_process import Visit, visit, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

OWN_SYNC = 'return { ["settings"] = { ["auto_sync"] = true, ["custom_server"] = "http://127.0.0.1:1" } }'


class FurtherCore(LoopbackCore):
    """Knows where the reader of another device is."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        effects = [self.says(line) for line in body["lines"]] if path == "/v1/events" else []
        return super().answer(method, path, body) | {"effects": [effect for effect in effects if effect]}

    def says(self, line: dict[str, Any]) -> dict[str, Any] | None:
        book = line.get("book", {"partial_md5": self.book()})["partial_md5"]
        jump = {"type": "goto", "book": book, "position": "/body/p[20].0", "percent": 0.6666}
        ask = {"type": "confirm", "text": "Jump to 67 %?", "ok": "Jump", "cancel": "Stay", "book": book}
        match line["event"]:
            case "book_open":
                return ask | {"page": line["reading"]["page"], "on_ok": [jump], "on_cancel": []}
            case "resume":
                return jump | {"position": "/body/DocFragment[3]/body/p[7]/text().0", "percent": 0.5}
            case "network_connected" if book:
                return {**ask, "text": "Jump again?", "page": 15, "on_ok": [], "on_cancel": []}
        return None

    def book(self) -> str | None:
        return next((line["book"]["partial_md5"] for line in self.lines if "book" in line), None)


@pytest.fixture(scope="module")
def core() -> Iterator[FurtherCore]:
    core = FurtherCore()
    with serving(core):
        yield core


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("koreader")
    (home / "settings").mkdir()
    (home / "settings" / "kosync.lua").write_text(OWN_SYNC)
    return home


@pytest.fixture(scope="module")
def visited(core: FurtherCore, home: Path) -> Visit:
    return visit("places", home, core.url, "123456", "emma.epub")


def lines(core: LoopbackCore, *events: str) -> list[dict[str, Any]]:
    return [line for line in core.lines if line["event"] in events]


def test_nothing_goes_wrong_inside(visited: Visit) -> None:
    assert "BookLore Sync:" not in visited.output
    assert "An error occurred" not in visited.output


def test_a_confirmed_place_is_gone_to(visited: Visit) -> None:
    assert visited.report["asked"]["page"] == 1
    assert visited.report["jumped"] | {"page": 20, "position": "/body/p[20].0"} == visited.report["jumped"]


def test_instead_of_a_place_that_the_file_does_not_have_the_percent_counts(visited: Visit) -> None:
    assert visited.report["elsewhere"] | {"page": 15, "position": "/body/p[15].0"} == visited.report["elsewhere"]


def test_a_question_about_a_page_that_was_left_is_not_asked(visited: Visit) -> None:
    assert (visited.report["stayed"]["page"], visited.report["stayed"]["windows"]) == (16, 1)


def test_there_is_a_way_back(visited: Visit) -> None:
    assert visited.report["back"]["page"] == 20


def test_jumps_are_no_page_turns_and_their_places_are_told(visited: Visit, core: FurtherCore) -> None:
    first, last = (line["reading"] for line in lines(core, "book_close"))

    assert (first["page"], first["position"], first["turns"]) == (20, "/body/p[20].0", 0)
    assert (last["page"], last["turns"]) == (20, 1)


def test_koreaders_own_progress_sync_is_told_and_left_alone(visited: Visit, core: FurtherCore) -> None:
    assert lines(core, "book_open")[0]["kosync"] == "http://127.0.0.1:1"
    assert (visited.home / "settings" / "kosync.lua").read_text() == OWN_SYNC
