"""What KOReader does in its own way: sidecars, deletions, messages, continuous views."""

from __future__ import annotations

from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from koreader_process import Visit, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

CANDIDATES = ["97 % Dune\nFrank Herbert", "61 % כוכב\nעמוס אילן", "Skip this book", "Cancel matching"]


class MatchingCore(LoopbackCore):
    """Tells of itself when the device wakes up, and asks about a match."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        self.menu = {"version": "1", "items": [{"id": "about", "text": "About", "action": "about"}]}
        self.state = {"menu": "1"}
        return super().answer(method, path, body) | self.says(path.rpartition("/")[2], body)

    def says(self, name: str, body: Any) -> dict[str, Any]:
        lines = body["lines"] if name == "events" else []
        if any(line["event"] == "resume" for line in lines):
            return {"effects": [{"type": "toast", "text": "Welcome back"}]}
        if name == "test_connection":
            question = {"id": "7", "kind": "choose", "text": "1 of 2: Dune", "options": CANDIDATES, "default": 2}
            return {"effects": [{"type": "question", **question}]}
        return {"effects": [{"type": "toast", "text": "Answered"}]} if name == "7" else {}


CORE, SCENARIO = MatchingCore, "habits"


def test_nothing_goes_wrong_inside(visited: Visit) -> None:
    assert "BookLore Sync:" not in visited.output
    assert "An error occurred" not in visited.output
    assert visited.report["end"]["windows"] == "window"


def test_identifiers_travel_though_koreader_drops_them(visited: Visit, core: LoopbackCore) -> None:
    assert visited.report["open"]["kept"] == "none"
    assert core.told("book_open")[0]["book"]["identifiers"] == "ISBN:9780441013593"


def test_another_book_at_the_same_path_has_its_own_digest(visited: Visit, core: LoopbackCore) -> None:
    seen, opened = visited.report["same path"], [line["book"]["partial_md5"] for line in core.told("book_open")]

    assert opened[:2] == [seen["sidecar"], seen["bytes"]]
    assert seen["sidecar"] != seen["bytes"]


@pytest.mark.parametrize("location", ["doc", "dir", "hash"])
def test_what_was_read_in_a_deleted_folder_is_told(visited: Visit, core: LoopbackCore, location: str) -> None:
    told = [line["book"] for line in core.told("delete") if f"/books/{location}/" in line["book"]["file"]]

    assert visited.report[location]["sidecar"]
    assert [book["file"].rpartition("/")[2] for book in told] == ["read.gif"]


def test_of_selected_files_the_one_that_was_written_over_is_not_told(visited: Visit, core: LoopbackCore) -> None:
    told = [line["book"]["file"].rpartition("/")[2] for line in core.told("delete")]

    assert "one.gif" in told and "two.gif" not in told


def test_a_message_that_nobody_asked_for_lets_the_tap_through(visited: Visit) -> None:
    tap = visited.report["tap"]

    assert (tap["before"]["windows"], tap["windows"]) == ("window toast", "window")
    assert tap["place"] != tap["before"]["place"]


def test_a_continuous_view_tells_where_it_is_and_counts_no_jump(visited: Visit, core: LoopbackCore) -> None:
    scrolled = visited.report["scrolled"]
    closed = [line["reading"] for line in core.told("book_close") if line["reason"] == "suspend"][1]
    checkpoint = [line["reading"] for line in core.told("page_turns")][-1]

    assert (closed["turns"], closed["page"], closed["position"]) == (6, 20, "20")
    assert (checkpoint["page"], checkpoint["position"]) == (scrolled["page"] - 1, str(scrolled["top"] - 1))


def test_half_stars_are_told_as_they_stand_there(visited: Visit, core: LoopbackCore) -> None:
    assert core.told("book_close")[-1]["reading"]["stars"] == 3.5


def test_candidates_are_a_list_and_a_tap_answers(visited: Visit, core: LoopbackCore) -> None:
    assert visited.report["asking"]["windows"] == "window toast"
    assert visited.report["candidates"]["items"][0] == CANDIDATES[0]
    assert visited.report["candidates"]["items"][1] == "\u206861 % כוכב\u2069\n\u2068עמוס אילן\u2069"
    assert core.bodies("/v1/answers/7") == [{"answer": 1}]


def test_a_device_whose_token_counts_no_more_can_be_paired_again(visited: Visit) -> None:
    assert visited.report["paired"]["items"] == ["About"]
    assert visited.report["unpaired"]["items"][-1] == "Pair with core…"
