"""What the core offers for a book, in the dialogs that KOReader opens when a file is held."""

from __future__ import annotations

from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import BOOKS, EReader, from_lua, partial_md5

HELD: list[dict[str, Any]] = [
    {"id": "match_book", "text": "Match book", "help": "Find it", "enabled": True, "action": "match_book"},
    {"id": "track_book", "text": "Enable or disable tracking", "action": "track_book", "args": {"ask": True}},
    {"id": "sync_book", "text": "Sync this book", "enabled": False, "action": "sync_book"},
]
TEXTS = [node["text"] for node in HELD]
PLACES = ["filemanager", "history", "collections", "filesearcher"]
DUNE = f"{BOOKS}/dune.epub"


def offer(reader: EReader, core: LoopbackCore, held: Any, version: str = "2") -> None:
    core.menu, core.state = {"version": version, "items": [], "long_press": held}, {"menu": version}
    reader.send("NetworkConnected")
    reader.pass_time(3)


@pytest.fixture
def offered(paired: EReader, core: LoopbackCore) -> EReader:
    offer(paired, core, HELD)
    return paired


def rows(reader: EReader, place: str = "filemanager", file: str = DUNE, is_file: bool = True) -> list[list[Any]]:
    """The rows of buttons that were added to a held file's dialog."""
    return [list(row.values()) for row in reader.ko.hold(place, file, is_file).buttons.values()]


def texts(row: list[Any]) -> list[str]:
    return [from_lua(button.text) for button in row]


def tap(reader: EReader, text: str, place: str = "filemanager", file: str = DUNE) -> None:
    (row,) = rows(reader, place, file)
    row[texts(row).index(text)].callback()
    reader.pass_time(5)


@pytest.mark.parametrize("place", PLACES)
def test_a_held_book_offers_what_the_core_says_in_one_row(offered: EReader, place: str) -> None:
    (row,) = rows(offered, place)

    assert texts(row) == TEXTS
    assert [button.enabled is not False for button in row] == [True, True, False]


@pytest.mark.parametrize("place", ["history", "collections", "filesearcher"])
def test_the_lists_that_are_opened_from_a_book_offer_it_too(offered: EReader, core: LoopbackCore, place: str) -> None:
    offered.open("messiah.epub")
    offered.put_book("dune.epub", b"spice")
    tap(offered, "Match book", place)

    (body,) = core.bodies("/v1/actions/match_book")
    assert body["book"]["file"] == DUNE


@pytest.mark.parametrize("place", PLACES)
def test_a_tap_closes_the_dialog_and_posts_the_action_for_that_book(
    offered: EReader, core: LoopbackCore, place: str
) -> None:
    offered.open()
    offered.close()
    tap(offered, "Enable or disable tracking", place)

    (body,) = core.bodies("/v1/actions/track_book")
    assert body["args"] == {"ask": True}
    assert body["book"] == {
        "partial_md5": partial_md5(offered.root / DUNE.lstrip("/")),
        "file": DUNE,
        "size": 6,
        "pages": 100,
        "title": "Dune",
        "authors": ["Frank Herbert"],
        "identifiers": "ISBN:9780441013593",
    }
    assert offered.shown("filedialog") == []


def test_a_book_that_was_never_opened_is_named_by_its_content(offered: EReader, core: LoopbackCore) -> None:
    offered.put_book("dune.epub", b"spice")
    tap(offered, "Match book")

    (body,) = core.bodies("/v1/actions/match_book")
    md5 = partial_md5(offered.root / DUNE.lstrip("/"))
    assert body == {"args": {}, "book": {"partial_md5": md5, "file": DUNE, "size": 5}}


def test_a_held_book_is_named_by_its_bytes_whatever_its_sidecar_is_of(offered: EReader, core: LoopbackCore) -> None:
    offered.open()
    offered.close()
    md5 = partial_md5(offered.put_file("dune.epub", b"another book under the same name"))
    tap(offered, "Match book")

    (body,) = core.bodies("/v1/actions/match_book")
    assert body["book"] == {"partial_md5": md5, "file": DUNE, "size": 32}


def test_a_book_that_koreader_wrote_highlights_into_keeps_the_name_it_was_read_under(
    offered: EReader, core: LoopbackCore
) -> None:
    book = offered.open("dune.pdf", paged=True, progress=1)
    read_under = book.settings.partial_md5_checksum
    offered.put_book("dune.pdf", b"a book, with highlights in it")
    offered.close()
    tap(offered, "Match book", file=f"{BOOKS}/dune.pdf")

    (body,) = core.bodies("/v1/actions/match_book")
    assert body["book"]["partial_md5"] == read_under


