"""Highlights, notes and bookmarks as KOReader makes them: what a close tells, and a sync of the closed book."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from core_on_loopback import LoopbackCore, serving
from koreader_process import Visit, visit, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


class HoldingCore(LoopbackCore):
    """Offers a sync of a held book."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        held = [{"id": "sync_book", "text": "Sync this book", "action": "sync_book"}]
        self.menu, self.state = {"version": "1", "items": [], "long_press": held}, {"menu": "1"}
        said = {"effects": [{"type": "toast", "text": "Synced"}]} if path.endswith("/sync_book") else {}
        return super().answer(method, path, body) | said


@pytest.fixture(scope="module")
def core() -> Iterator[HoldingCore]:
    core = HoldingCore()
    with serving(core):
        yield core


@pytest.fixture(scope="module")
def visited(core: HoldingCore, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return visit("notes", tmp_path_factory.mktemp("koreader"), core.url, "123456", "emma.epub")


def lists(core: LoopbackCore) -> list[list[dict[str, Any]]]:
    """What was told of the first book, list by list."""
    closed = [line for line in core.told("book_close") if line["book"]["file"].endswith("/emma.epub")]
    return [line["annotations"] for line in closed if "annotations" in line]


def synced(core: LoopbackCore, name: str) -> list[dict[str, Any]]:
    bodies = core.bodies("/v1/actions/sync_book")
    return [body for body in bodies if body["book"]["file"].endswith(f"/{name}.epub")]


def test_nothing_goes_wrong_inside(visited: Visit) -> None:
    assert "handler" not in visited.output and "An error occurred" not in visited.output
    assert visited.report["end"]["windows"] == 1


def test_a_highlight_and_a_page_bookmark_travel_with_every_field(visited: Visit, core: LoopbackCore) -> None:
    highlight, bookmark, other = lists(core)[0]

    assert (
        highlight
        | {
            "page": "/body/p[3].0",
            "pos0": "/body/p[3].0",
            "pos1": "/body/p[4].0",
            "pageno": 3,
            "text": "Handsome, clever, and rich",
            "drawer": "lighten",
            "color": "gray",
        }
        == highlight
    )
    assert len(highlight["datetime"]) == 19 and "note" not in highlight and "datetime_updated" not in highlight
    assert (bookmark["page"], bookmark["pageno"]) == ("/body/p[5].0", 5)
    assert not bookmark.keys() & {"drawer", "pos0", "pos1"}
    assert other["page"] == "/body/p[7].0"


def test_a_note_that_is_edited_in_place_is_told_though_koreader_notes_no_time(
    visited: Visit, core: LoopbackCore
) -> None:
    before, noted, edited = (one[0] for one in lists(core)[:3])

    assert (noted["note"], edited["note"]) == ("So she is", "So she was")
    assert noted.get("datetime_updated") == edited.get("datetime_updated")
    assert before["datetime"] == noted["datetime"] == edited["datetime"]


def test_a_new_colour_and_style_are_told(visited: Visit, core: LoopbackCore) -> None:
    item = lists(core)[3][0]

    assert (item["color"], item["drawer"], item["note"]) == ("red", "underscore", "So she was")
    assert item["datetime_updated"]


def test_what_was_removed_is_in_no_list_any_more(visited: Visit, core: LoopbackCore) -> None:
    assert [one["text"] for one in lists(core)[4]] == ["Vanity working on a weak head"]


@pytest.mark.parametrize("location", ["doc", "dir", "hash"])
def test_a_closed_book_tells_what_its_close_told(visited: Visit, core: LoopbackCore, location: str) -> None:
    (closed,) = (line for line in core.told("book_close") if line["book"]["file"].endswith(f"/{location}.epub"))
    (body,) = synced(core, location)

    assert visited.report[location]["sidecar"]
    assert body["annotations"] == closed["annotations"]
    assert [one["text"] for one in body["annotations"]] == [location]
    assert {key: closed["reading"][key] for key in body["reading"]} == body["reading"]
    assert body["reading"] == {
        "percent": 0.4,
        "pages": 30,
        "position": "/body/p[12].0",
        "stars": 4,
        "status": "reading",
    }


def test_positions_on_pages_are_told_once_though_the_sidecar_rounds_them(visited: Visit, core: LoopbackCore) -> None:
    first, second = (line for line in core.told("book_close") if line["book"]["file"].endswith("/paper.gif"))

    (highlight,) = first["annotations"]
    assert (highlight["page"], highlight["pageno"]) == (2, 2)
    assert highlight["pos0"] == {"page": 2, "x": 90.333333333333, "y": 20.1, "zoom": 1, "rotation": 0}
    assert highlight["ext"] == {str(page): {"pboxes": [{"x": 1, "y": 2, "w": 3, "h": 0.7}]} for page in (2, 3)}
    assert "annotations" not in second


def test_old_tables_are_told_as_koreader_itself_converts_them(visited: Visit, core: LoopbackCore) -> None:
    told, live = synced(core, "emma")[0]["annotations"], lists(core)[5]

    assert [one["text"] for one in told] == ["first", "second", "lost", "in Volume Two"]
    assert [one.get("note") for one in told] == ["Yes", None, "Kept", "Mine"]
    assert told == [{key: one[key] for key in one if key not in {"pageno", "color"}} for one in live]


@pytest.mark.parametrize("size", [0, 31])
def test_a_sidecar_that_was_cut_short_costs_no_sync_and_stays(visited: Visit, core: LoopbackCore, size: int) -> None:
    assert visited.report[f"cut to {size}"]["size"] == size
    assert [body.keys() for body in synced(core, "emma")[1:]] == [{"args", "book"}] * 2
