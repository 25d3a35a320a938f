"""*Sync this book* on a book that is not open: its sidecar says what the open book would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import BOOKS, EReader, partial_md5, to_lua

SIDECARS = Path(__file__).parents[1] / "captures" / "sidecars"
DUNE, PAPER = f"{BOOKS}/dune.epub", f"{BOOKS}/paper.pdf"
START = "/body/DocFragment[2]/body/p[3]/text().0"
HIGHLIGHT: dict[str, Any] = {
    "datetime": "2026-11-20 13:41:02",
    "datetime_updated": "2026-11-20 13:50:00",
    "page": START,
    "pos0": START,
    "pos1": "/body/DocFragment[2]/body/p[3]/text().23",
    "pageno": 12,
    "text": "Fear is the mind-killer",
    "note": "So it is",
    "drawer": "lighten",
    "color": "yellow",
    "chapter": "Book One",
}
BOOKMARK = {
    "datetime": "2026-11-20 13:44:00",
    "page": START,
    "pageno": 12,
    "text": "in Book One",
    "chapter": "Book One",
}


@pytest.fixture
def offered(paired: EReader, core: LoopbackCore) -> EReader:
    names = ("sync_book", "match_book")
    core.menu = {"version": "2", "items": [], "long_press": [{"id": one, "text": one, "action": one} for one in names]}
    core.state = {"menu": "2"}
    paired.send("NetworkConnected")
    paired.pass_time(3)
    return paired


def tap(reader: EReader, core: LoopbackCore, name: str, file: str = DUNE, place: str = "filemanager") -> dict[str, Any]:
    """Holds the book and taps the button: what the core is asked."""
    (row,) = reader.ko.hold(place, file, True).buttons.values()
    next(button for button in row.values() if button.text == name).callback()
    reader.pass_time(5)
    body: dict[str, Any] = core.bodies(f"/v1/actions/{name}")[-1]
    return body


def sync(reader: EReader, core: LoopbackCore, file: str = DUNE, place: str = "filemanager") -> dict[str, Any]:
    return tap(reader, core, "sync_book", file, place)


def put_sidecar(reader: EReader, text: str, file: str = DUNE) -> None:
    """A sidecar of the book as it is on the device, with this after `return`."""
    if not (reader.root / file.lstrip("/")).exists():
        reader.put_book(file.rpartition("/")[2])
    reader.ko.doc_settings.write(file, to_lua(text))


def digest(reader: EReader, file: str = DUNE) -> str:
    md5 = partial_md5(reader.root / file.lstrip("/"))
    assert md5
    return md5


def put_old(reader: EReader, name: str, file: str) -> list[dict[str, Any]]:
    """A sidecar from before 2024, for the book that is on the device; what is in it."""
    text = (SIDECARS / f"{name}.lua").read_text()
    was = text.partition('["partial_md5_checksum"] = "')[2][:32]
    reader.put_book(file.rpartition("/")[2])
    put_sidecar(reader, text.replace(was, digest(reader, file)), file)
    expected: list[dict[str, Any]] = json.loads((SIDECARS / f"{name}.expected.json").read_text())["expected"]
    return expected


@pytest.mark.parametrize("location", ["doc", "dir", "hash"])
def test_a_closed_book_tells_what_its_close_told(offered: EReader, core: LoopbackCore, location: str) -> None:
    offered.ko.doc_settings.location = location
    offered.open(annotations=[HIGHLIGHT, BOOKMARK], percent=0.42, progress=START, settings={"summary": {"rating": 4}})
    offered.close()
    (closed,) = offered.spool("book_close")
    offered.remember(device={"id": "kobo-7f3a"}, url=core.url, token="secret", menu=json.dumps(core.menu))
    offered.setting("told").unlink()
    sidecars = offered.ko.doc_settings.sidecars
    kept = {key: sidecars[key] for key in sidecars}
    offered.restart()
    offered.ko.doc_settings.location = location
    for key, text in kept.items():
        offered.ko.doc_settings.sidecars[key] = text

    body = sync(offered, core)

    assert body["annotations"] == closed["annotations"] == [HIGHLIGHT, BOOKMARK]
    assert body["reading"] == {"percent": 0.42, "pages": 100, "position": START, "stars": 4, "review": None}
    assert {key: closed["reading"][key] for key in body["reading"]} == body["reading"]


def test_of_a_paged_book_the_page_is_the_position(offered: EReader, core: LoopbackCore) -> None:
    settings = {"summary": {"status": "complete"}}
    offered.open("paper.pdf", paged=True, page=17, percent=0.17, progress=17, settings=settings)
    offered.close()

    reading = sync(offered, core, PAPER)["reading"]
    assert (reading.pop("stars"), reading.pop("review")) == (None, None)
    assert reading == {"percent": 0.17, "page": 17, "pages": 100, "position": "17", "status": "complete"}


def test_what_a_close_has_told_is_not_told_again(offered: EReader, core: LoopbackCore) -> None:
    offered.open(annotations=[HIGHLIGHT])
    offered.close()

    body = sync(offered, core)
    assert "annotations" not in body and "reading" in body


def test_after_a_list_went_past_the_spool_the_next_close_tells_its_own(offered: EReader, core: LoopbackCore) -> None:
    """Another program changed the sidecar, and changed it back."""
    offered.open(annotations=[HIGHLIGHT])
    offered.close()
    offered.pass_time(5)
    put_sidecar(offered, f'return {{ partial_md5_checksum = "{digest(offered)}", annotations = {{}} }}')
    first, second = (sync(offered, core)["annotations"] for _ in range(2))
    offered.open(annotations=[HIGHLIGHT])
    offered.close()
    offered.pass_time(5)

    assert first == second == []
    assert [line["annotations"] for line in core.told("book_close")] == [[HIGHLIGHT], [HIGHLIGHT]]


def test_only_a_sync_of_the_book_carries_it(offered: EReader, core: LoopbackCore) -> None:
    offered.open(annotations=[HIGHLIGHT])
    offered.close()
    offered.ko.doc_settings.location = "dir"

    assert tap(offered, core, "match_book").keys() == {"args", "book"}


@pytest.mark.parametrize("enabled", [True, False])
def test_of_an_open_book_the_live_tables_count(offered: EReader, core: LoopbackCore, enabled: bool) -> None:
    offered.open(annotations=[HIGHLIGHT])
    offered.close()
    offered.open(annotations=[])
    offered.ko.plugin.switch(offered.ko.plugin, enabled)

    assert sync(offered, core, place="history").keys() == {"args", "book"}
    offered.close()
    assert not enabled or offered.spool("book_close")[-1]["annotations"] == []


def test_another_book_that_is_open_is_no_hindrance(offered: EReader, core: LoopbackCore) -> None:
    put_sidecar(offered, "return { annotations = {}, percent_finished = 0.5 }")
    offered.open("messiah.epub")

    body = sync(offered, core, place="history")
    assert (body["annotations"], body["reading"]) == ([], {"percent": 0.5})


def test_highlights_of_old_tables_are_told_in_todays_shape(offered: EReader, core: LoopbackCore) -> None:
    expected = put_old(offered, "old-epub-2023", DUNE)

    body = sync(offered, core)

    told = [one.copy() for one in reversed(body["annotations"])]
    assert [{key: one.get(key) for key in expected[0]} for one in told] == expected
    assert (len(told), sum("note" in one for one in told)) == (17, 14)
    assert {one["drawer"] for one in told} == {"lighten"}
    assert told[0].keys() == expected[0].keys() | {"drawer", "chapter"}
    assert (told[0]["chapter"], body["reading"]["pages"]) == ("Chapter 9", 564)
    assert body["reading"]["position"] == "/body/DocFragment[14]/body/div/p[20]/span/text().1110"


def test_highlights_of_an_old_pdf_keep_their_tables(offered: EReader, core: LoopbackCore) -> None:
    expected = put_old(offered, "old-pdf-2024", PAPER)

    body = sync(offered, core, PAPER)

    told = list(reversed(body["annotations"]))
    assert [{key: one.get(key) for key in expected[0]} for one in told] == expected
    assert (len(told), sum("note" in one for one in told)) == (12, 12)
    assert len(told[0]["pboxes"]) == 5
    assert body["reading"] | {"page": 247, "position": "247", "pages": 608} == body["reading"]


def test_what_old_tables_say_in_two_places_is_brought_together(offered: EReader, core: LoopbackCore) -> None:
    """A style that is found, one that is lost, positions that name no page, a bookmark, and texts nobody wrote."""
    put_sidecar(
        offered,
        """return {
        bookmarks = {
            { page = 9, datetime = "2016-01-03 10:00:00", notes = "in Three", text = "Mine" },
            { page = 7, datetime = "2016-01-02 10:00:00", notes = "second", highlighted = true,
              text = "Seite 7 second @ 2016-01-02 10:00:00", pos0 = { x = 1, y = 2 }, pos1 = { x = 3, y = 4 } },
            { page = 5, datetime = "2016-01-01 10:00:00", notes = "first", highlighted = true, text = "first",
              pos0 = { page = 5, x = 1 }, pos1 = { page = 6, x = 3 } },
        },
        highlight = { [5] = { { datetime = "2016-01-01 10:00:00", text = "first", drawer = "underscore",
            color = "red", edited = true, ext = { [5] = { n = 1 }, [6] = { n = 2 } } } } },
    }""",
        PAPER,
    )

    first, second, bookmark = sync(offered, core, PAPER)["annotations"]

    assert first == {
        "datetime": "2016-01-01 10:00:00",
        "page": 5,
        "text": "first",
        "text_edited": True,
        "drawer": "underscore",
        "color": "red",
        "pos0": {"page": 5, "x": 1},
        "pos1": {"page": 6, "x": 3},
        "ext": {"5": {"n": 1}, "6": {"n": 2}},
    }
    assert (second["pos0"], second["pos1"]) == ({"page": 7, "x": 1, "y": 2}, {"page": 7, "x": 3, "y": 4})
    assert second["drawer"] == "lighten" and "note" not in second
    assert bookmark == {"datetime": "2016-01-03 10:00:00", "page": 9, "text": "in Three", "note": "Mine"}


@pytest.mark.parametrize("text", ["", "return 5", "return { annotations = { { tex", "error('gone')", "return {}"])
def test_a_sidecar_that_cannot_be_read_costs_no_sync_and_stays(offered: EReader, core: LoopbackCore, text: str) -> None:
    put_sidecar(offered, text)

    assert sync(offered, core) == {"args": {}, "book": {"partial_md5": digest(offered), "file": DUNE, "size": 6}}
    assert offered.ko.doc_settings.sidecars[DUNE] == text


def test_a_book_without_a_sidecar_is_synced_as_it_is(offered: EReader, core: LoopbackCore) -> None:
    offered.put_book("dune.epub")

    assert sync(offered, core).keys() == {"args", "book"}


@pytest.mark.parametrize("held", ["annotations = 5", "annotations = 'none'", "bookmarks = { 5 }", "highlight = {}"])
def test_tables_that_are_none_are_left_out(offered: EReader, core: LoopbackCore, held: str) -> None:
    put_sidecar(offered, f"return {{ doc_pages = 10, {held} }}")

    body = sync(offered, core)
    assert "annotations" not in body and body["reading"] == {"pages": 10}


@pytest.mark.parametrize("held", ["annotations = {}", "bookmarks = {}, highlight = {}"])
def test_an_empty_table_is_told_as_one(offered: EReader, core: LoopbackCore, held: str) -> None:
    put_sidecar(offered, f"return {{ {held} }}")

    assert sync(offered, core)["annotations"] == []


def test_stars_of_a_book_that_was_never_opened_are_told(offered: EReader, core: LoopbackCore) -> None:
    """The file manager writes a sidecar that does not say of which bytes it is."""
    put_sidecar(offered, 'return { summary = { rating = 5, status = "complete", note = "A desert." } }')

    assert sync(offered, core)["reading"] == {"stars": 5, "status": "complete", "review": "A desert."}


def test_the_sidecar_of_another_book_at_the_same_path_is_not_told(offered: EReader, core: LoopbackCore) -> None:
    put_sidecar(offered, f'return {{ partial_md5_checksum = "{"a" * 32}", annotations = {{}}, doc_pages = 9 }}')

    assert sync(offered, core).keys() == {"args", "book"}


def test_a_pdf_that_koreader_wrote_into_is_told_with_the_name_it_was_read_under(
    offered: EReader, core: LoopbackCore
) -> None:
    offered.open("paper.pdf", paged=True, progress=1)
    read_under = digest(offered, PAPER)
    offered.put_book("paper.pdf", b"a book, with highlights in it")
    offered.close()

    body = sync(offered, core, PAPER)
    assert body["book"]["partial_md5"] == read_under and body["reading"]["page"] == 1


def test_text_that_is_not_utf8_still_makes_a_request(offered: EReader, core: LoopbackCore) -> None:
    offered.put_book("dune.epub")
    offered.ko.doc_settings.write(DUNE, 'return { annotations = { { text = "broken \xff\xc3 text" } } }')

    assert sync(offered, core)["annotations"] == [{"text": "broken \ufffd\ufffd text"}]


def test_a_number_that_json_cannot_say_costs_the_reading_only(offered: EReader, core: LoopbackCore) -> None:
    put_sidecar(offered, "return { percent_finished = 1e999, annotations = {} }")

    body = sync(offered, core)
    assert "reading" not in body and body["annotations"] == []