@pytest.mark.parametrize("text", ["", "return 5", "return { doc_props = { tit"])
def test_a_sidecar_that_was_cut_short_costs_neither_the_row_nor_the_name(
    offered: EReader, core: LoopbackCore, text: str
) -> None:
    offered.put_book("dune.epub", b"spice")
    offered.ko.doc_settings.write(DUNE, text)
    tap(offered, "Match book")

    (body,) = core.bodies("/v1/actions/match_book")
    assert body["book"] == {"partial_md5": partial_md5(offered.root / DUNE.lstrip("/")), "file": DUNE, "size": 5}


def test_what_is_so_of_the_held_book_is_said(offered: EReader, core: LoopbackCore) -> None:
    offered.put_book("dune.epub", b"spice")
    offered.put_book("messiah.epub", b"more spice")
    md5 = partial_md5(offered.root / DUNE.lstrip("/"))
    other = {"text": "Not tracked", "checked": False, "args": {"on": True}}
    track = {"id": "track_book", "text": "Tracked", "checked": True, "action": "track_book", "args": {"on": False}}
    offer(offered, core, [track | {"books": {md5: other}}], version="3")

    ((untracked,),) = rows(offered)
    ((tracked,),) = rows(offered, file=f"{BOOKS}/messiah.epub")
    assert (untracked.text, untracked.checked_func()) == ("Not tracked", False)
    assert (tracked.text, tracked.checked_func()) == ("Tracked", True)
    untracked.callback()
    offered.pass_time(5)
    assert core.bodies("/v1/actions/track_book")[0]["args"] == {"on": True}


def test_folders_and_files_that_are_no_books_have_no_buttons(offered: EReader) -> None:
    assert rows(offered, file=f"{BOOKS}/library.epub", is_file=False) == []
    assert rows(offered, file=f"{BOOKS}/settings.zip") == []


@pytest.mark.parametrize("place", PLACES)
def test_a_menu_that_was_never_fetched_has_no_buttons(reader: EReader, place: str) -> None:
    assert rows(reader, place) == []


def test_the_buttons_are_there_without_the_core(offered: EReader, core: LoopbackCore) -> None:
    core.loses_answers = True
    offered.restart()

    assert texts(rows(offered)[0]) == TEXTS
    tap(offered, "Match book")
    assert any("The core does not answer" in text for text in offered.toasts())


def test_the_buttons_are_those_of_the_last_menu(offered: EReader, core: LoopbackCore) -> None:
    offer(offered, core, HELD[:1], version="3")
    assert [texts(row) for row in rows(offered)] == [["Match book"]]

    offer(offered, core, [], version="4")
    assert rows(offered) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_row_that_stays_for_ever_reaches_the_window_that_lives(
    offered: EReader, core: LoopbackCore, place: str
) -> None:
    """Once a plugin has added rows to the class, ours lands there too, and the first one is kept."""
    add = offered.lua.eval("function(lists, add) add(lists, 'cover', function() end) end")
    add(offered.ko.lists[place], offered.ko.lists.filemanager.addFileDialogButtons)
    for _ in range(2):
        offered.open()
        offered.close()
    offer(offered, core, HELD[:1], version="3")
    tap(offered, "Match book", place)

    assert offered.ko.lists[place].rows.index.booklorebridge == 2
    assert len(core.bodies("/v1/actions/match_book")) == 1
    assert offered.shown("filedialog") == []


def test_the_rows_of_a_plugin_that_comes_later_are_not_hidden(offered: EReader) -> None:
    offered.ko.other_plugin = offered.lua.eval("""function()
        local FileManager = require("apps/filemanager/filemanager")
        FileManager:addFileDialogButtons("cover", function() return { { text = "Ignore cover" } } end)
    end""")
    offered.open()
    offered.close()

    assert [texts(row) for row in rows(offered)] == [["Ignore cover"], TEXTS]


def test_the_menu_of_an_open_book_no_longer_holds_them(offered: EReader) -> None:
    offered.open()

    assert offered.menu() == []


@pytest.mark.parametrize("held", ["no list", [{"text": "Match book", "action": "match_book"}, 5]])
def test_what_makes_no_sense_costs_the_row_and_nothing_else(paired: EReader, core: LoopbackCore, held: Any) -> None:
    offer(paired, core, held)

    assert rows(paired) == []
    assert any("BookLore Sync:" in line for line in paired.log())


def test_a_list_that_is_gone_is_no_harm(offered: EReader, core: LoopbackCore) -> None:
    (row,) = rows(offered)
    offered.ko.ui.file_chooser = None
    row[0].callback()
    offered.pass_time(5)

    assert any("BookLore Sync:" in line for line in offered.log())


def test_a_koreader_without_such_lists_still_loads_the_shim(offered: EReader, core: LoopbackCore) -> None:
    offered.ko.lists.filemanager.addFileDialogButtons = None
    offered.open()
    offered.close()
    offered.pass_time(5)

    assert rows(offered) == []
    assert "book_close" in core.events()
